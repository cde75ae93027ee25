"""What the store notes of each check, and when it makes the page due."""

from datetime import timedelta

import asyncpg
import pytest

from atlas.contracts.activities import Batch, CloseRun
from atlas.domain.batch import FetchRow
from tests.stores.drive import Drive, fences, fetched, prepared, snapshot_of

A = "https://example.org/a"
DAY = timedelta(days=1)


async def state(drive: Drive) -> asyncpg.Record:
    row = await drive.pool.fetchrow(
        "select ps.* from page_state ps join pages p on p.id = ps.page_id where url = $1", A
    )
    assert row is not None
    return row


async def run_daily(drive: Drive, *answers: str | int) -> None:
    for answer in answers:
        drive.now += DAY - timedelta(hours=1)
        await drive.run("docs", {A: answer})


async def test_the_first_check_is_no_observation_and_the_page_is_due_a_cadence_later(
    drive: Drive,
) -> None:
    await drive.add("docs", cadence=DAY)
    await run_daily(drive, "one")
    found = await state(drive)
    assert (found["checks"], found["changes"]) == (0, 0)
    assert found["checked_at"] == drive.now
    assert found["next_due"] == drive.now + DAY


async def test_a_still_page_is_due_ever_later_and_a_changed_one_after_a_cadence(
    drive: Drive,
) -> None:
    await drive.add("docs", cadence=DAY)
    await run_daily(drive, "one", "one", "one", "one", "one", "one")
    found = await state(drive)
    assert found["checks"] > 3
    assert found["changes"] == 0
    assert found["changed_at"] is not None  # when it came into the corpus
    assert 2 * DAY <= found["next_due"] - drive.now <= 4 * DAY
    await run_daily(drive, "two", "three", "four")
    found = await state(drive)
    assert found["changes"] > 2
    assert found["changed_at"] == drive.now
    assert found["next_due"] - drive.now < 1.5 * DAY


async def test_a_body_that_differs_with_the_same_text_is_no_change(drive: Drive) -> None:
    """Pages that name the hour, or a token, in their markup."""
    await drive.add("docs", cadence=DAY)
    await run_daily(drive, "one")
    for number in range(3):
        drive.now += DAY
        run_id = await drive.open("docs")
        await drive.enlist(run_id, A)
        batch = Batch(run_id=run_id, lane=0, number=1)
        await drive.record(run_id, await drive.claim(batch), {A: f"body {number}"})
        pages = await drive.crawl.batches.begin_attempt(batch)
        found = [prepared(page, "one") for page in pages]
        await drive.crawl.processed.store(run_id, fences(pages), found)
        await drive.crawl.settlement.settle(
            batch, fences(await drive.crawl.batches.begin_attempt(batch))
        )
        closed = await drive.crawl.runs.close_run(CloseRun(run_id=run_id))
        assert closed.counts.unchanged == 1
    noted = await state(drive)
    assert noted["checks"] > 2
    assert noted["changes"] == 0


async def test_a_check_is_noted_once_however_often_it_is_delivered(drive: Drive) -> None:
    await drive.add("docs", cadence=DAY)
    await run_daily(drive, "one")
    run_id = await drive.open("docs")
    await drive.enlist(run_id, A)
    batch = Batch(run_id=run_id, lane=0, number=1)
    for _ in range(3):
        await drive.work(batch, {A: "two"})
    for _ in range(2):
        await drive.crawl.runs.close_run(CloseRun(run_id=run_id))
    assert (await state(drive))["checks"] == 1


@pytest.mark.parametrize(("max_age", "days"), [(3600.0, 1), (2 * 86400.0, 2), (1e7, 4)])
async def test_a_stated_freshness_is_waited_for(drive: Drive, max_age: float, days: int) -> None:
    await drive.add("docs", cadence=DAY)
    run_id = await drive.open("docs")
    await drive.enlist(run_id, A)
    [page] = await drive.claim(Batch(run_id=run_id, lane=0, number=1))
    row = FetchRow(
        page_id=page.page_id,
        url=A,
        attempt=1,
        final_url=A,
        status=200,
        elapsed=0.1,
        snapshot=snapshot_of("one"),
        max_age=max_age,
    )
    await drive.crawl.fetches.record(run_id, fences([page]), [row])
    pages = await drive.crawl.batches.begin_attempt(Batch(run_id=run_id, lane=0, number=1))
    await drive.crawl.processed.store(run_id, fences(pages), [prepared(pages[0], "one")])
    batch = Batch(run_id=run_id, lane=0, number=1)
    await drive.crawl.settlement.settle(
        batch, fences(await drive.crawl.batches.begin_attempt(batch))
    )
    assert (await state(drive))["next_due"] == drive.now + days * DAY


async def test_failures_back_off_and_an_answer_ends_it(drive: Drive) -> None:
    await drive.add("docs", cadence=DAY)
    await run_daily(drive, "one")
    waits = []
    for _ in range(8):
        await run_daily(drive, 500)
        found = await state(drive)
        waits.append((found["next_due"] - drive.now) / timedelta(hours=1))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 96]
    assert (found["failures"], found["failed_code"]) == (8, "http_500")
    await run_daily(drive, "one")
    found = await state(drive)
    assert (found["failures"], found["failed_class"], found["failed_code"]) == (0, None, None)


async def test_the_shortest_cadence_of_the_sources_that_hold_a_page_counts(drive: Drive) -> None:
    await drive.add("docs", cadence=30 * DAY)
    await drive.add("news", cadence=DAY)
    await drive.run("docs", {A: "one"})
    assert (await state(drive))["next_due"] == drive.now + 30 * DAY
    await drive.run("news", {A: "one"})
    assert (await state(drive))["next_due"] <= drive.now + 4 * DAY


async def test_a_page_given_up_unasked_has_no_row_in_the_ledger_but_backs_off(
    drive: Drive,
) -> None:
    await drive.add("docs", cadence=DAY)
    run_id = await drive.open("docs")
    await drive.enlist(run_id, A)
    [page] = await drive.claim(Batch(run_id=run_id, lane=0, number=1))
    failed = fetched(page, 503)
    row = FetchRow(
        page_id=page.page_id,
        url=A,
        attempt=page.attempts,
        final_url=None,
        status=None,
        elapsed=0.0,
        error=failed.error,
        asked=False,
    )
    await drive.crawl.fetches.record(run_id, fences([page]), [row])
    assert await drive.pool.fetchval("select count(*) from fetches") == 0
    assert (await drive.crawl.batches.counts(run_id)).failed == 1
    found = await state(drive)
    assert (found["failures"], found["next_due"]) == (1, drive.now + timedelta(hours=1))
