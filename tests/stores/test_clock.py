"""One clock for all workers: the database's; and what a wrong clock left behind does no harm."""

import itertools
import time
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from atlas.contracts.activities import Batch
from atlas.stores.postgres.clock import DatabaseClock, skew
from atlas.stores.postgres.sources import sources
from tests.stores.drive import Drive

pytestmark = pytest.mark.fault(3)

URLS = [f"https://example.org/{number}" for number in range(4)]
DAY = timedelta(days=1)


class Ticks:
    """A clock that nobody sets, and that moves when told."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def test_the_clock_tells_the_databases_time(
    database: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    clock = DatabaseClock()
    began = time.monotonic()
    async with clock.following(database):
        trip = timedelta(seconds=time.monotonic() - began)  # no answer is off by more
        earlier = await database.fetchval("select clock_timestamp()")
        now = clock()
        later = await database.fetchval("select clock_timestamp()")
    assert earlier - trip <= now <= later + trip


async def test_it_counts_on_and_does_not_go_back(database: "asyncpg.Pool[asyncpg.Record]") -> None:
    ticks = Ticks()
    clock = DatabaseClock(ticks)
    async with database.acquire() as connection:
        await clock.measure(connection)
        first = clock()
        ticks.seconds += 5
        assert clock() - first == timedelta(seconds=5)
        ticks.seconds -= 0.5  # as a later answer that came late would have it
        assert clock() - first == timedelta(seconds=5)
        ticks.seconds += 3600
        ahead = clock()
        await clock.measure(connection)  # the database's clock says otherwise: it is followed
        assert clock() < ahead - timedelta(minutes=59)


async def test_skew_is_what_the_question_does_not_explain(
    database: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    clock = DatabaseClock()
    async with database.acquire() as connection:
        await clock.measure(connection)
        for off in (timedelta(0), DAY, -DAY):
            found = timedelta(seconds=await skew(connection, lambda off=off: clock() + off))
            assert abs(found + off) < timedelta(hours=1)


async def ahead(drive: Drive, source: str, web: dict[str, Any]) -> None:
    """A whole run of a worker whose clock is a day ahead."""
    drive.now += DAY
    await drive.run(source, web)
    drive.now -= DAY


async def test_pages_fetched_in_the_future_are_not_skipped_as_fresh(drive: Drive) -> None:
    await drive.add("docs")
    await drive.add("others")
    await ahead(drive, "others", dict.fromkeys(URLS, "before"))
    closed = await drive.run("docs", dict.fromkeys(URLS, "after"))
    assert (closed.counts.updated, closed.counts.skipped) == (len(URLS), 0)


async def test_no_version_ends_before_it_begins_nor_begins_before_the_last_ended(
    drive: Drive,
) -> None:
    await drive.add("docs")
    await drive.run("docs", dict.fromkeys(URLS, "first"))
    await ahead(drive, "docs", dict.fromkeys(URLS, "second"))
    await drive.run("docs", dict.fromkeys(URLS, "third"))
    gone = dict.fromkeys(URLS[1:], "third")
    for _ in range(2):
        await drive.run("docs", gone | {URLS[0]: 410})
    assert await drive.live() == set(URLS[1:])
    rows = await drive.pool.fetch("select * from versions order by page_id, seq")
    assert len(rows) == 3 * len(URLS)
    for row, following in itertools.pairwise(rows):
        assert row["valid_to"] is None or row["valid_from"] <= row["valid_to"]
        if row["page_id"] == following["page_id"]:
            assert row["valid_to"] <= following["valid_from"]


async def test_pages_and_sources_checked_in_the_future_are_due(drive: Drive) -> None:
    await drive.add("docs")
    await ahead(drive, "docs", dict.fromkeys(URLS, "a text"))
    async with drive.pool.acquire() as connection:
        assert (await sources.get(connection, "docs")).due(drive.now + DAY - timedelta(hours=2))
    run_id = await drive.open("docs")
    await drive.pool.execute("update runs set due = true where run_id = $1", run_id)
    await drive.enlist(run_id, *URLS)
    assert (await drive.crawl.batches.counts(run_id)).seen == len(URLS)
    await drive.work(Batch(run_id=run_id, lane=0, number=1), dict.fromkeys(URLS, "a text"))
    async with drive.pool.acquire() as connection:
        await sources.worked(
            connection, "docs", drive.now, checked=True, synced=True, now=drive.now
        )
        found = await sources.get(connection, "docs")
    assert found.checked_at == found.synced_at == drive.now
