"""Activities delivered twice, late, or beside their successor leave the corpus as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment

import worker
from atlas.contracts.activities import Batch, ClaimBatch, CloseRun, ListLevel, OpenRun
from atlas.locations import locate
from atlas.settings import Settings
from atlas.stores.postgres.sources.sources import get
from atlas.worker import registry
from atlas.worker.indexer import indexing
from atlas.worker.resources import open_parts
from tests.e2e.stack import AtlasEnv
from tests.invariants import Snapshot, assert_invariants, snapshot
from tests.origin import Origin
from tests.sites import START, GeneratedSite

SITE = GeneratedSite(pages=30)

Deliver = Callable[[Callable[[Any], Any], Any], Any]


async def once(deliver: Callable[[Any], Any], request: Any) -> Any:
    return await ActivityEnvironment().run(deliver, request)


async def twice(deliver: Callable[[Any], Any], request: Any) -> Any:
    """The first answer was lost on its way."""
    await once(deliver, request)
    return await once(deliver, request)


async def beside(deliver: Callable[[Any], Any], request: Any) -> Any:
    """The first attempt missed its heartbeats, yet works on beside its successor."""
    late = asyncio.create_task(once(deliver, request))
    for _ in range(20):  # let it get somewhere: how far does not matter
        await asyncio.sleep(0)
    answer = await once(deliver, request)
    await late
    return answer


async def cut_short(deliver: Callable[[Any], Any], request: Any) -> Any:
    """The first attempt is cancelled in the middle."""
    first = asyncio.create_task(once(deliver, request))
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    return await once(deliver, request)


@dataclass
class Activities:
    """The activities of a worker, by name, called by hand."""

    by_name: dict[str, Callable[[Any], Any]]
    deliver: Deliver

    async def __call__(self, name: str, request: Any) -> Any:
        return await self.deliver(self.by_name[name], request)


@asynccontextmanager
async def activities(env: AtlasEnv, deliver: Deliver) -> AsyncIterator[Activities]:
    settings = Settings.load()
    async with open_parts(settings, locate(settings), env.client, worker.utc_now) as parts:
        by_name: dict[str, Callable[[Any], Any]] = {}
        for served in registry.activities(parts).values():
            for found in served:
                definition = activity._Definition.from_callable(found)
                assert definition is not None and definition.name is not None
                by_name[definition.name] = found
        async with indexing(parts, env.database_url):
            yield Activities(by_name, deliver)


async def run_by_hand(call: Activities, run_id: str) -> None:
    """What `sync_pipeline` does, in one lane."""
    numbers = count(1)
    level = 0
    opened = await call("open_run", OpenRun(run_id=run_id, workflow_id="by-hand", source="docs"))
    assert opened.outcome is None, opened
    while True:
        listed = await call("list_level", ListLevel(run_id=run_id, level=level))
        if listed.unfinished:  # a superseded claim took pages that its successor did not see
            await drain(call, run_id, level - 1, numbers)
            continue
        if not listed.pages:
            break
        await drain(call, run_id, level, numbers)
        level += 1
    closed = await call("close_run", CloseRun(run_id=run_id, complete=True))
    assert closed.outcome == "completed_with_failures", closed


async def drain(call: Activities, run_id: str, level: int, numbers: Iterator[int]) -> None:
    """Work batch after batch, until the level has no more pages."""
    while True:
        key = Batch(run_id=run_id, lane=0, number=next(numbers))
        claimed = await call("claim_batch", ClaimBatch(**key.model_dump(), level=level, size=7))
        if claimed.pages:
            await work(call, key)
        elif claimed.wait is None:
            return
        else:
            await asyncio.sleep(min(claimed.wait, 1.0))  # until the pages' next attempt


async def work(call: Activities, key: Batch) -> None:
    if (await call("fetch_batch", key)).to_process and (await call("process_batch", key)).to_settle:
        await call("settle_batch", key)


async def corpus_of(env: AtlasEnv, origin: Origin, deliver: Deliver, run_id: str) -> Snapshot:
    SITE.serve(origin)
    if not await env.value("select count(*) from sources"):
        await env.add_source("docs", "site", origin.url(START), prefix=origin.url(START))
    async with activities(env, deliver) as call:
        await run_by_hand(call, run_id)
    await assert_invariants(env.pool, env.blobs)
    return await snapshot(env.pool, origin.base)


_known: list[Snapshot] = []


@pytest.mark.parametrize(
    "deliver",
    [once, *(pytest.param(way, marks=pytest.mark.slow) for way in (twice, beside)), cut_short],
    ids=lambda way: way.__name__,
)
async def test_every_way_of_delivery_leaves_the_same_corpus(
    atlas_env: AtlasEnv, origin: Origin, deliver: Deliver
) -> None:
    found = await corpus_of(atlas_env, origin, deliver, "run-1")
    _known.append(found)  # the first is the one that nothing disturbed
    assert found.differences(_known[0]) == []
    assert len(found.live) == SITE.pages + 4
    twice_in_the_ledger = await atlas_env.value(
        "select count(*) from (select 1 from fetches group by run_id, page_id, attempt "
        "having count(*) > 1) twice"
    )
    assert twice_in_the_ledger == 0


async def test_a_blob_lost_before_processing_is_fetched_again(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/a", "<html><main><p>The ferry bell rings twice in the fog.</p></main></html>")
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    key = Batch(run_id="r", lane=0, number=1)
    again = replace_number(key, 2)
    async with activities(atlas_env, once) as call:
        await call("open_run", OpenRun(run_id="r", workflow_id="by-hand", source="docs"))
        await call("list_level", ListLevel(run_id="r"))
        await call("claim_batch", ClaimBatch(**key.model_dump()))
        await call("fetch_batch", key)
        for blob in atlas_env.blobs.rglob("*.zst"):
            blob.unlink()
        assert (await call("process_batch", key)).to_settle == 0
        assert (await call("claim_batch", ClaimBatch(**again.model_dump()))).pages == 1
        await work(call, again)
        await call("close_run", CloseRun(run_id="r", complete=True))
    assert len(origin.requests("/a")) == 2
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    assert await atlas_env.value("select count(*) from versions") == 1


async def test_a_blob_lost_again_and_again_fails_its_page(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/a", "<html><main><p>The ferry bell rings twice in the fog.</p></main></html>")
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with activities(atlas_env, once) as call:
        await call("open_run", OpenRun(run_id="r", workflow_id="by-hand", source="docs"))
        await call("list_level", ListLevel(run_id="r"))
        for number in (1, 2, 3):
            key = Batch(run_id="r", lane=0, number=number)
            assert (await call("claim_batch", ClaimBatch(**key.model_dump()))).pages == 1
            await call("fetch_batch", key)
            for blob in atlas_env.blobs.rglob("*.zst"):
                blob.unlink()
            assert (await call("process_batch", key)).to_settle == 0
        closed = await call("close_run", CloseRun(run_id="r", complete=True))
    assert [failure.code for failure in closed.failures] == ["blob_missing"]


def replace_number(batch: Batch, number: int) -> Batch:
    return batch.model_copy(update={"number": number})


async def test_a_late_write_of_a_dead_run_is_refused(atlas_env: AtlasEnv, origin: Origin) -> None:
    """A run that was terminated while it fetched: its successor takes lease and pages, and what
    the dead run's activity writes afterwards changes nothing."""
    gate = asyncio.Event()
    origin.page("/a", "<html><main><p>Old words of the page.</p></main></html>", gate=gate)
    await atlas_env.add_source("docs", "urls", origin.url("/a"), parallel=2)
    key = Batch(run_id="dead", lane=0, number=1)
    async with activities(atlas_env, once) as call:
        await call("open_run", OpenRun(run_id="dead", workflow_id="gone", source="docs"))
        await call("list_level", ListLevel(run_id="dead"))
        await call("claim_batch", ClaimBatch(**key.model_dump()))
        late = asyncio.create_task(call("fetch_batch", key))
        await origin.arrived("/a")
        origin.page("/a", "<html><main><p>New words of the page.</p></main></html>")
        await call("open_run", OpenRun(run_id="next", workflow_id="by-hand", source="docs"))
        async with atlas_env.pool.acquire() as connection:
            lease = (await get(connection, "docs")).lease
        assert lease is not None and lease.run_id == "next"
        await call("list_level", ListLevel(run_id="next"))
        mine = key.model_copy(update={"run_id": "next"})
        await call("claim_batch", ClaimBatch(**mine.model_dump()))
        await work(call, mine)
        gate.set()
        assert (await late).to_process == 0
        assert (await call("process_batch", key)).to_settle == 0
        await call("close_run", CloseRun(run_id="next", complete=True))
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    texts = await atlas_env.fetch("select text from documents")
    assert [row["text"] for row in texts] == ["New words of the page."]
    ledger = await atlas_env.fetch("select run_id from fetches where url = $1", origin.url("/a"))
    assert [row["run_id"] for row in ledger] == ["next"]
