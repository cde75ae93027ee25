"""A mark without an end means a killed worker, and nothing else: whatever else goes wrong while a
document is processed ends its mark, or no healthy document would be safe in an outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.processing import QUARANTINED, Processing
from atlas.contracts.activities import Batch, CloseRun
from atlas.domain.batch import HeldPage, PreparedPage
from atlas.domain.blob import BlobStoreError
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.stores.blobs import Blobs, open_blobs
from atlas.stores.postgres import migrate
from tests.stored import store
from tests.stores.drive import Drive, fences, prepared

pytestmark = pytest.mark.fault(1)

URLS = [f"https://example.org/{number}" for number in range(8)]
OUTAGE = 5 * QUARANTINED
"""Calls that an outage spoils, a few of each attempt: enough to quarantine a document."""


class Outage:
    """Spoils what is called through it, a number of times."""

    def __init__(self, times: int, error: BaseException) -> None:
        self.left = times
        self._error = error

    async def strike(self) -> None:
        if self.left:
            self.left -= 1
            raise self._error


class Spoilt:
    """A port of which some methods meet an outage: before the call, or after it, which is a reply
    that was lost."""

    def __init__(self, port: Any, outage: Outage, *names: str, after: bool = False) -> None:
        self._port, self._outage, self._names, self._after = port, outage, names, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in self._names:
            return method

        async def spoilt(*values: Any, **named: Any) -> Any:
            if not self._after:
                await self._outage.strike()
            answer = await method(*values, **named)
            if self._after:
                await self._outage.strike()
            return answer

        return spoilt


class Bench:
    """A run whose pages are fetched, and the activity that processes them."""

    def __init__(self, drive: Drive, blobs: Blobs, batch: Batch, like: HeldPage) -> None:
        self.drive, self.blobs, self.batch, self._like = drive, blobs, batch, like

    def processing(
        self, spoil: Callable[[Any], Any] | None = None, blobs: Any = None, prepare: Any = None
    ) -> Processing:
        """`spoil` wraps the services of the database."""
        ports: list[Any] = [self.drive.crawl.batches, self.drive.crawl.processed]
        batches, pages = map(spoil, ports) if spoil else ports
        prepare = prepare or self.prepare
        return Processing(batches, pages, blobs or self.blobs, prepare, 2, lambda: self.drive.now)

    async def prepare(self, job: PrepareJob) -> Prepared:
        await asyncio.sleep(0)
        found = prepared(self._like, job.body.decode()).prepared
        assert found is not None
        return found

    async def until_done(self, processing: Processing) -> int:
        """Attempts as Temporal makes them, until one succeeds; how many failed."""
        for failed in range(20):
            try:
                await ActivityEnvironment().run(processing.process_batch, self.batch)
            except (Exception, asyncio.CancelledError):
                continue
            return failed
        raise AssertionError("no attempt succeeded")

    async def marks(self) -> int:
        return int(await self.drive.pool.fetchval("select sum(marks) from run_pages"))

    async def assert_healthy(self) -> None:
        """Every page was processed; nothing is marked, failed or quarantined."""
        stages = await self.drive.pool.fetch("select distinct stage, outcome from run_pages")
        assert [tuple(row) for row in stages] == [("processed", None)]
        assert await self.marks() == 0
        assert await self.drive.pool.fetchval("select count(*) from quarantine") == 0


@pytest.fixture
async def bench(drive: Drive, tmp_path: Path) -> AsyncIterator[Bench]:
    await drive.add("docs")
    run_id = await drive.open("docs")
    await drive.enlist(run_id, *URLS)
    batch = Batch(run_id=run_id, lane=0, number=1)
    pages = await drive.claim(batch)
    async with open_blobs(str(tmp_path)) as blobs:
        texts = {url: f"The bell of {url} rings twice." for url in URLS}
        await store(drive.pool, tmp_path, {url: text.encode() for url, text in texts.items()})
        await drive.record(run_id, pages, texts)
        yield Bench(drive, blobs, batch, pages[0])


BROKEN = BlobStoreError("S3 bucket 'atlas': 503 on GetObject", "Check the store")


async def test_a_blob_store_that_is_away_harms_no_document(bench: Bench) -> None:
    outage = Outage(OUTAGE, BROKEN)
    processing = bench.processing(blobs=Spoilt(bench.blobs, outage, "get"))
    assert await bench.until_done(processing) >= QUARANTINED
    await bench.assert_healthy()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["mark", "store"])
async def test_nor_does_a_database_that_is_away_or_loses_its_replies(
    bench: Bench, name: str, after: bool
) -> None:
    outage = Outage(OUTAGE, OSError("the connection was lost"))
    processing = bench.processing(lambda port: Spoilt(port, outage, name, after=after))
    await bench.until_done(processing)
    assert outage.left < OUTAGE
    await bench.assert_healthy()


async def test_nor_one_that_is_away_whenever_something_has_to_be_written(bench: Bench) -> None:
    outage = Outage(OUTAGE, OSError("the connection was lost"))
    spoilt = bench.processing(lambda port: Spoilt(port, outage, "mark", "store", "skip"))
    await bench.until_done(spoilt)
    await bench.assert_healthy()


async def test_nor_does_an_error_of_ours(bench: Bench) -> None:
    outage = Outage(OUTAGE, RuntimeError("a bug"))

    async def prepare(job: PrepareJob) -> Prepared:
        await outage.strike()
        return await bench.prepare(job)

    assert await bench.until_done(bench.processing(prepare=prepare)) >= QUARANTINED
    await bench.assert_healthy()


@pytest.mark.parametrize("during", ["mark", "prepare"])
async def test_nor_does_a_worker_that_is_stopped_again_and_again(bench: Bench, during: str) -> None:
    reached = asyncio.Event()

    async def endless(*_: object, **__: object) -> Any:
        reached.set()
        await asyncio.Event().wait()

    processing = bench.processing()
    sound = processing._prepare, processing._pages.mark
    for _ in range(OUTAGE):
        reached.clear()
        if during == "mark":
            processing._pages.mark = endless  # type: ignore[method-assign]
        else:
            processing._prepare = endless
        attempt = asyncio.create_task(
            ActivityEnvironment().run(processing.process_batch, bench.batch)
        )
        await reached.wait()
        processing._prepare, processing._pages.mark = sound  # type: ignore[method-assign]
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
    assert await bench.until_done(processing) == 0
    await bench.assert_healthy()


async def test_an_end_that_could_not_be_written_is_written_with_the_next_attempt(
    bench: Bench,
) -> None:
    """Another lane's, for instance: the ends belong to the process, not to the attempt."""
    outage = Outage(3, OSError("the connection was lost"))
    processing = bench.processing(lambda port: Spoilt(port, outage, "store", "mark", after=True))
    with pytest.raises((OSError, ExceptionGroup)):
        await ActivityEnvironment().run(processing.process_batch, bench.batch)
    outage.left = 0
    other = Batch(run_id=bench.batch.run_id, lane=1, number=1)
    await ActivityEnvironment().run(processing.process_batch, other)
    assert await bench.marks() == 0


