"""`rebuild_index`: a new generation takes over beside everything else, or the old one stays."""

from __future__ import annotations

from typing import Any

from atlas.contracts.names import QUEUE
from atlas.contracts.rebuild_index import RebuildResult
from atlas.stores.postgres.search import search
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin
from tests.sites import START, GeneratedSite

SITE = GeneratedSite(pages=40)


async def rebuild(env: AtlasEnv, *args: dict[str, Any], id: str = "rebuild_index") -> RebuildResult:
    """Run it as the plain CLI would, to its end."""
    return await env.client.execute_workflow(
        "rebuild_index", args=args, id=id, task_queue=QUEUE, result_type=RebuildResult
    )


async def urls(env: AtlasEnv, query: str) -> list[str]:
    async with env.pool.acquire() as connection:
        page = await search(connection, query, limit=1000, collapse=False)
        return [hit.url for hit in page.results]


async def test_the_smallest_input_builds_switches_and_keeps_the_old(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    SITE.serve(origin)
    await atlas_env.add_source("docs", "site", origin.url(START), prefix=origin.url(START))
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        before = await urls(atlas_env, "harbour baker hafen")
        result = await rebuild(atlas_env)
        assert (result.outcome, result.generation, result.previous) == ("completed", 2, 1), result
        assert [gate.name for gate in result.gates if gate.passed] == [
            "texts", "counts", "analysed", "size", "queries",
        ], result.gates  # fmt: skip
        assert result.texts == await atlas_env.value("select count(*) from sketches")
        assert await urls(atlas_env, "harbour baker hafen") == before
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)
    run = (await atlas_env.fetch("select * from runs where kind = 'rebuild_index'"))[0]
    assert (run["outcome"], run["trigger"]) == ("completed", "manual")
    print(result)
