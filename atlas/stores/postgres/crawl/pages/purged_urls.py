"""Addresses that were erased, kept as hashes alone: what keeps their pages away.

Whoever makes a page or a line of the ledger holds PURGED shared, by triggers of those tables
(migration 0030), and writes nothing for a purged address; a purge takes it exclusive when it adds
addresses. So no row that was being written then is overlooked by what the purge erases next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.stores.postgres.advisory_locks import PURGED
from atlas.stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class PurgedAddress:
    """One erased address, as far as it is kept."""

    url_hash: str
    """SHA-256 in hex of the corpus' id, a line end and the canonical URL."""
    purged_at: datetime
    reason: str


async def among(connection: Connection, urls: Sequence[str]) -> set[str]:
    """Those of the canonical URLs that are purged."""
    rows = await connection.fetch(
        "select u.url from unnest($1::text[]) as u(url) "
        "where exists (select from purged_urls t where t.url_hash = purge_hash(u.url))",
        list(urls),
    )
    return {row["url"] for row in rows}


async def note_refused(connection: Connection, run_id: str, urls: Sequence[str]) -> None:
    """Count those of the URLs that are purged as skipped by the run, each once."""
    await connection.execute(
        """
        insert into run_purged (run_id, url_hash, outcome)
        select $1, t.url_hash, 'skipped'
        from unnest($2::text[]) as u(url) join purged_urls t on t.url_hash = purge_hash(u.url)
        order by t.url_hash on conflict do nothing
        """,
        run_id,
        list(urls),
    )


async def add(connection: Connection, run_id: str, reason: str, now: datetime, most: int) -> int:
    """Keep away the next of the addresses that a purge has chosen; how many. Waits for all who
    are writing pages, and they for this."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", PURGED)
        done = await connection.execute(
            """
            insert into purged_urls (url_hash, purged_at, reason)
            select url_hash, $2, $3 from purge_pages p
            where p.run_id = $1
              and not exists (select from purged_urls t where t.url_hash = p.url_hash)
            order by url_hash limit $4
            on conflict do nothing
            """,
            run_id,
            now,
            reason,
            most,
        )
    return int(done.split()[2])


async def allow(connection: Connection, urls: Sequence[str]) -> set[str]:
    """Let erased addresses be collected again; return those that were purged."""
    rows = await connection.fetch(
        "delete from purged_urls t using unnest($1::text[]) as u(url) "
        "where t.url_hash = purge_hash(u.url) returning u.url",
        list(urls),
    )
    return {row["url"] for row in rows}


async def listed(connection: Connection, limit: int | None = None) -> list[PurgedAddress]:
    """What is kept of erased addresses, the latest first."""
    rows = await connection.fetch(
        "select encode(url_hash, 'hex') as url_hash, purged_at, reason from purged_urls "
        "order by purged_at desc, url_hash limit $1",
        limit,
    )
    return [PurgedAddress(**row) for row in rows]
