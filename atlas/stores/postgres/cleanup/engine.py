"""The record of a clean-up, and how each class of things is deleted, step by step.

A `CleanupClass` selects candidates in a stable order, and removes those that are still candidates
under their locks. A dry run selects and records, a real run removes and records: the same
selection, so the same list.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import asyncpg

from atlas.domain.retention import Item
from atlas.stores.postgres.connection import Connection

MISSING = "missing"
"""Class under which blobs that are referred to and not in the store are recorded."""


class CleanupClass(Protocol):
    """One class of things that expire."""

    @property
    def batch(self) -> int:
        """Things deleted in one transaction."""

    @property
    def at_once(self) -> bool:
        """Whether `remove` runs outside a transaction: then items are recorded first."""

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        """The next candidates after a key ('': from the first)."""

    async def count(self, connection: Connection, now: datetime) -> int:
        """How many candidates there are."""

    async def remove(
        self, connection: Connection, items: Sequence[Item], now: datetime
    ) -> list[Item]:
        """Delete the items, in the caller's transaction; return those that were deleted."""


@runtime_checkable
class HasParts(Protocol):
    """A class of things to each of which belongs more than one transaction can delete."""

    async def delete_parts(self, connection: Connection, items: Sequence[Item]) -> None:
        """Delete what belongs to the items, in transactions of its own."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one step did."""

    after: str | None = None
    """Where the next step begins; None: the class is done."""
    capped: bool = False
    """Whether the cap on deletions leaves candidates for another day."""


async def work(
    connection: Connection,
    kind: CleanupClass,
    name: str,
    *,
    run_id: str,
    now: datetime,
    after: str,
    dry_run: bool,
    most: int,
) -> Chunk:
    """Delete (or, in a dry run, only list) the next few things of a class; the run deletes `most`
    things of all classes at most."""
    room = most - await recorded(connection, run_id)
    if room <= 0:
        return Chunk(capped=bool(await kind.select(connection, now, after, 1)))
    limit = min(kind.batch, room)
    items = await kind.select(connection, now, after, limit)
    if dry_run:
        await record(connection, run_id, name, items)
    elif items:
        await _delete(connection, kind, name, run_id, now, items)
    return Chunk(items[-1].key if len(items) == limit else None)


async def _delete(
    connection: Connection,
    kind: CleanupClass,
    name: str,
    run_id: str,
    now: datetime,
    items: Sequence[Item],
) -> None:
    if isinstance(kind, HasParts):
        await kind.delete_parts(connection, items)
    if kind.at_once:
        # What is deleted outside PostgreSQL cannot be undone: it is on record before, or a crash in
        # between would hide it. What stayed is struck off again.
        await record(connection, run_id, name, items)
        gone = await kind.remove(connection, items, now)
        staying = {item.key for item in items} - {item.key for item in gone}
        await strike(connection, run_id, name, staying)
        return
    async with connection.transaction():
        gone = await kind.remove(connection, items, now)
        await record(connection, run_id, name, gone)


async def record(connection: Connection, run_id: str, name: str, items: Sequence[Item]) -> None:
    """Record what was deleted; the same thing twice is one row."""
    if items:
        await connection.execute(
            """
            insert into cleanup_items (run_id, class, key, identity, bytes)
            select $1, $2, o.* from unnest($3::text[], $4::text[], $5::bigint[]) as o
            on conflict do nothing
            """,
            run_id,
            name,
            [item.key for item in items],
            [item.identity for item in items],
            [item.size for item in items],
        )


async def strike(connection: Connection, run_id: str, name: str, keys: Collection[str]) -> None:
    """Remove from the record things that are there after all."""
    await connection.execute(
        "delete from cleanup_items where run_id = $1 and class = $2 and key = any($3::text[])",
        run_id,
        name,
        list(keys),
    )


async def recorded(connection: Connection, run_id: str) -> int:
    """How many things the run has deleted so far."""
    found: int = await connection.fetchval(
        "select count(*) from cleanup_items where run_id = $1 and class <> $2", run_id, MISSING
    )
    return found


async def totals(connection: Connection, run_id: str) -> tuple[dict[str, int], int]:
    """Class → things deleted by the run, and the bytes that this freed."""
    rows = await connection.fetch(
        "select class, count(*), sum(bytes)::bigint as bytes from cleanup_items "
        "where run_id = $1 and class <> $2 group by class order by class",
        run_id,
        MISSING,
    )
    return {row["class"]: row["count"] for row in rows}, sum(row["bytes"] for row in rows)


async def listed(
    connection: Connection, run_id: str, after: tuple[str, str], limit: int
) -> list[asyncpg.Record]:
    """The run's record in the order of class and key, from behind `after`."""
    return list(
        await connection.fetch(
            "select class, key, identity, bytes from cleanup_items "
            "where run_id = $1 and (class, key) > ($2, $3) order by class, key limit $4",
            run_id,
            *after,
            limit,
        )
    )


async def of_class(
    connection: Connection, run_id: str, name: str, after: str, limit: int
) -> list[Item]:
    """The run's record of one class, in the order of keys, from behind `after`."""
    rows = await connection.fetch(
        "select key, identity, bytes from cleanup_items "
        "where run_id = $1 and class = $2 and key > $3 order by key limit $4",
        run_id,
        name,
        after,
        limit,
    )
    return [Item(row["key"], row["identity"], row["bytes"]) for row in rows]


async def forget(connection: Connection, limit: int = 10_000) -> int:
    """Drop a part of the records of clean-ups that have ended: their manifests are kept."""
    done = await connection.execute(
        """
        delete from cleanup_items where ctid = any(array(
            select i.ctid from cleanup_items i left join runs r on r.run_id = i.run_id
            where r.run_id is null or r.ended_at is not null limit $1))
        """,
        limit,
    )
    return int(done.split()[1])
