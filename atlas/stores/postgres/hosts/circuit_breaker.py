"""Circuit breakers of hosts, kept in the rows that pace them."""

from __future__ import annotations

import asyncpg

from atlas.domain.errors import ErrorClass, HostClosed, PageError
from atlas.domain.politeness.circuit_breaker import Breaker
from atlas.stores.postgres.connection import Connection


async def blame(
    connection: Connection,
    host: str,
    error: PageError,
    breaker: Breaker,
    *,
    probe: bool,
    trips: bool,
) -> bool:
    """Count a failure that blames the host, and close the host if it was one too many; return
    whether it counts as down only from now on.

    Failures of requests that were under way when the breaker opened show nothing new: only the
    `probe`'s doubles the pause. `trips`: nothing may be fetched without what failed (robots.txt),
    so that once is enough.
    """
    async with connection.transaction():
        before = await connection.fetchval(
            "select failures from hosts where host = $1 for update", host
        )
        if before is None:
            return False
        known = before >= breaker.threshold and not probe
        failures = before if known else before + 1
        if trips:
            failures = max(failures, breaker.threshold)
        asked = min(error.retry_after or 0.0, breaker.longest_asked)
        pause = max((breaker.pause(failures) or 0.0) if not known else 0.0, asked)
        await connection.execute(
            """
            update hosts
            set failures = $2, throttled = $4, last_error = $5, last_error_at = clock_timestamp(),
                down_since = coalesce(down_since, clock_timestamp()),
                open_until = case when $3::float8 > 0 then greatest(open_until,
                    clock_timestamp() + make_interval(secs => $3::float8)) else open_until end
            where host = $1
            """,
            host,
            failures,
            pause,
            error.error_class is ErrorClass.THROTTLED,
            error.message.replace("\x00", "")[:300],
        )
    return bool(before < breaker.threshold <= failures)


async def absolve(connection: Connection, host: str) -> None:
    """The host answered: it is not down. (A Retry-After under way runs on.)"""
    await connection.execute(
        "update hosts set failures = 0, down_since = null, throttled = false, open_until = null "
        "where host = $1 and failures > 0 and not (throttled and open_until > clock_timestamp())",
        host,
    )


async def reset(connection: Connection, host: str) -> bool:
    """Forget a host's failures in a row, what it asked for and what it could bear: it may be asked
    now, at its declared pace. Return whether there was anything to forget. (The last error stays,
    to be read.)"""
    done = await connection.execute(
        "update hosts set failures = 0, down_since = null, throttled = false, open_until = null, "
        "probe_until = null, slow = 0, backoff = 0, adaptive_delay = 0, strained_at = null "
        "where host = $1 and (failures > 0 or open_until is not null or adaptive_delay > 0)",
        host,
    )
    return done != "UPDATE 0"


async def closed(connection: Connection, host: str) -> HostClosed | None:
    """Why nothing may be asked of the host now; None: it may."""
    row = await connection.fetchrow(
        """
        select extract(epoch from open_until - clock_timestamp())::float8 as wait, throttled,
               extract(epoch from clock_timestamp() - down_since)::float8 as down_for, last_error
        from hosts where host = $1 and open_until > clock_timestamp()
        """,
        host,
    )
    return None if row is None else why_closed(host, row["wait"], row)


def why_closed(host: str, wait: float, row: asyncpg.Record) -> HostClosed:
    """The error of a host that may be asked again in `wait` seconds."""
    return HostClosed(
        host,
        wait,
        down_for=row["down_for"] or 0.0,
        throttled=row["throttled"],
        reason=row["last_error"] or "it failed",
    )
