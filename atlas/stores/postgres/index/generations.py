"""The life of a generation: building → active → previous → retired, and gone.

PostgreSQL says what each generation is for, the engine which one searches read. Whoever changes
either does so `alone`; the process that writes the index (`services/index_follower.py`) makes both
agree again after a crash between the two, drops what is retired, and keeps the others in step.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.stores.postgres.advisory_locks import INDEX
from atlas.stores.postgres.changes import changed_pages
from atlas.stores.postgres.changes.change_log import CHANNEL
from atlas.stores.postgres.connection import Connection
from atlas.stores.search.port import (
    LAYOUT,
    DamagedGeneration,
    IndexOrigin,
    SearchIndex,
    StoredGeneration,
)

State = Literal["building", "active", "previous", "retired"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of the index, as PostgreSQL knows it."""

    number: int
    state: State
    analyser: int
    copied_to: bytes
    """Of one being built: the texts before those whose hashes begin so are in."""
    copied: bool
    """Every text is: it follows the feed."""
    unreadable: int
    """Texts that the analyser failed on."""
    workflow_id: str | None
    """The run that builds or built it; None: a worker did by itself."""
    run_id: str | None
    started_at: datetime
    layout: int
    """Of the fields of its parts."""
    past_days: int
    """Days for which it keeps past texts."""
    wanted_past: int
    """Days for which one that is made now keeps them."""

    @property
    def outdated(self) -> bool:
        """Whether one that is made now would be another: it serves until that is built."""
        made_of = self.analyser, self.layout, self.past_days
        return made_of != (ANALYSER_VERSION, LAYOUT, self.wanted_past)

    @property
    def follows(self) -> bool:
        """Whether it is kept in step with the feed: it can be switched to at any time."""
        if self.outdated:
            return False
        return self.state in ("active", "previous") or (self.state == "building" and self.copied)

    @property
    def by_itself(self) -> bool:
        """Whether it is built by the process that writes, without a run."""
        return self.state == "building" and self.run_id is None


@dataclass(frozen=True, slots=True)
class Pointers:
    """Which generation searches read, and which a rollback would bring back."""

    active: int | None
    previous: int | None


