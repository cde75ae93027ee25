"""The process that writes the index is killed at every step of a build, a switch, of following and
of an erasure, while the corpus changes and somebody searches all the time."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atlas.stores.postgres.crawl.pages import purged_urls
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.erasure import erase as erasing
from atlas.stores.postgres.index import index_erasures
from atlas.stores.postgres.index.engine_search import search_engine
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.search.port import MissingGeneration
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.invariants import assert_index_agrees
from tests.stores.corpus import analyse
from tests.stores.drive import Drive, Web
from tests.stores.test_index_erasure import words_in

ROOT = Path(__file__).parents[2]
BASE = "https://example.org"
STABLE: Web = {
    f"{BASE}/stays/{n}": f"The harbour number{n} and word{n * 7} of its own" for n in range(9)
}
BUILDING = [
    *(("begin", 1, when) for when in ("before", "after")),
    *(("apply", number, when) for number in (1, 3) for when in ("before", "after")),
    *(("switch", 1, when) for when in ("before", "after")),
]
FOLLOWING = [("texts_of", 1, "after"), ("apply", 1, "before"), ("apply", 1, "after")]
ERASING = [
    ("expunge", 1, "before"),
    ("expunge", 1, "after"),
    ("begin", 1, "after"),
    ("apply", 2, "after"),
    ("switch", 1, "before"),
    ("switch", 1, "after"),
    ("drop", 1, "before"),
    ("drop", 1, "after"),
]


class Searching:
    """Somebody who searches without a break, and knows what must and must not be found."""

    def __init__(self, drive: Drive, index: TantivyIndex) -> None:
        self._drive, self._index = drive, index
        self.removed: set[str] = set()
        self.built = False
        self.searches = 0

    async def once(self) -> None:
        removed = set(self.removed)  # by the time at which this search begins
        async with self._drive.pool.acquire() as connection:
            try:
                page = await search_engine(
                    connection, self._index, SearchRequest("harbour", limit=100, collapse=False)
                )
            except MissingGeneration:
                assert not self.built, "the index was there"
                return
        self.built = True
        self.searches += 1
        urls = [hit.url for hit in page.results]
        assert len(urls) == len(set(urls)), f"twice: {urls}"
        assert not removed & set(urls), "shown although it was removed"
        assert set(STABLE) <= set(urls), f"missing: {set(STABLE) - set(urls)}"

    @asynccontextmanager
    async def throughout(self) -> AsyncIterator[None]:
        async def search() -> None:
            while True:
                await self.once()
                await asyncio.sleep(0)

        task = asyncio.create_task(search())
        try:
            yield
        finally:
            task.cancel()
            done, _ = await asyncio.wait([task])
            for each in done:
                if not each.cancelled() and each.exception() is not None:
                    raise each.exception()  # type: ignore[misc]


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[TantivyIndex]:
    opened = TantivyIndex(tmp_path / "index")
    yield opened
    await opened.close()


async def killed(drive: Drive, url: str, folder: Path, method: str, number: int, when: str) -> None:
    """Run a follower until it has killed itself there; another may write at once."""
    command = (sys.executable, "-m", "tests.stores.killed_follower", url, str(folder))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *command, method, str(number), when, env=environment
    )
    try:
        async with asyncio.timeout(120):
            assert await process.wait() == -9, (method, number, when)
    except TimeoutError:
        process.kill()
        raise AssertionError(f"never came to {method} {number} {when}") from None
    await drive.pool.execute("update search_index set held_until = 'epoch'")


@pytest.mark.slow
async def test_a_writer_killed_at_any_step_costs_nothing_but_time(
    drive: Drive, database_url: str, index: TantivyIndex
) -> None:
    await drive.add("docs", deletion="prompt")
    web: dict[str, str | int] = {**STABLE}
    changes = 0

    async def change() -> None:
        """A page comes, the one before it leaves."""
        nonlocal changes
        changes += 1
        came, left = f"{BASE}/comes/{changes}", f"{BASE}/comes/{changes - 1}"
        web[came] = f"The harbour has word{changes}zq for once"
        if left in web:
            web[left] = 410
        await drive.run("docs", web)
        searching.removed |= {left} - set(STABLE)

    searching = Searching(drive, index)
    await change()
    async with searching.throughout():
        for method, number, when in BUILDING:
            await killed(drive, database_url, index.folder, method, number, when)
            await change()
        # The last was killed after the switch: that build serves.
        assert await index.serving() is not None
        for method, number, when in FOLLOWING:
            await change()
            await killed(drive, database_url, index.folder, method, number, when)
        for method, number, when in ERASING:
            await change()
            follower = IndexFollower(drive.pool, index, analyse, "one")
            await follower.catch_up()
            await follower.stop()
            await erase(drive, f"{BASE}/comes/{changes}")
            searching.removed.add(f"{BASE}/comes/{changes}")
            del web[f"{BASE}/comes/{changes}"]
            await killed(drive, database_url, index.folder, method, number, when)
    assert searching.searches > 20
    follower = IndexFollower(drive.pool, index, analyse, "one")
    await follower.catch_up()
    await assert_index_agrees(drive.pool, index)
    assert len(await index.generations()) == 1
    assert not list(index.folder.glob(".old-*"))
    erased = f"word{changes}zq"
    assert words_in(index.folder, erased) == set()
    await follower.stop()


async def erase(drive: Drive, url: str) -> None:
    """As a purge does, as far as the index is concerned."""
    run = f"purge of {url}"
    async with drive.pool.acquire() as connection:
        await runs.open_run(
            connection, run_id=run, workflow_id=run, kind="purge_documents", trigger="cli",
            now=drive.now,
        )  # fmt: skip
        await erasing.choose_urls(connection, run, [url])
        await purged_urls.add(connection, run, "asked", drive.now, 10)
        await erasing.next_part(connection, run, drive.now, patient=False)
        await index_erasures.ask(connection, run)
        await connection.execute(
            "update runs set ended_at = now(), outcome = 'completed' where run_id = $1", run
        )
