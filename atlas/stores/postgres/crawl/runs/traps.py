"""Links that crawls did not follow because they belong to traps: what that is judged by, and what
is remembered of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from atlas.domain.addresses import crawler_traps
from atlas.domain.addresses.crawler_traps import Choice, Trap
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages.pages import upsert

_FAMILIES = 100
"""Families of a level that are remembered one by one; of the others, how many addresses."""
_READ_AT_ONCE = 5000


async def choose(
    connection: Connection, source_id: int, run_id: str, level: int, links: Sequence[str]
) -> Choice:
    """What a crawl takes of the links to a level, none of which the levels above have. Repeated
    after a crash, it chooses the same."""
    # Of 50,000 links that takes seconds, during which heartbeats must continue.
    suspects, bare = await asyncio.to_thread(crawler_traps.suspects, links)
    if not suspects:
        return Choice(tuple(links))
    above = await _above(connection, source_id, run_id, level, bare)
    held = await _held(connection, source_id, suspects)
    return await asyncio.to_thread(crawler_traps.choose, links, above, held)


async def note(
    connection: Connection,
    run_id: str,
    level: int,
    stopped: Mapping[Trap, Sequence[str]],
    now: datetime,
) -> None:
    """Remember what was stopped; one address of each family stands in the run's record, skipped
    for that reason. Repeated, it is remembered once."""
    rows = sorted(
        ((trap.reason, trap.family, len(urls), urls[0]) for trap, urls in stopped.items()),
        key=lambda row: (-row[2], row[0], row[1]),
    )
    kept, rest = rows[:_FAMILIES], rows[_FAMILIES:]
    others: dict[crawler_traps.Reason, tuple[int, str]] = {}
    for reason, _, addresses, example in rest:
        before, first = others.get(reason, (0, example))
        others[reason] = (before + addresses, first)
    kept += [(reason, "", addresses, first) for reason, (addresses, first) in others.items()]
    async with connection.transaction():
        # An earlier attempt, cut off since, may have noted the level already.
        await connection.execute(
            "delete from run_traps where run_id = $1 and level = $2", run_id, level
        )
        await upsert(connection, [example for *_, example in kept], now)
        await connection.execute(
            """
            with new as (
                insert into run_traps (run_id, level, reason, family, addresses, example)
                select $1, $2, o.* from unnest($3::text[], $4::text[], $5::int[], $6::text[]) as o
                returning *
            )
            insert into run_pages (run_id, page_id, level, url, stage, outcome, error_class,
                                   error_code, error)
            select $1, p.id, $2, p.url, 'done', 'skipped', 'quota', n.reason,
                   n.addresses || ' addresses of ' || left(n.family, 300) || ' were not followed'
            from new n join pages p on p.url = n.example
            where not exists (select from run_traps t where t.run_id = $1 and t.level < $2
                              and t.reason = n.reason and t.family = n.family)
            order by p.id
            on conflict do nothing
            """,
            run_id,
            level,
            *map(list, zip(*kept, strict=True)),
        )


async def of_run(connection: Connection, run_id: str) -> dict[str, int]:
    """Reason → how many addresses the run did not follow."""
    rows = await connection.fetch(
        "select reason, sum(addresses)::bigint as addresses from run_traps where run_id = $1 "
        "group by reason order by reason",
        run_id,
    )
    return {row["reason"]: row["addresses"] for row in rows}


async def _above(
    connection: Connection, source_id: int, run_id: str, level: int, bare: Sequence[str]
) -> list[str]:
    """Pages of the levels above that make a difference, read in parts: there may be millions of
    others."""
    found: list[str] = []
    async with connection.transaction():
        cursor = await connection.cursor(
            """
            select p.url from source_pages sp join pages p on p.id = sp.page_id
            where sp.source_id = $1 and sp.listed_run = $2 and sp.depth < $3
              and (p.url ~* $4 or p.url = any($5::text[]))
            """,
            source_id,
            run_id,
            level,
            crawler_traps.MAY_COUNT,
            list(bare),
        )
        known = frozenset(bare)
        while rows := await cursor.fetch(_READ_AT_ONCE):
            urls = [row["url"] for row in rows]
            found += await asyncio.to_thread(_that_count, urls, known)
    return found


def _that_count(urls: Sequence[str], known: frozenset[str]) -> list[str]:
    return [url for url in urls if url in known or crawler_traps.counts(url)]


async def _held(connection: Connection, source_id: int, urls: Sequence[str]) -> frozenset[str]:
    rows = await connection.fetch(
        "select p.url from pages p join source_pages sp on sp.page_id = p.id "
        "where sp.source_id = $1 and p.url = any($2::text[])",
        source_id,
        list(urls),
    )
    return frozenset(row["url"] for row in rows)
