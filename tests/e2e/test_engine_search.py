"""Search in an engine, end to end: workers keep the index, a sync ends when it is found, and what
kills a worker or deletes the index costs a search nothing but time."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from activities.runs import INDEX_BEHIND
from atlas.stores.postgres.services import index_follower
from starter import AtlasClient, InvalidRequest, Refused
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_sync import page
from tests.origin import Origin
from tests.starter.conftest import Atlas, atlas

__all__ = ["atlas"]


async def found(query: str) -> list[str]:
    async with AtlasClient.connect() as atlas:
        return [hit.url for hit in (await atlas.search(query)).results]


async def test_a_sync_ends_when_an_engine_finds_what_it_changed(
    atlas_env: AtlasEnv, origin: Origin, tmp_path: Path
) -> None:
    origin.page("/docs/", page("Start", "Where it all begins.", "a.html"))
    origin.page("/docs/a.html", page("Apples", "Apples ripen in the orchard."))
    await atlas_env.add_source("docs", "site", origin.url("/docs/"), prefix=origin.url("/docs/"))
    async with atlas_env.worker():
        assert (await atlas_env.sync("docs")).outcome == "completed"
        assert await found("orchard ripen") == [origin.url("/docs/a.html")]
        origin.page("/docs/a.html", page("Apples", "Pears grow on the wall."))
        await atlas_env.sync("docs")
        assert await found("pears") == [origin.url("/docs/a.html")]
        assert await found("orchard ripen") == []
        # The folder goes while a worker has it open; the next sync has it built anew.
        shutil.rmtree(tmp_path / "home" / "index")
        with pytest.raises(Refused, match="a worker builds it"):
            await found("pears")
        origin.page("/docs/a.html", page("Apples", "Plums grow on the wall."))
        await atlas_env.sync("docs")
        assert await found("plums") == [origin.url("/docs/a.html")]
    # Nobody writes any more; what is there is searched, and removed pages are not shown.
    assert await found("plums") == [origin.url("/docs/a.html")]
    await atlas_env.pool.execute("update versions set valid_to = now() where valid_to is null")
    assert await found("plums") == []


async def test_a_run_that_the_index_does_not_keep_up_with_says_so(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_follower, "_FOUND_WITHIN", 0.5)
    origin.page("/a", page("Apples", "Apples ripen in the orchard."))
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    # Another process holds the lease, and does not follow.
    await atlas_env.pool.execute(
        "update search_index set holder = 'stuck', held_until = now() + interval '1 hour'"
    )
    async with atlas_env.worker():
        synced = await atlas_env.sync("docs")
        assert (synced.outcome, INDEX_BEHIND in synced.message) == ("completed", True)
        url = origin.url("/a")
        processed = await atlas_env.client.execute_workflow(
            "process_document", {"url": url, "force": True}, id="p", task_queue="atlas"
        )
        assert processed["outcome"] == "completed"
    noted = await atlas_env.fetch("select message from runs order by started_at")
    assert [row["message"] for row in noted] == [INDEX_BEHIND, None]  # the second changed nothing


async def test_a_search_of_the_past(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_SEARCH_PAST_DAYS", "30")
    origin.page("/a", page("Apples", "Apples ripen in the orchard."))
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        then = await atlas_env.value("select clock_timestamp()")
        origin.page("/a", page("Apples", "Pears grow on the wall."))
        await atlas_env.sync("docs")
    past = await atlas("search", "orchard", "--as-of", then.isoformat(), "-o", "json")
    assert [hit["url"] for hit in past.json["results"]] == [origin.url("/a")]
    assert "ripen in the orchard" in past.json["results"][0]["snippet"]
    assert past.json["as_of"].startswith(f"{then:%Y-%m-%dT%H:%M:%S}")
    said = await atlas("search", "pears", "--as-of", then.isoformat())
    assert (said.code, "nothing found of what was live at" in said.err) == (0, True)
    assert (await atlas("search", "orchard", "-o", "json")).json["results"] == []
    refused = await atlas("search", "orchard", "--as-of", "31d")
    assert (refused.code, "keeps past texts for 30 days" in refused.err) == (2, True)
    assert (await atlas("search", "orchard", "--as-of", "soon")).code == 2
    async with AtlasClient.connect() as client:
        (hit,) = (await client.search("orchard", as_of=then)).results
        assert hit.url == origin.url("/a")
        with pytest.raises(InvalidRequest, match=r"as_of: .* has not come yet"):
            await client.search("orchard", as_of=then + timedelta(days=1))