async def test_a_page_begun_again_while_an_end_is_owed_is_marked_once(bench: Bench) -> None:
    run_id = bench.batch.run_id
    page = await bench.drive.pool.fetchval("select min(page_id) from run_pages")
    await bench.drive.crawl.processed.mark(run_id, begun=[page], ended=[])
    await bench.drive.crawl.processed.mark(run_id, begun=[page], ended=[page])
    assert await bench.marks() == 1
    await bench.drive.crawl.processed.mark(run_id, begun=[], ended=[page, page])
    assert await bench.marks() == 0


async def test_a_document_that_kills_its_workers_is_still_told_from_the_others(
    bench: Bench,
) -> None:
    """A killed worker writes no end: so a process is here one that nobody asks again."""
    reached = asyncio.Event()

    async def deadly(job: PrepareJob) -> Prepared:
        if job.body.endswith(b"/3 rings twice."):
            reached.set()
            await asyncio.Event().wait()
        return await bench.prepare(job)

    for _ in range(QUARANTINED):
        reached.clear()
        processing = bench.processing(prepare=deadly)
        silent = Spoilt(bench.drive.crawl.processed, Outage(10**6, OSError("killed")), "mark")
        attempt = asyncio.create_task(
            ActivityEnvironment().run(processing.process_batch, bench.batch)
        )
        await reached.wait()
        processing._pages = silent  # type: ignore[assignment]
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
    await bench.until_done(bench.processing(prepare=deadly))
    held = await bench.drive.pool.fetch(
        "select url, code from quarantine join pages on id = page_id"
    )
    assert [tuple(row) for row in held] == [(URLS[3], "extractor_killed_worker")]


async def quarantined(drive: Drive, pages: list[HeldPage], run_id: str, code: str) -> None:
    error = PageError(ErrorClass.BUG, code, "3 workers ended while it was being processed")
    found = [PreparedPage(page.page_id, page.snapshot or b"", None, error) for page in pages]
    await drive.crawl.processed.store(run_id, fences(pages), found)


async def test_a_migration_lets_go_of_what_was_quarantined_so(drive: Drive) -> None:
    killed, crashed, live = URLS[:3]
    await drive.add("docs")
    await drive.run("docs", {live: "its first text"})
    run_id = await drive.open("docs")
    await drive.enlist(run_id, killed, crashed, live)
    batch = Batch(run_id=run_id, lane=0, number=1)
    await drive.record(run_id, await drive.claim(batch), dict.fromkeys(URLS, "a text"))
    pages = {page.url: page for page in await drive.crawl.batches.begin_attempt(batch)}
    wrongly = [pages[killed], pages[live]]
    await quarantined(drive, wrongly, run_id, "extractor_killed_worker")
    await quarantined(drive, [pages[crashed]], run_id, "extractor_crashed")
    await drive.crawl.runs.close_run(CloseRun(run_id=run_id, complete=True))
    assert await due(drive) == set()

    [sql] = [each.sql for each in migrate.known() if each.name.endswith("_lost_ends.sql")]
    await drive.pool.execute(sql)

    assert await due(drive) == {killed, live}
    states = [await drive.lifecycle(url) for url in (killed, crashed, live)]
    assert states == ["discovered", "quarantined", "live"]
    left = await drive.pool.fetch("select url from quarantine join pages on id = page_id")
    assert [row["url"] for row in left] == [crashed]


async def due(drive: Drive) -> set[str]:
    """What a scheduled run of the source takes on, and does not leave out again."""
    run_id = await drive.open("docs")
    run, source = await drive.crawl.runs.run_source(run_id)
    await drive.crawl.listing.list_pages(run, source, URLS[:3], level=0, mode="incremental")
    listed = await drive.pool.fetch("select page_id, url from run_pages where run_id = $1", run_id)
    held = await drive.crawl.processed.held_back([row["page_id"] for row in listed])
    await drive.crawl.runs.end_dead_run(run_id, "looked at")
    return {row["url"] for row in listed if row["page_id"] not in held}


async def test_a_migration_ends_the_marks_of_runs_under_way(bench: Bench) -> None:
    await bench.drive.pool.execute("update run_pages set marks = 2")
    [sql] = [each.sql for each in migrate.known() if each.name.endswith("_lost_ends.sql")]
    await bench.drive.pool.execute(sql)
    assert await bench.marks() == 0
