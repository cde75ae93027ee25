"""Sessions of clients that vanished, which the server's own time-outs do not reach.

`idle_in_transaction_session_timeout` counts from the end of a statement. A client that vanishes
between the words of one, or while it copies rows in, leaves its session `active`: it waits for the
client for ever, and a cancel is not heard there. What probes a silent peer ends it, unless a proxy
that itself lives stands in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from atlas.stores.postgres.connection import LOST, Connection, connect_once

EVERY = 20.0
"""Seconds between two looks of a worker."""
SILENT = 60.0
"""Seconds without a word in the middle of a statement after which a client is taken for gone."""

log = logging.getLogger("atlas.sessions")


async def end_silent(connection: Connection, silent: float) -> int:
    """End those of our own sessions in this database that wait for a client, in the middle of its
    transaction, since `silent` seconds; how many."""
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
    """Look again and again, until the end of the block."""
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
        # Not the pool's: all of its connections may be waiting for what is to be ended here.
        try:
            connection = await connect_once(database_url)
        except (*LOST, asyncpg.PostgresError):
            continue  # whoever needs the database says so
        try:
            if ended := await end_silent(connection, SILENT):
                log.warning("ended %d sessions of PostgreSQL whose clients had vanished", ended)
        except (*LOST, asyncpg.PostgresError) as error:
            log.debug("sessions were not looked at: %s", error)
        finally:
            connection.terminate()
