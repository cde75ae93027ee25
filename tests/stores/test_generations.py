"""A generation is built beside its writers, switched to, rolled back from, and dropped."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from atlas.checks.database import index as check_index
from atlas.domain.analysis import ANALYSER_VERSION, index_parts
from atlas.stores.postgres import copying, gates, generations, index, settle
from atlas.stores.postgres.generation_list import listing
from atlas.stores.postgres.generations import Builder, Pointers
from atlas.stores.postgres.index import IndexText
from atlas.stores.postgres.search import search
from tests.stores.corpus import Corpus

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
WORDS = (
    "harbour ferry lantern orchard chapel anchor cellar ember gravel kettle marble needle".split()
)


def words(number: int) -> str:
    return " ".join(random.Random(number).choices(WORDS, k=30)) + f" {number:03}unique"


async def fill(connection: asyncpg.Connection, count: int) -> Corpus:
    corpus = Corpus(connection)
    for number in range(count):
        await corpus.put(f"https://example.org/{number:03}", f"Title {number}", words(number))
    return corpus


async def begin(connection: asyncpg.Connection, run_id: str = "r", **given: object) -> Builder:
    builder = await generations.start(
        connection,
        **{"run_id": run_id, "workflow_id": "w", "analyser": ANALYSER_VERSION, "now": NOW, **given},  # type: ignore[arg-type]
    )
    assert builder is not None
    return builder


async def analysed(connection: asyncpg.Connection, generation: int) -> list[IndexText]:
    """Every text that the generation lacks, ready to be inserted."""
    lacking = await copying.lacking(connection, generation, b"", b"\xff" * 32)
    return [
        IndexText(text.text_hash, index_parts(text.title, text.text))
        for text in await copying.read(connection, lacking)
    ]


async def copy(connection: asyncpg.Connection, generation: int) -> bool:
    texts = await analysed(connection, generation)
    return await copying.insert(connection, generation, texts)


async def switch(
    connection: asyncpg.Connection, generation: int, keep_until: datetime | None = LATER
) -> Pointers | None:
    return await generations.switch(
        connection, generation, run_id=f"r{generation}", keep_until=keep_until, now=NOW
    )


async def entries(connection: asyncpg.Connection, generation: int) -> set[bytes]:
    rows = await connection.fetch(f"select text_hash from index_entries_{generation}")
    kept = await connection.fetchrow("select * from generations where id = $1", generation)
    assert kept["entries"] == len(rows)
    return {row["text_hash"] for row in rows}


async def failed(connection: asyncpg.Connection, generation: int, **asked: object) -> list[str]:
    """Names and details of the gates that do not pass."""
    found = await gates.check(
        connection,
        generation,
        **{"queries": (), "min_overlap": 0.8, **asked},  # type: ignore[arg-type]
    )
    return [f"{verdict.name}: {verdict.detail}" for verdict in found.verdicts if not verdict.passed]


@asynccontextmanager
async def two(database: asyncpg.Pool) -> AsyncIterator[tuple[asyncpg.Connection, ...]]:
    async with database.acquire() as one, database.acquire() as other:
        yield one, other


async def states(connection: asyncpg.Connection) -> dict[int, str]:
    return dict(await connection.fetch("select id, state from generations"))  # type: ignore[arg-type]


# From start to switch


async def test_a_rebuild_from_start_to_rollback(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        corpus = await fill(connection, 12)
        await corpus.put("https://example.org/copy", "Title 3", words(3))
        builder = await begin(connection)
        assert (builder.generation, builder.analyser) == (2, ANALYSER_VERSION)
        assert await entries(connection, 2) == set()
        assert await copy(connection, 2)
        assert await entries(connection, 2) == await entries(connection, 1)
        await gates.make_ready(connection, 2)
        assert await failed(connection, 2) == []
        assert await switch(connection, 2) == Pointers(2, 1)
        assert (await index.active_generation(connection)).id == 2
        late = await corpus.put("https://example.org/late", "Late", "a lighthouse, late")
        assert late in await entries(connection, 1)  # so that a rollback loses nothing
        back = await generations.roll_back(connection, run_id="b", keep_until=LATER, now=NOW)
        assert back == Pointers(1, 2)
        found = await search(connection, "lighthouse")
        assert [hit.url for hit in found.results] == ["https://example.org/late"]


async def test_two_builders_and_a_takeover(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await fill(connection, 3)
        first = await begin(connection, "r")
        await copy(connection, 2)
        assert await begin(connection, "r") == first
        assert (await begin(connection, "other")).run_id == "r"
        taken = await begin(connection, "other", instead_of="r")
        assert (taken.run_id, taken.generation) == ("other", 2)  # what is there is used
        assert len(await entries(connection, 2)) == 3
        newer = await begin(connection, "third", instead_of="other", analyser=ANALYSER_VERSION + 1)
        assert newer.generation == 3
        assert await states(connection) == {1: "active", 2: "retired", 3: "building"}
        assert await generations.expired(connection, NOW) == [2]


async def test_a_start_delivered_after_the_end_of_its_run_builds_nothing(
    database: asyncpg.Pool,
) -> None:
    async with database.acquire() as connection:
        await connection.execute(
            "insert into runs (run_id, workflow_id, source_name, trigger, due, started_at,"
            " ended_at, outcome) values ('r', 'w', '', 'manual', false, $1, $1, 'cancelled')",
            NOW,
        )
        late = await generations.start(connection, run_id="r", workflow_id="w", analyser=1, now=NOW)
        assert late is None
        assert await states(connection) == {1: "active"}


async def test_every_step_may_be_delivered_twice(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await fill(connection, 4)
        for number in (2, 3):
            for _ in range(2):
                await begin(connection, f"build {number}")
                await copy(connection, number)
            for _ in range(2):
                assert await switch(connection, number) == Pointers(number, number - 1)
        assert await states(connection) == {1: "retired", 2: "previous", 3: "active"}
        for _ in range(3):
            found = await generations.roll_back(connection, run_id="b", keep_until=LATER, now=NOW)
            assert found == Pointers(2, 3)
        for _ in range(2):  # late: it built what is now the previous one
            assert await switch(connection, 3) == Pointers(2, 3)
        for _ in range(2):
            assert await generations.drop(connection, 1)
        assert await states(connection) == {2: "active", 3: "previous"}
        assert await copying.insert(connection, 1, []) is False  # later than all


async def test_nothing_to_roll_back_to(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        assert (
            await generations.roll_back(connection, run_id="b", keep_until=LATER, now=NOW) is None
        )
        assert await states(connection) == {1: "active"}


async def test_kept_for_no_time_the_old_one_is_retired(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await begin(connection)
        assert await switch(connection, 2, keep_until=None) == Pointers(2, None)
        assert await generations.expired(connection, NOW) == [1]


async def test_a_previous_generation_expires(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await begin(connection)
        await switch(connection, 2)
        assert await generations.expired(connection, LATER - timedelta(seconds=1)) == []
        assert await generations.expired(connection, LATER) == [1]
        shown = {each.id: each for each in await listing(connection)}
        assert (shown[1].keep_until, shown[2].active_since) == (LATER, NOW)
        assert shown[1].size > 0


# Copying beside writers


async def test_a_text_that_left_while_it_was_analysed_leaves_no_ghost(
    database: asyncpg.Pool,
) -> None:
    async with database.acquire() as connection:
        corpus = await fill(connection, 5)
        await begin(connection)
        texts = await analysed(connection, 2)
        await corpus.drop(texts[0].text_hash)
        await corpus.drop(texts[1].text_hash)
        unreadable = [texts.pop(1).text_hash]
        await copying.insert(connection, 2, texts, unreadable=unreadable)
        assert await entries(connection, 2) == await entries(connection, 1)
        assert len(await entries(connection, 2)) == 3


async def test_an_insert_waits_for_the_settlement_that_takes_its_text_away(
    database: asyncpg.Pool,
) -> None:
    """And a removal after the insert finds what was inserted."""
    async with two(database) as (one, other):
        corpus = await fill(one, 5)
        await begin(one)
        texts = await analysed(one, 2)
        async with one.transaction():
            await settle.lock_corpus(one)
            await corpus.drop(texts[0].text_hash)
            inserting = asyncio.create_task(copying.insert(other, 2, texts))
            while not await database.fetchval(
                "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
            ):
                await asyncio.sleep(0.01)
            assert not inserting.done()
        await inserting
        assert await entries(one, 2) == await entries(one, 1)
        await corpus.drop(texts[1].text_hash)
        assert await entries(one, 2) == await entries(one, 1)


async def test_another_page_keeps_a_text_whose_first_page_went(database: asyncpg.Pool) -> None:
    """The copy had read it by the page that left; it is live by one that came meanwhile."""
    async with database.acquire() as connection:
        corpus = await fill(connection, 2)
        await begin(connection)
        texts = await analysed(connection, 2)
        first = await connection.fetchval("select min(page_id) from versions")
        await connection.execute("update versions set valid_to = $2 where page_id = $1", first, NOW)
        await corpus.put("https://example.org/zz", "Title 0", words(0))
        await connection.execute("delete from index_entries_2")
        await connection.execute("update generations set entries = 0, tokens = 0 where id = 2")
        await copying.insert(connection, 2, texts)
        assert len(await entries(connection, 2)) == 2


@pytest.mark.parametrize("seed", range(2))
async def test_writers_at_random_beside_the_copy(database: asyncpg.Pool, seed: int) -> None:
    dice = random.Random(seed)
    async with two(database) as (one, other):
        corpus = await fill(one, 30)
        await begin(one)

        async def write() -> None:
            for number in range(40):
                async with one.transaction():
                    await settle.lock_corpus(one)
                    if dice.random() < 0.5:
                        hashes = sorted(await entries(one, 1))
                        await corpus.drop(dice.choice(hashes))
                    else:
                        url = f"https://example.org/new{number}"
                        await corpus.put(url, f"New {number}", words(1000 + number))
                await asyncio.sleep(dice.random() / 200)

        async def copy_chunks() -> None:
            after, last = b"", b""
            while last is not None:
                last, _ = await copying.next_texts(other, after, 3)
                if last is not None:
                    lacking = await copying.lacking(other, 2, after, last)
                    texts = await copying.read(other, lacking)
                    await asyncio.sleep(dice.random() / 100)  # the analysis
                    parts = [IndexText(t.text_hash, index_parts(t.title, t.text)) for t in texts]
                    await copying.insert(other, 2, parts)
                    after = last

        await asyncio.gather(write(), copy_chunks())
        assert await entries(one, 2) == await entries(one, 1)
        assert await failed(one, 2) == []


async def test_an_unreadable_text_keeps_the_entries_it_had(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await fill(connection, 3)
        await connection.execute("update index_entries set analyser = 0")
        await begin(connection)
        texts = await analysed(connection, 2)
        bad = texts.pop().text_hash
        await copying.insert(connection, 2, texts, unreadable=[bad])
        assert await entries(connection, 2) == await entries(connection, 1)
        found = await failed(connection, 2)
        assert len(found) == 1
        assert found[0].startswith("analysed: by analyser 1; 1 keep the entries of an older one: ")
        assert "https://example.org/00" in found[0]
        texts = await analysed(connection, 2)  # it can be read after all
        assert [text.text_hash for text in texts] == [bad]
        await copying.insert(connection, 2, texts)
        assert await failed(connection, 2) == []


# Two analysers


async def test_of_two_analysers_the_newer_wins_whoever_comes_last(database: asyncpg.Pool) -> None:
    long = index_parts("Title", "wind and fog " * 3000)
    short = index_parts("Title", "storm")
    old, new = IndexText(bytes(32), long, 1), IndexText(bytes(32), short, 2)
    async with database.acquire() as connection:
        for order in ((old, new), (new, old), (new, new)):
            for text in order:
                await index.add(connection, [text])
            rows = await connection.fetch("select analyser, part from index_entries")
            assert [tuple(row) for row in rows] == [(2, 0)]
            assert await entries(connection, 1) == {bytes(32)}
            await index.remove(connection, [bytes(32)])


async def test_pages_of_a_new_analysers_generation_are_settled_with_it(
    database: asyncpg.Pool,
) -> None:
    async with database.acquire() as connection:
        await fill(connection, 5)
        await connection.execute(
            "insert into page_state (page_id, lifecycle, settled_analyser) "
            "select page_id, 'live', 1 from versions"
        )
        await begin(connection, analyser=2)
        texts = [replace(text, analyser=2) for text in await analysed(connection, 2)]
        await copying.insert(connection, 2, texts[:4], unreadable=[texts[4].text_hash])
        await switch(connection, 2)
        after: int | None = 0
        while after is not None:
            after = await copying.mark_settled(connection, 2, after, 2)
        marked = await connection.fetch("select settled_analyser from page_state order by 1")
        assert [row["settled_analyser"] for row in marked] == [1, 2, 2, 2, 2]


async def test_an_index_of_an_older_analyser_still_answers(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await fill(connection, 3)
        await connection.execute("update generations set analyser = 0")
        found = await index.state(connection)
        assert found.active.outdated
        assert (await search(connection, "001unique")).total == 1


# Gates


async def test_each_gate_names_what_is_wrong(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await fill(connection, 20)
        await begin(connection)
        await copy(connection, 2)
        text = await connection.fetchval(
            "select d.text_hash from documents d join pages p on p.id = d.page_id "
            "where p.url = 'https://example.org/007'"
        )
        await connection.execute("delete from index_entries_2 where text_hash = $1", text)
        await connection.execute(
            "insert into index_entries values (2, $1, 0, 3, 0, 5, 'a b c')", bytes(32)
        )
        found = await failed(connection, 2, queries=["007unique", "008unique", "harbour"])
        assert found[0] == (
            f"texts: 20 distinct texts; 1 missing: https://example.org/007; "
            f"1 extra: {bytes(8).hex()}"
        )
        assert found[1].startswith("counts: 20 entries, ")
        assert found[2] == "queries: 2 of 3 queries find 80% of what they found"
        checked = await gates.check(connection, 2, queries=["007unique"], min_overlap=0.8)
        loss = checked.losses[0]
        assert (loss.query, loss.found, loss.lost) == ("007unique", 1, ("https://example.org/007",))
        assert len(await failed(connection, 2, queries=["007unique"], min_overlap=0.0)) == 2


async def test_a_generation_that_lost_words_is_refused(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await fill(connection, 20)
        await begin(connection)
        lacking = await copying.lacking(connection, 2, b"", b"\xff" * 32)
        texts = [
            IndexText(text.text_hash, index_parts(text.title, text.text[:40]))
            for text in await copying.read(connection, lacking)
        ]
        await copying.insert(connection, 2, texts)
        found = await failed(connection, 2, queries=["000unique", "harbour"])
        names = [line.split(":")[0] for line in found]
        assert names == ["size", "queries"]


# Dropping, and searches meanwhile


async def test_a_search_that_chose_a_generation_dropped_meanwhile_begins_again(
    database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two(database) as (one, other):
        await fill(one, 3)
        await begin(one)
        await copy(one, 2)
        real = index.active_generation
        moments: list[int] = []

        async def then_dropped(connection: asyncpg.Connection) -> index.Generation:
            chosen = await real(connection)
            if not moments:
                await switch(other, 2, keep_until=None)
                assert await generations.drop(other, 1)
            moments.append(chosen.id)
            return chosen

        monkeypatch.setattr("atlas.stores.postgres.search.active_generation", then_dropped)
        found = await search(one, "001unique")
        assert (moments, found.total) == ([1, 2], 1)


async def test_the_active_generation_cannot_be_dropped(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        assert await generations.drop(connection, 1) is False
        assert await generations.drop(connection, 77)
        assert await states(connection) == {1: "active"}


async def test_a_drop_cut_off_anywhere_is_finished_by_the_next(database: asyncpg.Pool) -> None:
    async with two(database) as (one, other):
        await fill(one, 3)
        for step in range(4):
            generation = (await begin(one, f"build {step}")).generation
            await copy(one, generation)
            await generations.give_up(one, f"build {step}")
            partition = f"index_entries_{generation}"
            if step == 1:  # cut off while it waits for a reader: the detachment is pending
                async with other.transaction():
                    await other.fetch("select count(*) from index_entries")
                    detach = f"alter table index_entries detach partition {partition} concurrently"
                    with suppress(asyncpg.QueryCanceledError, TimeoutError):
                        await one.execute(detach, timeout=0.3)
                    pending = await other.fetchval(
                        "select inhdetachpending from pg_inherits where inhrelid = $1::regclass",
                        partition,
                    )
                    assert pending
            if step >= 2:
                await one.execute(
                    f"alter table index_entries detach partition {partition} concurrently"
                )
            if step == 3:
                await one.execute(f"drop table {partition}")
            await asyncio.gather(
                generations.drop(one, generation), generations.drop(other, generation)
            )
            assert await states(one) == {1: "active"}
            assert await one.fetchval("select to_regclass($1)", partition) is None


async def test_a_drop_first_finishes_another_that_was_cut_off(database: asyncpg.Pool) -> None:
    async with two(database) as (one, other):
        for number in (2, 3):
            await begin(one, f"build {number}")
            await generations.give_up(one, f"build {number}")
        async with other.transaction():
            await other.fetch("select count(*) from index_entries")
            detach = "alter table index_entries detach partition index_entries_2 concurrently"
            with suppress(asyncpg.QueryCanceledError, TimeoutError):
                await one.execute(detach, timeout=0.3)
        assert await generations.drop(one, 3)
        assert await generations.drop(one, 2)
        assert await states(one) == {1: "active"}


async def test_rolled_back_while_the_next_is_being_built(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await fill(connection, 4)
        for number in (2, 3):
            await begin(connection, f"build {number}")
            await copy(connection, number)
            if number == 2:
                await switch(connection, 2)
        await generations.roll_back(connection, run_id="b", keep_until=None, now=NOW)
        assert await generations.drop(connection, 2)
        assert await failed(connection, 3) == []
        assert await switch(connection, 3) == Pointers(3, 1)


async def test_a_drop_waits_for_no_search_and_no_search_for_a_drop(database: asyncpg.Pool) -> None:
    """One that began before the drop reads on; those that begin while it waits are answered."""
    async with two(database) as (one, other), database.acquire() as third:
        await fill(one, 3)
        await begin(one)
        await copy(one, 2)
        await switch(one, 2)
        async with other.transaction():
            await other.fetch("select * from index_entries_1")
            dropping = asyncio.create_task(generations.drop(one, 1))
            while not await database.fetchval(
                "select exists (select from pg_locks where not granted)"
            ):
                await asyncio.sleep(0.01)
            assert (await search(third, "001unique")).total == 1
            await index.add(third, [IndexText(bytes(32), index_parts("", "storm"))])
            assert len(await other.fetch("select * from index_entries_1")) == 3
            assert not dropping.done()
        assert await dropping
        assert await states(one) == {2: "active"}


async def test_the_health_check_tells_of_an_outdated_index(database_url: str) -> None:
    assert (await check_index(database_url)).status == "ok"
    connection = await asyncpg.connect(database_url)
    await connection.execute("update generations set analyser = 0")
    await connection.close()
    found = await check_index(database_url)
    assert (found.status, "atlas index rebuild" in found.mend) == ("degraded", True)
