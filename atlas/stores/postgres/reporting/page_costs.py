"""What requests for pages took so far, from the ledger: what the next ones will take."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.stores.postgres.connection import Connection

_LOOKS = 10
"""The latest rows of the ledger that count of each page."""


@dataclass(frozen=True, slots=True)
class PageLooks:
    """The latest looks at one page."""

    url: str
    requests: int
    """Rows of the ledger."""
    runs: int
    """Runs that asked for it."""
    whole: int
    """Answers with a body."""
    same: int
    """Answers 304."""
    size: int | None
    """Bytes of the latest body as sent; None: it never had one."""
    conditional: bool
    """Whether it is asked for with a validator, so that 304 is possible."""
    leads_to: str | None
    """Where the latest answer led."""
    elapsed: float
    """Mean seconds of a request."""


async def looks_at(connection: Connection, urls: Sequence[str]) -> list[PageLooks]:
    """The pages that were asked for before, of those at these canonical URLs."""
    rows = await connection.fetch(
        """
        select p.url, l.requests, l.runs, l.whole, l.same, l.size, l.leads_to, l.elapsed,
               coalesce(ps.robots_tag, '') = ''
                   and (ps.etag is not null or ps.last_modified is not null) as conditional
        from pages p join page_state ps on ps.page_id = p.id
        cross join lateral (
            select count(*) as requests, count(distinct f.run_id) as runs,
                   count(*) filter (where f.snapshot is not null and f.status <> 304) as whole,
                   count(*) filter (where f.status = 304) as same,
                   (array_agg(f.wire_bytes order by f.fetched_at desc)
                       filter (where f.snapshot is not null and f.status <> 304))[1] as size,
                   (array_agg(nullif(f.final_url, f.url) order by f.fetched_at desc))[1]
                       as leads_to,
                   coalesce(avg(f.elapsed), 0) as elapsed
            from (select * from fetches f where f.page_id = p.id
                  order by f.fetched_at desc limit $2) f
        ) l
        where p.url = any($1::text[]) and l.requests > 0
        order by p.url
        """,
        list(urls),
        _LOOKS,
    )
    return [PageLooks(**row) for row in rows]


async def held_urls(connection: Connection, source: str, most: int) -> list[str]:
    """The first of the pages that a source holds, by URL."""
    rows = await connection.fetch(
        "select p.url from source_pages sp join sources s on s.id = sp.source_id "
        "join pages p on p.id = sp.page_id where s.name = $1 order by p.url limit $2",
        source,
        most,
    )
    return [row["url"] for row in rows]


async def robots_known(
    connection: Connection, origins: Collection[str], since: datetime
) -> frozenset[str]:
    """Those of the origins whose robots.txt was read since then."""
    rows = await connection.fetch(
        "select origin from robots where origin = any($1::text[]) and fetched_at > $2",
        list(origins),
        since,
    )
    return frozenset(row["origin"] for row in rows)
