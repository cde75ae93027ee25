"""Round trips through the database that leave nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from atlas.stores.postgres.connection import (
    Connection,
    connect_once,
    no_answer,
    running_remedy,
    shown,
    statements_within,
)


class NoConnection(Exception):
    """PostgreSQL does not let us in; the message says where and why. `mend` says what to do
    if the server runs."""

    def __init__(self, message: str, mend: str | None = None) -> None:
        super().__init__(message)
        self.mend = mend


@asynccontextmanager
async def probe_connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection outside the pool: a busy pool says nothing about the server.

    Raises `NoConnection`.
    """
    try:
        connection = await connect_once(database_url, name="atlas-check", timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NoConnection(no_answer(shown(database_url), error), running_remedy(error)) from None
    try:
        with statements_within(15):
            yield connection
    finally:
        connection.terminate()  # close() could hang


async def write(connection: Connection) -> datetime:
    """Commit a write that changes nothing, and read it back; the server's clock."""
    written = await connection.fetchval(
        "update corpus set corpus_id = corpus_id returning pg_current_xact_id()::text"
    )
    found = await connection.fetchrow(
        "select pg_xact_status($1::text::xid8) as status, clock_timestamp() as now, "
        "(select count(*) from corpus) as rows",
        written,
    )
    assert found is not None
    if (found["status"], found["rows"]) != ("committed", 1):
        raise asyncpg.DataCorruptedError(f"a committed write is now {found['status']}")
    now: datetime = found["now"]
    return now
