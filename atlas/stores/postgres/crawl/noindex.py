"""Pages that ask to be left out of the index (`noindex`): their links count, their text does not.

One that is live leaves by the evidence and the brake of a page that answers 404
(`settlement/removal.py`). One that never was, and one that left, keeps its links: a crawl still
follows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from atlas.domain.batch import PreparedPage
from atlas.domain.errors import outcome_of
from atlas.domain.lifecycle import counts_as_gone
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import recheck_schedule, run_queue
from atlas.stores.postgres.crawl.pages import replace_links


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
    await _tell_ledger(connection, run_id, ids)
    await _plan_rechecks(connection, run_id, ids, now)
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
        "update page_state set noindex_count = 0, noindex_at = null, noindex_run = null "
        "where page_id = any($1::bigint[]) and noindex_count > 0",
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
    look. Reconciling reads the figure where it reads that of gone pages, whose status is null."""
    rows = await connection.fetch(
        """
        select ps.page_id, ps.noindex_at, ps.noindex_run = $2 as same_run,
               ps.fetched_at > ps.noindex_at as looked,
               coalesce(before.source_id = mine.source_id, false) as same_source
        from page_state ps left join runs before on before.run_id = ps.noindex_run
        left join runs mine on mine.run_id = $2
        where ps.page_id = any($1::bigint[])
        """,
        list(pages),
        run_id,
    )
    counted = [
        row["page_id"]
        for row in rows
        if row["looked"] is not False
        and counts_as_gone(
            last=row["noindex_at"],
            same_run=bool(row["same_run"]),
            same_source=row["same_source"],
            now=now,
        )
    ]
    await connection.execute(
        """
        update page_state
        set noindex_count = noindex_count + 1, noindex_at = $2, noindex_run = $3
        where page_id = any($1::bigint[])
        """,
        counted,
        now,
        run_id,
    )
    await connection.execute(
        "update page_state set gone_count = noindex_count, gone_status = null "
        "where page_id = any($1::bigint[])",
        list(pages),
    )


async def _tell_ledger(connection: Connection, run_id: str, pages: Sequence[int]) -> None:
    """Note it at the run's last request for each page; a run that made none has none to note."""
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


async def _plan_rechecks(
    connection: Connection, run_id: str, pages: Sequence[int], now: datetime
) -> None:
    """Another body that is not to be indexed is a change like any; a known one was planned when it
    was fetched."""
    rows = await connection.fetch(
        "select page_id from page_state "
        "where page_id = any($1::bigint[]) and checked_at is distinct from fetched_at",
        list(pages),
    )
    started = await connection.fetchval("select started_at from runs where run_id = $1", run_id)
    checks = [
        recheck_schedule.PageCheck(row["page_id"], changed=True, restate=False) for row in rows
    ]
    await recheck_schedule.plan(connection, started or now, checks, now)
