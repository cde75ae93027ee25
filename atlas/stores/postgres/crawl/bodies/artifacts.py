"""Blobs kept for people, by kind and name: reports and manifests. No fetch refers to them; their
row keeps the clean-up from deleting them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.bodies import blob_index

MANIFEST, OUTCOMES = "manifest", "outcomes"
"""Kinds of JSON lines: the pages of a batch, named by their hash, and the outcome of each document,
named by the run."""
REPORT = "report"
"""The kind of a week's report; its names are 2026-W47.json, .md and .html."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One blob and its name. `hash` in lower-case hex."""

    name: str
    hash: str
    media: str
    created_at: datetime
    """When these very bytes were first kept under the name."""


@dataclass(eq=False)
class Artifacts:
    """Keeps artifacts of one kind. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    kind: str

    async def announce(self, digest: str, size: int) -> None:
        """Announce that the blob is about to be put: the clean-up spares it."""
        async with self.pool.acquire() as connection:
            await blob_index.announce(connection, digest, size, self.clock())

    async def keep(self, name: str, digest: str, media: str) -> None:
        """Give the blob the name, whatever had it before. Idempotent."""
        async with self.pool.acquire() as connection:
            await connection.execute(
                """
                insert into artifacts (kind, name, hash, media, created_at)
                values ($1, $2, $3, $4, $5)
                on conflict (kind, name) do update
                set hash = excluded.hash, media = excluded.media, created_at = excluded.created_at
                where (artifacts.hash, artifacts.media) <> (excluded.hash, excluded.media)
                """,
                self.kind,
                name,
                bytes.fromhex(digest),
                media,
                self.clock(),
            )

    async def keep_first(self, name: str, digest: str, media: str) -> str:
        """Give the blob the name, unless another has it: a late attempt must not replace the first
        one's list by a shorter one. Returns the digest of the blob that has the name."""
        async with self.pool.acquire() as connection:
            await connection.execute(
                "insert into artifacts (kind, name, hash, media, created_at) "
                "values ($1, $2, $3, $4, $5) on conflict do nothing",
                self.kind,
                name,
                bytes.fromhex(digest),
                media,
                self.clock(),
            )
            kept: bytes = await connection.fetchval(
                "select hash from artifacts where kind = $1 and name = $2", self.kind, name
            )
            return kept.hex()


async def find(connection: Connection, kind: str, name: str) -> Artifact | None:
    """The artifact of that name."""
    row = await connection.fetchrow(f"{_ALL} and name = $2", kind, name)
    return Artifact(**row) if row else None


async def listed(connection: Connection, kind: str) -> list[Artifact]:
    """All of a kind, by name."""
    rows = await connection.fetch(f'{_ALL} order by name collate "C"', kind)
    return [Artifact(**row) for row in rows]


_ALL = """
    select name, encode(hash, 'hex') as hash, media, created_at from artifacts where kind = $1
"""
