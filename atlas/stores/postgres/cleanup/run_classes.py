"""What expires besides pages: records of runs, hosts and robots.txt not asked for long, retired
generations of the index, the manifests that runs left for people, and samples of freshness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from atlas.domain.retention import Item, Retention, days
from atlas.stores.postgres.cleanup.candidates import Delete, Expiring
from atlas.stores.postgres.cleanup.engine import CleanupClass
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.bodies.artifacts import MANIFEST, OUTCOMES
from atlas.stores.postgres.index import generations, old_index

_PART = 5_000
"""Rows of a run's record deleted in one transaction."""


class OldRuns(Expiring):
    """Ended runs with their pages, but the newest of each source; none whose day is not frozen."""

    async def delete_parts(self, connection: Connection, items: Sequence[Item]) -> None:
        """Delete the records of their pages, a part at a time."""
        for item in items:
            for table in ("run_pages", "run_restores", "run_deliveries", "run_missing"):
                while await self._part(connection, table, item.key) == _PART:
                    pass

    async def _part(self, connection: Connection, table: str, run_id: str) -> int:
        done = await connection.execute(
            f"delete from {table} where ctid = any(array("  # noqa: S608 (constants)
            f"select ctid from {table} where run_id = $1 limit $2))",
            run_id,
            _PART,
        )
        return int(done.split()[1])


async def _runs(connection: Connection, keys: list[str], *_: datetime) -> set[str]:
    rows = await connection.fetch(
        "delete from runs where run_id = any($1::text[]) and ended_at is not null returning run_id",
        keys,
    )
    return {row["run_id"] for row in rows}


def _hosts_after(longer: timedelta | None) -> Delete:
    """Deletes hosts no longer asked: the row is made again when one is. `longer`: for how much
    longer than the others those stay that have answered; None: for ever."""

    async def delete(
        connection: Connection, keys: list[str], _: datetime, before: datetime
    ) -> set[str]:
        rows = await connection.fetch(
            f"""
            delete from hosts where host = any(array(
                select h.host from hosts h where h.host = any($4::text[]) and {_IDLE}
                order by h.host for update skip locked))
            returning host
            """,  # noqa: S608 (a constant of this module)
            before,
            "",
            longer,
            keys,
        )
        return {row["host"] for row in rows}

    return delete


async def _robots(
    connection: Connection, keys: list[str], _: datetime, before: datetime
) -> set[str]:
    """robots.txt files of origins no longer asked."""
    rows = await connection.fetch(
        "delete from robots where origin = any($1::text[]) and fetched_at <= $2 returning origin",
        keys,
        before,
    )
    return {row["origin"] for row in rows}


async def _artifacts(connection: Connection, keys: list[str], *_: datetime) -> set[str]:
    """Manifests, given and made; reports stay. Their blobs are then referred to by nothing."""
    rows = await connection.fetch(
        "delete from artifacts a where a.kind || '/' || a.name = any($1::text[]) "
        "and a.kind = any($2::text[]) returning a.kind || '/' || a.name as key",
        keys,
        _MANIFESTS,
    )
    return {row["key"] for row in rows}


async def _samples(
    connection: Connection, keys: list[str], _: datetime, before: datetime
) -> set[str]:
    """What health checks counted of a source on a day: its samples are one thing here."""
    days = [(date.fromisoformat(day), int(source)) for day, source in map(_parts_of, keys)]
    rows = await connection.fetch(
        f"""
        with gone as (
            delete from freshness_samples s
            using unnest($1::date[], $2::bigint[]) as o(day, source_id)
            where s.source_id = o.source_id and s.at <= $3 and {_DAY_OF} = o.day
            returning o.day, s.source_id
        )
        select distinct day::text || '/' || source_id as key from gone
        """,  # noqa: S608 (a constant of this module)
        [day for day, _ in days],
        [source for _, source in days],
        before,
    )
    return {row["key"] for row in rows}


def _parts_of(key: str) -> tuple[str, str]:
    day, _, source = key.partition("/")
    return day, source


