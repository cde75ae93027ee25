"""Sessions of clients that vanished, which the server's own time-outs do not reach.

`idle_in_transaction_session_timeout` counts from the end of a statement. A client that vanishes in
the middle of one, or while it copies rows in, leaves its session `active`: it waits for the client
forever, and ignores a cancellation. TCP probes end such a session, unless the peer is a proxy that
is still alive.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from atlas.stores.postgres.connection import LOST, Connection, connect_once

EVERY = 20.0
"""Seconds between two checks by a worker."""
SILENT = 60.0
"""Seconds of silence in the middle of a statement after which a client is taken for gone."""

log = logging.getLogger("atlas.sessions")


async def end_silent(connection: Connection, silent: float) -> int:
    """End our own sessions in this database that have waited for their client for `silent` seconds
    in the middle of a transaction; return how many."""
    ended = await connection.fetchval(
        """
        select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and usename = current_user
          and application_name in ('atlas', 'atlas-check') and pid <> pg_backend_pid()
          and (state = 'active' and wait_event = 'ClientRead' or state like 'idle in transaction%')
          and state_change < clock_timestamp() - make_interval(secs => $1)
        """,
        silent,
    )
    return int(ended)


@asynccontextmanager
async def ending_silent(database_url: str) -> AsyncIterator[None]:
    """Check every `EVERY` seconds until the block ends."""
    task = asyncio.create_task(_keep_ending(database_url))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_ending(database_url: str) -> None:
    while True:
        await asyncio.sleep(EVERY)
        # Not from the pool: all its connections may be waiting for locks of those sessions.
        try:
            connection = await connect_once(database_url)
        except (*LOST, asyncpg.PostgresError):
            continue  # reported by the work that needs the database
        try:
            if ended := await end_silent(connection, SILENT):
                log.warning("ended %d sessions of PostgreSQL whose clients had vanished", ended)
        except (*LOST, asyncpg.PostgresError) as error:
            log.debug("sessions were not looked at: %s", error)
        finally:
            connection.terminate()
