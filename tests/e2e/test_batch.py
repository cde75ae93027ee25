"""`batch_process`: any selection of stored bodies, chunk by chunk, with a manifest of outcomes.

One Atlas serves the tests here that need none of their own; each has URLs of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from atlas.contracts.jobs import Progress
from atlas.contracts.processing import BatchResult
from atlas.stores.blobs import open_blobs
from tests.e2e.environments import Servers, kill, until, until_pages
from tests.e2e.processing import POISON, env, found, refusal, servers
from tests.e2e.stack import AtlasEnv, result_of
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.stored import store

__all__ = ["env", "servers"]

NAME = "batch_process"


@pytest.fixture
def base() -> str:
    return f"https://{uuid.uuid4().hex}.example/"


async def keep(env: AtlasEnv, base: str, pages: int, *, empty: tuple[int, ...] = ()) -> None:
    """So many small documents, each with words of its own; some without any."""
    bodies = {
        f"{base}{number}": b" " if number in empty else text(base, number)
        for number in range(pages)
    }
    await store(env.pool, env.blobs, bodies)


def text(base: str, number: int) -> bytes:
    """Unlike every other: of documents that differ in a number each is compared with hundreds."""
    dice = random.Random(number)
    words = " ".join(f"{dice.getrandbits(24):06x}" for _ in range(30))
    return f"Log {number} of {base}: the bell rang {number * 7} times. {words}".encode()


async def begin(env: AtlasEnv, signal: str = "", **request: Any) -> WorkflowHandle[Any, Any]:
    """As a plain `temporal workflow start` does."""
    return await env.client.start_workflow(
        NAME,
        request,
        id=f"b-{uuid.uuid4().hex}",
        task_queue="atlas",
        result_type=BatchResult,
        start_signal=signal or None,
    )


async def batch(env: AtlasEnv, **request: Any) -> BatchResult:
    return BatchResult.model_validate(await result_of(await begin(env, **request)))


async def outcomes(env: AtlasEnv, digest: str | None) -> list[dict[str, Any]]:
    """The lines of the manifest that a batch left."""
    assert digest is not None
    async with open_blobs(str(env.blobs)) as blobs:
        return [json.loads(line) for line in (await blobs.get(digest)).splitlines()]


async def put(env: AtlasEnv, lines: list[dict[str, Any]] | bytes) -> str:
    if isinstance(lines, list):
        lines = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    async with open_blobs(str(env.blobs)) as blobs:
        return (await blobs.put(lines)).digest


async def of_run(env: AtlasEnv, handle: WorkflowHandle[Any, Any], column: str) -> Any:
    run = handle.first_execution_run_id
    return await env.value(f"select {column} from runs where run_id = $1", run)


async def live(env: AtlasEnv, base: str) -> int:
    query = (
        "select count(*) from versions v join pages p on p.id = v.page_id "
        "where v.valid_to is null and starts_with(url, $1)"
    )
    return int(await env.value(query, base))


async def test_every_selection_works_on_its_documents(env: AtlasEnv, base: str) -> None:
    await keep(env, base, 30, empty=(7, 8))
    mine = {"prefix": base}
    everything = await batch(env, query=mine, chunk=10)
    assert everything.outcome == "completed_with_failures"
    assert everything.counts.model_dump() == {
        "seen": 30, "added": 28, "updated": 0, "unchanged": 0, "failed": 2, "skipped": 0,
    }  # fmt: skip
    assert {failure.url for failure in everything.failures} == {f"{base}7", f"{base}8"}
    assert (await found(env, "bell 147"))[0] == f"{base}21"
    lines = await outcomes(env, everything.manifest)
    assert [line["url"] for line in lines] == sorted(f"{base}{number}" for number in range(30))
    assert {line["outcome"] for line in lines} == {"added", "failed"}
    assert all(line["text_hash"] for line in lines if line["outcome"] == "added")

    again = await batch(env, query={"prefix": f"{base}1"})
    assert (again.selected, again.counts.unchanged) == (11, 11)
    unsettled = await batch(env, query=mine | {"unsettled": True})
    assert (unsettled.selected, unsettled.counts.failed) == (2, 2)
    assert (await batch(env, query=mine | {"limit": 3, "media": "text"})).selected == 3
    assert (await batch(env, query=mine | {"extractor_below": 1})).selected == 2
    assert (await batch(env, query=mine | {"lang": "xx"})).selected == 0

    retried = await batch(env, failed_of=everything.run_id)
    assert (retried.selected, retried.counts.skipped) == (2, 2)  # failed three times before
    forced = await batch(env, failed_of=everything.run_id, force=True)
    assert (forced.selected, forced.counts.failed) == (2, 2)
    quarantined = await batch(env, query=mine | {"quarantined": True})
    assert (quarantined.selected, quarantined.counts.skipped) == (2, 2)
    assert quarantined.outcome == "completed"
    await keep(env, base, 30, empty=(8,))
    mended = await batch(env, failed_of=everything.run_id)
    assert (mended.counts.added, mended.counts.skipped) == (1, 1)

    unknown = [f"{base}unknown", "no address"]
    named = await batch(env, urls=[f"{base}1", *unknown, f"{base}1"], force=True)
    assert (named.selected, named.missing, named.counts.unchanged) == (1, 2, 1)
    assert [line["url"] for line in await outcomes(env, named.manifest)] == [
        f"{base}1", *sorted(unknown),
    ]  # fmt: skip
    numbers = [line["page"] for line in lines[:4]]
    assert (await batch(env, pages=[*numbers, 10**9])).selected == 4
    manifest = await put(env, lines[:6])  # what came out of one goes into the next
    assert (await batch(env, manifest=manifest)).selected == 6


@pytest.mark.parametrize(
    ("pages", "events"),
    [(200, 60), pytest.param(1000, 100 + 30, marks=pytest.mark.slow)],
)
async def test_a_poison_document_harms_none_of_a_batch(
    env: AtlasEnv, base: str, pages: int, events: int
) -> None:
    await keep(env, base, pages)
    poisoned = f"{base}{pages // 2}"
    await store(env.pool, env.blobs, {poisoned: POISON})
    result = await batch(env, query={"prefix": base})
    assert (result.counts.added, result.counts.failed) == (pages - 1, 1)
    assert [(failure.url, failure.code) for failure in result.failures] == [
        (poisoned, "extractor_crashed")
    ]
    # At most a tenth of an event a document, and the frame's.
    assert result.events <= events


@pytest.mark.slow
async def test_continued_paused_cancelled_and_run_again(env: AtlasEnv, base: str) -> None:
    await keep(env, base, 60)
    query = {"prefix": base}
    handle = await begin(env, query=query, chunk=2, max_history_events=50)

    async def half_done() -> bool:
        return (await handle.query("progress", result_type=Progress)).done >= 20

    async def paused() -> bool:
        return await of_run(env, handle, "paused_since") is not None

    await until(half_done)
    await handle.signal("pause")
    await until(paused)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    await assert_invariants(env.pool, env.blobs)
    assert await of_run(env, handle, "outcome") == "cancelled"
    digest = await env.value(
        "select encode(hash, 'hex') from artifacts where kind = 'outcomes' and name = $1",
        handle.first_execution_run_id,
    )
    assert len(await outcomes(env, digest)) == 60
    rest = await batch(env, query=query, chunk=7)
    assert rest.counts.added + rest.counts.unchanged == await live(env, base) == 60


async def test_a_pause_from_the_beginning_holds_until_resumed(env: AtlasEnv, base: str) -> None:
    await keep(env, base, 6)
    handle = await begin(env, "pause", query={"prefix": base})

    async def paused() -> bool:
        return await of_run(env, handle, "paused_since") is not None

    await until(paused)
    assert (await handle.query("progress", result_type=Progress)).paused
    assert await live(env, base) == 0
    await handle.signal("resume")
    assert (await handle.result()).counts.added == 6


async def test_the_same_batch_twice_at_once(env: AtlasEnv, base: str) -> None:
    await keep(env, base, 40)
    both = [batch(env, query={"prefix": base}, chunk=5) for _ in range(2)]
    results = await asyncio.gather(*both)
    for result in results:
        assert result.counts.seen == result.counts.done == 40
        assert result.outcome == "completed"
    assert sum(result.counts.added for result in results) == 40


# With an Atlas of their own


async def test_bad_input_fails_at_once_and_names_the_mend(atlas_env: AtlasEnv) -> None:
    missing = "ab" * 32
    cases: list[tuple[str, dict[str, Any]]] = [
        ("every document", {}),
        ("not 'urls' and 'query'", {"urls": ["https://a.example/"], "query": {}}),
        ("no run 'nobody' is recorded", {"failed_of": "nobody"}),
        ("query.source", {"query": {"source": "nobody"}}),
        (missing, {"manifest": missing}),
        ("did you mean 'prefix'", {"query": {"prefx": "x"}}),
        ("line 2", {"manifest": await put(atlas_env, b'{"url": "https://a.example/"}\n{}\n')}),
    ]
    async with atlas_env.worker():
        assert "needs an input" in await refusal(atlas_env, NAME)
        for words, request in cases:
            assert words in await refusal(atlas_env, NAME, request)
    assert await atlas_env.value("select count(*) from run_pages") == 0
    assert await atlas_env.value("select count(*) from runs where ended_at is null") == 0


@pytest.mark.slow
async def test_a_killed_worker_costs_no_document(
    servers: Servers, tmp_path: Path, base: str
) -> None:
    async with servers.atlas(tmp_path) as env:
        await keep(env, base, 150, empty=(3,))
        worker = env.spawn_worker()
        handle = await begin(env, query={}, chunk=20)
        await until_pages(env, "done", 20)
        await kill(worker)
        env.spawn_worker()
        result = await handle.result()
        assert (result.counts.added, result.counts.failed) == (149, 1)
        assert len(await outcomes(env, result.manifest)) == 150
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)


@pytest.mark.slow
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("pages", [int(os.environ.get("ATLAS_TEST_BATCH", "100000"))])
async def test_a_hundred_thousand_documents(atlas_env: AtlasEnv, base: str, pages: int) -> None:
    await keep(atlas_env, base, pages)
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
    assert await live(atlas_env, base) == pages
