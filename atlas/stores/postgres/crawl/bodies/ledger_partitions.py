"""The ledger's partitions: made ahead, and dropped as whole months once nothing needs them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from atlas.domain.retention import Item
from atlas.stores.postgres.connection import Connection

_NAME = re.compile(r"fetches_(\d{4})_(\d{2})")
_LOCK_TIMEOUT = "3s"
"""Long enough to come between two writes; while this lock waits, new writes queue behind it."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Months older than the retention whose days are all frozen and whose runs have all ended."""

    age: timedelta | None
    batch: int = 1
    at_once: bool = False

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        found: list[Item] = []
        for name in await partitions(connection):
            if name <= after or len(found) == limit or not self._old(name, now):
                continue
            with suppress(asyncpg.UndefinedTableError):  # another clean-up was faster
                if await why_needed(connection, name) is None:
                    found.append(Item(name, name, await _size(connection, name)))
        return found

    async def count(self, connection: Connection, now: datetime) -> int:
        return len(await self.select(connection, now, "", 10_000))

    async def held(self, connection: Connection, now: datetime) -> list[str]:
        """Months that are old enough and stay, each with the reason."""
        reasons: list[str] = []
        for name in await partitions(connection):
            with suppress(asyncpg.UndefinedTableError):
                if self._old(name, now) and (reason := await why_needed(connection, name)):
                    reasons.append(f"{name} stays: {reason}")
        return reasons

    def _old(self, name: str, now: datetime) -> bool:
        return self.age is not None and month_of(name)[1] <= now - self.age

    async def remove(
        self, connection: Connection, items: Sequence[Item], now: datetime
    ) -> list[Item]:
        """Drop months. With a default partition PostgreSQL refuses DETACH CONCURRENTLY, so this
        takes the ledger's lock, for a moment and only if it comes within seconds: the ledger is on
        no search's way, and those who write it wait."""
        await connection.execute("select pg_advisory_xact_lock(hashtext('fetches'))")
        there = set(await partitions(connection))
        gone = [item for item in items if item.key in there]
        await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        for item in gone:
            assert _NAME.fullmatch(item.key)
            await connection.execute(f"alter table fetches detach partition {item.key}")
            await connection.execute(f"drop table {item.key}")
        return gone


async def _size(connection: Connection, name: str) -> int:
    # Null when another clean-up drops it at this moment.
    return int(await connection.fetchval("select pg_total_relation_size($1::regclass)", name) or 0)


async def partitions(connection: Connection) -> list[str]:
    """The months that have a partition, in order."""
    rows = await connection.fetch(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
        "where i.inhparent = 'fetches'::regclass order by 1"
    )
    return [row["relname"] for row in rows if _NAME.fullmatch(row["relname"])]


def month_of(name: str) -> tuple[datetime, datetime]:
    """First moment of a partition's month, and of the next."""
    found = _NAME.fullmatch(name)
    assert found is not None
    first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
    return first, _next_month(first)


async def why_needed(connection: Connection, name: str) -> str | None:
    """What keeps a month: days that are not frozen, or runs that have not ended."""
    assert _NAME.fullmatch(name)
    unfrozen = await connection.fetch(
        f"""
        select d.day
        from (select distinct (fetched_at at time zone 'UTC')::date as day from {name}) d
        where not exists (select from frozen_days f where f.day = d.day) order by 1 limit 3
        """  # noqa: S608 (a name that was matched)
    )
    if unfrozen:
        return f"{', '.join(str(row['day']) for row in unfrozen)} not frozen for the reports"
    first, following = month_of(name)
    run = await connection.fetchval(
        "select workflow_id from runs where started_at >= $1 and started_at < $2 "
        "and ended_at is null limit 1",
        first,
        following,
    )
    return f"{run} has not ended" if run else None


async def make_partitions(connection: Connection, moment: datetime) -> list[str]:
    """Make the partitions of this month and the next; the default one catches the rest. Returns
    those that were not there."""
    first = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    names = [f"fetches_{start:%Y_%m}" for start in (first, _next_month(first))]
    return [name for name in names if await _made(connection, name)]


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=32)).replace(day=1)


async def _made(connection: Connection, name: str) -> bool:
    if await _exists(connection, name):
        return False
    async with connection.transaction():
        # Every worker makes partitions at its start: one at a time, the others find it there.
        await connection.execute("select pg_advisory_xact_lock(hashtext($1))", name)
        if await _exists(connection, name):
            return False
        start, end = month_of(name)
        # CREATE + ATTACH: PARTITION OF would block every reader of the ledger.
        await connection.execute(
            f"create table {name} (like fetches including defaults including constraints)"
        )
        await connection.execute(
            f"alter table fetches attach partition {name} "
            f"for values from ('{start.isoformat()}') to ('{end.isoformat()}')"
        )
    return True


async def _exists(connection: Connection, table: str) -> bool:
    # Not to_regclass: the session may have cached that there is none, and waiting for an advisory
    # lock does not make it look again.
    query = "select exists (select from pg_class where relname = $1)"
    return bool(await connection.fetchval(query, table))
