"""Stored bodies without a web: as if a run had fetched them and processed none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import zstandard

FETCHED = datetime(2026, 11, 2, 8, tzinfo=UTC)
_CHUNK = 5000


async def store(
    pool: asyncpg.Pool, blobs: Path, bodies: Mapping[str, bytes], media: str = "text/plain"
) -> None:
    """Keep a body for each URL; what a page had before is replaced, as by a newer fetch."""
    items = list(bodies.items())
    (blobs / "incoming").mkdir(parents=True, exist_ok=True)
    for start in range(0, len(items), _CHUNK):
        rows = [(url, _put(blobs, body), len(body)) for url, body in items[start : start + _CHUNK]]
        await pool.execute(_STORE, *map(list, zip(*rows, strict=True)), media, FETCHED)


def _put(blobs: Path, body: bytes) -> bytes:
    digest = hashlib.sha256(body).hexdigest()
    path = blobs / digest[:2] / digest[2:4] / f"{digest}.zst"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.compress(body))
    return bytes.fromhex(digest)


_STORE = """
    with o as (select * from unnest($1::text[], $2::bytea[], $3::bigint[]) as o(url, hash, size)),
    b as (insert into blobs (hash, size, put_at)
          select distinct on (hash) hash, size, $5::timestamptz from o on conflict do nothing),
    p as (insert into pages (url, created_at) select url, $5 from o
          on conflict (url) do update set url = excluded.url returning id, url)
    insert into page_state (page_id, fetched_snapshot, fetched_type, fetched_charset, fetched_at,
                            fetched_run)
    select p.id, o.hash, $4, 'utf-8', $5, 'stored' from p join o using (url)
    on conflict (page_id) do update
    set fetched_snapshot = excluded.fetched_snapshot, fetched_at = excluded.fetched_at
"""
