"""What `atlas status` and `atlas top` ask of the corpus, each second at times: bounded, by primary
keys and narrow tables. Only `page_counts` grows with a run; who asks it often rations it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from atlas.domain.breaker import State, state_of
from atlas.stores.postgres.pool import Connection
from atlas.stores.postgres.sources import Source, source_of


@dataclass(frozen=True, slots=True)
class SourceLately:
    """A source, and how its last run ended."""

    source: Source
    last_outcome: str | None
    last_ended: datetime | None


async def sources_lately(connection: Connection) -> list[SourceLately]:
    """All sources by name."""
    rows = await connection.fetch(
        """
        select s.*, r.outcome as last_outcome, r.ended_at as last_ended
        from sources s
        left join lateral (
            select outcome, ended_at from runs
            where source_id = s.id and ended_at is not null order by started_at desc limit 1
        ) r on true
        order by s.name
        """
    )
    return [SourceLately(source_of(row), row["last_outcome"], row["last_ended"]) for row in rows]


@dataclass(slots=True)
class PageCounts:
    """How far a run is with its pages."""

    total: int = 0
    done: int = 0
    failed: int = 0
    under_way: dict[str, int] = field(default_factory=dict)
    """Pages not done, by the stage they have reached: listed, fetched, processed."""


async def page_counts(connection: Connection, run_ids: Sequence[str]) -> dict[str, PageCounts]:
    """Of each run that has pages. It reads every row of the runs: 30 ms for 100,000 pages."""
    rows = await connection.fetch(
        "select run_id, stage, outcome, count(*) as pages from run_pages "
        "where run_id = any($1::text[]) group by run_id, stage, outcome",
        list(run_ids),
    )
    found: dict[str, PageCounts] = defaultdict(PageCounts)
    for row in rows:
        counts, pages = found[row["run_id"]], row["pages"]
        counts.total += pages
        if row["stage"] == "done":
            counts.done += pages
            counts.failed += pages if row["outcome"] == "failed" else 0
        else:
            counts.under_way[row["stage"]] = counts.under_way.get(row["stage"], 0) + pages
    return dict(found)


@dataclass(frozen=True, slots=True)
class BusyHost:
    """A host that is asked now, or in trouble; times in seconds."""

    host: str
    in_flight: int
    """Requests under way, over all workers."""
    delay: float
    """Between the last request and the next one that may follow."""
    idle: float | None
    """Since the last request; None: never asked."""
    breaker: State
    failures: int
    """Requests in a row that the host itself failed."""
    waits: float
    """Before it may be asked again (0: now)."""
    down_since: datetime | None
    last_error: str | None


async def busy_hosts(
    connection: Connection, *, within: timedelta, limit: int = 100
) -> list[BusyHost]:
    """Hosts in trouble, the longest down first; then those asked `within` so long, the busiest
    first. The clock is the database's, as for politeness. One pass over a narrow table."""
    rows = await connection.fetch(
        """
        select host, failures, down_since, last_error, throttled,
               cardinality(array(select l from unnest(leases) l where l > c.t)) as in_flight,
               case when isfinite(last_at) and isfinite(next_at)
                    then greatest(0, extract(epoch from next_at - last_at)) else 0
               end::float8 as delay,
               case when isfinite(last_at) then extract(epoch from c.t - last_at) end::float8
                    as idle,
               extract(epoch from open_until - c.t)::float8 as waits
        from hosts, (select clock_timestamp() as t) c
        where failures > 0 or open_until > c.t or last_at > c.t - $1::interval
           or exists (select from unnest(leases) l where l > c.t)
        order by coalesce(down_since, 'infinity'), in_flight desc, last_at desc, host limit $2
        """,
        within,
        limit,
    )
    return [_busy(**dict(row)) for row in rows]


def _busy(*, throttled: bool, waits: float | None, **rest: Any) -> BusyHost:
    state = state_of(waits, throttled=throttled)
    return BusyHost(breaker=state, waits=max(0.0, waits or 0.0), **rest)
