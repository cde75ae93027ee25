"""One UTC day counted from the rows: versions, ledger, runs. Each row counts on the day of its own
time, however long its run went on.

Which sources hold a page is what is known when the day is frozen; a page that none holds any more
counts for the source whose run worked on it last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg

from atlas.domain.daily_figures import (
    SLOTS,
    SLOTS_PER_DOUBLING,
    TOTAL,
    DayFigures,
    DayStorage,
    HostDay,
)
from atlas.domain.errors import SET_ASIDE
from atlas.domain.timing.recheck_interval import LONGEST_CADENCES
from atlas.domain.timing.weeks import day_bounds
from atlas.stores.postgres.connection import Connection

HOSTS_KEPT = 100
"""Hosts of a day: those on which most time was spent."""


@dataclass(frozen=True, slots=True)
class CountedDay:
    """Everything that is frozen of one day."""

    storage: DayStorage
    sources: tuple[DayFigures, ...]
    """The whole corpus's figures are among them."""
    hosts: tuple[HostDay, ...]


@dataclass
class _Counting:
    """Figures by source, as they are gathered."""

    figures: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))

    def put(self, source: str, **values: Any) -> None:
        self.figures[source].update(values)

    def add(self, source: str, name: str, count: int) -> None:
        """For the source and the whole; a row of no source is the whole's alone."""
        for each in {source, TOTAL}:
            found = self.figures[each]
            found[name] = found.get(name, 0) + count

    def add_below(self, source: str, name: str, path: tuple[str, ...], count: int) -> None:
        """The same in a tree of names."""
        for each in {source, TOTAL}:
            place = self.figures[each].setdefault(name, {})
            for step in path[:-1]:
                place = place.setdefault(step, {})
            place[path[-1]] = place.get(path[-1], 0) + count


TIMEOUT = 1200.0
"""Seconds for one statement: it may go through every live page."""


async def count_day(connection: Connection, day: date) -> CountedDay:
    """Count it; the caller's transaction sees one state of all tables."""
    start, end = day_bounds(day)
    counting = _Counting()
    counting.put(TOTAL)
    for row in await connection.fetch(_SOURCES, start, end):
        ignored = row["robots"] == "ignore"
        counting.put(
            row["name"],
            paused=row["paused"],
            robots_ignored=ignored,
            objective=row["freshness"],
            achieved=row["achieved"],
        )
    for row in await connection.fetch(_CHANGES, start, end, timeout=TIMEOUT):
        counting.put(row["source"], **_without_source(row))
    for row in await connection.fetch(_LIVE, end, LONGEST_CADENCES, timeout=TIMEOUT):
        counting.put(row["source"], **_without_source(row))
    _count_requests(counting, await connection.fetch(_REQUESTS, start, end, timeout=TIMEOUT))
    for row in await connection.fetch(_FAILED, start, end, timeout=TIMEOUT):
        path = (row["error_class"], row["error_code"])
        counting.add_below(row["source"], "failed", path, row["pages"])
    for row in await connection.fetch(_RUNS, start, end, timeout=TIMEOUT):
        path = (row["kind"], row["outcome"])
        counting.add_below(row["source"], "runs", path, row["runs"])
    return CountedDay(
        await _storage(connection, day),
        tuple(DayFigures(day, name, **counting.figures[name]) for name in sorted(counting.figures)),
        await _hosts(connection, day),
    )


def _without_source(row: asyncpg.Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "source"}


def _count_requests(counting: _Counting, rows: Iterable[asyncpg.Record]) -> None:
    for row in rows:
        source, requests = row["source"], row["requests"]
        counting.add(source, "requests", requests)
        counting.add(source, "bytes", row["bytes"])
        counting.add(source, "wire_bytes", row["wire_bytes"])
        counting.add_below(source, "statuses", (row["status"],), requests)
        if row["error_class"] is not None:
            path = (row["error_class"], row["error_code"])
            counting.add_below(source, "errors", path, requests)


async def _storage(connection: Connection, day: date) -> DayStorage:
    row = await connection.fetchrow(_STORAGE, timeout=TIMEOUT)
    assert row is not None
    return DayStorage(day, **row)


