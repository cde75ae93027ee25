"""Generations of the search index: built beside the one that serves, refused by a gate, switched
to, rolled back from, and dropped, while the corpus changes and nothing is lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from atlas.contracts.rebuild_index import (
    CheckGeneration,
    CopyTexts,
    DropGenerations,
    GenerationChecked,
    GenerationStarted,
    GenerationSwitched,
    StartGeneration,
    SwitchGeneration,
)
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.domain.search.index_parts import IndexPart, index_parts
from atlas.stores.postgres.index import gates, generation_switch, generations, index_lease
from atlas.stores.postgres.index.engine_search import search_engine
from atlas.stores.postgres.index.generation_switch import Behind
from atlas.stores.postgres.index.generations import Pointers
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.postgres.services import index_rebuild
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.postgres.services.index_rebuild import Rebuilds
from atlas.stores.search.port import MissingGeneration, SearchIndex, TextChanges
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.stores.drive import Drive, all_are_open, nobody_is_open

BASE = "https://example.org"
WORDS = (
    "harbour ferry lantern orchard chapel anchor cellar ember gravel kettle marble needle".split()
)


def words(number: int) -> str:
    return " ".join(random.Random(number).choices(WORDS, k=30)) + f" {number:03}unique"


@dataclass
class Builder:
    """Drives rebuilds by hand, with a follower that goes on when it is told to."""

    drive: Drive
    index: Any
    """Of either engine; some tests look into tantivy's."""
    broken: set[str] = field(default_factory=set)
    """Words of texts that the analyser fails on."""

    def __post_init__(self) -> None:
        self.rebuilds = Rebuilds(self.drive.pool, lambda: self.drive.now, self.index, self.analyse)
        self.follower = IndexFollower(self.drive.pool, self.index, self.analyse, "one")
        self.web = {f"{BASE}/{number:03}": words(number) for number in range(12)}

    async def analyse(self, title: str, text: str) -> Sequence[IndexPart]:
        if any(word in text for word in self.broken):
            raise PageError(ErrorClass.INVALID, "extractor_crashed", "SIGSEGV")
        return index_parts(title, text)

    async def sync(self, **changes: str | int) -> None:
        """The web as it is, with changes by the last part of the address."""
        self.web |= {f"{BASE}/{name}": text for name, text in changes.items()}  # type: ignore[misc]
        await self.drive.run("docs", self.web)
        self.web = {url: text for url, text in self.web.items() if isinstance(text, str)}

    async def start(self, run_id: str = "r", *, is_open: bool = False) -> GenerationStarted:
        asked = all_are_open if is_open else nobody_is_open
        return await self.rebuilds.start(StartGeneration(run_id=run_id, workflow_id="w"), asked)

    async def copy(self, number: int, after: str = "", chunk: int = 5) -> None:
        while True:
            done = await self.rebuilds.copy(CopyTexts(generation=number, after=after, chunk=chunk))
            if done.last is None or done.texts < chunk:
                return
            after = done.last

    async def build(self, run_id: str = "r") -> int:
        """A generation with everything in it, that follows the feed."""
        number = (await self.start(run_id)).generation
        assert number is not None
        await self.copy(number)
        await self.follower.catch_up()
        return number

    async def check(self, number: int, **asked: object) -> GenerationChecked:
        return await self.rebuilds.check(CheckGeneration(generation=number, **asked))  # type: ignore[arg-type]

    async def failed(self, number: int, **asked: object) -> list[str]:
        found = await self.check(number, **asked)
        return [f"{gate.name}: {gate.detail}" for gate in found.gates if not gate.passed]

    async def switch(
        self, number: int | None, run_id: str = "r", keep_days: float = 7
    ) -> GenerationSwitched:
        request = SwitchGeneration(run_id=run_id, generation=number, keep_days=keep_days)
        return await self.rebuilds.switch(request)

    async def states(self) -> dict[int, str]:
        rows = await self.drive.pool.fetch("select number, state from index_generations")
        return {row["number"]: row["state"] for row in rows}

    async def found(self, query: str = "harbour", generation: int | None = None) -> set[str]:
        async with self.drive.pool.acquire() as connection:
            page = await search_engine(
                connection,
                self.index,
                SearchRequest(query, limit=100, collapse=False, generation=generation),
            )
        return {hit.url.removeprefix(f"{BASE}/") for hit in page.results}

    async def held(self, number: int) -> set[bytes]:
        return set(await self.index.parts_of(number, ""))

    async def live(self) -> set[bytes]:
        rows = await self.drive.pool.fetch(
            "select distinct d.text_hash from documents d join versions v "
            "on v.document_id = d.id where v.valid_to is null"
        )
        return {row["text_hash"] for row in rows}


