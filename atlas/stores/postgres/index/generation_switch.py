"""Switching: which generation searches read.

The engine switches first, PostgreSQL follows. A crash between the two is completed by the process
that writes the index, for the run that began it.
"""

from __future__ import annotations

from datetime import datetime

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index import generations
from atlas.stores.postgres.index.generations import Generation, Pointers
from atlas.stores.search.port import SearchIndex


class Behind(Exception):
    """The generation has not read yet what searches find already; try again."""


async def switch(
    connection: Connection,
    index: SearchIndex,
    generation: int,
    *,
    run_id: str,
    keep_until: datetime | None,
    now: datetime,
) -> Pointers | None:
    """Let searches read a generation that was built; the old one becomes the previous.

    `keep_until` is when the old one may be dropped; None retires it at once. Idempotent. None:
    there is no such generation any more. Raises `Behind`.
    """
    async with generations.alone(connection, silent=True):
        found = (await generations.known(connection)).get(generation)
        if found is not None and found.state == "building":
            await _begin_switch(connection, generation, run_id, keep_until)
    async with generations.alone(connection):
        found = (await generations.known(connection)).get(generation)
        if found is not None and found.state == "building":
            await _expect_current(connection, index, generation)
            await activate(connection, index, generation, run_id, keep_until, now)
        return (
            None
            if found is None or found.state == "retired"
            else await generations.pointers(connection)
        )


async def roll_back(
    connection: Connection,
    index: SearchIndex,
    *,
    run_id: str,
    keep_until: datetime | None,
    now: datetime,
) -> Pointers | None:
    """Swap the active and the previous generation; None: there is no previous one.

    A run swaps once, however often it asks. Raises `Behind`.
    """
    async with generations.alone(connection, silent=True):
        found = await generations.pointers(connection)
        if found.previous is not None and not await _has_switched(connection, run_id):
            await _begin_switch(connection, found.previous, run_id, keep_until)
    async with generations.alone(connection):
        found = await generations.pointers(connection)
        done = await _has_switched(connection, run_id)
        if done or found.previous is None:
            return found if done else None
        await _expect_current(connection, index, found.previous)
        await activate(connection, index, found.previous, run_id, keep_until, now)
        return await generations.pointers(connection)


async def _has_switched(connection: Connection, run_id: str) -> bool:
    switched = "select exists (select from index_generations where switched_by = $1)"
    return bool(await connection.fetchval(switched, run_id))


async def _begin_switch(
    connection: Connection, generation: int, run_id: str, keep_until: datetime | None
) -> None:
    """Record what is about to be done in the engine, in a transaction before that one: the engine
    keeps its part of a switch even if this process ends before it commits the other."""
    await connection.execute(
        "update search_index set switch_to = $1, switch_by = $2, switch_keeps_until = $3",
        generation,
        run_id,
        keep_until,
    )


async def complete_switch(connection: Connection, index: SearchIndex, found: Generation) -> None:
    """Activate what the engine serves, for the run that made the engine serve it, if it was one.
    The caller is `alone`."""
    begun = await connection.fetchrow(
        "select switch_by, switch_keeps_until from search_index where switch_to = $1", found.number
    )
    run_id, keep_until = begun or (found.run_id, None)
    await activate(connection, index, found.number, run_id, keep_until, found.started_at)


async def _expect_current(connection: Connection, index: SearchIndex, generation: int) -> None:
    """What a finished run was told to be found is found after the switch, too."""
    read = await connection.fetchval("select read_up_to from search_index")
    if read is not None and await index.cursor(generation) < read:
        raise Behind


async def activate(
    connection: Connection,
    index: SearchIndex,
    generation: int,
    run_id: str | None,
    keep_until: datetime | None,
    now: datetime,
) -> None:
    """Let searches read a generation; the one before is kept until then, or retired. The caller is
    `alone`."""
    # First in the engine: whoever writes the index takes over what it finds there.
    await index.switch(generation)
    before = await generations.pointers(connection)
    if before.previous not in (None, generation):
        await generations.set_state(connection, before.previous, "retired")
    await connection.execute(  # makes room: one generation in a state
        "update index_generations set state = 'retired' where number = $1", generation
    )
    if before.active not in (None, generation):
        await generations.set_state(
            connection,
            before.active,
            "retired" if keep_until is None else "previous",
            keep_until,
        )
    await connection.execute(
        "update index_generations set state = 'active', copied = true, active_since = $2, "
        "switched_by = $3, keep_until = null where number = $1",
        generation,
        now,
        run_id,
    )
    await connection.execute(
        "update search_index set switch_to = null, switch_by = null, switch_keeps_until = null"
    )
