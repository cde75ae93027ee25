"""A listing kept in the database while it is read: in order, each address once."""

from datetime import UTC, datetime

import pytest

from atlas.contracts.activities import CloseRun
from atlas.domain.refused_addresses import RefusedAddresses
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
    async with drive.crawl.listing.reading(run.run_id) as reading:
        await reading.add([(D, None), (B, LATER), (D, None)])
        await reading.add([(C, None), (A, None), (B, None)])
        assert await reading.after(A, 1) == [(B, LATER)]
        found = await drive.crawl.listing.list_read(
            run, source, reading, room=room, level=0, refused=refused
        )
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
