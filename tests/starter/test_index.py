"""`atlas index`: what is there, a rebuild, and the way back."""

from tests.e2e.rebuilding import until_serving
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas


async def test_status_of_a_fresh_corpus(corpus: str, atlas: Atlas) -> None:
    """No worker has built anything yet; and there is nothing to find."""
    assert (await atlas("index", "-o", "json")).json["generations"] == []
    found = await atlas("search", "harbour", "-o", "json")
    assert (found.code, found.json["total"]) == (0, 0)


async def test_an_outdated_index_is_told_with_the_mend(atlas_env: AtlasEnv, atlas: Atlas) -> None:
    async with atlas_env.worker():
        await until_serving(atlas_env)
    await atlas_env.pool.execute("update index_generations set analyser = 0")
    assert "A worker that starts builds another" in (await atlas("index")).err


async def test_rebuild_and_rollback(atlas_env: AtlasEnv, origin: Origin, atlas: Atlas) -> None:
    page = "<html><title>Buns</title><main><h1>Buns</h1><p>Saffron buns at the quay.</p></main>"
    origin.page("/a", page)
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        refused = await atlas("index", "rollback", "--wait")
        assert (refused.code, "no_previous" in refused.out) == (1, True)
        built = await atlas("index", "rebuild", "--query", "saffron", "--reason", "try", "--wait")
        assert built.code == 0, built
        said, texts, *_ = built.out.splitlines()
        assert said == "rebuild_index: generation 2 is active; generation 1 is kept"
        assert texts.startswith("  passed  texts: 1 distinct")
        assert "1 of 1 queries" in built.out
        back = await atlas("index", "rollback", "--wait", "-o", "json")
        assert (back.json["outcome"], back.json["generation"]) == ("completed", 1)
        started = await atlas("index", "rebuild")
        assert started.out.startswith("started rebuild_index, run ")
        joined = await atlas("index", "rebuild", "--wait", "-o", "json")
        assert joined.json["generation"] == 3
    shown = (await atlas("index", "-o", "json")).json["generations"]
    assert [(each["generation"], each["state"]) for each in shown] == [
        (3, "active"),
        (1, "previous"),
    ]
    assert shown[0]["bytes"] > 0 and shown[1]["keep_until"] > shown[0]["active_since"]
