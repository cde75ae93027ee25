"""What health checks, metrics and the overview say of the search index of an engine."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from atlas.health import search_index
from atlas.health.probe import ProbeResult
from atlas.settings import Settings
from atlas.settings.groups import SearchSettings
from atlas.stores.postgres.index import index_state
from atlas.stores.postgres.index.index_state import IndexState
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.search.port import EngineUnavailable
from atlas.stores.search.tantivy_engine import TantivyIndex
from atlas.telemetry import instruments as own
from atlas.worker.metrics_sampler import Sampler
from starter.cli.views.overview import index_words
from starter.monitoring.corpus_view import index_seen
from tests.stores.corpus import analyse
from tests.stores.drive import Drive, Web
from tests.stores.test_index_erasure import following

WEB: Web = {
    f"https://example.org/{n}": f"The harbour number{n} and word{n * 7} of its own"
    for n in range(3)
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(search=SearchSettings(search="tantivy", index_folder=tmp_path / "index"))


@pytest.fixture
async def index(settings: Settings) -> AsyncIterator[TantivyIndex]:
    opened = TantivyIndex(settings.index_folder)
    yield opened
    await opened.close()


@pytest.fixture
async def drive(database_url: str) -> AsyncIterator[Drive]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        yield Drive(pool)


@pytest.fixture
def follower(drive: Drive, index: TantivyIndex) -> IndexFollower:
    return IndexFollower(drive.pool, index, analyse, "one")


@pytest.fixture
def look(database_url: str, settings: Settings) -> Any:
    async def look() -> ProbeResult:
        return await search_index.index(database_url, settings)

    return look


async def state(drive: Drive) -> IndexState:
    async with drive.pool.acquire() as connection:
        return await index_state.state(connection)


async def until(look: Any, said: str) -> ProbeResult:
    async with asyncio.timeout(60):
        while True:
            found: ProbeResult = await look()
            if said in found.detail:
                return found
            await asyncio.sleep(0.05)


async def test_each_trouble_is_named_with_its_fix(
    drive: Drive, index: TantivyIndex, follower: IndexFollower, look: Any
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    never = await look()
    assert (never.status, never.mend) == ("failing", search_index._START)
    assert f"no search index in {index.folder} yet, and no process builds it" in never.detail
    await follower.catch_up()
    fine = await look()
    assert (fine.status, fine.mend) == ("ok", "")
    assert fine.detail == "generation 1 has read change 3 of 3, 0 documents, 0 s behind"

    # The follower dies; what it missed makes that an error.
    await follower.stop()
    assert (await look()).status == "degraded"
    await drive.run("docs", {**WEB, "https://example.org/1": 410})
    dead = await look()
    assert (dead.status, dead.mend) == ("failing", search_index._START)
    assert "no process keeps the search index in step: 1 documents" in dead.detail
    assert "change 3 of 4" in dead.detail

    # Alive, and far behind.
    await drive.pool.execute("update search_index set holder = 'one', held_until = 'infinity'")
    await drive.pool.execute("update changes set at = at - interval '1 hour'")
    late = await look()
    assert late.status == "degraded" and "1 documents" in late.detail and late.mend
    assert (await state(drive)).seconds_behind >= 3600

    # Deleted by hand: with a writer it is rebuilt by itself.
    await index.release(1)
    shutil.rmtree(index.folder)
    gone = await look()
    assert (gone.status, gone.mend) == ("degraded", search_index._REBUILT)
    assert gone.detail.startswith(f"the search index in {index.folder} is gone: it was deleted")
    await drive.pool.execute("update search_index set held_until = 'epoch'")
    gone = await look()
    assert (gone.status, gone.mend) == ("failing", search_index._START)

    await follower.catch_up()
    assert (await look()).status == "ok"
    serving = await index.serving()
    (index.folder / str(serving) / "meta.json").write_text("{")
    broken = await look()
    assert broken.status == "degraded" and f"generation {serving}" in broken.detail
    await drive.pool.execute("update corpus set corpus_id = gen_random_uuid()")
    await follower.stop()
    await follower.catch_up()
    await drive.pool.execute("update corpus set corpus_id = gen_random_uuid()")
    foreign = await look()
    assert foreign.status == "failing" and "belongs to another corpus" in foreign.detail
    assert "ATLAS_INDEX_FOLDER" in foreign.mend


async def test_what_holds_the_writer_up_is_named_until_it_goes_on(
    drive: Drive,
    index: TantivyIndex,
    follower: IndexFollower,
    look: Any,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("atlas.stores.postgres.services.index_follower._PATIENCE", 0.05)
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    apply = index.apply

    async def full(generation: int, changes: object) -> None:
        raise EngineUnavailable(f"no room is left for the search index in {index.folder}; make it")

    monkeypatch.setattr(index, "apply", full)
    async with following(follower, database_url):
        held_up = await until(look, "no room is left")
        assert (held_up.status, held_up.mend) == ("failing", search_index._GOES_ON)
        seen = index_seen(await state(drive))
        assert "does not follow: no room is left" in index_words(seen)
        first = seen.trouble_since
        assert first is not None
        monkeypatch.setattr(index, "apply", apply)
        await until(look, "0 documents, 0 s behind")
        assert (await state(drive)).trouble is None


async def test_the_lag_in_metrics_and_in_words(
    drive: Drive, index: TantivyIndex, follower: IndexFollower, settings: Settings
) -> None:
    gauges: dict[str, Any] = {one.name: _Shown() for one in own.INSTRUMENTS}
    parts: Any = SimpleNamespace(settings=settings)
    sampler = Sampler(parts, gauges)

    async def sampled() -> tuple[float, float, float]:
        async with drive.pool.acquire() as connection:
            await sampler._index(connection)
        return (
            gauges[own.INDEX_BEHIND.name].value,
            gauges[own.INDEX_CURSOR.name].value,
            gauges[own.INDEX_WRITTEN.name].value,
        )

    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    # Before the first build every live document is behind.
    assert await sampled() == (3, 0, 0)
    assert index_words(index_seen(await state(drive))).startswith("nobody keeps it in step")
    await follower.catch_up()
    assert await sampled() == (0, 3, 1)
    assert index_words(index_seen(await state(drive))) == "generation 1, in step with the corpus"
    # Two changes of one document are one document.
    await drive.run("docs", {**WEB, "https://example.org/1": "The harbour moved"})
    await drive.run("docs", {**WEB, "https://example.org/1": 410})
    assert await sampled() == (1, 3, 1)
    assert index_words(index_seen(await state(drive))).startswith("generation 1, 1 documents, ")
    await drive.pool.execute("update search_index set held_until = 'epoch'")
    assert await sampled() == (1, 3, 0)


class _Shown:
    value = 0.0

    def set(self, value: float) -> None:
        self.value = value
