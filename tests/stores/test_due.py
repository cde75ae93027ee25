"""Which listed pages a run works on, by mode."""

from datetime import timedelta
from typing import Any

from atlas.contracts.activities import Batch, CloseRun
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.sources import sources
from tests.stores.drive import Drive, Web

A, B, C, D = (f"https://example.org/{name}" for name in "abcd")
WEB: Web = {A: "all about apples", B: "all about boats", C: 500}


async def queued(drive: Drive, *urls: str, **options: Any) -> set[str]:
    """What a run that begins now works on, and end it."""
    run_id = await drive.open("docs")
    run, source = await drive.crawl.runs.run_source(run_id)
    await drive.crawl.listing.list_pages(run, source, list(urls), level=0, **options)
    rows = await drive.pool.fetch("select url from run_pages where run_id = $1", run_id)
    await drive.crawl.runs.close_run(CloseRun(run_id=run_id, outcome="cancelled"))
    return {row["url"] for row in rows}


async def begun(drive: Drive, **rules: Any) -> None:
    await drive.add("docs", cadence=timedelta(days=1), **rules)
    await drive.run("docs", WEB)


async def test_a_full_run_takes_all(drive: Drive) -> None:
    await begun(drive)
    assert await queued(drive, A, B, C, mode="full") == {A, B, C}


async def test_a_run_of_the_failed_takes_only_those(drive: Drive) -> None:
    await begun(drive)
    assert await queued(drive, A, B, C, D, mode="failed") == {C}
    await drive.run("docs", {**WEB, C: "all about cats"})
    assert await queued(drive, A, B, C, mode="failed") == set()


async def test_failures_are_counted_by_code(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", {A: "all about apples", B: 500, C: 404, D: 500})
    run_id = await drive.pool.fetchval("select run_id from runs")
    async with drive.pool.acquire() as connection:
        found = await runs.failure_codes(connection, run_id)
    assert list(found.items()) == [("http_500", 2), ("http_404", 1)]


async def test_an_incremental_run_takes_what_is_due_or_new(drive: Drive) -> None:
    await begun(drive)
    drive.now -= timedelta(minutes=30)  # the next run begins half an hour after the one before
    assert await queued(drive, A, B, C, D, mode="incremental") == {D}
    again = await queued(drive, A, B, C, mode="incremental", retry_failed=True)
    assert again == {C}
    drive.now += timedelta(days=1)
    assert await queued(drive, A, B, C, mode="incremental") == {A, B, C}


async def test_a_fetched_page_not_settled_is_taken_whenever_it_is_due(drive: Drive) -> None:
    await drive.add("docs", cadence=timedelta(days=1))
    run_id = await drive.open("docs")
    await drive.enlist(run_id, A)
    pages = await drive.claim(Batch(run_id=run_id, lane=0, number=1))
    await drive.record(run_id, pages, {A: "all about apples"})  # and its worker dies
    await drive.crawl.runs.close_run(CloseRun(run_id=run_id, outcome="cancelled"))
    assert await queued(drive, A, mode="incremental") == {A}


async def test_a_feed_that_asks_for_patience_makes_its_source_due_later(drive: Drive) -> None:
    source = await drive.add("news", kind="feed", cadence=timedelta(hours=1))
    began = drive.now
    await drive.pool.execute("update sources set checked_at = $1", began)
    for ttl, hours in ((None, 1), (600.0, 1), (3 * 3600.0, 3), (1e9, 4)):
        await drive.crawl.listing.remember_listing_ttl(source.id, ttl)
        async with drive.pool.acquire() as connection:
            news = await sources.get(connection, "news")
        due = [news.due(began + timedelta(minutes=30 * step)) for step in range(10)]
        assert due.index(True) == 2 * hours, ttl


async def test_a_listing_that_says_a_page_changed_makes_it_due(drive: Drive) -> None:
    await begun(drive, kind="sitemap")
    checked = drive.now
    for said, due in (
        (checked - timedelta(minutes=1), False),
        (checked + timedelta(minutes=10), True),
        (checked + timedelta(days=30), False),  # not to be believed
    ):
        drive.now = checked - timedelta(minutes=30)  # the next run begins in half an hour
        found = await queued(
            drive, A, B, C, mode="incremental", modified=dict.fromkeys((A, C), said)
        )
        assert found == ({A} if due else set()), said  # what fails backs off all the same
    # A date without a time: any time of that day.
    drive.now = checked - timedelta(minutes=30)
    today = checked.replace(hour=0, minute=0)
    assert await queued(drive, A, B, mode="incremental", modified={A: today}) == {A}
