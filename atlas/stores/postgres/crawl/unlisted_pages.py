"""Pages that a run takes up without a listing: those its source holds, and those it is told of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from atlas.domain.versions import SettledWith
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import pages


async def held(
    connection: Connection,
    *,
    source_id: int,
    run_id: str,
    level: int,
    fetch: bool,
    mode: pages.Mode,
    retry_failed: bool,
    cadence: timedelta,
    now: datetime,
    current: SettledWith,
    settles: bool,
) -> int:
    """Queue the pages with work to do that the source holds at a depth; return how many it holds
    there and deeper. Not `fetch`: those whose stored body is to be processed, at that stage.
    What the source holds is not touched: this is no listing."""
    condition = pages.wanted(5, stored=not fetch, settles=settles)
    await connection.execute(
        f"""
        insert into run_pages (run_id, page_id, level, url, stage)
        select $2, sp.page_id, sp.depth, p.url, $4
        from source_pages sp
        join pages p on p.id = sp.page_id join page_state ps on ps.page_id = sp.page_id
        where sp.source_id = $1 and sp.depth = $3 and {condition}
        on conflict do nothing
        """,  # noqa: S608 (constants of `pages`)
        source_id,
        run_id,
        level,
        "listed" if fetch else "fetched",
        *pages.wanted_values(mode, retry_failed, cadence, now, current),
    )
    return int(
        await connection.fetchval(
            "select count(*) from source_pages where source_id = $1 and depth >= $2",
            source_id,
            level,
        )
    )


async def named(
    connection: Connection,
    *,
    source_id: int,
    run_id: str,
    urls: Sequence[str],
    level: int,
    now: datetime,
) -> int:
    """Queue pages by canonical URL, due or not, as listed by the source; return how many the run
    did not have."""
    await pages.upsert(connection, urls, now)
    done = await connection.execute(
        """
        with listed as (
            insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
            select $1, p.id, $4, 'listed', $2, $5 from pages p where p.url = any($3::text[])
            order by p.id
            on conflict (source_id, page_id) do update
            set listed_run = excluded.listed_run, listed_at = excluded.listed_at, absences = 0
            where source_pages.listed_run <> excluded.listed_run
        )
        insert into run_pages (run_id, page_id, level, url)
        select $2, p.id, $4, p.url from pages p where p.url = any($3::text[]) order by p.id
        on conflict do nothing
        """,
        source_id,
        run_id,
        list(urls),
        level,
        now,
    )
    return int(done.split()[2])
