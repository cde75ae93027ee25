"""Texts that the writer of the search index is asked to put in again, or to take out, whichever is
right by then. A request waits in PostgreSQL until it has been carried out, whoever writes then."""

from __future__ import annotations

from collections.abc import Collection

from atlas.stores.postgres.changes.change_log import CHANNEL
from atlas.stores.postgres.connection import Connection


async def ask(connection: Connection, texts: Collection[bytes]) -> None:
    """Ask for these; the writer is woken as by a change."""
    async with connection.transaction():
        await connection.execute(
            "insert into index_repairs (text_hash) select unnest($1::bytea[]) "
            "on conflict do nothing",
            sorted(texts),
        )
        await connection.execute("select pg_notify($1, '')", CHANNEL)


async def asked(connection: Connection, limit: int) -> set[bytes]:
    """Some of those that wait."""
    rows = await connection.fetch("select text_hash from index_repairs limit $1", limit)
    return {row["text_hash"] for row in rows}


async def waiting(connection: Connection, texts: Collection[bytes]) -> set[bytes]:
    """Which of these wait still."""
    rows = await connection.fetch(
        "select text_hash from index_repairs where text_hash = any($1::bytea[])", list(texts)
    )
    return {row["text_hash"] for row in rows}


async def done(connection: Connection, texts: Collection[bytes]) -> None:
    """They have been carried out."""
    await connection.execute(
        "delete from index_repairs where text_hash = any($1::bytea[])", list(texts)
    )
