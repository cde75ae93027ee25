"""The life of a generation: building → active → previous → retired, and gone.

Every change of state holds GENERATIONS exclusively: it waits for the writers under way and none
starts meanwhile, for milliseconds; searches never wait. Partitions come by CREATE and ATTACH and
go by DETACH CONCURRENTLY and DROP, which do not block searches either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

import asyncpg

from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.stores.postgres.advisory_locks import GENERATIONS
from atlas.stores.postgres.connection import Connection

R = TypeVar("R")

_LOCK_PATIENCE = "5s"
"""How long a change waits for writers before it lets those behind it go first."""
_DDL_SECONDS = 3600.0
"""For what waits until nobody uses a partition; the pool's own limit is for queries."""

_DETACHES = 100
"""Attempts; more than one or two are needed only when another drop runs at the same time."""


@dataclass(frozen=True, slots=True)
class Builder:
    """Which run builds which generation, with which analyser."""

    generation: int
    analyser: int
    workflow_id: str
    run_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Pointers:
    """Which generation searches read, and which a rollback would bring back."""

    active: int
    previous: int | None


async def start(
    connection: Connection,
    *,
    run_id: str,
    workflow_id: str,
    analyser: int,
    now: datetime,
    instead_of: str | None = None,
) -> Builder | None:
    """Who builds now: this run, unless another does and is not the run `instead_of`.

    None: the run has ended (a call that was delivered late). What `instead_of` left is continued
    if the same analyser made it, and retired otherwise. Idempotent.
    """

    async def change() -> Builder | None:
        ended = "select exists (select from runs where run_id = $1 and ended_at is not null)"
        if await connection.fetchval(ended, run_id):
            return None
        builder = await _builder(connection)
        if builder is not None and builder.run_id != run_id:
            if builder.run_id != instead_of:
                return builder
            await _take_over(connection, builder, run_id, workflow_id, analyser)
            builder = await _builder(connection)
        if builder is None:
            await _create(connection, run_id, workflow_id, analyser, now)
            builder = await _builder(connection)
        return builder

    return await _alone(connection, change)


async def switch(
    connection: Connection,
    generation: int,
    *,
    run_id: str,
    keep_until: datetime | None,
    now: datetime,
) -> Pointers | None:
    """Let searches read a generation that was built; the old one becomes the previous.

    `keep_until` is when the old one may be dropped; None retires it at once. Idempotent. None:
    there is no such generation any more.
    """

    async def change() -> Pointers | None:
        state = await connection.fetchval("select state from generations where id = $1", generation)
        if state == "building":
            await _set_state(connection, "previous", "retired")
            await _retire_active(connection, keep_until)
            await _activate(connection, generation, run_id, now)
        return None if state in (None, "retired") else await pointers(connection)

    return await _alone(connection, change)


async def roll_back(
    connection: Connection, *, run_id: str, keep_until: datetime | None, now: datetime
) -> Pointers | None:
    """Swap the active and the previous generation; None: there is no previous one.

    A run swaps once, however often it asks.
    """

    async def change() -> Pointers | None:
        found = await pointers(connection)
        done = await connection.fetchval(
            "select exists (select from generations where switched_by = $1)", run_id
        )
        if done or found.previous is None:
            return found if done else None
        await _set_state(connection, "previous", "retired")  # there is one previous at a time
        await _retire_active(connection, keep_until)
        await _activate(connection, found.previous, run_id, now)
        return await pointers(connection)

    return await _alone(connection, change)


async def pointers(connection: Connection) -> Pointers:
    """The active and the previous generation."""
    rows = await connection.fetch(
        "select state, id from generations where state in ('active', 'previous')"
    )
    found = {row["state"]: row["id"] for row in rows}
    return Pointers(found["active"], found.get("previous"))


async def retire(connection: Connection, generation: int) -> bool:
    """Write to a generation no longer, so that it can be dropped; false: searches read it."""

    async def change() -> bool:
        await connection.execute(
            "update generations set state = 'retired' where id = $1 and state <> 'active'",
            generation,
        )
        return (await pointers(connection)).active != generation

    return await _alone(connection, change)


async def give_up(connection: Connection, run_id: str) -> None:
    """Retire what a run is building."""

    async def change() -> None:
        await connection.execute(
            "update generations set state = 'retired' where state = 'building' and run_id = $1",
            run_id,
        )

    await _alone(connection, change)


async def expired(connection: Connection, now: datetime | None) -> list[int]:
    """Generations to be dropped: those retired, and a previous one kept until `now`, if given."""
    rows = await connection.fetch(
        "select id from generations where state = 'retired' "
        "or (state = 'previous' and keep_until <= $1) order by id",
        now,
    )
    return [row["id"] for row in rows]


