"""The state of hosts, for people: pace, requests under way, breaker, robots.txt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from atlas.domain.politeness.adaptive_delay import FORGOTTEN, Strain, reason
from atlas.domain.politeness.circuit_breaker import State, state_of
from atlas.stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host that Atlas has asked, or that has a limit."""

    host: str
    state: State
    """Of its circuit breaker: `closed`, requests are sent; `open`, the host is down and left alone;
    `half_open`, one request tries it; `throttled`, it asked for a slower pace."""
    in_flight: int
    """Requests under way, of all workers."""
    delay: float | None
    """Seconds between requests as the last one was paced; None before the first."""
    limit_delay: float | None
    """Seconds that a limit set by hand demands; None: there is none."""
    limit_parallel: int | None
    """Requests at once that a limit set by hand allows."""
    last_at: datetime | None
    """When its last request was sent."""
    failures: int
    """Requests in a row that blame the host."""
    down_since: datetime | None
    """Since when it has not answered; None: it answers."""
    next_try_at: datetime | None
    """When it may be asked again; None: now."""
    waits: float
    """Seconds until then."""
    last_error: str | None
    last_error_at: datetime | None
    """When that was."""
    robots_at: datetime | None
    """When its robots.txt was fetched; None: never."""
    robots_status: int | None
    """The HTTP status of that."""
    adaptive_delay: float | None = None
    """Seconds that Atlas keeps because the host struggles; None: no more than is declared, or a
    limit set by hand says it."""
    delay_reason: str = ""
    """Why `delay` is not the declared one: `limit` (set by hand), `429/503` (without Retry-After),
    or how long its answers take."""


# A robots.txt is kept by origin; http and https of one host share its pace.
_LISTED = """
    with clock as materialized (select clock_timestamp() as t),
    chosen as (
        select coalesce(h.host, l.host) as host, h.last_at, h.next_at, h.failures,
               h.down_since, h.open_until, h.throttled, h.last_error, h.last_error_at,
               (select count(*) from unnest(h.leases) e where e > (select t from clock))
                   as in_flight, l.delay as limit_delay, l.parallel as limit_parallel,
               h.slow, h.backoff, h.adaptive_delay > 0
                   and h.strained_at > (select t from clock) - make_interval(secs => $4)
                   as strained,
               exists (select from limits s, clock where s.delay is not null
                       and (s.source = h.paced_by or s.host = coalesce(h.host, l.host))
                       and (s.expires_at is null or s.expires_at > t)) as limited,
               h.adaptive_delay
        from hosts h full join (
            select * from limits, clock
            where limits.host is not null and (expires_at is null or expires_at > t)
        ) l on l.host = h.host
        where ($1::text is null or coalesce(h.host, l.host) = $1)
          and (not $2 or h.failures > 0 or h.open_until > (select t from clock))
    )
    select c.host, c.failures, c.down_since, c.last_error, c.last_error_at, c.throttled,
           c.limit_delay, c.limit_parallel, c.slow, c.backoff,
           c.limit_delay is not null or (c.limited and c.strained) as limited,
           case when c.strained and not c.limited then c.adaptive_delay end as adaptive_delay,
           nullif(c.last_at, '-infinity') as last_at,
           case when c.last_at > '-infinity'
                then greatest(extract(epoch from c.next_at - c.last_at), c.limit_delay,
                              case when c.strained and not c.limited then c.adaptive_delay end)
           end::float8 as delay,
           c.in_flight,
           case when c.open_until > t then c.open_until end as next_try_at,
           extract(epoch from c.open_until - t)::float8 as waits,
           r.fetched_at as robots_at, r.status as robots_status
    from chosen c cross join clock left join lateral (
        select fetched_at, status from robots
        where origin in ('https://' || c.host, 'http://' || c.host)
        order by fetched_at desc limit 1
    ) r on true
    order by c.in_flight > 0 desc, c.failures > 0 desc nulls last, c.last_at desc nulls last, c.host
    limit $3
"""


async def listed(
    connection: Connection, *, host: str | None = None, troubled: bool = False, limit: int = 100
) -> list[HostStatus]:
    """Hosts now, those under way first, then those that failed, then the last asked; `troubled`:
    only those that failed lately or are closed."""
    rows = await connection.fetch(_LISTED, host, troubled, limit, FORGOTTEN)
    return [_status(**dict(row)) for row in rows]


def _status(
    *,
    throttled: bool | None,
    waits: float | None,
    failures: int | None,
    slow: float | None,
    backoff: float | None,
    limited: bool,
    adaptive_delay: float | None,
    **rest: Any,
) -> HostStatus:
    strain = Strain(slow or 0.0, backoff or 0.0)
    return HostStatus(
        state=state_of(waits, throttled=throttled or False),
        waits=max(0.0, waits or 0.0),
        failures=failures or 0,
        adaptive_delay=adaptive_delay,
        delay_reason="limit" if limited else reason(strain) if adaptive_delay else "",
        **rest,
    )


async def known(pool: asyncpg.Pool, host: str) -> bool:
    """Whether the host was asked before."""
    return bool(await pool.fetchval("select exists (select from hosts where host = $1)", host))


async def forget(pool: asyncpg.Pool, hosts: Collection[str]) -> None:
    """Forget hosts and their robots.txt, except those with a request under way."""
    gone = await pool.fetch(
        "delete from hosts where host = any($1::text[]) "
        "and not exists (select from unnest(leases) l where l > clock_timestamp()) returning host",
        list(hosts),
    )
    origins = [f"{scheme}://{row['host']}" for row in gone for scheme in ("http", "https")]
    await pool.execute("delete from robots where origin = any($1::text[])", origins)