@pytest.fixture
async def builder(drive: Drive, tmp_path: Path) -> AsyncIterator[Builder]:
    index = TantivyIndex(tmp_path / "index")
    yield await builder_of(drive, index)
    await index.close()


async def builder_of(drive: Drive, index: SearchIndex) -> Builder:
    await drive.add("docs", deletion="prompt")
    made = Builder(drive, index)
    await made.sync()
    await made.follower.catch_up()
    return made


async def test_a_rebuild_from_start_to_rollback(drive: Drive, index: SearchIndex) -> None:
    """With either engine."""
    builder = await builder_of(drive, index)
    assert await builder.states() == {1: "active"}
    number = await builder.build()
    assert number == 2
    assert await builder.failed(2) == []
    assert await builder.switch(2) == GenerationSwitched(active=2, previous=1)
    await builder.sync(late="a lighthouse, late")
    await builder.follower.catch_up()
    # Both follow, so that a rollback loses nothing.
    assert await builder.held(1) == await builder.held(2) == await builder.live()
    assert await builder.found("lighthouse") == {"late"}
    assert await builder.switch(None, "back") == GenerationSwitched(active=1, previous=2)
    assert await builder.found("lighthouse") == {"late"}


async def test_a_previous_generation_is_as_current_as_the_one_that_serves(
    builder: Builder,
) -> None:
    """A run that was told that searches find what it changed may be followed by a rollback."""
    await builder.switch(await builder.build())
    apply = builder.index.apply

    async def stuck(generation: int, changes: TextChanges) -> None:
        if generation == 1:
            raise OSError("the disk is full")
        await apply(generation, changes)

    builder.index.apply = stuck  # type: ignore[method-assign]
    await builder.sync(late="a lighthouse, late")
    with pytest.raises(OSError, match="full"):
        await builder.follower.catch_up()
    async with builder.drive.pool.acquire() as connection:
        run_id = await connection.fetchval("select run_id from runs order by started_at desc")
        assert await index_lease.unread(connection, run_id)
    builder.index.apply = apply  # type: ignore[method-assign]
    await builder.follower.catch_up()
    async with builder.drive.pool.acquire() as connection:
        assert not await index_lease.unread(connection, run_id)


async def test_nothing_is_switched_to_that_is_behind(builder: Builder) -> None:
    number = (await builder.start()).generation
    assert number == 2
    await builder.copy(2)
    await builder.sync(late="a lighthouse, late")
    # As if the one that serves had read it, and a run was told so, before the new one began to.
    last = await builder.drive.pool.fetchval("select last from change_feed")
    await builder.drive.pool.execute("update search_index set read_up_to = $1", last)
    async with builder.drive.pool.acquire() as connection:
        with pytest.raises(Behind):
            await generation_switch.switch(
                connection, builder.index, 2, run_id="r", keep_until=None, now=builder.drive.now
            )
    switching = asyncio.create_task(builder.switch(2))
    await asyncio.sleep(0.3)
    assert not switching.done()
    await builder.follower.catch_up()
    assert (await switching).active == 2
    assert await builder.found("lighthouse") == {"late"}


async def test_progress_counts_every_generation_that_follows(builder: Builder) -> None:
    number = (await builder.start()).generation
    assert number is not None
    await builder.copy(number)
    async with builder.drive.pool.acquire() as connection:
        assert not await index_lease.record_progress(connection, "one", {1}, 99)
        assert await index_lease.record_progress(connection, "one", {1, 2}, 12)


