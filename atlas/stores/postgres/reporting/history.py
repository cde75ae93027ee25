"""Frozen days: written once, never changed, kept forever."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from atlas.domain.daily_figures import DayFigures, DayStorage, FrozenWeeks, HostDay
from atlas.domain.timing.silent_sources import LOOK_BACK, SourceHistory
from atlas.domain.timing.weeks import Week, last_complete_day
from atlas.stores.postgres.connection import Connection, on_pool
from atlas.stores.postgres.reporting.daily_figures import CountedDay, count_day

_TREES = ("statuses", "errors", "failed", "runs")
_FIGURES = tuple(each.name for each in fields(DayFigures))
_HOSTS = tuple(each.name for each in fields(HostDay))


async def last_frozen(connection: Connection) -> date | None:
    """The newest frozen day: what is dated up to its end may be deleted, later rows may not."""
    found: date | None = await connection.fetchval("select max(day) from frozen_days")
    return found


@dataclass(eq=False)
class Stats:
    """Freezes days and reads them. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]

    last_day = on_pool(last_frozen)

    async def freeze_next(self, until: date | None) -> date | None:
        """Freeze the oldest complete day that is not frozen yet, up to `until`; None: all are.

        Several callers at once freeze each day once.
        """
        async with self.pool.acquire() as connection:
            day = await self._next(connection, until)
            if day is not None:
                await freeze(connection, day, self.clock())
        return day

    async def remaining(self, until: date | None) -> int:
        """Complete days up to `until` that are not frozen yet."""
        async with self.pool.acquire() as connection:
            day = await self._next(connection, until)
        return 0 if day is None else (self._last(until) - day).days + 1

    async def weeks(self, week: Week) -> FrozenWeeks:
        """The frozen days of a week and of the one before, and each source's history until then."""
        async with self.pool.acquire() as connection, connection.transaction(readonly=True):
            return await weeks(connection, week)

    def _last(self, until: date | None) -> date:
        complete = last_complete_day(self.clock())
        return complete if until is None else min(until, complete)

    async def _next(self, connection: Connection, until: date | None) -> date | None:
        newest = await last_frozen(connection)
        day = newest + timedelta(days=1) if newest else await _first_activity(connection)
        return day if day is not None and day <= self._last(until) else None


async def freeze(connection: Connection, day: date, now: datetime) -> bool:
    """Freeze one complete day; false: it was frozen already, and stays as it is."""
    async with connection.transaction(isolation="repeatable_read"):
        # A lock on a table, not an advisory one: taking the latter is a query, which would fix the
        # snapshot before the wait.
        await connection.execute("lock table frozen_days in share row exclusive mode")
        if await connection.fetchval("select exists (select from frozen_days where day = $1)", day):
            return False
        await write(connection, await count_day(connection, day), now)
    return True


async def write(connection: Connection, counted: CountedDay, now: datetime) -> None:
    """Write a day as it was counted. The caller is in a transaction."""
    await connection.execute(
        "insert into frozen_days (day, blobs, blob_bytes, stored_bytes, database_bytes, "
        "frozen_at) values ($1, $2, $3, $4, $5, $6)",
        *astuple(counted.storage),
        now,
    )
    await connection.copy_records_to_table(
        "daily_stats", records=map(_figures_row, counted.sources), columns=_FIGURES
    )
    await connection.copy_records_to_table(
        "daily_host_stats",
        records=[tuple(getattr(host, name) for name in _HOSTS) for host in counted.hosts],
        columns=_HOSTS,
    )


def _figures_row(figures: DayFigures) -> tuple[Any, ...]:
    values = {name: getattr(figures, name) for name in _FIGURES}
    trees = {name: json.dumps(values[name], sort_keys=True) for name in _TREES}
    return tuple((values | trees).values())


async def weeks(connection: Connection, week: Week) -> FrozenWeeks:
    """The frozen days of a week and of the one before, and each source's history until then.

    Nothing later is looked at, so that the answer stays the same once the week is frozen.
    """
    between = (week.before.first_day, week.last_day)
    figures = await connection.fetch(
        'select * from daily_stats where day between $1 and $2 order by day, source collate "C"',
        *between,
    )
    storage = await connection.fetch(
        "select day, blobs, blob_bytes, stored_bytes, database_bytes from frozen_days "
        "where day between $1 and $2 order by day",
        *between,
    )
    hosts = await connection.fetch(
        'select * from daily_host_stats where day between $1 and $2 order by day, host collate "C"',
        *between,
    )
    return FrozenWeeks(
        week=week,
        first_frozen=await connection.fetchval("select min(day) from frozen_days"),
        figures=tuple(_figures(row) for row in figures),
        storage=tuple(DayStorage(**row) for row in storage),
        hosts=tuple(HostDay(**{**row, "slots": tuple(row["slots"])}) for row in hosts),
        histories=await _histories(connection, week.last_day),
    )


async def _histories(connection: Connection, last_day: date) -> dict[str, SourceHistory]:
    rows = await connection.fetch(
        """
        select source, min(day) as first_day,
               coalesce(array_agg(day order by day) filter (where added + changed > 0), '{}')
                   as change_days
        from daily_stats where day between $1 and $2 and source <> '' group by source
        """,
        last_day - LOOK_BACK,
        last_day,
    )
    return {
        row["source"]: SourceHistory(row["first_day"], tuple(row["change_days"])) for row in rows
    }


def _figures(row: asyncpg.Record) -> DayFigures:
    return DayFigures(**{**row, **{name: json.loads(row[name]) for name in _TREES}})


async def _first_activity(connection: Connection) -> date | None:
    moment: datetime | None = await connection.fetchval(
        """
        select least((select min(created_at) from sources), (select min(started_at) from runs),
                     (select min(created_at) from pages), (select min(fetched_at) from fetches))
        """
    )
    return moment.astimezone(UTC).date() if moment else None
