"""Entries of a listing while it is read: stored part by part until it is complete.

Of a source with a page budget only the first by URL are kept, as the budget takes no others: for a
source of ten pages, a listing of a million addresses does not become a million rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from atlas.domain.addresses.refused_addresses import MOST

Entry = tuple[str, datetime | None]
"""A canonical URL, and when the listing says it last changed."""

_BUFFER = 4 * 1024 * 1024
"""Bytes of entries in memory before they are written: what a small budget keeps of a listing of any
length, in any order, stays below that."""
_OVERHEAD = 200
"""Bytes of an entry in addition to the characters of its URL."""
_PART = 2000  # rows of one statement


@dataclass(eq=False)
class StoredListing:
    """One attempt at reading the listing of a run's source. `room`: pages that may be listed, None:
    all; beyond them MOST entries are kept, to be named as refused, and the others are counted."""

    pool: asyncpg.Pool
    run_id: str
    id: UUID
    room: int | None = None
    left_out: int = 0
    """Entries that were not kept, repeats included."""
    _buffer: dict[str, datetime | None] = field(default_factory=dict)
    _size: int = 0
    _stored: int = 0
    _last: str | None = None
    """What comes after this URL is not kept: as many entries as there is room for come before."""

    @property
    def _most(self) -> int | None:
        return None if self.room is None else self.room + MOST

    async def add(self, entries: Sequence[Entry]) -> None:
        """Keep a few thousand entries; those kept before stay as they are."""
        for url, modified in entries:
            if self._last is not None and url > self._last:
                self.left_out += 1
            elif url not in self._buffer:
                self._buffer[url] = modified
                self._size += len(url) + _OVERHEAD
        if self._size > _BUFFER:
            self._cut_buffer()
            if self._size > _BUFFER // 2:  # else enough of it is free again
                await self._write()

    def _cut_buffer(self) -> None:
        if self._most is None or len(self._buffer) <= self._most:
            return
        first = sorted(self._buffer)[: self._most]
        self.left_out += len(self._buffer) - len(first)
        self._buffer = {url: self._buffer[url] for url in first}
        self._size = sum(map(len, first)) + len(first) * _OVERHEAD
        self._last = first[-1]

    async def _write(self) -> None:
        self._cut_buffer()
        entries = sorted(self._buffer.items())  # neighbours in the index are written together
        self._buffer, self._size = {}, 0
        for at in range(0, len(entries), _PART):
            done = await self.pool.execute(
                """
                insert into listing_entries (run_id, reading, url, modified)
                select $1, $2, url, modified
                from unnest($3::text[], $4::timestamptz[]) as e(url, modified)
                on conflict do nothing
                """,
                self.run_id,
                self.id,
                [url for url, _ in entries[at : at + _PART]],
                [modified for _, modified in entries[at : at + _PART]],
            )
            self._stored += int(done.split()[2])
        # Only at twice what is kept: each cut then deletes about as many rows as were written since
        # the one before, instead of scanning for a few.
        if self._most is not None and self._stored > 2 * self._most:
            await self._cut_stored(self._most)

    async def _cut_stored(self, most: int) -> None:
        self._last = await self.pool.fetchval(
            "select url from listing_entries where run_id = $1 and reading = $2 "
            "order by url offset $3 limit 1",
            self.run_id,
            self.id,
            most - 1,
        )
        done = await self.pool.execute(
            "delete from listing_entries where run_id = $1 and reading = $2 and url > $3",
            self.run_id,
            self.id,
            self._last,
        )
        self._stored = most
        self.left_out += int(done.split()[1])

    async def after(self, url: str, limit: int) -> list[Entry]:
        """The next entries in the order of their URLs; `url` itself is left out."""
        await self._write()
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
        """How many entries follow `url`, those that were not kept among them."""
        await self._write()
        found = await self.pool.fetchval(
            "select count(*) from listing_entries where run_id = $1 and reading = $2 and url > $3",
            self.run_id,
            self.id,
            url,
        )
        return int(found) + self.left_out


@asynccontextmanager
async def reading(
    pool: asyncpg.Pool, run_id: str, room: int | None
) -> AsyncIterator[StoredListing]:
    """Each attempt has its own copy: a superseded one may still be running, and must not delete
    this one's entries. What dead attempts left is deleted once their run has ended."""
    await pool.execute(
        "delete from listing_entries e using runs r "
        "where r.run_id = e.run_id and r.ended_at is not null"
    )
    opened = StoredListing(pool, run_id, uuid4(), room)
    try:
        yield opened
    finally:
        await pool.execute(
            "delete from listing_entries where run_id = $1 and reading = $2", run_id, opened.id
        )