async def test_two_builders_and_a_takeover(builder: Builder) -> None:
    first = await builder.start("r")
    await builder.rebuilds.copy(CopyTexts(generation=2, chunk=5))
    again = await builder.start("r")
    assert (again.generation, first.generation) == (2, 2)
    other = await builder.start("other", is_open=True)
    assert other.generation is None
    assert other.message.startswith("w (run r) builds generation 2 since ")
    taken = await builder.start("other")
    assert (taken.generation, len(bytes.fromhex(taken.after))) == (2, 16)  # what is there is used
    assert len(await builder.held(2)) == 5
    await builder.copy(2, taken.after)
    assert await builder.held(2) == await builder.live()


async def test_what_an_older_analyser_built_is_not_gone_on_with(builder: Builder) -> None:
    await builder.start("r")
    older = "update index_generations set analyser = $1 where number = 2"
    await builder.drive.pool.execute(older, ANALYSER_VERSION - 1)
    assert (await builder.start("other")).generation == 3
    assert await builder.states() == {1: "active", 2: "retired", 3: "building"}
    await builder.follower.catch_up()
    assert await builder.states() == {1: "active", 3: "building"}


async def test_a_start_delivered_after_the_end_of_its_run_builds_nothing(
    builder: Builder,
) -> None:
    await builder.drive.pool.execute(
        "insert into runs (run_id, workflow_id, source_name, trigger, due, started_at,"
        " ended_at, outcome) values ('r', 'w', '', 'manual', false, $1, $1, 'cancelled')",
        builder.drive.now,
    )
    assert (await builder.start("r")).generation is None
    assert await builder.states() == {1: "active"}


async def test_every_step_may_be_delivered_twice(builder: Builder) -> None:
    for number in (2, 3):
        for _ in range(2):
            await builder.start(f"build {number}")
            await builder.copy(number)
        await builder.follower.catch_up()
        for _ in range(2):
            switched = await builder.switch(number, f"build {number}")
            assert (switched.active, switched.previous) == (number, number - 1)
    await builder.follower.catch_up()
    assert await builder.states() == {2: "previous", 3: "active"}
    for _ in range(3):
        assert (await builder.switch(None, "back")).active == 2
    for _ in range(2):  # late: it built what is now the previous one
        assert (await builder.switch(3, "build 3")).active == 2
    await builder.copy(3)  # later than all
    await builder.sync(late="a lighthouse, late")
    await builder.follower.catch_up()
    assert await builder.held(3) == await builder.live()


async def test_nothing_to_roll_back_to(builder: Builder) -> None:
    switched = await builder.switch(None)
    assert (switched.active, switched.message) == (
        None,
        "there is no previous generation to switch back to",
    )
    assert await builder.states() == {1: "active"}


async def test_kept_for_no_time_the_old_one_is_dropped(builder: Builder) -> None:
    await builder.switch(await builder.build(), keep_days=0)
    dropping = asyncio.create_task(builder.rebuilds.drop(DropGenerations()))
    await asyncio.sleep(0)
    await builder.follower.catch_up()
    assert (await dropping).dropped == [1]
    assert [each.number for each in await builder.index.generations()] == [2]
    with pytest.raises(MissingGeneration):
        await builder.held(1)


async def test_a_drop_that_nobody_makes_is_not_waited_for_long(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_rebuild, "_DROPPED_WITHIN", 0.2)
    await builder.start("r")
    assert (await builder.rebuilds.drop(DropGenerations(run_id="r"))).dropped == []
    assert await builder.states() == {1: "active", 2: "retired"}


async def test_a_previous_generation_expires(builder: Builder) -> None:
    await builder.switch(await builder.build())
    later = builder.drive.now + timedelta(days=7)
    async with builder.drive.pool.acquire() as connection:
        assert await generations.kept_too_long(connection, later - timedelta(seconds=1)) == []
        assert await generations.kept_too_long(connection, later) == [1]
        assert await generations.retire(connection, 2) is False  # searches read it
        shown = {each.id: each for each in await generations.listing(connection, builder.index)}
    assert (shown[1].keep_until, shown[2].active_since) == (later, builder.drive.now)
    assert (shown[1].entries, shown[1].tokens) == (shown[2].entries, shown[2].tokens)
    assert (shown[1].entries, shown[1].tokens > 12 * 30) == (12, True)
    assert shown[1].size > 0


