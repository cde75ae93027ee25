"""Blobs and their rows held against each other, in both directions, a part at a time.

An object without a row gets one (it came from elsewhere, or a restore lost the row); if nothing
refers to it, it is condemned like any other. A row whose object is missing is loss, if anything
refers to it: it is recorded by name, and the pages it was last fetched for are fetched again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from atlas.domain.retention import BlobRow, FoundBlob, Item, Retention, cutoff
from atlas.stores.postgres.cleanup import engine
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.bodies.blob_index import bounds, referred


async def rows_of(connection: Connection, shards: range) -> dict[str, BlobRow]:
    """Digest → row, of some parts."""
    rows = await connection.fetch(
        "select hash, put_at, stored_bytes from blobs where hash between $1 and $2", *bounds(shards)
    )
    return {row["hash"].hex(): BlobRow(row["put_at"], row["stored_bytes"]) for row in rows}


async def note_sizes(connection: Connection, sizes: Mapping[str, int]) -> None:
    """Remember how large blobs are in the store."""
    if sizes:
        await connection.execute(
            "update blobs b set stored_bytes = o.size "
            "from unnest($1::bytea[], $2::bigint[]) as o(hash, size) where b.hash = o.hash",
            [bytes.fromhex(digest) for digest in sizes],
            list(sizes.values()),
        )


async def enter_found(connection: Connection, found: Sequence[FoundBlob]) -> int:
    """Make rows for objects that have none."""
    done = await connection.execute(
        "insert into blobs (hash, size, put_at, stored_bytes) select * "
        "from unnest($1::bytea[], $2::bigint[], $3::timestamptz[], $4::bigint[]) "
        "on conflict do nothing",
        [bytes.fromhex(each.digest) for each in found],
        [each.size for each in found],
        [each.modified for each in found],
        [each.stored_bytes for each in found],
    )
    return int(done.split()[2])


async def record_missing(
    connection: Connection, keep: Retention, run_id: str, digests: Sequence[str], now: datetime
) -> None:
    """Record those of the missing blobs that something refers to, each with a page it is of."""
    rows = await connection.fetch(
        f"""
        select b.hash, coalesce(
            (select p.url from page_state ps join pages p on p.id = ps.page_id
             where ps.fetched_snapshot = b.hash order by p.id limit 1),
            (select p.url from page_state ps join pages p on p.id = ps.page_id
             where ps.settled_snapshot = b.hash order by p.id limit 1),
            (select p.url from documents d join pages p on p.id = d.page_id
             where d.snapshot = b.hash order by p.id limit 1), '') as url
        from blobs b where b.hash = any($2::bytea[]) and {referred("$1")}
        """,  # noqa: S608 (a constant of this module)
        cutoff(keep.snapshots, now),
        [bytes.fromhex(digest) for digest in digests],
    )
    items = [Item(row["hash"].hex(), row["url"]) for row in rows]
    await engine.record(connection, run_id, engine.MISSING, items)


async def known(connection: Connection, now: datetime, keep: Retention) -> int:
    """Blobs that should be in the store."""
    return int(
        await connection.fetchval("select count(*) from blobs where put_at <= $1", now - keep.grace)
    )


async def fetch_again(connection: Connection, digests: Sequence[str], now: datetime) -> int:
    """Make the pages last fetched as these blobs due, without validators: 304 would not bring the
    body back. Pages that a run holds are left for another day. Returns how many pages."""
    async with connection.transaction():
        done = await connection.execute(
            """
            with lost as (
                select page_id from page_state
                where fetched_snapshot = any($1::bytea[]) and claim_run is null
                order by page_id for update skip locked
            )
            update page_state ps
            set fetched_snapshot = null, etag = null, last_modified = null, next_due = $2,
                fence = fence + 1
            from lost where ps.page_id = lost.page_id
            """,
            [bytes.fromhex(digest) for digest in digests],
            now,
        )
    return int(done.split()[1])
