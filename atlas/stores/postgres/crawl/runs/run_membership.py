"""Which pages belong to a run: those that its listing names, that its source holds, or that are
given by URL; and which of them have work to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.contracts.work import Mode
from atlas.domain.timing import recheck_interval
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages import purged_urls
from atlas.stores.postgres.crawl.pages.absent_pages import LISTED
from atlas.stores.postgres.crawl.pages.pages import upsert
from atlas.stores.postgres.sources.rules_of_pages import under_other_rules
from atlas.stores.postgres.sources.sources import fetched

_PARAMETERS = ("extractor", "mode", "retry_failed", "cadence", "now", "soon", "longest")
_UNSETTLED = f"""
    ps.redirect_to is null and ps.lifecycle in ('discovered', 'live', 'suspect')
    and ps.fetched_snapshot is not null and ps.noindex_count = 0
    and ps.held_snapshot is distinct from ps.fetched_snapshot
    and (ps.settled_snapshot is distinct from ps.fetched_snapshot
         or ps.settled_extractor is distinct from {{extractor}}
         or ps.links_unread
         or {under_other_rules("ps")})
"""
# A check dated in the future was dated by a wrong clock: its time is unknown, so the page is due.
_DUE = """
    case when greatest(ps.checked_at, ps.fetched_at) > {soon} then true
         when ps.next_due is null then ps.fetched_at is null or ps.fetched_at + {cadence} <= {soon}
         when ps.failed_class is null then least(ps.next_due, ps.checked_at + {longest}) <= {soon}
         else ps.next_due <= {now} end
"""
_WANTED = f"""
    case {{mode}}::text
    when 'full' then true
    when 'failed' then ps.failed_class is not null
    else ({_DUE}) or ({{settles}} and ps.failed_class is null and {_UNSETTLED})
         or ({{retry_failed}} and ps.failed_class is not null)
    end
