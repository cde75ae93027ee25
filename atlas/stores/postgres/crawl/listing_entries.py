"""Entries of a listing while it is read: stored part by part until it is complete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

Entry = tuple[str, datetime | None]
"""A canonical URL, and when the listing says it last changed."""


@dataclass(frozen=True, slots=True)
class StoredListing:
    """One attempt at reading the listing of a run's source."""

    pool: asyncpg.Pool
    run_id: str
    id: UUID

    async def add(self, entries: Sequence[Entry]) -> None:
        """Keep a few thousand entries; those kept before stay as they are."""
        await self.pool.execute(
            """
            insert into listing_entries (run_id, reading, url, modified)
            select $1, $2, url, modified
            from unnest($3::text[], $4::timestamptz[]) as e(url, modified)
            order by url on conflict do nothing
            """,
            self.run_id,
            self.id,
            [url for url, _ in entries],
            [modified for _, modified in entries],
        )

    async def after(self, url: str, limit: int) -> list[Entry]:
        """The next entries in the order of their URLs; `url` itself is left out."""
        rows = await self.pool.fetch(
            "select url, modified from listing_entries "
            "where run_id = $1 and reading = $2 and url > $3 order by url limit $4",
            self.run_id,
            self.id,
            url,
            limit,
        )
        return [(row["url"], row["modified"]) for row in rows]

    async def count_after(self, url: str) -> int:
        """How many entries follow `url`."""
        found = await self.pool.fetchval(
            "select count(*) from listing_entries where run_id = $1 and reading = $2 and url > $3",
            self.run_id,
            self.id,
            url,
        )
        return int(found)


@asynccontextmanager
async def reading(pool: asyncpg.Pool, run_id: str) -> AsyncIterator[StoredListing]:
    """Each attempt has its own copy: a superseded one may still be running, and must not delete
    this one's entries. What dead attempts left is deleted once their run has ended."""
    await pool.execute(
        "delete from listing_entries e using runs r "
        "where r.run_id = e.run_id and r.ended_at is not null"
    )
    opened = StoredListing(pool, run_id, uuid4())
    try:
        yield opened
    finally:
        await pool.execute(
            "delete from listing_entries where run_id = $1 and reading = $2", run_id, opened.id
        )
