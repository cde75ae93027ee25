"""Sources and their lease: of many takers one works, and a dead holder is let go of."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from atlas.contracts.activities import Batch, OpenRun
from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.sources import sources
from tests.stores.drive import Drive, all_are_open, nobody_is_open

NOW = datetime(2026, 11, 24, tzinfo=UTC)


async def take(drive: Drive, source_id: int, run: str, instead_of: str | None = None) -> object:
    async with drive.pool.acquire() as connection:
        return await sources.take_lease(
            connection,
            source_id,
            run_id=run,
            workflow_id=f"workflow of {run}",
            now=NOW,
            instead_of=instead_of,
        )


async def holder(drive: Drive, name: str = "docs") -> str | None:
    async with drive.pool.acquire() as connection:
        lease = (await sources.get(connection, name)).lease
    return lease.run_id if lease else None


async def test_of_many_takers_one_wins_and_the_others_learn_who(drive: Drive) -> None:
    source = await drive.add("docs")
    answers = await asyncio.gather(*(take(drive, source.id, f"run-{n}") for n in range(8)))
    winner = await holder(drive)
    assert answers.count(None) == 1
    assert winner == f"run-{answers.index(None)}"
    assert {answer.run_id for answer in answers if answer} == {winner}


async def test_the_holder_may_take_it_again(drive: Drive) -> None:
    source = await drive.add("docs")
    assert await take(drive, source.id, "mine") is None
    assert await take(drive, source.id, "mine") is None


async def test_of_two_that_take_over_a_dead_run_one_wins(drive: Drive) -> None:
    source = await drive.add("docs")
    await take(drive, source.id, "dead")
    answers = await asyncio.gather(
        *(take(drive, source.id, f"run-{n}", instead_of="dead") for n in range(6))
    )
    assert answers.count(None) == 1
    assert await holder(drive) == f"run-{answers.index(None)}"


async def test_only_the_holder_lets_go(drive: Drive) -> None:
    source = await drive.add("docs")
    await take(drive, source.id, "mine")
    async with drive.pool.acquire() as connection:
        await sources.release_lease(connection, "another")
        assert await holder(drive) == "mine"
        await sources.release_lease(connection, "mine")
    assert await holder(drive) is None


async def test_a_run_under_way_is_named_to_the_second(drive: Drive) -> None:
    await drive.add("docs")
    first = await drive.open("docs")
    second = OpenRun(run_id="second", workflow_id="by hand", source="docs")
    opened = await drive.crawl.runs.open_run(second, all_are_open)
    assert opened.outcome == "already_running"
    assert f"sync_pipeline:docs (run {first})" in opened.message
    assert await drive.pool.fetchval("select count(*) from runs where run_id = 'second'") == 0


async def test_a_dead_run_is_ended_its_claims_let_go_and_its_late_writes_refused(
    drive: Drive,
) -> None:
    await drive.add("docs")
    dead = await drive.open("docs")
    await drive.enlist(dead, "https://example.org/a", "https://example.org/b")
    pages = await drive.claim(Batch(run_id=dead, lane=0, number=1))
    assert len(pages) == 2
    second = OpenRun(run_id="second", workflow_id="by hand", source="docs")
    assert (await drive.crawl.runs.open_run(second, nobody_is_open)).outcome is None
    assert await holder(drive) == "second"
    ended = await drive.pool.fetchrow("select * from runs where run_id = $1", dead)
    assert (ended["outcome"], ended["ended_at"]) == ("failed", drive.now)
    counts = await drive.crawl.batches.counts(dead)
    assert (counts.seen, counts.done) == (2, 2)
    web = {page.url: "late" for page in pages}
    assert await drive.record(dead, pages, web) == 0
    assert await drive.pool.fetchval("select count(*) from fetches") == 0


async def test_opening_a_run_twice_is_opening_it_once(drive: Drive) -> None:
    await drive.add("docs")
    request = OpenRun(run_id="one", workflow_id="w", source="docs")
    for _ in range(2):
        assert (await drive.crawl.runs.open_run(request, all_are_open)).outcome is None
    assert await drive.pool.fetchval("select count(*) from runs") == 1


async def test_a_name_is_declared_once_and_an_unknown_one_names_those_there_are(
    drive: Drive,
) -> None:
    await drive.add("docs")
    with pytest.raises(sources.SourceExists, match=r"'docs' exists already.*atlas sources edit"):
        await drive.add("docs")
    async with drive.pool.acquire() as connection:
        with pytest.raises(sources.UnknownSource, match="'dcos'; known: docs"):
            await sources.get(connection, "dcos")
        with pytest.raises(sources.UnknownSource, match="'dcos'"):
            await sources.set_paused(connection, "dcos", True)


async def test_the_database_itself_refuses_a_name_no_one_may_use(drive: Drive) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await drive.add("Not A Name")


async def test_a_paused_source_is_not_run(drive: Drive) -> None:
    await drive.add("docs", paused=True)
    request = OpenRun(run_id="one", workflow_id="w", source="docs")
    opened = await drive.crawl.runs.open_run(request, all_are_open)
    assert opened.outcome == "source_paused"
    assert "atlas sources resume docs" in opened.message


async def test_origins_that_a_source_owns(drive: Drive) -> None:
    docs = ("https://docs.example/a/b", "http://x.example:81/")
    owned = {"https://docs.example", "http://x.example:81", "https://wiki.example"}
    asked = {*owned, "http://docs.example", "https://docs.exampl", "http://x.example:8"}
    async with drive.pool.acquire() as connection:
        await sources.add(connection, SourceSpec("docs", "urls", docs), drive.now)
        prefix = "https://wiki.example/p/"
        await sources.add(
            connection, SourceSpec("map", "sitemap", docs[:1], prefix=prefix), drive.now
        )
        assert await sources.owned_origins(connection, asked) == owned
        assert await sources.owned_origins(connection, ()) == frozenset()
