"""Which part of the corpus an audit looks at next: a few hundred keys in order, or some at random.

Hashes are random themselves, so that those that follow a random one are a fair sample of all.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from atlas.stores.postgres.connection import Connection

CHUNK = 500
"""Pages, texts, runs or bodies of one step."""


@dataclass(frozen=True, slots=True)
class AuditPart:
    """Some keys, and where the next part begins."""

    ids: list[object]
    cursor: str | None
    """None: there is nothing more."""


async def pages(connection: Connection, cursor: str, limit: int) -> AuditPart:
    """The next pages by number."""
    rows = await connection.fetch(
        "select id from pages where id > $1 order by id limit $2", int(cursor or 0), limit
    )
    ids: list[object] = [row["id"] for row in rows]
    return AuditPart(ids, str(ids[-1]) if len(ids) == limit else None)


async def some_pages(connection: Connection, limit: int) -> AuditPart:
    """Pages at random: those that follow random numbers."""
    rows = await connection.fetch(
        """
        with bounds as (select min(id) as low, max(id) as high from pages),
        places as materialized (
            select low + floor(random() * (high - low + 1))::bigint as place
            from bounds, generate_series(1, $1))
        select distinct p.id from places cross join lateral (
            select id from pages where id >= place order by id limit 1) p
        """,
        limit,
    )
    return AuditPart([row["id"] for row in rows], None)


async def texts(connection: Connection, cursor: str, limit: int) -> AuditPart:
    """The next texts that have a sketch, by hash."""
    rows = await connection.fetch(
        "select text_hash from sketches where text_hash > $1 order by text_hash limit $2",
        bytes.fromhex(cursor),
        limit,
    )
    ids: list[object] = [row["text_hash"] for row in rows]
    return AuditPart(ids, rows[-1]["text_hash"].hex() if len(ids) == limit else None)


async def some_texts(connection: Connection, limit: int) -> AuditPart:
    """Texts at random."""
    part = await texts(connection, secrets.token_hex(32), limit)
    if part.cursor is None:  # the end was near
        part = await texts(connection, "", limit)
    return AuditPart(part.ids, None)


async def runs(connection: Connection, cursor: str, limit: int) -> AuditPart:
    """The next runs by id."""
    rows = await connection.fetch(
        "select run_id from runs where run_id > $1 order by run_id limit $2", cursor, limit
    )
    ids: list[object] = [row["run_id"] for row in rows]
    return AuditPart(ids, rows[-1]["run_id"] if len(ids) == limit else None)


async def some_runs(connection: Connection, limit: int) -> AuditPart:
    """The latest runs: older ones do not change any more."""
    rows = await connection.fetch(
        "select run_id from runs order by started_at desc limit $1", limit
    )
    return AuditPart([row["run_id"] for row in rows], None)


async def blobs(connection: Connection, cursor: str, limit: int) -> AuditPart:
    """The next bodies that have a row, by hash."""
    rows = await connection.fetch(
        "select hash from blobs where hash > $1 order by hash limit $2",
        bytes.fromhex(cursor),
        limit,
    )
    ids: list[object] = [row["hash"] for row in rows]
    return AuditPart(ids, rows[-1]["hash"].hex() if len(ids) == limit else None)


async def some_blobs(connection: Connection, limit: int) -> AuditPart:
    """Bodies at random."""
    part = await blobs(connection, secrets.token_hex(32), limit)
    if part.cursor is None:
        part = await blobs(connection, "", limit)
    return AuditPart(part.ids, None)


def chunks(ids: Sequence[object], size: int = CHUNK) -> list[list[object]]:
    """The keys in pieces that one statement takes."""
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
