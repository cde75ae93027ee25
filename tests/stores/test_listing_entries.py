"""A listing kept in the database while it is read: in order, each address once, and of a source
with a budget no more than the budget needs."""

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from atlas.contracts.activities import CloseRun
from atlas.domain.addresses.refused_addresses import MOST, RefusedAddresses
from atlas.stores.postgres.crawl.runs import listing_entries
from tests.stores.drive import Drive

LATER = datetime(2026, 11, 25, tzinfo=UTC)
A, B, C, D = (f"https://example.org/{name}" for name in "abcd")


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("room", "listed", "more"),
    [(None, [A, B, C, D], False), (4, [A, B, C, D], False), (3, [A, B, C], True), (0, [], True)],
)
async def test_a_budget_cuts_in_the_order_of_addresses(
    drive: Drive, room: int | None, listed: list[str], more: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas.stores.postgres.services.run_listing._PART", 2)
    await drive.add("docs")
    run, source = await drive.crawl.runs.run_source(await drive.open("docs"))
    refused = RefusedAddresses()
    async with drive.crawl.listing.reading(run.run_id, room) as reading:
        await reading.add([(D, None), (B, LATER), (D, None)])
        await reading.add([(C, None), (A, None), (B, None)])
        assert await reading.after(A, 1) == [(B, LATER)]
        found = await drive.crawl.listing.list_read(run, source, reading, level=0, refused=refused)
    assert found == (len(listed), more)
    assert sum(refused.counts.values()) == (4 - len(listed) if more else 0)
    rows = await drive.pool.fetch("select url from run_pages order by url")
    assert [row["url"] for row in rows] == listed
    assert await drive.pool.fetchval("select count(*) from listing_entries") == 0


@pytest.mark.fault(6)
async def test_an_attempt_that_was_superseded_takes_nothing_away(drive: Drive) -> None:
    await drive.add("docs")
    run, _ = await drive.crawl.runs.run_source(await drive.open("docs"))
    async with drive.crawl.listing.reading(run.run_id) as new:
        async with drive.crawl.listing.reading(run.run_id) as old:
            await new.add([(A, None)])
            await old.add([(B, None)])
            assert await new.after("", 9) == [(A, None)]
        assert await new.after("", 9) == [(A, None)]


@pytest.mark.fault(6)
async def test_what_a_killed_attempt_left_goes_when_its_run_has_ended(drive: Drive) -> None:
    await drive.add("docs")
    run, _ = await drive.crawl.runs.run_source(await drive.open("docs"))
    left = drive.crawl.listing.reading(run.run_id)
    await (await left.__aenter__()).add([(A, None)])  # and never left again
    await drive.crawl.runs.close_run(CloseRun(run_id=run.run_id, outcome="cancelled"))
    later, _ = await drive.crawl.runs.run_source(await drive.open("docs"))
    async with drive.crawl.listing.reading(later.run_id):
        assert await drive.pool.fetchval("select count(*) from listing_entries") == 0


# Of a source with a budget.

ORDERS: dict[str, Callable[[list[str]], object]] = {
    "in order": list.sort,
    "backwards": lambda urls: urls.sort(reverse=True),
    "mixed": random.Random(7).shuffle,
}


async def read_and_list(drive: Drive, urls: list[str], room: int) -> tuple[int, RefusedAddresses]:
    """Rows that were written of a listing, and what was refused of it; all the others are right."""
    await drive.pool.execute(
        """
        create table written (url text);
        create function note_written() returns trigger language plpgsql as
        $$ begin insert into written select url from added; return null; end $$;
        create trigger note_written after insert on listing_entries
        referencing new table as added for each statement execute function note_written()
        """
    )
    await drive.add("docs", max_pages=room)
    run, source = await drive.crawl.runs.run_source(await drive.open("docs"))
    refused = RefusedAddresses()
    async with drive.crawl.listing.reading(run.run_id, room) as reading:
        for at in range(0, len(urls), 500):
            await reading.add([(url, None) for url in urls[at : at + 500]])
        listed = await drive.crawl.listing.list_read(run, source, reading, level=0, refused=refused)
    rows = await drive.pool.fetch("select url from run_pages order by url")
    assert [row["url"] for row in rows] == sorted(set(urls))[:room]
    assert listed == (min(room, len(set(urls))), len(set(urls)) > room)
    assert await drive.pool.fetchval("select count(*) from listing_entries") == 0
    return await drive.pool.fetchval("select count(*) from written"), refused


@pytest.mark.parametrize("order", ORDERS)
async def test_a_small_budget_writes_no_more_of_a_large_listing(drive: Drive, order: str) -> None:
    urls = [f"https://example.org/{number}/{'x' * 900}" for number in range(20_000)]
    ORDERS[order](urls)
    written, refused = await read_and_list(drive, urls, 10)
    assert written == 10 + MOST
    assert refused.counts == {"max_pages 10": 20_000 - 10}
    assert list(refused.addresses()) == sorted(urls)[10 : 10 + MOST]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("room", [5, 60, 5000])
async def test_what_does_not_fit_into_memory_is_cut_in_the_database(
    drive: Drive, order: str, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_entries, "_BUFFER", 20 * listing_entries._OVERHEAD)
    monkeypatch.setattr(listing_entries, "MOST", 10)
    monkeypatch.setattr("atlas.stores.postgres.services.run_listing.MOST", 10)
    urls = [f"https://example.org/{number}" for number in range(2000)] * 2
    ORDERS[order](urls)
    written, refused = await read_and_list(drive, urls, room)
    if order == "in order":
        assert written <= 2 * (room + 10) + 500  # one part more, at most
    if room < 2000:  # repeats of what was not kept count again
        assert 2000 - room <= refused.counts[f"max_pages {room}"] <= 4000 - room
    else:
        assert refused.counts == {}