async def _hosts(connection: Connection, day: date) -> tuple[HostDay, ...]:
    start, end = day_bounds(day)
    slots: dict[str, list[int]] = defaultdict(lambda: [0] * SLOTS)
    rows = await connection.fetch(_HOSTS, start, end, _HOST, HOSTS_KEPT, timeout=TIMEOUT)
    names = [row["host"] for row in rows]
    for row in await connection.fetch(
        _SLOTS, start, end, _HOST, names, SLOTS_PER_DOUBLING, SLOTS - 1, timeout=TIMEOUT
    ):
        slots[row["host"]][row["slot"]] = row["requests"]
    return tuple(HostDay(day, **row, slots=tuple(slots[row["host"]])) for row in rows)


# An objective that was changed during the day is judged by what was counted for the last one.
_SOURCES = """
    select s.name, s.paused, s.robots, s.freshness, (
        select sum(f.seen)::float8 / sum(f.pages) from freshness_samples f
        where f.source_id = s.id and f.at >= $1 and f.at < $2 and f.within = (
            select l.within from freshness_samples l
            where l.source_id = s.id and l.at >= $1 and l.at < $2 order by l.at desc limit 1)
    ) as achieved
    from sources s where s.created_at < $2
"""

_STORAGE = """
    select count(*) as blobs, coalesce(sum(size), 0)::bigint as blob_bytes,
           coalesce(sum(coalesce(stored_bytes, size)), 0)::bigint as stored_bytes,
           pg_database_size(current_database()) as database_bytes
    from blobs
"""


def _member(pages: str, end: str, which: str = "true") -> str:
    """The sources that each of some pages counts for: the whole; those that hold it; and of a page
    that none holds (and `which` lets through), that whose run worked on it last before `end`."""
    return f"""
        select page_id, '' as source from {pages}
        union all
        select page_id, s.name
        from {pages} join source_pages sp using (page_id) join sources s on s.id = sp.source_id
        union all
        select page_id, last.source_name
        from {pages} cross join lateral (
            select r.source_name from run_pages rp join runs r using (run_id)
            where rp.page_id = {pages}.page_id and r.started_at < {end} and r.source_name <> ''
            order by r.started_at desc, r.run_id limit 1
        ) last
        where {which}
          and not exists (select from source_pages sp where sp.page_id = {pages}.page_id)
    """  # noqa: S608 (constants of this module)


# A version that opens when the one before it closes is a change, or the same text made by another
# extractor, which is none; so at any time live = live before + added - gone.
_CHANGES = f"""
    with moved as materialized (
        select v.page_id,
               (b.page_id is null)::int as added,
               (b.page_id is not null and bd.text_hash <> d.text_hash)::int as changed,
               0 as gone
        from versions v
        join documents d on d.id = v.document_id
        left join versions b
            on b.page_id = v.page_id and b.seq = v.seq - 1 and b.valid_to = v.valid_from
        left join documents bd on bd.id = b.document_id
        where v.valid_from >= $1 and v.valid_from < $2
        union all
        select v.page_id, 0, 0, 1
        from versions v
        where v.valid_to >= $1 and v.valid_to < $2
          and not exists (
              select from versions n where n.page_id = v.page_id and n.seq = v.seq + 1
                                       and n.valid_from = v.valid_to)
    ), page as materialized (
        select distinct page_id from moved
    ), member as (
        {_member("page", "$2")}
    )
    select source, sum(added)::bigint as added, sum(changed)::bigint as changed,
           sum(gone)::bigint as gone
    from moved join member using (page_id) group by source
"""  # noqa: S608 (constants of this module)

