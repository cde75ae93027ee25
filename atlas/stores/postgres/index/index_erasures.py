"""Erased texts of which no file of the search index may keep a word: its writer removes them from
the files, whoever writes then. A request waits in PostgreSQL until that is done."""

from __future__ import annotations

from atlas.stores.postgres.changes.change_log import CHANNEL
from atlas.stores.postgres.connection import Connection


async def ask(connection: Connection, run_id: str) -> None:
    """Ask for the texts that an erasure erases and no page has any more; the writer is woken."""
    async with connection.transaction():
        await connection.execute(
            f"insert into index_erasures (text_hash) select hash from ({_ERASED}) e "  # noqa: S608 (a constant)
            "on conflict do nothing",
            run_id,
        )
        await connection.execute("select pg_notify($1, '')", CHANNEL)


async def waiting(connection: Connection, run_id: str) -> bool:
    """Whether some of them are still to be removed."""
    found = await connection.fetchval(
        "select exists (select from index_erasures i join purge_blobs b on b.hash = i.text_hash "
        "where b.run_id = $1)",
        run_id,
    )
    return bool(found)


async def erased(connection: Connection, run_id: str) -> list[bytes]:
    """The hashes that an erasure erases and no page has any more, of bodies as well as texts."""
    return [row["hash"] for row in await connection.fetch(_ERASED, run_id)]


async def asked(connection: Connection) -> set[bytes]:
    """All that wait; what a page has again by now waits for nothing."""
    await connection.execute(
        "delete from index_erasures i "
        "where exists (select from documents d where d.text_hash = i.text_hash)"
    )
    rows = await connection.fetch("select text_hash from index_erasures")
    return {row["text_hash"] for row in rows}


async def done(connection: Connection, texts: set[bytes]) -> None:
    """No file has a word of them."""
    await connection.execute(
        "delete from index_erasures where text_hash = any($1::bytea[])", list(texts)
    )


_ERASED = """
    select b.hash from purge_blobs b where b.run_id = $1
      and not exists (select from documents d where d.text_hash = b.hash)
"""
