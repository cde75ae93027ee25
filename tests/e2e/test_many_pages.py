"""Runs of many pages: history events per document, continuing as new, payload sizes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowExecutionStatus

from atlas.contracts.sync_pipeline import MAX_FAILURES_LISTED, SyncResult
from tests.e2e.environments import until_pages
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin
from tests.sites import ManyPages

MAX_PAYLOAD = 64 * 1024


async def histories(env: AtlasEnv) -> AsyncIterator[tuple[str, list[HistoryEvent]]]:
    """Status and events of every execution, in the order in which they began."""
    found = [execution async for execution in env.client.list_workflows()]
    for execution in sorted(found, key=lambda one: one.start_time):
        handle = env.client.get_workflow_handle(execution.id, run_id=execution.run_id)
        assert execution.status is not None
        events = [event async for event in handle.fetch_history_events()]
        yield execution.status.name, events


def payload_sizes(event: HistoryEvent) -> list[int]:
    """Bytes of the inputs, results and details that an event carries."""
    attributes = getattr(event, event.WhichOneof("attributes") or "")
    carriers = ("input", "result", "details", "last_heartbeat_details", "failure")
    return [
        getattr(attributes, name).ByteSize()
        for name in carriers
        if name in attributes.DESCRIPTOR.fields_by_name
    ]


async def assert_payloads_small(env: AtlasEnv) -> None:
    async for _, events in histories(env):
        assert max(size for event in events for size in payload_sizes(event)) <= MAX_PAYLOAD


async def test_continuing_as_new_carries_the_run(atlas_env: AtlasEnv, origin: Origin) -> None:
    """A hundred and twenty pages in histories of a hundred events, paused on the way."""
    ManyPages(120, failing=5).serve(origin)
    await atlas_env.add_source("many", "sitemap", origin.url("/sitemap.xml"))
    async with atlas_env.worker():
        release = origin.hold_after(90)
        handle = await atlas_env.start("many", batch=6, max_history_events=100)
        await until_pages(atlas_env, "done", 30)
        await handle.signal("pause")
        await handle.signal("resume")
        release.set()
        result = await handle.result()
    assert result.counts.model_dump() == {
        "seen": 120, "added": 96, "updated": 0, "unchanged": 0, "failed": 24, "skipped": 0,
    }  # fmt: skip
    assert result.outcome == "completed_with_failures"
    assert result.complete
    assert result.run_id == handle.first_execution_run_id
    assert len(origin.requests("/many/1")) == 1
    first = sorted(origin.url(f"/many/{number}") for number in range(0, 120, 5))[:20]
    assert [failure.url for failure in result.failures] == first
    assert len(result.failures) == MAX_FAILURES_LISTED
    found = [(status, len(events)) async for status, events in histories(atlas_env)]
    assert len(found) >= 3
    assert {status for status, _ in found[:-1]} == {WorkflowExecutionStatus.CONTINUED_AS_NEW.name}
    # A history ends soon after its limit: each lane finishes the batch that it works on.
    assert max(length for _, length in found) < 100 + 3 * 30
    # The last few events of an execution are written after it counted them.
    assert 0 <= sum(length for _, length in found) - result.events <= 10 * len(found)
    await assert_payloads_small(atlas_env)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_ten_thousand_pages_cost_three_events_in_ten(
    atlas_env: AtlasEnv, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    ManyPages(10_000, failing=100).serve(origin)
    await atlas_env.add_source("many", "sitemap", origin.url("/sitemap.xml"))
    atlas_env.spawn_worker()
    began = time.monotonic()
    result = await atlas_env.sync("many")
    took = time.monotonic() - began
    again = await atlas_env.sync("many")
    with capsys.disabled():
        _print(f"first, {took:.0f} s", result)
        _print("again", again)
    assert (result.counts.seen, result.counts.added, result.counts.failed) == (10_000, 9_900, 100)
    assert again.counts.unchanged == 9_900
    assert len(result.failures) == MAX_FAILURES_LISTED
    for one in (result, again):
        assert one.events / one.counts.seen <= 0.3
    async for _, events in histories(atlas_env):
        assert len(events) < 4000
    await assert_payloads_small(atlas_env)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


def _print(which: str, result: SyncResult) -> None:
    share = result.events / result.counts.seen
    print(f"\n{which}: {result.counts.seen} pages, {result.events} events, {share:.3f} each")