"""


@dataclass(frozen=True, slots=True)
class WantedPages:
    """Which pages of a source have work to do in a run.

    `mode`: all; those due, new or not settled; or only those whose last attempt failed.
    `cadence` is the source's: it bounds what was planned when a page was last checked, as the rule
    may have changed since. `retry_failed`: also those whose last attempt failed, although they are
    not due. Not `settles`: the run settles nothing, so a body that is not settled is no work.
    `longest`: how long a page goes unchecked, where the source wants that shorter than its cadence
    does.
    """

    mode: Mode
    cadence: timedelta
    extractor: int
    retry_failed: bool = False
    settles: bool = True
    longest: timedelta | None = None

    def condition(self, first: int, *, stored: bool = False) -> str:
        """The condition under which a page (`ps`) has work to do; its parameters, which `values`
        gives, are numbered from `first`. `stored`: only with a stored body, and whether one is due
        makes no difference."""
        numbers = {name: f"${at}" for at, name in enumerate(_PARAMETERS, first)}
        numbers["settles"] = str(self.settles).lower()
        condition = _WANTED.format(**numbers)
        if not stored:
            return condition
        unsettled = f"({numbers['mode']} = 'full' or {_UNSETTLED.format(**numbers)})"
        return f"({condition}) and ps.fetched_snapshot is not null and {unsettled}"

    def values(self, now: datetime) -> tuple[object, ...]:
        """The last three are now, without and with its slack, and the longest that a page goes
        unchecked."""
        return (
            self.extractor,
            self.mode,
            self.retry_failed,
            self.cadence,
            now,
            now + recheck_interval.slack(self.cadence),
            self.longest or recheck_interval.longest(self.cadence),
        )


async def list_for_run(
    connection: Connection,
    *,
    source_id: int,
    run_id: str,
    urls: Sequence[str],
    level: int,
    now: datetime,
    wanted: WantedPages,
    modified: Mapping[str, datetime] | None = None,
) -> list[int]:
    """List pages at a level of a run and queue those with work to do; return those that the source
    did not hold before. Idempotent: a page that the run lists already keeps its (smaller) level.

    `modified` says of some URLs when the listing claims that they changed: one that is newer than
    the last check makes a page due, unless that check failed.
    """
    said = modified or {}
    await upsert(connection, urls, now)
    await purged_urls.note_refused(connection, run_id, urls)
    rows = await connection.fetch(
        f"""
        with listed as (
            insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
            select $1, p.id, $4, $5, $2, $6 from pages p where p.url = any($3::text[])
              and {fetched("p.id")}
            order by p.id
            on conflict (source_id, page_id) do update
            set depth = excluded.depth, rule = excluded.rule, {LISTED}
            where source_pages.listed_run <> excluded.listed_run
            returning page_id, xmax = 0 as fresh
        ), queued as (
        insert into run_pages (run_id, page_id, level, url)
        select $2, l.page_id, $4, p.url
        from listed l join pages p on p.id = l.page_id
        join page_state ps on ps.page_id = l.page_id
        left join unnest($14::text[], $15::timestamptz[]) as said(url, modified) on said.url = p.url
        where ({wanted.condition(7)})
           or ($8 = 'incremental' and ps.failed_class is null and said.modified <= $6
               and said.modified > greatest(ps.checked_at, ps.fetched_at))
        on conflict do nothing
        )
        select page_id from listed where fresh
        """,  # noqa: S608 (constants)
        source_id,
        run_id,
        list(urls),
        level,
        "link" if level else "listed",
        now,
        *wanted.values(now),
        [url for url in urls if url in said],
        [recheck_interval.latest_sense(said[url], now) for url in urls if url in said],
    )
    return [row["page_id"] for row in rows]


async def queue_held(
    connection: Connection,
    *,
    source_id: int,
    run_id: str,
    level: int,
    fetch: bool,
    now: datetime,
    wanted: WantedPages,
) -> int:
    """Queue the pages with work to do that the source holds at a depth; return how many it holds
    there and deeper. Not `fetch`: those whose stored body is to be processed, at that stage.
    What the source holds is not touched: this is no listing."""
    await connection.execute(
        f"""
        insert into run_pages (run_id, page_id, level, url, stage)
        select $2, sp.page_id, sp.depth, p.url, $4
        from source_pages sp
        join pages p on p.id = sp.page_id join page_state ps on ps.page_id = sp.page_id
        where sp.source_id = $1 and sp.depth = $3
          and {wanted.condition(5, stored=not fetch)}
        on conflict do nothing
        """,  # noqa: S608 (constants of this module)
        source_id,
        run_id,
        level,
        "listed" if fetch else "fetched",
        *wanted.values(now),
    )
    found: int = await connection.fetchval(
        "select count(*) from source_pages where source_id = $1 and depth >= $2",
        source_id,
        level,
    )
    return found


async def queue_named(
    connection: Connection,
    *,
    source_id: int,
    run_id: str,
    urls: Sequence[str],
    level: int,
    now: datetime,
) -> tuple[int, list[int]]:
    """Queue pages by canonical URL, due or not, as listed by the source; return how many the run
    did not have, and those that the source did not hold before."""
    await upsert(connection, urls, now)
    await purged_urls.note_refused(connection, run_id, urls)
    row = await connection.fetchrow(
        f"""
        with listed as (
            insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
            select $1, p.id, $4, 'listed', $2, $5 from pages p where p.url = any($3::text[])
              and {fetched("p.id")}
            order by p.id
            on conflict (source_id, page_id) do update
            set {LISTED}
            where source_pages.listed_run <> excluded.listed_run
            returning page_id, xmax = 0 as fresh
        ), queued as (
            insert into run_pages (run_id, page_id, level, url)
            select $2, p.id, $4, p.url from pages p where p.url = any($3::text[])
              and {fetched("p.id")} order by p.id
            on conflict do nothing returning page_id
        )
        select (select count(*) from queued) as added,
               array(select page_id from listed where fresh) as fresh
        """,  # noqa: S608 (a constant of `absent_pages`)
        source_id,
        run_id,
        list(urls),
        level,
        now,
    )
    assert row is not None
    return row["added"], list(row["fresh"])


async def listed_above(connection: Connection, source_id: int, run_id: str, level: int) -> int:
    """Pages that this run has listed at smaller levels: what a page budget has spent. Those of the
    level itself are left out, so that listing it again after a crash cuts at the same page."""
    found: int = await connection.fetchval(
        "select count(*) from source_pages where source_id = $1 and listed_run = $2 and depth < $3",
        source_id,
        run_id,
        level,
    )
    return found


async def listed_at(connection: Connection, source_id: int, run_id: str, level: int) -> int:
    """Pages that this run lists at a level, whichever attempt listed them."""
    found: int = await connection.fetchval(
        "select count(*) from source_pages where source_id = $1 and listed_run = $2 and depth = $3",
        source_id,
        run_id,
        level,
    )
    return found
