"""Search in an engine, end to end: workers keep the index, a sync ends when it is found, and what
kills a worker or deletes the index costs a search nothing but time."""

import shutil
from pathlib import Path

import pytest

from starter import AtlasClient, InvalidRequest, Refused
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_sync import page
from tests.origin import Origin


async def found(query: str) -> list[str]:
    async with AtlasClient.connect() as atlas:
        return [hit.url for hit in (await atlas.search(query)).results]


async def test_a_sync_ends_when_an_engine_finds_what_it_changed(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATLAS_SEARCH", "tantivy")
    origin.page("/docs/", page("Start", "Where it all begins.", "a.html"))
    origin.page("/docs/a.html", page("Apples", "Apples ripen in the orchard."))
    await atlas_env.add_source("docs", "site", origin.url("/docs/"), prefix=origin.url("/docs/"))
    with pytest.raises(Refused, match="a worker builds it"):
        await found("orchard")
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


async def test_nothing_follows_the_index_in_postgresql(atlas_env: AtlasEnv) -> None:
    async with AtlasClient.connect() as atlas:
        with pytest.raises(InvalidRequest, match="ATLAS_SEARCH: postgresql needs no follower"):
            await atlas.corpus.follow_index()
