"""Round trips through the database that leave nothing behind."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from atlas.domain.search.analysis import index_parts
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.stores.postgres.connection import Connection, connect_once, shown, statements_within
from atlas.stores.postgres.index import entries
from atlas.stores.postgres.index.search import search

_PROBE_URL = "atlas:probe"
_PROBE_ID = -1  # generated ids are positive; one probe at a time waits for the other's rollback


class NoConnection(Exception):
    """PostgreSQL does not let us in; the message says where and why."""


@asynccontextmanager
async def probe_connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection outside the pool: a busy pool says nothing about the server.

    Raises `NoConnection`.
    """
    try:
        connection = await connect_once(database_url, name="atlas-check", timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NoConnection(
            f"PostgreSQL does not answer at {shown(database_url)}: {error or type(error).__name__}"
        ) from None
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


async def index_and_find(connection: Connection) -> bool:
    """Index a text that no page has, and search for it: whether it was found.

    All within a transaction that is rolled back: no reader ever sees the text. It waits no longer
    than the time-outs below for those who write to the index, and they no longer for it.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        # A health check reports a lock that does not come; it must not wait for it.
        await connection.execute("set local lock_timeout = '5s'")
        await connection.execute("set local statement_timeout = '10s'")
        word = f"probe{secrets.token_hex(12)}"
        await _enter(connection, word)
        page = await search(connection, word, limit=5)
        return _PROBE_URL in [hit.url for hit in page.results]
    finally:
        await transaction.rollback()


async def _enter(connection: Connection, word: str) -> None:
    """A page, its document, the version that makes it live, and its index entry."""
    now = datetime.now(UTC)  # rolled back: no reader sees it
    text_hash = secrets.token_bytes(32)
    await connection.execute(
        "insert into pages (id, url, created_at) overriding system value values ($1, $2, $3)",
        _PROBE_ID,
        _PROBE_URL,
        now,
    )
    await connection.execute(
        "insert into documents (id, page_id, text_hash, extractor, snapshot, media, title, text, "
        "markdown, created_at) overriding system value "
        "values ($1, $1, $2, $3, $2, 'text/plain', $4, $4, $4, $5)",
        _PROBE_ID,
        text_hash,
        EXTRACTOR_VERSION,
        word,
        now,
    )
    await connection.execute(
        "insert into versions (page_id, seq, document_id, valid_from) values ($1, 1, $1, $2)",
        _PROBE_ID,
        now,
    )
    await entries.add(connection, [entries.IndexText(text_hash, index_parts(word, word))])
