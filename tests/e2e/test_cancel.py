"""Cancelled, terminated, paused: nothing half-written, and the next run finishes the work."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError

from atlas.contracts.sync_pipeline import SyncProgress
from tests.e2e.environments import Servers, servers, until, until_pages
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_faults import assert_troubles_met
from tests.invariants import assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin
from tests.sites import START, GeneratedSite

__all__ = ["servers"]

SITE = GeneratedSite(pages=80)
STARTED = EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
ENDED = (
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
)


async def declare(env: AtlasEnv, origin: Origin) -> None:
    SITE.serve(origin)
    await env.add_source("docs", "site", origin.url(START), prefix=origin.url(START))


async def test_cancelled_in_the_middle_then_run_again_gives_the_same_corpus(
    servers: Servers, tmp_path: Path
) -> None:
    async with (
        Origin() as origin,
        Origin() as calm,
        servers.atlas(tmp_path / "cancelled") as env,
        servers.atlas(tmp_path / "calm") as other,
    ):
        await declare(env, origin)
        await declare(other, calm)
        env.spawn_worker()
        other.spawn_worker()
        release = origin.hold_after(60)
        handle = await env.start("docs", id="cancelled", batch=10)
        await until_pages(env, "done", 25)
        await handle.cancel()
        release.set()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)

        run = (await env.fetch("select * from runs where workflow_id = 'cancelled'"))[0]
        assert run["outcome"] == "cancelled"
        skipped = await env.fetch(
            "select distinct error_code, error_class from run_pages "
            "where run_id = $1 and outcome = 'skipped' and error_code = 'run_ended'",
            run["run_id"],
        )
        assert [tuple(row) for row in skipped] == [("run_ended", None)]
        await assert_invariants(env.pool, env.blobs)
        events = [event async for event in handle.fetch_history_events()]
        scheduled = {
            event.event_id
            for event in events
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        }
        ended = sum(event.event_type in ENDED for event in events)
        assert ended == len(scheduled)  # every activity ended before the workflow closed
        before = await snapshot(env.pool, origin.base)

        result, undisturbed = await asyncio.gather(env.sync("docs", id="again"), other.sync("docs"))
        assert result.outcome == undisturbed.outcome == "completed_with_failures"
        assert result.counts.added == undisturbed.counts.added - len(before.live)
        await assert_invariants(env.pool, env.blobs)
        whole = await snapshot(other.pool, calm.base)
        assert_troubles_met(SITE, whole, undisturbed.counts)
        found = await snapshot(env.pool, origin.base)
        assert found.differences(whole) == []
        await assert_workflows_healthy(env.client)


@pytest.mark.slow
async def test_paused_and_resumed_in_the_middle(atlas_env: AtlasEnv, origin: Origin) -> None:
    await declare(atlas_env, origin)
    async with atlas_env.worker():
        handle = await atlas_env.start("docs", batch=10)
        await until_pages(atlas_env, "done", 10)
        await handle.signal("pause")

        async def at_rest() -> bool:
            """Paused is recorded, and no lane has an activity under way."""
            since = await atlas_env.value("select paused_since from runs")
            pending = (await handle.describe()).raw_description.pending_activities
            return since is not None and not pending

        await until(at_rest)
        progress = await handle.query("progress", result_type=SyncProgress)
        assert (progress.paused, progress.stage) == (True, "paused")
        asked = len(origin.requests())
        done = await atlas_env.value("select count(*) from run_pages where stage = 'done'")
        await handle.signal("resume")
        result = await handle.result()
        assert len(origin.requests()) > asked
        assert result.counts.seen == result.counts.done > done
        assert await atlas_env.value("select count(paused_since) from runs") == 0
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_cancelled_while_paused_ends_at_once(atlas_env: AtlasEnv, origin: Origin) -> None:
    await declare(atlas_env, origin)
    async with atlas_env.worker():
        release = origin.hold_after(60)
        handle = await atlas_env.start("docs", batch=10)
        await until_pages(atlas_env, "done", 10)
        await handle.signal("pause")
        await handle.cancel()
        release.set()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_a_worker_writes_json_lines_only_when_a_paused_run_is_cancelled(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own lines, those of its children, of Temporal's core and of asyncio alike."""
    monkeypatch.setenv("ATLAS_LOG_FORMAT", "json")
    await declare(atlas_env, origin)
    worker = atlas_env.spawn_worker()
    handle = await atlas_env.start("docs", batch=10)
    await until_pages(atlas_env, "done", 10)
    await handle.signal("pause")
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 60) == 0
    lines = (atlas_env.blobs.parent / "worker.log").read_text("utf-8").splitlines()
    logged = [json.loads(line) for line in lines]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, logged))
    assert not [line for line in logged if "never retrieved" in line["message"]]


@pytest.mark.slow
async def test_cancelled_while_it_lists(atlas_env: AtlasEnv, origin: Origin) -> None:
    origin.page("/sitemap.xml", silent=True)
    await atlas_env.add_source("docs", "sitemap", origin.url("/sitemap.xml"))
    async with atlas_env.worker():
        handle = await atlas_env.start("docs")
        await origin.arrived("/sitemap.xml")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    assert await atlas_env.value("select outcome from runs") == "cancelled"


async def test_cancelled_before_it_has_the_lease(atlas_env: AtlasEnv, origin: Origin) -> None:
    """It waits for another run's lease: that run goes on undisturbed."""
    gate = asyncio.Event()
    origin.page("/a", "<html><main><p>Words of the page.</p></main></html>", gate=gate)
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        holder = await atlas_env.start("docs", id="holder")
        await origin.arrived("/a")
        waiting = await atlas_env.start("docs", id="waiting", wait_for_lease=True)

        async def waits() -> bool:
            return bool((await waiting.query("progress", result_type=SyncProgress)).stage > "w")

        await until(waits)
        await waiting.cancel()
        with pytest.raises(WorkflowFailureError):
            await waiting.result()
        gate.set()
        assert (await holder.result()).outcome == "completed"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
async def test_cancelled_with_several_sources_it_ends_after_its_children(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    for name in ("one", "two"):
        origin.page(f"/{name}", "<html><main><p>Never sent.</p></main></html>", silent=True)
        await atlas_env.add_source(name, "urls", origin.url(f"/{name}"))
    async with atlas_env.worker():
        handle = await atlas_env.start("one", "two", id="both")
        await origin.arrived("/one")
        await origin.arrived("/two")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        runs = await atlas_env.fetch("select outcome from runs where ended_at is not null")
        assert [run["outcome"] for run in runs] == ["cancelled"] * 3  # theirs, and the whole
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


@pytest.mark.slow
async def test_pauses_at_any_moment_are_all_resumed(atlas_env: AtlasEnv, origin: Origin) -> None:
    """Signals come while executions end and begin; none that resumes may be lost."""
    await declare(atlas_env, origin)
    async with atlas_env.worker():
        handle = await atlas_env.start("docs", batch=5, max_history_events=100)
        task = asyncio.create_task(handle.result())
        with suppress(RPCError):  # it has ended
            while not task.done():
                await handle.signal("pause")
                await handle.signal("resume")
                await asyncio.wait([task], timeout=0.02)
        result = await task
    assert result.outcome == "completed_with_failures"
    run = (await atlas_env.fetch("select * from runs"))[0]
    assert (run["paused_since"], run["outcome"]) == (None, result.outcome)
    # Not `assert_workflows_healthy`: the server lets a workflow task that would end the run fail,
    # and be done again, when a signal came meanwhile (UNHANDLED_COMMAND).
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
