"""Limits set by hand at run time: how fast a host, or the runs of a source, may be asked.

Like all politeness they go by the database's `clock_timestamp()`. `rate_limiter` looks them up at
each reservation, so that they hold for every worker from its next request on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources import sources


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in force, of one host or one source."""

    host: str | None
    """Name and port; None: it is of a source."""
    source: str | None
    """None: it is of a host."""
    delay: float | None
    """Seconds between two requests to a host; None: as it is without the limit."""
    parallel: int | None
    """Requests to a host at once; None: as it is without the limit."""
    reason: str
    """Why, in the operator's words."""
    set_at: datetime
    """When it was set."""
    expires_at: datetime | None
    """Until when it holds; None: until it is cleared."""


_COLUMNS = "host, source, delay, parallel, reason, set_at, expires_at"


async def put(
    connection: Connection,
    *,
    host: str | None = None,
    source: str | None = None,
    delay: float | None,
    parallel: int | None,
    reason: str = "",
    lasts: timedelta | None = None,
) -> Limit:
    """Set the limit of a host or a source, in the place of the one it had; `lasts` is how long it
    holds. Raises `UnknownSource`."""
    async with connection.transaction():
        await _forget_expired(connection)
        try:
            row = await connection.fetchrow(
                f"""
                insert into limits (host, source, delay, parallel, reason, set_at, expires_at)
                select $1, $2, $3, $4, $5, t, t + $6::interval
                from (select clock_timestamp() as t) clock
                on conflict ({"source" if host is None else "host"}) do update
                set delay = excluded.delay, parallel = excluded.parallel, reason = excluded.reason,
                    set_at = excluded.set_at, expires_at = excluded.expires_at
                returning {_COLUMNS}
                """,  # noqa: S608 (constants)
                host,
                source,
                delay,
                parallel,
                reason[:500].replace("\x00", ""),
                lasts,
            )
        except asyncpg.ForeignKeyViolationError:
            row = None
    if row is None:
        raise await sources.unknown(connection, source or "")
    return Limit(**row)


async def clear(
    connection: Connection, *, host: str | None = None, source: str | None = None
) -> bool:
    """Clear a limit; return whether one was in force."""
    async with connection.transaction():
        await _forget_expired(connection)
        done = await connection.execute(
            "delete from limits where host = $1 or source = $2", host, source
        )
    return done != "DELETE 0"


async def in_force(connection: Connection) -> list[Limit]:
    """The limits that hold now: of hosts by name, then of sources."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from limits "  # noqa: S608 (a constant of this module)
        "where expires_at is null or expires_at > clock_timestamp() "
        "order by host nulls last, source"
    )
    return [Limit(**row) for row in rows]


async def parallel_of(connection: Connection, source: str) -> int | None:
    """Requests at once that the limit of a source allows; None: it has none."""
    found = await connection.fetchval(
        "select parallel from limits where source = $1 "
        "and (expires_at is null or expires_at > clock_timestamp())",
        source,
    )
    return None if found is None else int(found)


async def wake_pages(
    connection: Connection,
    *,
    host: str | None = None,
    source: str | None = None,
    retries: bool = False,
) -> list[tuple[str, str]]:
    """Let pages that wait for their host be claimed at once, those of a host or of a source;
    which runs (workflow id, run id) they are of. `retries`: also those that were asked for and
    failed."""
    # Rows that a batch is writing are skipped: without waiting there is no deadlock.
    rows = await connection.fetch(
        """
        with waiting as (
            select rp.run_id, rp.page_id, r.workflow_id
            from runs r join run_pages rp on rp.run_id = r.run_id
            where r.ended_at is null and rp.stage <> 'done' and rp.not_before is not null
              and ($1::text is null or starts_with(rp.url, 'https://' || $1 || '/')
                   or starts_with(rp.url, 'http://' || $1 || '/'))
              and ($2::text is null or r.source_name = $2) and ($3 or rp.attempts = rp.cuts)
            for update of rp skip locked
        ), woken as (
            update run_pages rp set not_before = null
            from waiting w where rp.run_id = w.run_id and rp.page_id = w.page_id
            returning w.workflow_id, w.run_id
        )
        select distinct workflow_id, run_id from woken order by workflow_id
        """,
        host,
        source,
        retries,
    )
    return [(row["workflow_id"], row["run_id"]) for row in rows]


async def _forget_expired(connection: Connection) -> None:
    await connection.execute("delete from limits where expires_at <= clock_timestamp()")