@asynccontextmanager
async def alone(connection: Connection, *, silent: bool = False) -> AsyncIterator[None]:
    """A transaction in which nobody else changes the state of a generation, or says how far the
    index is. Afterwards the process that writes looks again, unless this is `silent`."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", INDEX)
        yield
        if not silent:
            await connection.execute("select pg_notify($1, '')", CHANNEL)


async def known(connection: Connection) -> dict[int, Generation]:
    """Every generation, by number."""
    rows = await connection.fetch(
        "select g.number, g.state, g.analyser, g.copied_to, g.copied, g.unreadable, "
        "g.workflow_id, g.run_id, g.started_at, g.layout, g.past_days, i.past_days as wanted_past "
        "from index_generations g, search_index i order by g.number"
    )
    return {row["number"]: Generation(**row) for row in rows}


async def in_state(connection: Connection, state: State) -> Generation | None:
    """The generation in a state of which there is one at a time."""
    return next((each for each in (await known(connection)).values() if each.state == state), None)


async def pointers(connection: Connection) -> Pointers:
    """The active and the previous generation."""
    rows = await connection.fetch(
        "select state, number from index_generations where state in ('active', 'previous')"
    )
    found = {row["state"]: row["number"] for row in rows}
    return Pointers(found.get("active"), found.get("previous"))


async def origin(connection: Connection) -> IndexOrigin:
    """What a generation that is made now is built from."""
    row = await connection.fetchrow(
        "select corpus_id::text as corpus, (select past_days from search_index) as past from corpus"
    )
    assert row is not None
    return IndexOrigin(row["corpus"], ANALYSER_VERSION, row["past"])


async def keep_past(connection: Connection, days: int) -> None:
    """Say for how many days generations keep past texts: those made for others are outdated."""
    await connection.execute("update search_index set past_days = $1 where past_days <> $1", days)


# Building


async def start(
    connection: Connection,
    index: SearchIndex,
    *,
    run_id: str,
    workflow_id: str,
    now: datetime,
    instead_of: str | None = None,
) -> Generation | None:
    """Which generation is being built now: this run's, unless another builds and is not the run
    `instead_of`.

    None: the run has ended (a call that was delivered late). What `instead_of` left is continued
    if the same analyser made it, and retired otherwise. Idempotent.
    """
    async with alone(connection):
        ended = "select exists (select from runs where run_id = $1 and ended_at is not null)"
        if await connection.fetchval(ended, run_id):
            return None
        found = await in_state(connection, "building")
        if found is not None and found.run_id != run_id:
            if found.run_id is None or found.run_id != instead_of:
                return found
            await _take_over(connection, found, run_id, workflow_id)
            found = await in_state(connection, "building")
        if found is None:
            found = await begin(connection, index, run_id=run_id, workflow_id=workflow_id, now=now)
        return found


async def begin(
    connection: Connection,
    index: SearchIndex,
    *,
    run_id: str | None = None,
    workflow_id: str | None = None,
    now: datetime,
) -> Generation:
    """Make an empty generation. The caller is `alone`."""
    number = await _next_number(connection, index)
    # Before the first text is read: what changes from now on is read from the feed.
    cursor = await changed_pages.last_change(connection)
    made_of = await origin(connection)
    await index.begin(number, made_of, cursor)
    await connection.execute(
        "insert into index_generations (number, state, analyser, run_id, workflow_id, started_at, "
        "layout, past_days) values ($1, 'building', $2, $3, $4, $5, $6, $7)",
        number,
        made_of.analyser,
        run_id,
        workflow_id,
        now,
        made_of.layout,
        made_of.past,
    )
    return (await known(connection))[number]


async def _take_over(
    connection: Connection, left: Generation, run_id: str, workflow_id: str
) -> None:
    if left.outdated:
        await set_state(connection, left.number, "retired")
        return
    await connection.execute(
        "update index_generations set run_id = $2, workflow_id = $3 where number = $1",
        left.number,
        run_id,
        workflow_id,
    )


async def _next_number(connection: Connection, index: SearchIndex) -> int:
    """One that no generation has, or had lately: somebody may still search it."""
    numbers = set(await known(connection)) | {each.number for each in await index.generations()}
    with suppress(DamagedGeneration):
        # It may be one that can no longer be read, which is not among the generations.
        if (serving := await index.serving()) is not None:
            numbers.add(serving)
    numbers.add(await connection.fetchval("select last_generation from search_index"))
    number = max(numbers) + 1
    await connection.execute("update search_index set last_generation = $1", number)
    return number


async def record_copied(
    connection: Connection, generation: int, last: bytes | None, unreadable: int, *, whole: bool
) -> None:
    """Record that the texts up to a hash are in; `whole`: all of them are."""
    async with alone(connection, silent=not whole):
        await connection.execute(
            "update index_generations set copied_to = coalesce($2, copied_to), copied = $4,"
            " unreadable = unreadable + $3 where number = $1 and state = 'building' and not copied",
            generation,
            # Half of the hash: it may be that of a text that is erased, and nothing is to be left.
            last[:16] if last else last,
            unreadable,
            whole,
        )


async def adopt(connection: Connection, stored: StoredGeneration) -> None:
    """Record a generation that the engine has and PostgreSQL does not, to be dropped unless
    searches read it. The caller is `alone`."""
    await connection.execute(
        "insert into index_generations (number, state, analyser, copied, started_at, layout, "
        "past_days) values ($1, 'retired', $2, true, clock_timestamp(), $3, $4)",
        stored.number,
        stored.origin.analyser,
        stored.origin.layout,
        stored.origin.past,
    )
    await connection.execute(
        "update search_index set last_generation = greatest(last_generation, $1)", stored.number
    )


# Dropping


async def set_state(
    connection: Connection, generation: int | None, state: State, keep_until: datetime | None = None
) -> None:
    """Change what a generation is for. The caller is `alone`."""
    await connection.execute(
        "update index_generations set state = $2, keep_until = $3 where number = $1",
        generation,
        state,
        keep_until,
    )


async def retire(connection: Connection, generation: int) -> bool:
    """Let a generation be dropped; false: searches read it."""
    async with alone(connection):
        await connection.execute(
            "update index_generations set state = 'retired' where number = $1 "
            "and state <> 'active'",
            generation,
        )
        return (await pointers(connection)).active != generation


async def give_up(connection: Connection, run_id: str) -> None:
    """Let what a run is building be dropped."""
    async with alone(connection):
        await connection.execute(
            "update index_generations set state = 'retired' "
            "where state = 'building' and run_id = $1",
            run_id,
        )


async def retired(connection: Connection) -> list[int]:
    """Generations that are to be dropped."""
    rows = await connection.fetch(
        "select number from index_generations where state = 'retired' order by number"
    )
    return [row["number"] for row in rows]


async def kept_too_long(connection: Connection, now: datetime) -> list[int]:
    """The previous generation, if it was kept until now."""
    rows = await connection.fetch(
        "select number from index_generations where state = 'previous' and keep_until <= $1", now
    )
    return [row["number"] for row in rows]


async def forget(connection: Connection, generation: int) -> None:
    """Delete the record of one that was dropped. The caller is `alone`."""
    await connection.execute(
        "delete from index_generations where number = $1 and state = 'retired'", generation
    )


# Following


async def followed(connection: Connection, numbers: Collection[int]) -> bool:
    """Whether these are all that follow the feed now. The caller is `alone`."""
    now = {each.number for each in (await known(connection)).values() if each.follows}
    return now <= set(numbers)


@dataclass(frozen=True, slots=True)
class GenerationStatus:
    """One build of the search index."""

    id: int = field(metadata={"json": "generation"})
    """Its number."""
    state: State
    """`active` answers searches, `building` is under way, `previous` is what a rollback restores,
    `retired` waits to be dropped."""
    analyser: int
    """Version of the text analyser that built it."""
    outdated: bool
    """Whether it answers searches, and queries are analysed by a newer version than built it."""
    rollback: bool
    """Whether `atlas index rollback` would let searches read it again."""
    texts: int
    """Distinct texts in it."""
    entries: int
    """Parts of texts in it: a text of up to 12,000 characters is one."""
    tokens: int
    """Words in them."""
    size: int = field(metadata={"json": "bytes"})
    """Bytes on disk."""
    started_at: datetime | None
    active_since: datetime | None
    keep_until: datetime | None
    """When it may be dropped."""
    workflow_id: str | None
    """Of the run that built it; None: a worker did by itself."""
    run_id: str | None
    """Of the run that built it."""


async def listing(connection: Connection, index: SearchIndex) -> list[GenerationStatus]:
    """Every generation that takes room, newest first. The figures are the engine's: 0 of one that
    cannot be read from here."""
    stored = {each.number: each for each in await index.generations()}
    rows = await connection.fetch(
        "select number as id, state, analyser, workflow_id, run_id, started_at, active_since, "
        "keep_until, state = 'previous' as rollback, "
        "state = 'active' and analyser < $1 as outdated "
        "from index_generations order by number desc",
        ANALYSER_VERSION,
    )
    found = []
    for row in rows:
        kept = stored.get(row["id"])
        found.append(
            GenerationStatus(
                **row,
                texts=kept.texts if kept else 0,
                entries=kept.parts if kept else 0,
                tokens=kept.tokens if kept else 0,
                size=kept.size if kept else 0,
            )
        )
    return found