# When a page was to be checked again is known of those not checked since; of the others, when at
# the latest. That a page is gone is a check, too, which only the ledger has. The hour is
# hourly_collection's: what is due just after it came waits for the next.
_LIVE = f"""
    with pace as materialized (
        select sp.page_id, min(s.cadence) * $2::int as longest
        from source_pages sp join sources s on s.id = sp.source_id group by sp.page_id
    ), last as materialized (
        select v.page_id, d.text_hash, d.truncated is not null as truncated,
               coalesce(k.representative, d.text_hash) as representative,
               not exists (select from versions o
                           where o.page_id = v.page_id and o.valid_to is null) as left_since,
               case when ps.checked_at < $1 then ps.next_due end as due,
               coalesce(
                   case when ps.checked_at < $1 and ps.lifecycle <> 'suspect' then ps.checked_at
                   else (
                       select max(f.fetched_at) from fetches f
                       where f.page_id = v.page_id and f.fetched_at < $1
                         and (f.error_class is null or f.error_class = 'gone'))
                   end, v.valid_from) as checked,
               pace.longest
        from versions v
        join documents d on d.id = v.document_id
        join page_state ps on ps.page_id = v.page_id
        left join sketches k on k.text_hash = d.text_hash
        left join pace on pace.page_id = v.page_id
        where v.valid_from < $1 and (v.valid_to is null or v.valid_to >= $1)
    ), live as materialized (
        select page_id, text_hash, representative, truncated, left_since,
               extract(epoch from $1 - checked)::float8 as age,
               longest is null or (
                   checked + longest + interval '1 hour' >= $1
                   and (due is null or due + interval '1 hour' >= $1)) as fresh
        from last
    ), member as (
        {_member("live", "$1", "left_since")}
    )
    select source, count(*) as live, count(distinct text_hash) as texts,
           count(distinct text_hash) - count(distinct representative) as near_texts,
           count(*) filter (where truncated) as truncated,
           count(*) filter (where fresh) as fresh,
           percentile_cont(0.5) within group (order by age) as age_median,
           percentile_cont(0.9) within group (order by age) as age_p90
    from live join member using (page_id) group by source
"""  # noqa: S608 (constants of this module)

# A redirect is recorded as the outcome of the page, but is no failure; nor is a request that was
# cut short because others waited.
_NO_FAILURE = f"(error_code like 'redirected%' or error_code = '{SET_ASIDE}')"

_REQUESTS = f"""
    select coalesce(r.source_name, '') as source,
           case when f.status is null then 'none' when f.status = 304 then '304'
                else f.status / 100 || 'xx' end as status,
           case when not {_NO_FAILURE} then f.error_class end as error_class,
           coalesce(f.error_code, '') as error_code, count(*) as requests,
           coalesce(sum(f.bytes), 0)::bigint as bytes,
           coalesce(sum(f.wire_bytes), 0)::bigint as wire_bytes
    from fetches f left join runs r on r.run_id = f.run_id
    where f.fetched_at >= $1 and f.fetched_at < $2
    group by 1, 2, 3, 4
"""  # noqa: S608 (constants of this module)

_FAILED = """
    select r.source_name as source, coalesce(rp.error_class, 'bug') as error_class,
           coalesce(rp.error_code, 'unknown') as error_code, count(*) as pages
    from runs r join run_pages rp on rp.run_id = r.run_id and rp.outcome = 'failed'
    where r.ended_at >= $1 and r.ended_at < $2
    group by 1, 2, 3
"""

_RUNS = """
    select source_name as source, kind, coalesce(outcome, 'unknown') as outcome, count(*) as runs
    from runs where ended_at >= $1 and ended_at < $2
    group by 1, 2, 3
"""

_HOST = "^[a-z]+://(?:[^/?#@]*@)?([^/?#]+)"

_HOSTS = f"""
    select substring(url from $3) as host, count(*) as requests,
           count(*) filter (where error_class is not null and not {_NO_FAILURE}) as failed,
           percentile_cont(0.5) within group (order by elapsed) as median,
           percentile_cont(0.95) within group (order by elapsed) as p95
    from fetches
    where fetched_at >= $1 and fetched_at < $2 and elapsed > 0
      and substring(url from $3) is not null
    group by 1 order by sum(elapsed) desc, 1 limit $4
"""  # noqa: S608 (constants of this module)

_SLOTS = """
    select substring(url from $3) as host,
           greatest(0, least($6::int, ceil(ln(elapsed * 1000) / ln(2) * $5::int)::int)) as slot,
           count(*) as requests
    from fetches
    where fetched_at >= $1 and fetched_at < $2 and elapsed > 0
      and substring(url from $3) = any($4::text[])
    group by 1, 2
"""
