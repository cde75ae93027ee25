"""Bodies that `fetch_url` got: taken from the ledger when their pages are asked to be processed.

A single fetch writes the ledger and changes nothing else. A request for
the document then means that body: it becomes the page's last fetched one, unless a run fetched a
newer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from atlas.domain.addresses.bucket_urls import page_address
from atlas.domain.addresses.urls import InvalidUrl
from atlas.domain.removal.lifecycle import Evidence
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import blob_index
from atlas.stores.postgres.crawl.pages import pages
from atlas.stores.postgres.lifecycle_sql import becomes
from atlas.stores.postgres.sources.sources import fetched


async def adopt(connection: Connection, asked: Sequence[int], now: datetime) -> dict[int, int]:
    """Take over newer bodies of the pages; return which page each one means: that at the end of
    its redirects. The caller is in a transaction."""
    found = await connection.fetch(_NEWER, list(asked))
    # A clean-up may be about to delete such a body, or have done so.
    held = await blob_index.hold(connection, [row["snapshot"] for row in found])
    newer = [row for row in found if row["snapshot"] in held]
    means = await _ends(connection, newer, now)
    await _remember(connection, [(means[row["page_id"]], row) for row in newer])
    rest = [page for page in asked if page not in means]
    known = await connection.fetch(
        "select page_id, redirect_to from page_state where page_id = any($1::bigint[])", rest
    )
    leads = {row["page_id"]: row["redirect_to"] or row["page_id"] for row in known}
    return leads | means


# The latest line that says what the page is: a body, or that there is none. Before it, nothing
# counts; if a run knows a newer body, neither does it.
_NEWER = f"""
    select p.id as page_id, p.url, f.*
    from unnest($1::bigint[]) as o(id) join pages p on p.id = o.id
    join page_state ps on ps.page_id = p.id
    cross join lateral (
        select coalesce(f.final_url, f.url) as final_url, f.snapshot, f.content_type, f.charset,
               f.etag, f.last_modified, f.fetched_at, f.run_id, f.rendered
        from fetches f
        where f.page_id = p.id and (f.snapshot is not null or f.error_class = 'gone')
        order by f.fetched_at desc, f.attempt desc limit 1) f
    where f.snapshot is not null and (ps.fetched_at is null or f.fetched_at > ps.fetched_at)
      and {fetched("p.id")}
"""  # noqa: S608 (constants)


async def _ends(
    connection: Connection, rows: Sequence[asyncpg.Record], now: datetime
) -> dict[int, int]:
    urls = {row["page_id"]: canonical_or_none(row["final_url"]) or row["url"] for row in rows}
    moved = {urls[row["page_id"]] for row in rows} - {row["url"] for row in rows}
    if moved:
        await pages.upsert(connection, sorted(moved), now)
    found = await connection.fetch(
        "select id, url from pages where url = any($1::text[])", sorted(set(urls.values()))
    )
    ids = {row["url"]: row["id"] for row in found}
    return {page: ids[url] for page, url in urls.items()}


def canonical_or_none(url: str) -> str | None:
    """The one spelling of a URL; None: it is none."""
    try:
        return page_address(url)
    except InvalidUrl:
        return None


async def _remember(connection: Connection, rows: Sequence[tuple[int, asyncpg.Record]]) -> None:
    """Make them the last fetched bodies. A page that a run works on is left to it."""
    latest = dict(sorted(rows, key=lambda each: each[1]["fetched_at"]))
    if not latest:
        return
    await run_queue.lock_rows(connection, latest)
    columns = ("snapshot", "content_type", "charset", "fetched_at", "run_id", "etag")
    await connection.execute(
        f"""
        update page_state
        set fetched_snapshot = o.snapshot, fetched_type = o.type, fetched_charset = o.charset,
            fetched_at = o.fetched_at, fetched_run = o.run_id, etag = o.etag,
            last_modified = o.last_modified, given_title = null,
            rendered = o.rendered,
            gone_count = 0, gone_status = null, gone_at = null, gone_run = null,
            gone_since = null, redirect_to = null, tombstoned_at = null,
            moved_count = 0, moved_at = null, moved_run = null, moved_since = null,
            lifecycle = case when lifecycle in ('tombstoned', 'purged') then 'discovered'
                             else {becomes(Evidence.ANSWERED)} end
        from unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::timestamptz[],
                    $6::text[], $7::text[], $8::text[], $9::boolean[])
             as o(page_id, snapshot, type, charset, fetched_at, run_id, etag, last_modified,
                  rendered)
        where page_state.page_id = o.page_id and page_state.claim_run is null
          and (page_state.fetched_at is null or page_state.fetched_at < o.fetched_at)
        """,  # noqa: S608 (made from the lifecycle's table)
        list(latest),
        *[
            [row[column] for row in latest.values()]
            for column in (*columns, "last_modified", "rendered")
        ],
    )
