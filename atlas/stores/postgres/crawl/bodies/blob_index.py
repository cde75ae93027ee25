"""Which blobs there are: the row is locked or made before the bytes are put.

A blob lives while something refers to it (`referred`). One that nothing refers to is condemned,
and deleted only when a grace has passed that is longer than any activity: under its row's lock, if
it is still condemned and nothing refers to it. A writer announces the blob first, which takes the
same lock and lifts the condemnation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.retention import Item, Retention, cutoff
from atlas.stores.postgres.connection import Connection


async def announce(connection: Connection, digest: str, size: int, now: datetime) -> None:
    """Announce that the blob is about to be put. Lifts a condemnation: a clean-up that waits for
    the row's lock finds it wanted again."""
    await connection.execute(
        """
        with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
        insert into blobs (hash, size, put_at) select $1, $2, $3 from relaxed
        on conflict (hash) do update set put_at = excluded.put_at, condemned_at = null
        """,
        bytes.fromhex(digest),
        size,
        now,
    )


async def hold(connection: Connection, hashes: Sequence[bytes]) -> set[bytes]:
    """Lift the condemnation of blobs for one who is about to refer to them without putting them;
    the caller's transaction keeps their locks. Returns those there are: the others are gone."""
    rows = await connection.fetch(
        "update blobs set condemned_at = null from (select hash from blobs "
        "where hash = any($1::bytea[]) order by hash for update) held "
        "where blobs.hash = held.hash returning blobs.hash",
        list(hashes),
    )
    return {row["hash"] for row in rows}


class BodyGone(Exception):
    """A body was deleted between being stored and being referred to; another attempt stores it."""


async def make_sure(connection: Connection, hash_: bytes) -> None:
    """Keep a body that was announced from being deleted until the caller's transaction, which
    refers to it, ends. Raises `BodyGone`: an erasure does not wait for the clean-up's grace."""
    found = await connection.fetchval("select true from blobs where hash = $1 for key share", hash_)
    if not found:
        raise BodyGone(f"the body {hash_.hex()} was erased meanwhile")


def referred(cutoff: str) -> str:
    """SQL: whether anything refers to the blob `b`. Rows of the ledger count from `cutoff` on: an
    older fetch does not keep its body."""
    return f"""(
        exists (select from page_state ps where ps.fetched_snapshot = b.hash)
        or exists (select from page_state ps where ps.settled_snapshot = b.hash)
        or exists (select from documents d where d.snapshot = b.hash)
        or exists (select from prepared w where w.snapshot = b.hash)
        or exists (select from held_bodies h where h.snapshot = b.hash)
        or exists (select from quarantine q where q.snapshot = b.hash)
        or exists (select from artifacts a where a.hash = b.hash)
        or exists (select from run_deliveries w where w.snapshot = b.hash
                   and w.applied_at is null)
        or exists (select from fetches f where f.snapshot = b.hash and f.fetched_at > {cutoff})
    )"""  # noqa: S608 (a constant of this module)


Delete = Callable[[str], Awaitable[None]]
"""Takes a blob's digest and deletes it from the store."""

_AT_ONCE = 16
"""Deletions under way at the store."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Blobs condemned longer than the grace, to which nothing refers. `delete` asks the store."""

    keep: Retention
    delete: Delete
    batch: int = 100
    at_once: bool = False

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        rows = await connection.fetch(
            f"{_CONDEMNED} and b.hash > $3 order by b.hash limit $4",
            *self._before(now),
            bytes.fromhex(after),
            limit,
        )
        return [Item(row["hash"].hex(), row["hash"].hex(), row["size"]) for row in rows]

    async def count(self, connection: Connection, now: datetime) -> int:
        statement = f"select count(*) from ({_CONDEMNED}) found"  # noqa: S608 (a constant)
        found: int = await connection.fetchval(statement, *self._before(now))
        return found

    def _before(self, now: datetime) -> tuple[datetime, datetime]:
        """The moments of `_CONDEMNED`: of the condemnation, and of the ledger's rows that count."""
        return now - self.keep.grace, cutoff(self.keep.snapshots, now)

    async def remove(
        self, connection: Connection, items: Sequence[Item], now: datetime
    ) -> list[Item]:
        """Delete the objects while the rows are locked, then the rows. Killed in between, the row
        is still condemned: it is deleted again, or announced and put again."""
        locked = await connection.fetch(
            "select hash from blobs where hash = any($1::bytea[]) "
            "order by hash for update skip locked",
            [bytes.fromhex(item.key) for item in items],
        )
        # A second statement, so that it sees what was committed before the rows were locked.
        rows = await connection.fetch(
            f"{_CONDEMNED} and b.hash = any($3::bytea[])",
            *self._before(now),
            [row["hash"] for row in locked],
        )
        gone = {row["hash"] for row in rows}
        await self._delete_objects(sorted(hash_.hex() for hash_ in gone))
        await connection.execute("delete from blobs where hash = any($1::bytea[])", list(gone))
        return [item for item in items if bytes.fromhex(item.key) in gone]

    async def _delete_objects(self, digests: Sequence[str]) -> None:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(digest: str) -> None:
            async with room:
                await self.delete(digest)

        async with asyncio.TaskGroup() as group:
            for digest in digests:
                group.create_task(one(digest))


_CONDEMNED = f"""
    select b.hash, coalesce(b.stored_bytes, b.size) as size from blobs b
    where b.condemned_at <= $1 and not {referred("$2")}
"""  # noqa: S608 (constants of this module)


def bounds(shards: range) -> tuple[bytes, bytes]:
    """The least and the greatest hash of some parts that follow one another."""
    return bytes([shards.start]), bytes([shards.stop - 1]) + b"\xff" * 32


async def are_few(connection: Connection, limit: int = 20_000) -> bool:
    """Whether all blobs can be gone through at once."""
    found: bool = await connection.fetchval(
        "select count(*) <= $1 from (select from blobs limit $1 + 1) few", limit
    )
    return found


async def condemn(
    connection: Connection, keep: Retention, shards: range, *, now: datetime, moment: datetime
) -> int:
    """Condemn blobs that nothing refers to and nobody announced within the grace; lift
    the condemnation of those that something refers to. Returns how many were condemned.

    `now` is the run's time, `moment` the clock's: the grace counts from the later, so that a run
    for an earlier day, made late, shortens no grace.
    """
    await connection.execute(
        f"update blobs b set condemned_at = null "  # noqa: S608 (a constant of this module)
        f"where b.hash between $2 and $3 and b.condemned_at is not null and {referred('$1')}",
        cutoff(keep.snapshots, now),
        *bounds(shards),
    )
    done = await connection.execute(
        f"""
        with found as (
            select b.hash from blobs b
            where b.hash between $4 and $5 and b.condemned_at is null and b.put_at <= $1
              and not {referred("$2")}
            order by b.hash for update skip locked
        )
        update blobs b set condemned_at = $3 from found where b.hash = found.hash
        """,  # noqa: S608 (a constant of this module)
        now - keep.grace,
        cutoff(keep.snapshots, now),
        max(now, moment),
        *bounds(shards),
    )
    return int(done.split()[1])
