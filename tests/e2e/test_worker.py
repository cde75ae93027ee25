"""Workers: which queues they serve, what goes first, and how they stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.common import Priority

import worker
from atlas.contracts.names import (
    QUEUE,
    QUEUE_BULK,
    QUEUE_PROCESSING,
    QUEUE_RENDERING,
    queues_named,
)
from atlas.contracts.priorities import EARLY, FIRST, LAST, NORMAL
from atlas.locations import locate
from atlas.settings import Settings
from atlas.worker.resources import open_parts
from starter.monitoring.pollers import missing_workers
from tests.e2e.environments import until, until_pages
from tests.e2e.healthcheck import until_health
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin

PAGE = "<html lang=en><title>{0}</title><p>Page {0}: the ferry bell rings twice in the fog.</p>"


@pytest.mark.parametrize(
    ("named", "served"),
    [
        ((), (QUEUE, QUEUE_PROCESSING, QUEUE_BULK)),
        ((QUEUE_BULK, QUEUE), (QUEUE, QUEUE_BULK)),
    ],
)
def test_queues_are_served_by_name(named: tuple[str, ...], served: tuple[str, ...]) -> None:
    assert queues_named(named) == served


def test_the_queue_of_rendering_is_served_by_who_has_a_browser() -> None:
    assert queues_named((), browser=True)[-1] == QUEUE_RENDERING
    assert queues_named([QUEUE_RENDERING], browser=True) == (QUEUE_RENDERING,)
    with pytest.raises(ValueError, match="atlas-rendering needs a browser; set ATLAS_BROWSER"):
        queues_named([QUEUE_RENDERING])


def test_an_unknown_queue_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no task queue 'atlas-bluk'; there are atlas, "):
        queues_named(["atlas-bluk"])


async def test_a_worker_serves_the_queues_it_was_told_and_is_known_to_live(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # none but this worker is looked at
    command = (sys.executable, "-P", "-m", "starter.cli", "worker", "--queues", QUEUE_PROCESSING)
    atlas_env.spawn_command(*command)

    async def polls_processing() -> bool:
        return QUEUE_PROCESSING not in await missing_workers(atlas_env.client)

    await until(polls_processing)
    assert await missing_workers(atlas_env.client) == [QUEUE]
    assert await missing_workers(atlas_env.client, bulk=True) == [QUEUE, QUEUE_BULK]
    await until_health(True, f" works on {QUEUE_PROCESSING}; sign ")
    atlas_env.end_workers()
    await until_health(False, "no worker is running here")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
async def test_a_first_document_brings_no_extraction_and_no_numpy_into_the_worker(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    worker = atlas_env.spawn_worker()
    origin.page("/", PAGE.format("1"))
    await atlas_env.add_source("one", "urls", origin.url("/"))
    result = await atlas_env.sync("one")
    assert result.counts.added == 1
    mapped = Path(f"/proc/{worker.pid}/maps").read_text()
    assert "tantivy" in mapped  # it is the worker, and it has indexed
    rare = ("numpy", "lxml", "resiliparse", "pypdfium", "pyarrow", "fasttext")
    assert [name for name in rare if name in mapped] == []


async def test_a_worker_at_rest_renews_its_connections(atlas_env: AtlasEnv) -> None:
    """PostgreSQL keeps in memory what each of them had to do with, for as long as it is open."""
    settings = Settings.load()
    async with open_parts(settings, locate(settings), atlas_env.client, worker.utc_now) as parts:
        asked = "select pg_backend_pid()"
        before = await parts.pool.fetchval(asked)
        assert await parts.pool.fetchval(asked) == before
        parts.extractor._idle = 0.05
        await parts.extractor.index_parts("Title", "Text.")
        async with asyncio.timeout(60):
            while await parts.pool.fetchval(asked) == before:
                await asyncio.sleep(0.05)


async def test_what_a_person_waits_for_overtakes_bulk_work(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two dozen runs of the least priority are queued, then two others, which go before most."""
    monkeypatch.setenv("ATLAS_WORKER_WORKFLOWS", "2")
    queued = [(f"late {n}", LAST) for n in range(24)] + [("sync", EARLY), ("manual", FIRST)]
    handles = [
        await atlas_env.client.start_workflow(
            "fetch_url",
            {"url": "no url"},  # answered at once, without a request
            id=name,
            task_queue=QUEUE,
            priority=Priority(priority_key=key),
        )
        for name, key in queued
    ]
    async with atlas_env.worker():
        begun = {handle.id: await _began(handle) for handle in handles}
    order = sorted(begun, key=lambda name: begun[name])
    # Not the very first: each of the server's four partitions of a queue has an order of its own,
    # and pollers wait with tasks in hand. First come, first served would make them the last two.
    assert max(order.index("manual"), order.index("sync")) < len(order) / 2, order


@pytest.mark.parametrize(("trigger", "key"), [("cli", EARLY), ("schedule", NORMAL)])
async def test_a_sync_goes_by_who_started_it_and_takes_turns_by_source(
    atlas_env: AtlasEnv, origin: Origin, trigger: str, key: int
) -> None:
    origin.page("/a", PAGE.format("a"))
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        handle = await atlas_env.start("docs", trigger=trigger)
        await handle.result()
    asked = [
        event.activity_task_scheduled_event_attributes.priority
        async for event in handle.fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert len(asked) >= 5
    assert {(each.priority_key, each.fairness_key) for each in asked} == {(key, "docs")}


async def _began(handle: WorkflowHandle[Any, Any]) -> int:
    """When a worker took the run up, in nanoseconds since the epoch."""
    await handle.result()
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_task_started_event_attributes"):
            return event.event_time.ToNanoseconds()
    raise AssertionError(f"{handle.id} was never taken up")


async def test_a_stopping_worker_loses_nothing(atlas_env: AtlasEnv, origin: Origin) -> None:
    """SIGTERM in the middle of a sync: what is under way is finished or given back, unharmed."""
    paths = [f"/p/{n}" for n in range(60)]
    for path in paths:
        origin.page(path, PAGE.format(path), header_delay=0.02)
    await atlas_env.add_source("docs", "urls", *(origin.url(path) for path in paths), parallel=2)
    first = atlas_env.spawn_worker()
    handle = await atlas_env.start("docs", batch=20)
    await until_pages(atlas_env, "done", 1)
    first.send_signal(signal.SIGTERM)
    # In a thread: the site that its last requests are to is in this event loop.
    assert await asyncio.to_thread(first.wait, 300) == 0
    async with atlas_env.worker():
        result = await handle.result()
    assert (result.counts.added, result.counts.failed) == (60, 0)
    assert await atlas_env.value("select max(attempts) from run_pages") == 1
    assert len([request for request in origin.log if request.path in paths]) == 60
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
