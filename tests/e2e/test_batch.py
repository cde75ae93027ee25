"""`batch_process`: any selection of stored bodies, chunk by chunk, with a manifest of outcomes."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from atlas.contracts.jobs import Progress
from atlas.contracts.processing import BatchResult
from atlas.stores.blobs import open_blobs
from tests.e2e.environments import Servers, kill, servers, until_pages
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_process import POISON, found, poison_crashes
from tests.invariants import assert_invariants, assert_workflows_healthy, snapshot
from tests.stored import store

__all__ = ["servers"]

BASE = "https://stored.example"


def url(number: int | str) -> str:
    return f"{BASE}/{number}"


async def keep(env: AtlasEnv, pages: int, *, empty: tuple[int, ...] = ()) -> None:
    """So many small documents, each with words of its own; some without any."""
    bodies = {
        url(number): b" "
        if number in empty
        else b"Harbour log %d: the bell rang %d times." % (number, number * 7)
        for number in range(pages)
    }
    await store(env.pool, env.blobs, bodies)


async def begin(env: AtlasEnv, **request: Any) -> WorkflowHandle[Any, BatchResult]:
    """As a plain `temporal workflow start` does."""
    return await env.client.start_workflow(
        "batch_process",
        request,
        id=request.pop("id", f"b-{uuid.uuid4().hex}"),
        task_queue="atlas",
        result_type=BatchResult,
    )


async def batch(env: AtlasEnv, **request: Any) -> BatchResult:
    return await (await begin(env, **request)).result()


async def refusal(env: AtlasEnv, *inputs: object) -> str:
    with pytest.raises(WorkflowFailureError) as caught:
        await env.client.execute_workflow(
            "batch_process", args=inputs, id=f"b-{uuid.uuid4().hex}", task_queue="atlas"
        )
    return str(caught.value.cause)


async def outcomes(env: AtlasEnv, result: BatchResult) -> list[dict[str, Any]]:
    """The lines of the manifest that a batch left."""
    assert result.manifest is not None
    async with open_blobs(str(env.blobs)) as blobs:
        body = await blobs.get(result.manifest)
    return [json.loads(line) for line in body.splitlines()]


async def put(env: AtlasEnv, lines: list[dict[str, Any]] | bytes) -> str:
    body = (
        lines
        if isinstance(lines, bytes)
        else b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    )
    async with open_blobs(str(env.blobs)) as blobs:
        return (await blobs.put(body)).digest


async def test_every_selection_works_on_its_documents(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env, 30, empty=(7, 8))
    async with atlas_env.worker():
        everything = await batch(atlas_env, query={}, chunk=10)
        assert everything.outcome == "completed_with_failures"
        assert everything.counts.model_dump() == {
            "seen": 30, "added": 28, "updated": 0, "unchanged": 0, "failed": 2, "skipped": 0,
        }  # fmt: skip
        assert {failure.url for failure in everything.failures} == {url(7), url(8)}
        assert (await found(atlas_env, "harbour 147"))[0] == url(21)
        lines = await outcomes(atlas_env, everything)
        assert [line["url"] for line in lines] == sorted(url(number) for number in range(30))
        assert {line["outcome"] for line in lines} == {"added", "failed"}
        assert all(line["text_hash"] for line in lines if line["outcome"] == "added")

        again = await batch(atlas_env, query={"prefix": url(1)})
        assert (again.selected, again.counts.unchanged) == (11, 11)
        unsettled = await batch(atlas_env, query={"unsettled": True})
        assert (unsettled.selected, unsettled.counts.failed) == (2, 2)
        assert (await batch(atlas_env, query={"limit": 3, "media": "text"})).selected == 3
        assert (await batch(atlas_env, query={"extractor_below": 1})).selected == 2
        assert (await batch(atlas_env, query={"source": None, "lang": "xx"})).selected == 0

        retried = await batch(atlas_env, failed_of=everything.run_id)
        assert (retried.selected, retried.counts.skipped) == (2, 2)  # failed three times before
        forced = await batch(atlas_env, failed_of=everything.run_id, force=True)
        assert (forced.selected, forced.counts.failed) == (2, 2)
        quarantined = await batch(atlas_env, query={"quarantined": True})
        assert (quarantined.selected, quarantined.counts.skipped) == (2, 2)
        assert quarantined.outcome == "completed"
        await keep(atlas_env, 30, empty=(8,))
        mended = await batch(atlas_env, failed_of=everything.run_id)
        assert (mended.counts.added, mended.counts.skipped) == (1, 1)

        named = await batch(
            atlas_env, urls=[url(1), url("unknown"), "no address", url(1)], force=True
        )
        assert (named.selected, named.missing, named.counts.unchanged) == (1, 2, 1)
        assert [line["url"] for line in await outcomes(atlas_env, named)] == [
            url(1), url("unknown"), "no address",
        ]  # fmt: skip
        numbers = [line["page"] for line in lines[:4]]
        assert (await batch(atlas_env, pages=[*numbers, 10**9])).selected == 4
        manifest = await put(atlas_env, lines[:6])  # what came out of one goes into the next
        assert (await batch(atlas_env, manifest=manifest)).selected == 6
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_bad_input_fails_at_once_and_names_the_mend(atlas_env: AtlasEnv) -> None:
    missing = "ab" * 32
    async with atlas_env.worker():
        assert "needs an input" in await refusal(atlas_env)
        assert "every document" in await refusal(atlas_env, {})
        both = await refusal(atlas_env, {"urls": [BASE], "query": {}})
        assert "not 'urls' and 'query'" in both
        assert "no run 'nobody' is recorded" in await refusal(atlas_env, {"failed_of": "nobody"})
        assert "query.source" in await refusal(atlas_env, {"query": {"source": "nobody"}})
        assert missing in await refusal(atlas_env, {"manifest": missing})
        assert "did you mean 'prefix'" in await refusal(atlas_env, {"query": {"prefx": "x"}})
        broken = await put(atlas_env, b'{"url": "https://a.example/"}\n{"uri": 1}\n')
        assert "line 2" in await refusal(atlas_env, {"manifest": broken})
    assert await atlas_env.value("select count(*) from run_pages") == 0
    assert await atlas_env.value("select count(*) from runs where ended_at is null") == 0


async def test_a_poison_document_harms_none_of_a_thousand(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(atlas_env, 1000)
    await store(atlas_env.pool, atlas_env.blobs, {url(500): POISON})
    poison_crashes(monkeypatch)
    async with atlas_env.worker():
        result = await batch(atlas_env, query={})
    assert (result.counts.added, result.counts.failed) == (999, 1)
    assert [(failure.url, failure.code) for failure in result.failures] == [
        (url(500), "extractor_crashed")
    ]
    assert result.events <= 100 + 30  # at most a tenth of an event a document, and the frame's
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_paused_continued_cancelled_and_run_again(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env, 60)
    async with atlas_env.worker():
        handle = await begin(
            atlas_env, query={}, chunk=2, concurrency=2, max_history_events=50, id="batch"
        )
        await until_pages(atlas_env, "done", 10)
        await handle.signal("pause")
        while not await atlas_env.value("select paused_since is not null from runs"):
            await asyncio.sleep(0.02)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, CancelledError)
        await assert_invariants(atlas_env.pool, atlas_env.blobs)
        counts = await atlas_env.fetch("select outcome, count(*) as n from run_pages group by 1")
        assert sum(row["n"] for row in counts) == 60
        assert await atlas_env.value("select outcome from runs") == "cancelled"
        assert await atlas_env.value("select count(*) from artifacts") == 1
        rest = await batch(atlas_env, query={}, chunk=7, max_history_events=50)
    assert rest.counts.added + rest.counts.unchanged == 60
    assert len((await snapshot(atlas_env.pool, BASE)).live) == 60
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_the_same_batch_twice_at_once(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env, 40)
    async with atlas_env.worker():
        results = await asyncio.gather(*[batch(atlas_env, query={}, chunk=5) for _ in range(2)])
    for result in results:
        assert result.counts.seen == result.counts.done == 40
        assert result.outcome == "completed"
    assert sum(result.counts.added for result in results) == 40
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_a_killed_worker_costs_no_document(servers: Servers, tmp_path: Any) -> None:
    async with servers.atlas(tmp_path) as env:
        await keep(env, 150, empty=(3,))
        worker = env.spawn_worker()
        handle = await begin(env, query={}, chunk=20)
        await until_pages(env, "done", 20)
        await kill(worker)
        env.spawn_worker()
        result = await handle.result()
        assert (result.counts.added, result.counts.failed) == (149, 1)
        assert len(await outcomes(env, result)) == 150
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)


async def test_a_pause_holds_until_resumed(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env, 6)
    async with atlas_env.worker():
        handle = await atlas_env.client.start_workflow(
            "batch_process",
            {"query": {}},
            id="paused",
            task_queue="atlas",
            start_signal="pause",
            result_type=BatchResult,
        )
        while not await atlas_env.value("select paused_since is not null from runs"):
            await asyncio.sleep(0.02)
        assert (await handle.query("progress", result_type=Progress)).paused
        assert await atlas_env.value("select count(*) from versions") == 0
        await handle.signal("resume")
        assert (await handle.result()).counts.added == 6


@pytest.mark.slow
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("pages", [int(os.environ.get("ATLAS_TEST_BATCH", "100000"))])
async def test_a_hundred_thousand_documents(atlas_env: AtlasEnv, pages: int) -> None:
    await keep(atlas_env, pages)
    async with atlas_env.worker():
        began = time.monotonic()
        result = await batch(atlas_env, query={})
        seconds = time.monotonic() - began
        first = result.events / pages
        print(f"\n{pages} documents: {pages / seconds:.0f}/s, {first:.3f} events a document")
        began = time.monotonic()
        again = await batch(atlas_env, query={})
        print(f"again, nothing to do: {time.monotonic() - began:.1f} s, {again.events} events")
    assert (result.counts.added, again.counts.unchanged) == (pages, pages)
    assert first <= 0.1
    for answer in (result, again):
        assert len(answer.model_dump_json()) < 64 * 1024
    assert await atlas_env.value("select count(*) from versions where valid_to is null") == pages
