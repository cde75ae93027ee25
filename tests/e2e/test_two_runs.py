"""Two runs at once: of one source, and of two sources that share pages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from atlas.contracts.sync_pipeline import SyncProgress
from atlas.stores.postgres.settlement import removal
from atlas.stores.postgres.sources import sources
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin

PAGE = "<html><title>{0}</title><main><p>The {0} page tells of lanterns and ferries.</p></main>"


async def test_of_two_runs_of_one_source_the_second_names_the_first(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    gate = asyncio.Event()
    origin.page("/a", PAGE.format("only"), gate=gate)
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        first = await atlas_env.start("docs", id="sync-of-the-schedule", trigger="schedule")
        await origin.arrived("/a")
        second = await atlas_env.sync("docs", id="sync-of-a-person")
        assert second.outcome == "already_running"
        assert "sync-of-the-schedule" in second.message
        assert first.result_run_id is not None and first.result_run_id in second.message
        patient = await atlas_env.start("docs", id="patient", wait_for_lease=True)
        gate.set()
        assert (await first.result()).counts.added == 1
        assert (await patient.result()).counts.unchanged == 1
    assert len(origin.requests("/a")) == 2
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_a_page_of_two_sources_is_fetched_once_and_outlives_one_of_them(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    gate = asyncio.Event()
    names = ("one", "both", "two")
    for name in names:
        origin.page(f"/{name}", PAGE.format(name), gate=gate if name == "both" else None)
    await atlas_env.add_source("left", "urls", origin.url("/one"), origin.url("/both"))
    await atlas_env.add_source("right", "urls", origin.url("/two"), origin.url("/both"))
    async with atlas_env.worker():
        left = await atlas_env.start("left")
        await origin.arrived("/both")  # asked for by the left run, which holds the page
        right = await atlas_env.start("right")

        async def works() -> bool:
            done = "select count(*) from run_pages where outcome = 'added' and url = $1"
            return bool(await atlas_env.value(done, origin.url("/two")))

        await until(works)
        gate.set()
        first, second = await left.result(), await right.result()
    assert (first.counts.added, first.counts.skipped) == (2, 0)
    assert (second.counts.added, second.counts.skipped) == (1, 1)
    assert len(origin.requests("/both")) == 1
    code = "select error_code from run_pages where outcome = 'skipped'"
    assert await atlas_env.value(code) == "fresh"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)

    async with atlas_env.pool.acquire() as connection:
        source = await sources.get(connection, "left")
        alone = await removal.remove_source(connection, source, purge=True, now=datetime.now(UTC))
    assert alone == 1  # /one
    assert sorted((await snapshot(atlas_env.pool, origin.base)).live) == [
        "{site}/both",
        "{site}/two",
    ]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_a_terminated_runs_lease_and_pages_go_to_the_next(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    """It holds pages that another source wants, too: its run is ended for that one."""
    gate = asyncio.Event()
    origin.page("/a", PAGE.format("shared"), gate=gate)
    await atlas_env.add_source("left", "urls", origin.url("/a"), parallel=4)
    await atlas_env.add_source("right", "urls", origin.url("/a"), parallel=4)
    async with atlas_env.worker():
        dead = await atlas_env.start("left", id="dead")
        await origin.arrived("/a")
        await dead.terminate()
        origin.page("/a", PAGE.format("shared"))
        assert (await atlas_env.sync("right")).counts.added == 1
        assert (await atlas_env.sync("left", id="next")).counts.unchanged == 1
        gate.set()
    ended = await atlas_env.fetch("select outcome from runs where workflow_id = 'dead'")
    assert [row["outcome"] for row in ended] == ["failed"]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow  # it polls for the lease every few seconds
async def test_a_pause_while_waiting_for_the_lease_outlives_continuing_as_new(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    gate = asyncio.Event()
    origin.page("/a", PAGE.format("only"), gate=gate)
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        holder = await atlas_env.start("docs", id="holder")
        await origin.arrived("/a")
        waiting = await atlas_env.start(
            "docs", id="waiting", wait_for_lease=True, max_history_events=100
        )
        for _ in range(15):  # make the history long
            await waiting.signal("pause")
            await waiting.signal("resume")
        await waiting.signal("pause")

        async def continued() -> bool:
            now = await atlas_env.client.get_workflow_handle("waiting").describe()
            return now.run_id != waiting.result_run_id

        await until(continued)
        progress = await atlas_env.client.get_workflow_handle("waiting").query(
            "progress", result_type=SyncProgress
        )
        assert (progress.paused, progress.stage) == (True, "paused")
        gate.set()
        assert (await holder.result()).counts.added == 1

        async def recorded() -> bool:
            query = "select paused_since is not null from runs where workflow_id = 'waiting'"
            return bool(await atlas_env.value(query))

        await until(recorded)
        asked = len(origin.requests("/a"))
        await waiting.signal("resume")
        assert (await waiting.result()).counts.unchanged == 1
        assert len(origin.requests("/a")) == asked + 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