async def drop(connection: Connection, generation: int) -> bool:
    """Remove a generation and its partition; false: searches read it, and it stays.

    The connection is in no transaction: DETACH CONCURRENTLY waits for those that use the
    partition. A call that was cut off anywhere is finished by the next, and two at once do no
    harm: each looks at what is left to do.
    """
    if not await retire(connection, generation):
        return False
    partition = f"index_entries_{generation:d}"
    await _detach(connection, partition)
    await connection.execute(f"drop table if exists {partition}", timeout=_DDL_SECONDS)
    await connection.execute(
        "delete from generations where id = $1 and state = 'retired' "
        "and to_regclass('index_entries_' || id) is null",
        generation,
    )
    return True


async def _detach(connection: Connection, partition: str) -> None:
    """Detach a partition; one whose detachment was cut off goes first, for it is in the way."""
    for attempt in range(_DETACHES):
        attached = await connection.fetch(
            "select inhrelid::regclass::text as name, inhdetachpending as pending "
            "from pg_inherits where inhparent = 'index_entries'::regclass "
            "and (inhdetachpending or inhrelid = to_regclass($1)) order by 2 desc",
            partition,
        )
        if not attached:
            return
        name, how = attached[0]["name"], "finalize" if attached[0]["pending"] else "concurrently"
        try:
            await connection.execute(
                f"alter table index_entries detach partition {name} {how}", timeout=_DDL_SECONDS
            )
        except (
            asyncpg.UndefinedTableError,
            asyncpg.ObjectNotInPrerequisiteStateError,
            asyncpg.WrongObjectTypeError,
        ):
            if attempt == _DETACHES - 1:
                raise
            await asyncio.sleep(0.1)  # another drop was faster: look again


async def _alone(connection: Connection, change: Callable[[], Awaitable[R]]) -> R:
    """Make a change while no writer is at the index; try again when the lock does not come."""
    while True:
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{_LOCK_PATIENCE}'")
                await connection.execute("select pg_advisory_xact_lock($1)", GENERATIONS)
                return await change()
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(0.5)


async def _builder(connection: Connection) -> Builder | None:
    row = await connection.fetchrow(
        "select id as generation, analyser, workflow_id, run_id, started_at from generations "
        "where state = 'building'"
    )
    return Builder(**row) if row else None


async def _take_over(
    connection: Connection, left: Builder, run_id: str, workflow_id: str, analyser: int
) -> None:
    if left.analyser != analyser:
        await _set_state(connection, "building", "retired")
        return
    await connection.execute(
        "update generations set run_id = $1, workflow_id = $2 where state = 'building'",
        run_id,
        workflow_id,
    )


async def _create(
    connection: Connection, run_id: str, workflow_id: str, analyser: int, now: datetime
) -> None:
    generation = await connection.fetchval(
        "insert into generations (state, analyser, run_id, workflow_id, started_at) "
        "values ('building', $1, $2, $3, $4) returning id",
        analyser,
        run_id,
        workflow_id,
        now,
    )
    partition = f"index_entries_{generation:d}"
    await connection.execute(f"create table {partition} (like index_entries including defaults)")
    await connection.execute(
        f"alter table index_entries attach partition {partition} for values in ({generation:d})"
    )


async def _set_state(connection: Connection, old: str, new: str) -> None:
    await connection.execute("update generations set state = $2 where state = $1", old, new)


async def _retire_active(connection: Connection, keep_until: datetime | None) -> None:
    await connection.execute(
        "update generations set state = $1, keep_until = $2 where state = 'active'",
        "retired" if keep_until is None else "previous",
        keep_until,
    )


async def _activate(connection: Connection, generation: int, run_id: str, now: datetime) -> None:
    await connection.execute(
        "update generations set state = 'active', active_since = $2, switched_by = $3, "
        "keep_until = null where id = $1",
        generation,
        now,
        run_id,
    )


@dataclass(frozen=True, slots=True)
class GenerationStatus:
    """One build of the search index."""

    id: int = field(metadata={"json": "generation"})
    """Its number."""
    state: Literal["building", "active", "previous", "retired"]
    """`active` answers searches, `building` is under way, `previous` is what a rollback restores,
    `retired` waits to be dropped."""
    analyser: int
    """Version of the text analyser that built it."""
    outdated: bool
    """Whether it answers searches, and queries are analysed by a newer version than built it."""
    entries: int
    """Texts in it."""
    tokens: int
    """Words in them."""
    size: int = field(metadata={"json": "bytes"})
    """Bytes on disk."""
    started_at: datetime | None
    active_since: datetime | None
    keep_until: datetime | None
    """When it may be dropped."""
    workflow_id: str | None
    """Of the run that built it; None for the first."""
    run_id: str | None
    """Of the run that built it."""


async def listing(connection: Connection) -> list[GenerationStatus]:
    """Every generation that takes room, newest first."""
    rows = await connection.fetch(
        """
        select id, state, analyser, entries, tokens, workflow_id, run_id, started_at,
               active_since, keep_until, state = 'active' and analyser < $1 as outdated,
               coalesce(pg_total_relation_size(to_regclass('index_entries_' || id)), 0) as size
          from generations order by id desc
        """,
        ANALYSER_VERSION,
    )
    return [GenerationStatus(**row) for row in rows]