@dataclass(frozen=True, slots=True)
class RetiredGenerations:
    """Builds of the index that are no longer searched or kept for a rollback, and the old index in
    PostgreSQL once a build has taken its place. Whoever writes the index deletes a build; here it
    is let go."""

    batch: int = 1
    at_once: bool = True

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        found = [
            each
            for each in await generations.kept_too_long(connection, now)
            if f"{each:012d}" > after
        ]
        items = [Item(f"{each:012d}", f"generation {each}", 0) for each in found[:limit]]
        if after < _OLD_INDEX and (size := await old_index.size_if_done(connection)) is not None:
            items.append(Item(_OLD_INDEX, "the index in PostgreSQL", size))
        return items

    async def count(self, connection: Connection, now: datetime) -> int:
        old = await old_index.size_if_done(connection)
        return len(await generations.kept_too_long(connection, now)) + (old is not None)

    async def remove(
        self, connection: Connection, items: Sequence[Item], now: datetime
    ) -> list[Item]:
        return [item for item in items if await self._remove(connection, item.key)]

    async def _remove(self, connection: Connection, key: str) -> bool:
        if key == _OLD_INDEX:
            return await old_index.drop(connection)
        return await generations.retire(connection, int(key))


_OLD_INDEX = "old index"
"""Its key, which comes after those of generations, that are digits."""

# The newest of a source, or of a workflow type that has none, show how it is doing.
_RUNS = """
    select r.run_id as key, r.run_id as identity, 0::bigint as size
    from (select run_id, ended_at, row_number() over (
              partition by source_name, kind order by started_at desc, run_id) as newest
          from runs where ended_at is not null) r
    where r.newest > $3::int and r.ended_at <= $1 and r.run_id > $2
      and exists (select from frozen_days f where f.day = (r.ended_at at time zone 'UTC')::date)
"""
_IDLE = """
    greatest(h.last_at, h.next_at, h.open_until, h.last_error_at)
        <= $1::timestamptz - case when h.answered_at is null then interval '0' else $3::interval end
    and h.host > $2
    and not exists (select from unnest(h.leases) l where l > $1)
"""
_HOSTS = f"select h.host as key, h.host as identity, 0::bigint as size from hosts h where {_IDLE}"  # noqa: S608 (constants)
_ROBOTS = """
    select r.origin as key, r.origin as identity, 0::bigint as size from robots r
    where r.fetched_at <= $1 and r.origin > $2
"""
_MANIFESTS = (MANIFEST, OUTCOMES)
_ARTIFACTS = """
    select a.kind || '/' || a.name as key, a.kind || ' ' || a.name as identity, 0::bigint as size
    from artifacts a
    where a.kind = any($3::text[]) and a.created_at <= $1 and a.kind || '/' || a.name > $2
      -- Given again since: the same manifest, put again.
      and not exists (select from blobs b where b.hash = a.hash and b.put_at > $1)
"""


_DAY_OF = "(s.at at time zone 'UTC')::date"
# A day is complete here when its last sample is old enough: a part of a day makes no figures.
_SAMPLES = f"""
    select g.key, s.name || ' on ' || g.day as identity, 0::bigint as size
    from (select {_DAY_OF} as day, s.source_id, {_DAY_OF}::text || '/' || s.source_id as key
          from freshness_samples s where s.at <= $1 group by 1, 2) g
    join sources s on s.id = g.source_id
    where g.key collate "C" > $2 and (g.day + 1)::timestamp at time zone 'UTC' <= $1
      and exists (select from frozen_days f where f.day = g.day)
"""  # noqa: S608 (constants)

_UNANSWERED = timedelta(days=1)
"""For how long a host is remembered that never answered: one that was mistyped, or is no more.
Longer than any pause of its circuit breaker."""


def of_work(keep: Retention) -> dict[str, CleanupClass]:
    """Class → how it is worked through."""
    kept = days(keep.hosts)
    longer = max(kept - _UNANSWERED, timedelta()) if kept else None
    return {
        "runs": OldRuns(_RUNS, "r.run_id", _runs, days(keep.runs), (keep.newest_runs,), batch=20),
        "generations": RetiredGenerations(),
        "hosts": Expiring(_HOSTS, "h.host", _hosts_after(longer), _UNANSWERED, (longer,)),
        "robots": Expiring(_ROBOTS, "r.origin", _robots, days(keep.hosts)),
        "artifacts": Expiring(_ARTIFACTS, "1", _artifacts, days(keep.artifacts), (_MANIFESTS,)),
        "freshness": Expiring(_SAMPLES, 'g.key collate "C"', _samples, days(keep.freshness)),
    }
