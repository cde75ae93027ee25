"""The statements of the stores and the pure lifecycle agree, whatever comes in whatever state."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from atlas.contracts.activities import Batch
from atlas.domain.batch import PreparedPage
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.removal.lifecycle import Evidence, Lifecycle, after
from atlas.domain.retention import Item, Retention
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.cleanup.page_classes import of_pages
from atlas.stores.postgres.settlement import settle
from tests.stores.drive import Drive, fences, prepared, snapshot_of

A = "https://example.org/a"
TEXT = "all about apples"


async def page_id(drive: Drive) -> int:
    return int(await drive.pool.fetchval("select id from pages where url = $1", A))


async def claimed(drive: Drive, state: Lifecycle) -> Batch:
    """A run that holds the page, which is in that state whatever it took to get there."""
    run_id = await drive.open("docs")
    await drive.enlist(run_id, A)
    batch = Batch(run_id=run_id, lane=0, number=1)
    await drive.claim(batch)
    await drive.pool.execute("update page_state set lifecycle = $1", state.value)
    return batch


async def fetch(drive: Drive, batch: Batch, answer: str | int) -> None:
    await drive.record(batch.run_id, await drive.crawl.batches.begin_attempt(batch), {A: answer})


async def answered(drive: Drive, batch: Batch) -> None:
    await fetch(drive, batch, TEXT)


async def gone(drive: Drive, batch: Batch) -> None:
    await fetch(drive, batch, 404)


async def settled(drive: Drive, batch: Batch) -> None:
    state = await drive.lifecycle(A)
    await fetch(drive, batch, TEXT)
    await process(drive, batch, None)
    # Of the evidence this is about the settling alone: the answer before it is tested above.
    await drive.pool.execute("update page_state set lifecycle = $1", state)
    await drive.crawl.settlement.settle(
        batch, fences(await drive.crawl.batches.begin_attempt(batch))
    )


async def process(drive: Drive, batch: Batch, error: PageError | None) -> None:
    pages = await drive.crawl.batches.begin_attempt(batch)
    [page] = pages
    good = prepared(page, TEXT)
    found = PreparedPage(page.page_id, snapshot_of(TEXT), None, error) if error else good
    await drive.crawl.processed.store(batch.run_id, fences(pages), [found])


async def poisoned(drive: Drive, batch: Batch) -> None:
    state = await drive.lifecycle(A)
    await fetch(drive, batch, TEXT)
    await drive.pool.execute("update page_state set lifecycle = $1", state)
    code = "extractor_killed_worker"
    await process(drive, batch, PageError(ErrorClass.INVALID, code, "it died of it"))


async def bury(
    connection: asyncpg.Connection, drive: Drive, why: Evidence = Evidence.REMOVED
) -> None:
    page = await page_id(drive)
    causes = {page: settle.LeavingCause("test")}
    gone = await settle.bury(connection, [page], drive.now, causes=causes, why=why)
    await change_log.append(connection, None, gone, drive.now)


async def removed(drive: Drive, batch: Batch) -> None:
    async with drive.pool.acquire() as connection, connection.transaction():
        await bury(connection, drive)


async def erased(drive: Drive, batch: Batch) -> None:
    async with drive.pool.acquire() as connection, connection.transaction():
        await bury(connection, drive, why=Evidence.ERASED)


async def expired(drive: Drive, batch: Batch) -> None:
    await drive.crawl.batches.release(batch)
    kind = of_pages(Retention())["tombstones"]
    async with drive.pool.acquire() as connection, connection.transaction():
        await kind.remove(connection, [Item(str(await page_id(drive)), A)], drive.now)


EVIDENCE: dict[Evidence, Callable[[Drive, Batch], Awaitable[None]]] = {
    Evidence.ANSWERED: answered,
    Evidence.SETTLED: settled,
    Evidence.GONE: gone,
    Evidence.REMOVED: removed,
    Evidence.POISONED: poisoned,
    Evidence.EXPIRED: expired,
    Evidence.ERASED: erased,
}


@pytest.mark.parametrize("evidence", EVIDENCE)
async def test_the_store_moves_a_page_as_the_rule_says(drive: Drive, evidence: Evidence) -> None:
    await drive.add("docs")
    found = {}
    for state in Lifecycle:
        batch = await claimed(drive, state)
        await EVIDENCE[evidence](drive, batch)
        found[state] = await drive.lifecycle(A)
        await drive.crawl.runs.end_dead_run(batch.run_id, "the test is done with it")
        await drive.pool.execute("delete from quarantine; delete from versions; ")
        await drive.pool.execute(
            "update page_state set settled_snapshot = null, fetched_snapshot = null"
        )
    assert found == {state: after(state, evidence).value for state in Lifecycle}


# What two looks at a vanished page are


async def looks(drive: Drive) -> tuple[int, bool]:
    row = await drive.pool.fetchrow(
        "select gone_count, gone_since is not null as since from page_state ps "
        "join pages p on p.id = ps.page_id where url = $1",
        A,
    )
    assert row is not None
    return row["gone_count"], row["since"]


async def test_two_sources_that_share_a_page_do_not_see_it_gone_twice_in_a_moment(
    drive: Drive,
) -> None:
    await drive.add("one")
    await drive.add("two")
    await drive.run("one", {A: TEXT})
    await drive.run("two", {A: TEXT})
    assert (await drive.run("one", {A: 410})).removed == 0
    drive.now -= timedelta(minutes=50)  # the other source's run begins ten minutes later
    for _ in range(3):
        assert (await drive.run("two", {A: 410})).removed == 0
    assert await looks(drive) == (1, True)
    assert await drive.lifecycle(A) == "suspect"
    drive.now += timedelta(days=1) - timedelta(hours=3)
    assert (await drive.run("two", {A: 410})).removed == 1  # a day after the first look


async def test_a_second_scheduled_run_of_a_source_is_a_second_look_however_soon(
    drive: Drive,
) -> None:
    await drive.add("docs")
    await drive.run("docs", {A: TEXT})
    assert (await drive.run("docs", {A: 410})).removed == 0
    drive.now -= timedelta(minutes=59)
    assert (await drive.run("docs", {A: 410})).removed == 1


async def test_a_scheduled_look_takes_the_place_of_one_by_hand(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", {A: TEXT})
    removed = [
        (await drive.run("docs", {A: 410}, trigger=trigger)).removed
        for trigger in ("cli", "schedule", "cli", "schedule")
    ]
    assert removed == [0, 0, 0, 1]


async def test_one_run_looks_once(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", {A: TEXT})
    batch = await claimed(drive, Lifecycle.LIVE)
    for _ in range(2):
        await fetch(drive, batch, 404)
        await drive.pool.execute("update run_pages set stage = 'listed', outcome = null")
        await drive.claim(batch)
    assert await looks(drive) == (1, True)


async def test_since_when_a_page_is_gone_and_tombstoned_is_kept_until_it_is_back(
    drive: Drive,
) -> None:
    moments = "select gone_since, tombstoned_at from page_state"
    await drive.add("docs")
    await drive.run("docs", {A: TEXT})
    await drive.run("docs", {A: 410})
    first = drive.now
    await drive.run("docs", {A: 410})
    assert tuple(await drive.pool.fetchrow(moments)) == (first, drive.now)
    second = drive.now
    await drive.run("docs", {A: 404})
    assert tuple(await drive.pool.fetchrow(moments)) == (first, second)
    await drive.run("docs", {A: TEXT})
    assert tuple(await drive.pool.fetchrow(moments)) == (None, None)
