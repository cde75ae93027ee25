"""`fetch_url`: each option does what it says; what cannot succeed is asked for once."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_delivery import Deliver, activities, beside, cut_short, twice
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin, Reply

PAGE = "<html><title>Lamps</title><main><p>All about harbour lamps and their keepers.</p></main>"


async def fetch(env: AtlasEnv, url: str, **options: Any) -> FetchUrlResult:
    """Run it as the `temporal` CLI does: a plain object, no Atlas client."""
    handle = await env.client.start_workflow(
        "fetch_url",
        {"url": url, **options},
        id=f"fetch-{url}-{sorted(options.items())}"[:200],
        task_queue="atlas",
        result_type=FetchUrlResult,
    )
    return await handle.result()


async def test_options(atlas_env: AtlasEnv, origin: Origin) -> None:
    origin.page("/a", PAGE)
    origin.robots("User-agent: *\nDisallow: /private\n")
    origin.page("/private", PAGE)
    for hop in range(3):
        origin.redirect(f"/hop/{hop}", f"/hop/{hop + 1}")
    origin.page("/hop/3", PAGE)
    origin.reply("/silent", Reply(silent=True))
    async with atlas_env.worker():
        first = await fetch(atlas_env, origin.url("/a"))
        assert (first.success, first.status_code, first.modified) == (True, 200, True)
        assert first.content_length == len(PAGE)

        small = await fetch(atlas_env, origin.url("/a"), max_bytes=10)
        assert (small.success, small.error_class, small.error_code) == (
            False, "quota", "body_too_large",
        )  # fmt: skip

        private = await fetch(atlas_env, origin.url("/private"))
        assert (private.error_class, private.error_code) == ("blocked", "robots_disallowed")
        allowed = await fetch(atlas_env, origin.url("/private"), robots="ignore")
        assert allowed.success

        hops = await fetch(atlas_env, origin.url("/hop/0"), max_redirects=3)
        assert (hops.final_url, len(hops.redirects)) == (origin.url("/hop/3"), 3)
        few = await fetch(atlas_env, origin.url("/hop/0"), max_redirects=2)
        assert (few.success, few.error_class) == (False, "invalid")

        slow = await fetch(atlas_env, origin.url("/silent"), timeout=0.2)
        assert (slow.error_class, slow.error_code) == ("transient", "total_timeout")
    # What may pass is tried three times. On a busy machine a request may not leave in time.
    tried = "select count(*) from fetches where url = $1"
    assert await atlas_env.value(tried, origin.url("/silent")) == 3
    assert len(origin.requests("/silent")) <= 3
    await assert_workflows_healthy(atlas_env.client)


async def test_what_cannot_succeed_is_a_result_and_asked_for_once(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    statuses = (404, 410, 403, 400)
    for status in statuses:
        origin.status(f"/{status}", status)
    async with atlas_env.worker():
        results = await asyncio.gather(
            *(fetch(atlas_env, origin.url(f"/{status}")) for status in statuses)
        )
    for status, result in zip(statuses, results, strict=True):
        assert (result.success, result.status_code) == (False, status)
        assert result.error_code == f"http_{status}"
        assert len(origin.requests(f"/{status}")) == 1
        ledger = "select status, error_class from fetches where url = $1"
        [row] = await atlas_env.fetch(ledger, origin.url(f"/{status}"))
        assert (row["status"], row["error_class"]) == (status, result.error_class)


async def test_what_passes_is_tried_again_and_each_attempt_is_in_the_ledger(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.fail_first("/a", 2, PAGE, status=500)
    async with atlas_env.worker():
        result = await fetch(atlas_env, origin.url("/a"))
    assert result.success
    rows = await atlas_env.fetch("select attempt, status from fetches order by attempt")
    assert [tuple(row) for row in rows] == [(1, 500), (2, 500), (3, 200)]


async def test_a_page_of_the_corpus_is_asked_conditionally_and_its_state_stays(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/a", PAGE)
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    state = "select * from page_state"
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        before = [dict(row) for row in await atlas_env.fetch(state)]
        known = await fetch(atlas_env, origin.url("/a"))
        assert (known.success, known.status_code, known.modified) == (True, 304, False)
        assert known.content_hash == before[0]["fetched_snapshot"].hex()
        whole = await fetch(atlas_env, origin.url("/a"), force=True)
        assert (whole.status_code, whole.modified) == (200, False)

        origin.page("/a", PAGE.replace("lamps", "bells"))
        other = await fetch(atlas_env, origin.url("/a"), force=True)
        assert other.modified
        origin.status("/a", 404)
        assert not (await fetch(atlas_env, origin.url("/a"), timeout=9)).success
        assert [dict(row) for row in await atlas_env.fetch(state)] == before
        # The next sync sees the new body for itself: nothing was taken over unnoticed.
        origin.page("/a", PAGE.replace("lamps", "bells"))
        assert (await atlas_env.sync("docs")).counts.updated == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_a_host_known_to_be_down_is_not_asked(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_HOST_FAILURES", "1")
    monkeypatch.setenv("ATLAS_HOST_PAUSE", "100")
    monkeypatch.setenv("ATLAS_FETCH_PATIENCE", "50")
    origin.reply("/a", Reply(hang_up=True))
    async with atlas_env.worker():
        first = await fetch(atlas_env, origin.url("/a"), timeout=9)
        assert first.error_code == "host_down"  # the second attempt was not made
        second = await fetch(atlas_env, origin.url("/a"))
    assert (second.error_class, second.error_code) == ("transient", "host_down")
    assert len(origin.requests("/a")) == 1


@pytest.mark.slow
async def test_cancelled_it_ends_and_a_second_start_is_a_new_fetch(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    gate = asyncio.Event()
    origin.page("/a", PAGE, gate=gate)
    async with atlas_env.worker():
        handle = await atlas_env.client.start_workflow(
            "fetch_url", {"url": origin.url("/a")}, id="one", task_queue="atlas"
        )
        await origin.arrived("/a")
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, CancelledError)
        gate.set()
        assert (await fetch(atlas_env, origin.url("/a"))).success
    assert await atlas_env.value("select count(*) from fetches") == 1
    held = "select coalesce(sum(cardinality(leases)), 0) from hosts"
    assert await atlas_env.value(held) == 0


@pytest.mark.parametrize(
    "deliver", [pytest.param(twice, marks=pytest.mark.slow), beside, cut_short]
)
async def test_delivered_again_it_is_one_row_in_the_ledger_and_one_blob(
    atlas_env: AtlasEnv, origin: Origin, deliver: Deliver
) -> None:
    origin.page("/a", PAGE)
    async with activities(atlas_env, deliver) as call:
        result = await call("fetch_one", FetchUrlRequest(url=origin.url("/a")))
    assert (result.success, result.content_length) == (True, len(PAGE))
    assert await atlas_env.value("select count(*) from fetches") == 1
    assert await atlas_env.value("select count(*) from blobs") == 1
    assert await atlas_env.value("select count(*) from pages") == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow  # waits for the heartbeats of the killed worker to be missed
async def test_a_killed_workers_fetch_is_made_by_the_next_before_long(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    gate = asyncio.Event()
    origin.page("/a", PAGE, gate=gate)
    killed = atlas_env.spawn_worker()
    fetching = asyncio.create_task(fetch(atlas_env, origin.url("/a")))
    await origin.arrived("/a")
    killed.kill()
    gate.set()
    began = asyncio.get_running_loop().time()
    atlas_env.spawn_worker()
    assert (await fetching).success
    # Its slot at the host is free before its request would have been over (a minute).
    assert asyncio.get_running_loop().time() - began < 50
    rows = await atlas_env.fetch("select attempt, status from fetches")
    assert [tuple(row) for row in rows] == [(2, 200)]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
