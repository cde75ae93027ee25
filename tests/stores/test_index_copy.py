"""A generation gets every live text while others write, and is refused if something is missing."""

import asyncio
import random
from dataclasses import replace

import asyncpg
import pytest

from atlas.domain.search.analysis import ANALYSER_VERSION, index_parts
from atlas.stores.postgres.index import entries as index
from atlas.stores.postgres.index import gates
from atlas.stores.postgres.index.entries import IndexText
from atlas.stores.postgres.index.search import search
from atlas.stores.postgres.settlement import index_copy, settle
from tests.stores.building import (
    NOW,
    analysed,
    begin,
    copy,
    entries,
    failed,
    fill,
    switch,
    two,
    words,
)

# Copying while others write


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
        await index_copy.insert(connection, 2, texts, unreadable=unreadable)
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
            inserting = asyncio.create_task(index_copy.insert(other, 2, texts))
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
        await index_copy.insert(connection, 2, texts)
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
                last, _ = await index_copy.next_texts(other, after, 3)
                if last is not None:
                    missing = await index_copy.missing(other, 2, after, last)
                    texts = await index_copy.read(other, missing)
                    await asyncio.sleep(dice.random() / 100)  # the analysis
                    parts = [IndexText(t.text_hash, index_parts(t.title, t.text)) for t in texts]
                    await index_copy.insert(other, 2, parts)
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
        await index_copy.insert(connection, 2, texts, unreadable=[bad])
        assert await entries(connection, 2) == await entries(connection, 1)
        found = await failed(connection, 2)
        assert len(found) == 1
        assert found[0].startswith(
            f"analysed: by analyser {ANALYSER_VERSION}; 1 keep the entries of an older one: "
        )
        assert "https://example.org/00" in found[0]
        texts = await analysed(connection, 2)  # it can be read after all
        assert [text.text_hash for text in texts] == [bad]
        await index_copy.insert(connection, 2, texts)
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
            "select page_id, 'live', $1 from versions",
            ANALYSER_VERSION,
        )
        newer = ANALYSER_VERSION + 1
        await begin(connection, analyser=newer)
        texts = [replace(text, analyser=newer) for text in await analysed(connection, 2)]
        await index_copy.insert(connection, 2, texts[:4], unreadable=[texts[4].text_hash])
        await switch(connection, 2)
        after: int | None = 0
        while after is not None:
            after = await index_copy.mark_settled(connection, 2, after, 2)
        marked = await connection.fetch("select settled_analyser from page_state order by 1")
        assert [row["settled_analyser"] for row in marked] == [ANALYSER_VERSION, *[newer] * 4]


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
            "insert into index_entries values (2, $1, 0, 3, 0, 5, 'a b c', $2)",
            bytes(32),
            ANALYSER_VERSION,
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
        assert (loss.query, loss.found, loss.lost) == ("007unique", 1, ["https://example.org/007"])
        assert len(await failed(connection, 2, queries=["007unique"], min_overlap=0.0)) == 2


async def test_a_generation_that_lost_words_is_refused(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        await fill(connection, 20)
        await begin(connection)
        missing = await index_copy.missing(connection, 2, b"", b"\xff" * 32)
        texts = [
            IndexText(text.text_hash, index_parts(text.title, text.text[:40]))
            for text in await index_copy.read(connection, missing)
        ]
        await index_copy.insert(connection, 2, texts)
        found = await failed(connection, 2, queries=["000unique", "harbour"])
        names = [line.split(":")[0] for line in found]
        assert names == ["size", "queries"]
