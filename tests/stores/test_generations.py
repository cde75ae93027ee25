"""A generation is started, switched to, rolled back from, and dropped."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import pytest

from atlas.domain.search.analysis import ANALYSER_VERSION, index_parts
from atlas.health import database as health
from atlas.stores.postgres.index import entries as index
from atlas.stores.postgres.index import gates, generations
from atlas.stores.postgres.index.entries import IndexText
from atlas.stores.postgres.index.generations import Pointers, listing
from atlas.stores.postgres.index.search import search
from atlas.stores.postgres.settlement import index_copy
from tests.stores.building import (
    LATER,
    NOW,
    begin,
    copy,
    entries,
    failed,
    fill,
    states,
    switch,
    two,
    words,
)


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
        assert await index_copy.insert(connection, 1, []) is False  # later than all


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

        monkeypatch.setattr("atlas.stores.postgres.index.search.active_generation", then_dropped)
        found = await search(one, "001unique")
        assert (moments, found.total) == ([1, 2], 1)


async def test_the_active_generation_cannot_be_dropped(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        assert await generations.drop(connection, 1) is False
        assert await generations.drop(connection, 77)
        assert await states(connection) == {1: "active"}


async def cut_off_a_detachment(
    one: asyncpg.Connection, other: asyncpg.Connection, partition: str
) -> None:
    """Detach a partition that `other` reads, and stop as soon as that is pending."""
    detach = f"alter table index_entries detach partition {partition} concurrently"
    detaching = asyncio.create_task(one.execute(detach))
    pending = "select inhdetachpending from pg_inherits where inhrelid = $1::regclass"
    while not await other.fetchval(pending, partition):
        assert not detaching.done()
        await asyncio.sleep(0.01)
    detaching.cancel()
    with suppress(asyncpg.QueryCanceledError, asyncio.CancelledError):
        await detaching
    assert await other.fetchval(pending, partition)


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
                    await cut_off_a_detachment(one, other, partition)
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
            await cut_off_a_detachment(one, other, "index_entries_2")
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


async def test_the_health_check_tells_of_an_outdated_index(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SLOW_INDEX_SECONDS", 300.0)  # busy is not outdated
    assert (await health.index(database_url)).status == "ok"
    connection = await asyncpg.connect(database_url)
    await connection.execute("update generations set analyser = 0")
    await connection.close()
    found = await health.index(database_url)
    assert (found.status, "atlas index rebuild" in found.mend) == ("degraded", True)
