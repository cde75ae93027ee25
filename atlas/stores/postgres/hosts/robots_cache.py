"""robots.txt as last fetched, one row per origin, shared by all workers."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from atlas.domain.fetch import RobotsRecord


@dataclass(eq=False)
class StoredRobots:
    """The web room's robots cache, kept in PostgreSQL."""

    pool: asyncpg.Pool

    async def get(self, origin: str) -> RobotsRecord | None:
        row = await self.pool.fetchrow("select * from robots where origin = $1", origin)
        if row is None:
            return None
        return RobotsRecord(row["status"], row["body"], row["fetched_at"])

    async def put(self, origin: str, record: RobotsRecord) -> None:
        await self.pool.execute(
            """
            insert into robots (origin, status, body, fetched_at) values ($1, $2, $3, $4)
            on conflict (origin) do update
            set status = excluded.status, body = excluded.body, fetched_at = excluded.fetched_at
            """,
            origin,
            record.status,
            record.body,
            record.fetched_at,
        )
