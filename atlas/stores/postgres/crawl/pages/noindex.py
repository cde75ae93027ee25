"""Pages that ask to be left out of the index (`noindex`): their links count, their text does not.

One that is live leaves by its own row of `domain/removal/removal_rules.py`. One that never was, and
one that left, keeps its links: a crawl still follows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from atlas.domain.batch import PreparedPage
from atlas.domain.errors import outcome_of
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.pages import evidence, recheck_schedule
from atlas.stores.postgres.crawl.pages.pages import replace_links


async def hide(
    connection: Connection, run_id: str, pages: Sequence[PreparedPage], now: datetime
) -> Counter[str]:
    """Keep the links of pages (locked before), count the look, and end them in the run."""
    if not pages:
        return Counter()
    ids = [page.page_id for page in pages]
    await connection.execute("delete from prepared where page_id = any($1::bigint[])", ids)
    await replace_links(connection, [_linked(page) for page in pages])
    await _count(connection, run_id, ids, now)
    await _note_noindex(connection, run_id, ids)
    # Another body that is not to be indexed is a change like any.
    await recheck_schedule.plan_processed(connection, run_id, dict.fromkeys(ids, True), now)
    ended = [(page.page_id, outcome_of(page.error), page.error) for page in pages if page.error]
    return await run_queue.finish(connection, run_id, ended)


async def forget(connection: Connection, pages: Sequence[int]) -> None:
    """Pages (locked before) that are gone, or lead elsewhere, say nothing more by their links."""
    await connection.execute(
        "delete from links l using page_state ps where l.page_id = ps.page_id "
        "and ps.page_id = any($1::bigint[]) and ps.noindex_count > 0 "
        "and ps.lifecycle not in ('live', 'suspect')",
        list(pages),
    )
    await connection.execute(
        "update page_state set noindex_count = 0, noindex_at = null, noindex_run = null, "
        "noindex_since = null where page_id = any($1::bigint[]) and noindex_count > 0",
        list(pages),
    )


def _linked(page: PreparedPage) -> dict[str, object]:
    assert page.prepared is not None
    found = page.prepared.extracted.links
    return {
        "page_id": page.page_id,
        "links": [link.url for link in found],
        "rels": [link.rel for link in found],
    }


async def _count(connection: Connection, run_id: str, pages: Sequence[int], now: datetime) -> None:
    """Count looks as those at pages that answer 404 are. Processing a stored body once more is no
    look."""
    looked = await connection.fetch(
        "select page_id from page_state where page_id = any($1::bigint[]) "
        "and (fetched_at > noindex_at) is not false",
        list(pages),
    )
    weights = await evidence.weighed(
        connection, "noindex", run_id, [row["page_id"] for row in looked], now
    )
    await connection.execute(
        """
        update page_state ps
        set noindex_count = noindex_count + (o.weight = 'counts')::int,
            seen_at = greatest(ps.seen_at, ps.fetched_at),
            noindex_since = coalesce(noindex_since, ps.fetched_at, $3),
            noindex_at = case when o.weight = 'counts' then coalesce(ps.fetched_at, $3)
                              else noindex_at end,
            noindex_run = case when o.weight = 'repeats' then noindex_run else $4 end
        from unnest($1::bigint[], $2::text[]) as o(page_id, weight)
        where ps.page_id = o.page_id
        """,
        list(weights),
        [weight.value for weight in weights.values()],
        now,
        run_id,
    )


async def _note_noindex(connection: Connection, run_id: str, pages: Sequence[int]) -> None:
    """Note it in the ledger, at the run's last request for each page; a run that made none has none
    to note."""
    await connection.execute(
        """
        update fetches f set error_code = 'noindex'
        from run_pages rp, runs r
        where r.run_id = $1 and rp.run_id = $1 and rp.page_id = any($2::bigint[])
          and f.run_started = r.started_at and f.run_id = $1 and f.page_id = rp.page_id
          and f.attempt = rp.attempts and f.error_class is null
        """,
        run_id,
        list(pages),
    )