async def test_a_search_that_chose_a_generation_dropped_meanwhile_begins_again(
    builder: Builder,
) -> None:
    await builder.build()
    search, moments = builder.index._search, []

    async def dropped_first() -> None:
        await builder.switch(2, keep_days=0)
        await builder.follower.catch_up()

    loop = asyncio.get_running_loop()

    def then(query: object, scope: object, limit: int, number: int | None) -> object:
        if not moments:
            moments.append(number)
            asyncio.run_coroutine_threadsafe(dropped_first(), loop).result()
            raise MissingGeneration("1")
        return search(query, scope, limit, number)  # type: ignore[arg-type]

    builder.index._search = then  # type: ignore[method-assign, assignment]
    assert await builder.found("001unique") == {"001"}
    assert await builder.states() == {2: "active"}


@pytest.mark.parametrize("seed", range(2))
async def test_writers_at_random_beside_a_build(builder: Builder, seed: int) -> None:
    dice = random.Random(seed)

    async def write() -> None:
        for number in range(8):
            name = f"{dice.randrange(12):03}"
            gone = dice.random() < 0.4
            await builder.sync(**{name: 410 if gone else words(100 + number)})

    async def follow() -> None:
        while True:
            await builder.follower.catch_up()
            await asyncio.sleep(dice.random() / 50)

    following = asyncio.create_task(follow())
    writing = asyncio.create_task(write())
    number = (await builder.start()).generation
    assert number is not None
    await builder.copy(number, chunk=1)
    assert await builder.failed(number) == []  # while others write
    assert (await builder.switch(number)).active == number
    await writing
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    await builder.follower.catch_up()
    assert await builder.held(1) == await builder.held(number) == await builder.live()


