"""After an erasure no file of the search index has a word of what was erased."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import tantivy

from activities import purges
from activities.purges import Purging
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.changes.change_signal import change_signal
from atlas.stores.postgres.services.index_follower import IndexFollower, keep_following
from atlas.stores.postgres.services.purges import PurgeStore
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.invariants import assert_index_agrees
from tests.stores.corpus import analyse
from tests.stores.drive import Drive, Web
from tests.stores.test_purge import Eraser

GONE, KEPT = "https://example.org/person", "https://example.org/town"
MARKER, OLDER = "zqxmarker", "zqxolder"
WEB: Web = {
    GONE: f"The person {OLDER} lives by the harbour and keeps a boat.",
    KEPT: "The town has a library, a school and a lighthouse on the point.",
}


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[TantivyIndex]:
    opened = TantivyIndex(tmp_path / "index")
    yield opened
    await opened.close()


@pytest.fixture
async def eraser(drive: Drive, index: TantivyIndex, tmp_path: Path) -> AsyncIterator[Eraser]:
    await drive.add("docs", deletion="prompt")
    async with open_blobs(str(tmp_path / "blobs")) as blobs:
        eraser = Eraser(drive, blobs)
        eraser.store = PurgeStore(drive.pool, lambda: drive.now, blobs.delete, index)
        eraser.activities = Purging(eraser.store, blobs)
        yield eraser


@pytest.fixture
def follower(drive: Drive, index: TantivyIndex) -> IndexFollower:
    return IndexFollower(drive.pool, index, analyse, "one")


@asynccontextmanager
async def following(follower: IndexFollower, database_url: str) -> AsyncIterator[None]:
    """The writer of the index, which is woken as in a worker."""
    async with change_signal(database_url) as signal:
        task = asyncio.create_task(keep_following(follower, signal))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def words_in(folder: Path, beginning: str) -> set[str]:
    """Words of that beginning which any file has: in the dictionaries of segments, which keep those
    of removed texts, or as bytes."""
    found = set()
    for generation in folder.glob("[0-9]*"):
        index = tantivy.Index.open(str(generation))
        for name in ("body", "prefixes"):
            found |= {word for word, _ in index.searcher().terms_with_prefix(name, beginning)}
    return found | {beginning for file in _files(folder) if beginning.encode() in file.read_bytes()}


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in folder.rglob("*") if each.is_file())


async def test_no_file_has_a_word_of_what_was_erased_its_older_texts_included(
    drive: Drive,
    index: TantivyIndex,
    eraser: Eraser,
    follower: IndexFollower,
    database_url: str,
) -> None:
    await eraser.cleaner.sync("docs", WEB)
    await follower.catch_up()
    newer = {**WEB, GONE: f"The person {MARKER} has moved to the town."}
    await eraser.cleaner.sync("docs", newer)
    await follower.catch_up()
    assert words_in(index.folder, MARKER) and words_in(index.folder, OLDER)
    killed = index.folder / ".old-killed"  # a process died while it removed a generation
    killed.mkdir()
    (killed / "segment.store").write_bytes(await _hash(drive, GONE))
    async with following(follower, database_url):
        await eraser.run(GONE)
    assert eraser.found == {}
    assert words_in(index.folder, MARKER) == words_in(index.folder, OLDER) == set()
    assert words_in(index.folder, "librari") == {"librari"}
    assert not killed.exists()
    assert await drive.pool.fetchval("select count(*) from index_erasures") == 0
    await assert_index_agrees(drive.pool, index)


async def _hash(drive: Drive, url: str) -> bytes:
    digest: str = await drive.pool.fetchval(
        "select encode(d.text_hash, 'hex') from documents d join pages p on p.id = d.page_id "
        "where p.url = $1 order by d.id desc limit 1",
        url,
    )
    return digest.encode()


async def test_an_erasure_without_a_writer_says_what_is_left_until_one_is_back(
    drive: Drive,
    index: TantivyIndex,
    eraser: Eraser,
    follower: IndexFollower,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purges, "WORKING_SECONDS", 0.2)
    await eraser.cleaner.sync("docs", WEB)
    await follower.catch_up()
    await follower.stop()
    await eraser.run(GONE)
    # The request itself, and the files.
    assert eraser.found == {"index_erasures.text_hash": 1, "files of the search index": 1}
    assert words_in(index.folder, OLDER)
    await follower.catch_up()
    assert words_in(index.folder, OLDER) == set()
    # A text that another page has meanwhile is nobody's trace, and costs no rebuild.
    serving = await index.serving()
    await drive.pool.execute("insert into index_erasures select text_hash from documents limit 1")
    await follower.catch_up()
    assert await index.serving() == serving
    assert await drive.pool.fetchval("select count(*) from index_erasures") == 0
