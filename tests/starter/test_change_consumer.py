"""The consumer of docs/changes.md: killed at any instruction while pages change, its copy ends
equal to the corpus."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
from pathlib import Path

import asyncpg
import pytest

from starter import AtlasClient
from tests.docs.pages import blocks
from tests.feed_copy import corpus as live_pages
from tests.stores.drive import Drive, Web

BASE = "https://example.org"
PAGES = 30


class Consumer:
    """The documented program, as a process of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        [text] = [each.text for each in blocks("docs/changes.md") if "sqlite3" in each.text]
        self.folder = folder
        self.program = folder / "consumer.py"
        self.program.write_text(text)
        self.env = {**os.environ, "ATLAS_DATABASE_URL": database_url}

    async def start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, str(self.program), cwd=self.folder, env=self.env,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip

    def copy(self) -> dict[int, tuple[str, int, str]]:
        with sqlite3.connect(self.folder / "copy.db") as kept:
            rows = kept.execute("select page, url, version, text_hash from pages").fetchall()
        kept.close()
        return {page: (url, version, text) for page, url, version, text in rows}

    def place(self) -> str:
        with sqlite3.connect(self.folder / "copy.db") as kept:
            [(cursor,)] = kept.execute("select cursor from place").fetchall()
        kept.close()
        return str(cursor)


async def killed(drive: Drive, consumer: Consumer, kills: int) -> None:
    """Let pages come, change, leave and return while the consumer is killed; then let it end."""
    chance = random.Random(kills)
    done = asyncio.Event()

    async def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            web: Web = {
                f"{BASE}/{page}": f"Page {page}, {chance.randint(1, 9)} times told, {number // 3}"
                for page in range(PAGES)
            }
            left = chance.sample(sorted(web), 2)
            await drive.run("docs", {**web, **dict.fromkeys(left, 410)})

    writing = asyncio.create_task(write())
    undisturbed: Seen = []
    reading = asyncio.create_task(_read(undisturbed, follow=True))
    for _ in range(kills):
        process = await consumer.start()
        assert process.stdout is not None
        for _ in range(chance.randint(1, 40)):
            assert await asyncio.wait_for(process.stdout.readline(), 120)
        process.kill()
        await process.wait()
    done.set()
    await writing
    last = await drive.pool.fetchval("select last from change_feed")
    while len(undisturbed) < last:
        assert not reading.done()
        await asyncio.sleep(0.05)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert undisturbed == await _read([], follow=False)  # a late reader has the same
    assert [number for number, *_ in undisturbed] == list(range(1, last + 1))
    end, place = f"-{last}-", consumer.place()
    if end not in place or "-p" in place:
        process = await consumer.start()
        assert process.stdout is not None
        # What it prints is committed: nobody reads its file while it writes.
        while end not in place or "-p" in place:
            place = (await asyncio.wait_for(process.stdout.readline(), 120)).decode()
            assert place
        process.kill()
        await process.wait()
    async with drive.pool.acquire() as connection:
        live = await live_pages(connection)
    assert consumer.copy() == {page: kept[:3] for page, kept in live.items()}


Seen = list[tuple[object, ...]]


async def _read(found: Seen, *, follow: bool) -> Seen:
    """What a reader gets that begins with the first change."""
    async with AtlasClient.connect() as atlas:
        corpus = (await anext(atlas.changes())).cursor.split("-")[0]
        async for change in atlas.changes(f"{corpus}-0-0", follow=follow):
            found.append((change.number, change.kind, change.page, change.version, change.cursor))
    return found


@pytest.fixture
async def drive(corpus: str, database: asyncpg.Pool[asyncpg.Record]) -> Drive:
    made = Drive(database)
    await made.add("docs", deletion="prompt")
    await made.run("docs", {f"{BASE}/{page}": f"Page {page} at first" for page in range(PAGES)})
    return made


async def test_a_consumer_killed_a_few_times_ends_equal(
    drive: Drive, corpus: str, tmp_path: Path
) -> None:
    await killed(drive, Consumer(tmp_path, corpus), 2)


@pytest.mark.slow
async def test_a_consumer_killed_a_hundred_times_ends_equal(
    drive: Drive, corpus: str, tmp_path: Path
) -> None:
    await killed(drive, Consumer(tmp_path, corpus), 100)


async def test_a_consumer_whose_cursor_has_expired_begins_anew(
    drive: Drive, corpus: str, tmp_path: Path
) -> None:
    consumer = Consumer(tmp_path, corpus)
    process = await consumer.start()
    assert process.stdout is not None
    for _ in range(PAGES):
        assert await asyncio.wait_for(process.stdout.readline(), 120)
    process.kill()
    await process.wait()
    web: Web = {f"{BASE}/{page}": f"Page {page} at first" for page in range(PAGES)}
    await drive.run("docs", {**web, f"{BASE}/1": 410, f"{BASE}/2": "Says something else"})
    await drive.pool.execute("delete from changes")
    await drive.pool.execute("update change_feed set trimmed = last")
    process = await consumer.start()
    assert process.stdout is not None
    for _ in range(PAGES - 1):
        assert await asyncio.wait_for(process.stdout.readline(), 120)
    process.kill()
    await process.wait()
    async with drive.pool.acquire() as connection:
        live = await live_pages(connection)
    assert consumer.copy() == {page: kept[:3] for page, kept in live.items()}
