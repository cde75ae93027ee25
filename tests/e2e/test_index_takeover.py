"""Two workers, one search index: one of them writes, and its death costs a lease at most."""

from __future__ import annotations

import pytest

from atlas.stores.postgres.index import index_lease
from tests.e2e.environments import Servers, kill, servers, until
from tests.e2e.stack import AtlasEnv, Spawned
from tests.e2e.test_sync import page
from tests.invariants import assert_invariants
from tests.origin import Origin
from tests.stores.test_index_erasure import words_in

__all__ = ["servers"]


async def holder(env: AtlasEnv) -> str | None:
    """The process that holds the lease, as `host:pid:…`."""
    found: str | None = await env.value(
        "select holder from search_index where held_until > clock_timestamp()"
    )
    return found


async def writer(env: AtlasEnv, workers: list[Spawned]) -> Spawned:
    """The worker that writes the index, once one does."""
    await until(lambda: holder(env))
    pid = (await holder(env) or "").split(":")[1]
    (found,) = [each for each in workers if each.pid == int(pid)]
    return found


async def found(env: AtlasEnv, query: str) -> list[str]:
    # Near-duplicates by themselves: the pages say nearly the same.
    return [hit.url for hit in (await env.search(query, limit=100, collapse=False)).results]


@pytest.mark.slow
async def test_one_of_two_workers_writes_and_the_other_takes_over(
    servers: Servers, origin: Origin, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = [f"/{n}" for n in range(12)]
    for n, name in enumerate(names):
        origin.page(name, page(f"Page {n}", f"The harbour number{n} and word{n}zq of its own."))
    folder = tmp_path_factory.mktemp("takeover")
    async with servers.atlas(folder) as env:
        await env.add_source("docs", "urls", *map(origin.url, names))
        workers = [env.spawn_worker(), env.spawn_worker()]
        await env.sync("docs")
        first = await writer(env, workers)
        everything = set(map(origin.url, names))
        assert set(await found(env, "harbour")) == everything
        held = await holder(env)

        # Killed: whatever is asked meanwhile is answered, and the lease ends within its time.
        await kill(first)
        left = await env.value(
            "select extract(epoch from held_until - clock_timestamp()) from search_index"
        )
        assert left <= index_lease.SECONDS <= 10
        assert set(await found(env, "harbour")) == everything
        origin.page("/3", page("Page 3", "The harbour has a zqzeppelin instead."))
        synced = await env.sync("docs")  # waits until the other has taken over
        assert (synced.outcome, synced.message) == ("completed", "")
        assert await found(env, "zqzeppelin") == [origin.url("/3")]
        assert await found(env, "word3zq") == []
        taken = await holder(env)
        assert taken is not None and taken != held
        assert len(await found(env, "harbour")) == len(everything)

        # Killed while it erases, with a third beside it.
        second = await writer(env, workers)
        workers.append(env.spawn_worker())
        erased = origin.url("/5")
        run = await env.client.start_workflow(
            "purge_documents", {"urls": [erased]}, id="purge", task_queue="atlas"
        )
        await until(lambda: env.value("select true from index_erasures limit 1"))
        await kill(second)
        assert set(await found(env, "harbour")) <= everything - {erased}
        done = await run.result()
        assert (done["outcome"], done["traces"]) == ("completed", {})
        assert words_in(folder / "home" / "index", "word5zq") == set()
        assert words_in(folder / "home" / "index", "word6zq") == {"word6zq"}
        assert set(await found(env, "harbour")) == everything - {erased}
        await assert_invariants(env.pool, env.blobs)
