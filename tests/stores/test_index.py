"""The index holds each live text once, and its counts never drift."""

import random
from dataclasses import replace

import asyncpg
import pytest

from atlas.domain.search.analysis import ANALYSER_VERSION, IndexPart, index_parts
from atlas.stores.postgres.index import entries
from atlas.stores.postgres.index.entries import IndexText
from atlas.stores.postgres.index.generations import listing

TEXTS = [
    IndexText(bytes([number]) * 32, index_parts("Title", "wind and fog " * 900 * (number % 3)))
    for number in range(12)
]


async def holds(connection: asyncpg.Connection, generation: int) -> set[bytes]:
    rows = await connection.fetch(
        "select text_hash, count(*) as parts from index_entries where generation = $1 group by 1",
        generation,
    )
    expected = {text.text_hash: len(text.parts) for text in TEXTS}
    assert all(row["parts"] == expected[row["text_hash"]] for row in rows)
    return {row["text_hash"] for row in rows}


async def assert_counts_fit(connection: asyncpg.Connection) -> None:
    wrong = await connection.fetch(
        "select g.id from generations g left join ("
        " select generation, count(*) as entries, sum(length) as tokens"
        " from index_entries group by 1) e on e.generation = g.id"
        " where (g.entries, g.tokens) is distinct from"
        " (coalesce(e.entries, 0), coalesce(e.tokens, 0))"
    )
    assert wrong == []


async def test_the_first_generation_is_there_and_empty(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        assert await entries.active_generation(connection) == entries.Generation(
            id=1, analyser=ANALYSER_VERSION, entries=0, tokens=0
        )


@pytest.mark.parametrize("seed", range(4))
async def test_adding_and_removing_in_any_order(database: asyncpg.Pool, seed: int) -> None:
    rng = random.Random(seed)
    live: set[bytes] = set()
    async with database.acquire() as connection:
        for _ in range(8):
            some = rng.sample(TEXTS, k=4)
            hashes = {text.text_hash for text in some}
            if rng.random() < 0.6:
                await entries.add(connection, some)
                live |= hashes
            else:
                await entries.remove(connection, sorted(hashes))
                live -= hashes
            assert await holds(connection, 1) == live
            await assert_counts_fit(connection)


async def test_a_building_generation_is_written_too_and_a_retired_one_is_not(
    database: asyncpg.Pool,
) -> None:
    async with database.acquire() as connection:
        for number, state in ((2, "building"), (3, "retired")):
            await connection.execute(
                "insert into generations (id, state, analyser) values ($1, $2, 1)", number, state
            )
            await connection.execute(
                f"create table index_entries_{number} (like index_entries including defaults)"
            )
            await connection.execute(
                f"alter table index_entries attach partition index_entries_{number}"
                f" for values in ({number})"
            )
        await entries.add(connection, TEXTS[:3])
        await entries.remove(connection, [TEXTS[0].text_hash])
        await assert_counts_fit(connection)
        held = [await holds(connection, generation) for generation in (1, 2, 3)]
    both = {TEXTS[1].text_hash, TEXTS[2].text_hash}
    assert held == [both, both, set()]


async def test_hostile_words_are_stored(database: asyncpg.Pool) -> None:
    text = "\0 ' \\ : & | ! <-> '' \ud800 " + "x" * 5000 + " \u202e é" + "\u0301" * 300
    async with database.acquire() as connection:
        await entries.add(connection, [IndexText(bytes(32), index_parts(text, text * 20))])
        assert (await entries.active_generation(connection)).entries > 0


async def test_positions_beyond_the_limits_of_a_tsvector(database: asyncpg.Pool) -> None:
    parts = index_parts("", "a " * 6000 + "".join(chr(0x20000 + n) for n in range(12_000)))
    async with database.acquire() as connection:
        await entries.add(connection, [IndexText(bytes(32), parts)])
        kept = await connection.fetchval(
            "select max(cardinality(u.positions)) from index_entries, lateral unnest(tsv) u"
        )
    assert kept == 255


async def test_nothing_to_do_is_no_error(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await entries.add(connection, [])
        await entries.add(connection, [IndexText(bytes(32), [IndexPart("", 0, 0, 0)])])
        await entries.remove(connection, [])
        assert (await entries.active_generation(connection)).entries == 1


@pytest.mark.fault(9)
async def test_an_index_by_an_older_analyser_answers_and_says_so(database: asyncpg.Pool) -> None:
    """Its entries are found by today's queries, and replaced one by one as texts are read anew."""
    old, new = TEXTS[0], TEXTS[1]
    async with database.acquire() as connection:
        await connection.execute("update generations set analyser = $1", ANALYSER_VERSION - 1)
        await entries.add(connection, [replace(old, analyser=ANALYSER_VERSION - 1), new])
        assert (await entries.active_generation(connection)).outdated
        assert [each.outdated for each in await listing(connection)] == [True]
        await entries.add(connection, [old])
        versions = await connection.fetch("select distinct analyser from index_entries")
        assert [row["analyser"] for row in versions] == [ANALYSER_VERSION]
        assert await holds(connection, 1) == {old.text_hash, new.text_hash}
        await assert_counts_fit(connection)
