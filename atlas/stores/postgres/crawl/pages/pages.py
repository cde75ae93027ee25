"""Pages: their identity, what is stored of them, and their links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from atlas.domain.batch import FetchRow, HeldPage
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.run_queue import WAITING, short


async def upsert(connection: Connection, urls: Sequence[str], now: datetime) -> None:
    """Make sure that a page and its state exist for every URL (at most a few thousand a call)."""
    await connection.execute(
        """
        with new as (
            insert into pages (url, created_at)
            select url, $2 from unnest($1::text[]) as u(url) order by url
            on conflict (url) do nothing
            returning id
        )
        insert into page_state (page_id) select id from new on conflict do nothing
        """,
        list(urls),
        now,
    )


async def link_targets(
    connection: Connection, *, source_id: int, run_id: str, level: int
) -> list[str]:
    """Targets of the settled links of a level's pages that the run does not list at that level or
    above, by URL. Of a page whose change waits for the run's end, also those of the new text."""
    rows = await connection.fetch(
        f"""
        select distinct l.target
        from source_pages sp join (
            select page_id, target, rel from links
            union all
            select w.page_id, new.target, new.rel
            from prepared w join page_state ps using (page_id)
            cross join unnest(w.links, w.rels) as new(target, rel)
            where ps.claim_run = $2 and ps.claim_lane = {WAITING}
        ) l on l.page_id = sp.page_id
        where sp.source_id = $1 and sp.listed_run = $2 and sp.depth = $3
          and l.rel not like '%nofollow%'
          and not exists (
              select from pages p join source_pages s2 on s2.page_id = p.id
              where p.url = l.target and s2.source_id = $1 and s2.listed_run = $2
                and s2.depth <= $3)
        order by l.target
        """,  # noqa: S608 (a constant)
        source_id,
        run_id,
        level,
    )
    return [row["target"] for row in rows]


async def replace_links(connection: Connection, rows: Sequence[Any]) -> None:
    """Replace the links of pages by `links` and `rels` of the rows, as a whole: never merged."""
    if not rows:
        return
    await connection.execute(
        "delete from links where page_id = any($1::bigint[])", [row["page_id"] for row in rows]
    )
    flat = [
        (row["page_id"], ordinal, target, rel)
        for row in rows
        for ordinal, (target, rel) in enumerate(zip(row["links"], row["rels"], strict=True))
    ]
    await connection.copy_records_to_table(
        "links", records=flat, columns=["page_id", "ordinal", "target", "rel"]
    )


async def record_done(connection: Connection, run_id: str, row: FetchRow, now: datetime) -> int:
    """Record a URL that is no page of a source (its listing) as failed in the run."""
    await upsert(connection, [row.url], now)
    error = row.error
    page_id = await connection.fetchval(
        """
        insert into run_pages (run_id, page_id, level, url, stage, outcome, error_class,
                               error_code, error, attempts)
        select $1, id, 0, url, 'done', 'failed', $3, $4, $5, $6 from pages where url = $2
        on conflict (run_id, page_id) do update set attempts = excluded.attempts
        returning page_id
        """,
        run_id,
        row.url,
        error and error.error_class.value,
        error and error.code,
        error and short(error),
        row.attempt,
    )
    return int(page_id or 0)  # none is made for an address that is purged


async def known(connection: Connection, url: str, now: datetime) -> HeldPage:
    """What is stored of one page, which is made known if it was not."""
    await upsert(connection, [url], now)
    row = await connection.fetchrow(
        """
        select p.id as page_id, p.url, 0 as level, ps.fence, 'listed' as stage, 0 as attempts,
               0 as marks, ps.etag, ps.last_modified, ps.fetched_snapshot as snapshot,
               ps.fetched_type as content_type, ps.fetched_charset as charset,
               ps.settled_snapshot as settled, ps.robots_tag as robots,
               ps.unavailable_after
        from page_state ps join pages p on p.id = ps.page_id where p.url = $1
        """,
        url,
    )
    assert row is not None
    return HeldPage(**row)