async def test_a_build_by_the_writer_goes_on_where_it_was_cut_off(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas.stores.postgres.services.index_follower._COPIED", 2)
    await builder.follower.stop()
    builder.index._opened.clear()
    for file in (builder.index.folder / "1").glob("*.store"):
        file.unlink()
    apply, steps = builder.index.apply, 0

    async def failing(generation: int, changes: TextChanges) -> None:
        nonlocal steps
        steps += 1
        if steps == 4:
            raise OSError("killed")
        await apply(generation, changes)

    builder.index.apply = failing  # type: ignore[method-assign]
    with pytest.raises(OSError, match="killed"):
        await builder.follower.catch_up()
    await builder.follower.catch_up()
    assert (steps, await builder.index.serving()) == (8, 2)  # from the last text on, in pairs
    assert await builder.held(2) == await builder.live()


async def test_what_was_kept_for_a_rollback_serves_when_the_other_is_lost(
    builder: Builder,
) -> None:
    await builder.switch(await builder.build())
    await builder.follower.stop()
    builder.index._opened.clear()
    for file in (builder.index.folder / "2").iterdir():
        file.unlink()
    await builder.follower.catch_up()
    assert await builder.index.serving() == 1
    assert await builder.states() == {1: "active"}
    assert await builder.found("001unique") == {"001"}


@pytest.mark.parametrize("before", ["PostgreSQL", "the engine"])
async def test_a_switch_cut_off_between_the_two_is_completed(builder: Builder, before: str) -> None:
    """What searches read has the last word."""
    await builder.build()
    await builder.index.switch(2)
    if before == "the engine":
        await builder.index.switch(1)
        await builder.drive.pool.execute(
            "update index_generations set state = 'retired' where number = 1"
        )
        await builder.drive.pool.execute(
            "update index_generations set state = 'active' where number = 2"
        )
    await builder.follower.catch_up()
    serving = await builder.index.serving()
    async with builder.drive.pool.acquire() as connection:
        assert (await generations.pointers(connection)).active == serving
    assert serving == (2 if before == "PostgreSQL" else 1)


@pytest.mark.parametrize("back", [False, True])
async def test_whoever_completes_a_switch_knows_whose_it_is(
    builder: Builder, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """Its run is told what it did, and what served before is kept."""
    number, run_id = await builder.build(), "switching"
    if back:
        await builder.switch(number)
    wanted = None if back else number
    sound = builder.index.switch

    async def cut_off(generation: int) -> None:
        await sound(generation)
        raise ConnectionError("killed")

    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(builder.index, "switch", cut_off)
        await builder.switch(wanted, run_id)
    await builder.follower.catch_up()
    active, previous = (1, number) if back else (number, 1)
    assert await builder.states() == {active: "active", previous: "previous"}
    again = await builder.switch(wanted, run_id)
    assert (again.active, again.previous) == (active, previous)
    begun = "select switch_to, switch_by, switch_keeps_until from search_index"
    assert tuple(await builder.drive.pool.fetchrow(begun)) == (None, None, None)


async def test_a_run_cannot_build_while_the_writer_does(builder: Builder) -> None:
    await builder.drive.pool.execute(
        "insert into index_generations (number, state, analyser, started_at) "
        "values (2, 'building', $1, now())",
        ANALYSER_VERSION,
    )
    refused = await builder.start()
    assert refused.generation is None
    assert refused.message.startswith("a worker, by itself, builds generation 2 since ")


# Gates


async def test_each_gate_names_what_is_wrong(builder: Builder) -> None:
    await builder.build()
    cursor = await builder.index.cursor(2)
    [text] = await builder.drive.pool.fetch(
        "select d.text_hash from documents d join pages p on p.id = d.page_id where p.url = $1",
        f"{BASE}/007",
    )
    from tests.stores.search.engines import text as made

    extra = made("harbour extra")
    await builder.index.apply(2, TextChanges([extra], [text["text_hash"]], cursor))
    found = await builder.failed(2, queries=["007unique", "008unique", "harbour"])
    assert found[0] == (
        f"texts: 12 distinct texts; 1 missing: {BASE}/007; 1 extra: {extra.text_hash.hex()[:16]}"
    )
    assert found[1] == "queries: 2 of 3 queries find 80% of what they found"
    checked = await builder.check(2, queries=["007unique"])
    assert [(each.query, each.found, each.lost) for each in checked.losses] == [
        ("007unique", 1, [f"{BASE}/007"])
    ]
    assert len(await builder.failed(2, queries=["007unique"], min_overlap=0.0)) == 1


async def test_a_generation_that_lost_words_is_refused(builder: Builder) -> None:
    number = (await builder.start()).generation
    assert number is not None
    whole, builder.rebuilds.analyse = builder.rebuilds.analyse, _short
    await builder.copy(number)
    builder.rebuilds.analyse = whole
    await builder.follower.catch_up()
    found = await builder.failed(number, queries=["000unique", "harbour"])
    assert [line.split(":")[0] for line in found] == ["size", "queries"]


async def _short(title: str, text: str) -> Sequence[IndexPart]:
    return index_parts(title, text[:40])


async def test_a_text_that_the_analyser_fails_on_is_found_by_its_title(builder: Builder) -> None:
    builder.broken = {"007unique"}
    number = await builder.build()
    found = await builder.failed(number)
    assert found[0] == (
        f"analysed: by analyser {ANALYSER_VERSION}; 1 could not be read, and are found by their "
        "titles only"
    )
    assert "007" in await builder.found("title", generation=number)
    assert await builder.held(number) == await builder.live()


async def test_a_generation_that_is_dropped_meanwhile_fails(builder: Builder) -> None:
    number = await builder.build()
    async with builder.drive.pool.acquire() as connection:
        await generations.retire(connection, number)
    assert await builder.failed(number) == ["texts: generation 2 was dropped meanwhile"]
    switched = await builder.switch(number)
    assert (switched.active, switched.message) == (
        None,
        "generation 2 was dropped while it was being built",
    )


async def test_a_large_corpus_is_compared_part_by_part(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "_TEXTS_AT_ONCE", 1)
    asked: list[str] = []
    parts_of = builder.index.parts_of

    async def noted(generation: int, beginning: str) -> dict[bytes, int]:
        asked.append(beginning)
        return await parts_of(generation, beginning)

    monkeypatch.setattr(builder.index, "parts_of", noted)
    checked = await builder.check(await builder.build())
    assert all(gate.passed for gate in checked.gates), checked
    assert (checked.texts, checked.entries, len(set(asked))) == (12, 12, 16)


async def test_pointers_before_there_is_any(drive: Drive) -> None:
    async with drive.pool.acquire() as connection:
        assert await generations.pointers(connection) == Pointers(None, None)
