"""Runs and pages for monitoring: `atlas status`, `atlas top`, health checks and metrics.

Some of it is asked every second, so it is bounded: by primary keys and narrow tables. Exceptions
say so: `page_counts` grows with a run, `lifecycles` and `count_quarantined` with the corpus.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages import held_removals
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.reporting import freshness_samples
from atlas.stores.postgres.reporting.freshness_samples import Achievement
from atlas.stores.postgres.sources.sources import LAST_RUN, Source, source_of


@dataclass(frozen=True, slots=True)
class SourceLately:
    """A source, and how its last run ended."""

    source: Source
    last_outcome: str | None
    last_ended: datetime | None
    held: int = 0
    """Removals that wait for a decision."""
    achieved: Achievement | None = None
    """None: it has no freshness objective, or is paused."""


async def sources_lately(
    connection: Connection, now: datetime, *, counting: bool = False
) -> list[SourceLately]:
    """All sources by name. `counting`: what they achieve of their objectives is counted now, which
    reads all their pages; else it is as health checks recorded it."""
    rows = await connection.fetch(
        "select s.*, r.outcome as last_outcome, r.ended_at as last_ended "  # noqa: S608 (constants)
        f"from sources s {LAST_RUN} order by s.name"
    )
    held = await held_removals.counted(connection)
    promised = freshness_samples.promises(map(source_of, rows))
    counted = await freshness_samples.count(connection, promised, now) if counting else None
    achieved = await freshness_samples.achieved(connection, promised, now, counted=counted)
    return [
        SourceLately(
            source_of(row),
            row["last_outcome"],
            row["last_ended"],
            held.get(row["name"], 0),
            achieved.get(row["name"]),
        )
        for row in rows
    ]


@dataclass(slots=True)
class PageCounts:
    """How far a run is with its pages."""

    total: int = 0
    done: int = 0
    failed: int = 0
    under_way: dict[str, int] = field(default_factory=dict)
    """Pages not done, by the stage they have reached: listed, fetched, processed."""
    ended: dict[str, int] = field(default_factory=dict)
    """Pages done, by outcome."""


async def page_counts(connection: Connection, run_ids: Sequence[str]) -> dict[str, PageCounts]:
    """Of each run that has pages. Reads every row of the runs (0.15 s for 100,000 pages on a busy
    machine), so callers that poll limit how often they ask."""
    rows = await connection.fetch(
        "select run_id, stage, outcome, count(*) as pages from run_pages "
        "where run_id = any($1::text[]) group by run_id, stage, outcome "
        "union all select run_id, 'done', outcome, count(*) from run_purged "
        "where run_id = any($1::text[]) group by run_id, outcome",
        list(run_ids),
    )
    found: dict[str, PageCounts] = defaultdict(PageCounts)
    for row in rows:
        counts, pages = found[row["run_id"]], row["pages"]
        counts.total += pages
        if row["stage"] == "done":
            counts.done += pages
            counts.failed += pages if row["outcome"] == "failed" else 0
            counts.ended[row["outcome"]] = counts.ended.get(row["outcome"], 0) + pages
        else:
            counts.under_way[row["stage"]] = counts.under_way.get(row["stage"], 0) + pages
    return dict(found)


def together(found: Iterable[PageCounts]) -> PageCounts:
    """The counts of several runs as those of one."""
    whole = PageCounts()
    for each in found:
        whole.total += each.total
        whole.done += each.done
        whole.failed += each.failed
        whole.under_way = dict(Counter(whole.under_way) + Counter(each.under_way))
        whole.ended = dict(Counter(whole.ended) + Counter(each.ended))
    return whole


async def open_runs(connection: Connection, workflow_ids: Sequence[str]) -> list[runs.Run]:
    """The records of runs under way, by their workflow ids."""
    rows = await connection.fetch(
        "select * from runs where ended_at is null and workflow_id = any($1::text[])",
        list(workflow_ids),
    )
    return [runs.run_of(row) for row in rows]


async def recorded(connection: Connection, run_ids: Sequence[str]) -> dict[str, runs.Run]:
    """The records of runs, by run id; a run of a type that keeps none has none."""
    rows = await connection.fetch(
        "select * from runs where run_id = any($1::text[])", list(run_ids)
    )
    return {row["run_id"]: runs.run_of(row) for row in rows}


async def unended(connection: Connection, limit: int) -> list[runs.Run]:
    """Runs recorded as not ended, the latest first: for when Temporal cannot be asked."""
    rows = await connection.fetch(
        "select * from runs where ended_at is null order by started_at desc limit $1", limit
    )
    return [runs.run_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Pages that were fetched and cannot be found yet; those of paused runs are left out."""

    pages: int
    oldest: datetime | None
    """When the first of them was fetched."""


async def unsettled(connection: Connection) -> Unsettled:
    """How far the index lags behind what was fetched."""
    row = await connection.fetchrow(
        """
        select count(*) as pages, min(ps.fetched_at) as oldest
          from run_pages rp
          join runs r on r.run_id = rp.run_id and r.ended_at is null and r.paused_since is null
          join page_state ps on ps.page_id = rp.page_id
         where rp.stage in ('fetched', 'processed')
        """
    )
    assert row is not None
    return Unsettled(row["pages"], row["oldest"])


async def lifecycles(connection: Connection) -> dict[str, int]:
    """Pages by lifecycle. Reads the narrow table of all pages: not for every second."""
    rows = await connection.fetch(
        "select lifecycle, count(*) as pages from page_state group by lifecycle"
    )
    return {row["lifecycle"]: row["pages"] for row in rows}


async def count_open_runs(connection: Connection) -> tuple[int, int]:
    """Runs of the corpus under way, and how many of them are paused."""
    row = await connection.fetchrow(
        "select count(*) as runs, count(paused_since) as paused from runs where ended_at is null"
    )
    assert row is not None
    return row["runs"], row["paused"]


async def hosts_down(connection: Connection, failures: int) -> int:
    """Hosts that failed so often in a row that their breaker opened."""
    found: int = await connection.fetchval(
        # The first condition is that of the index `hosts_troubled`.
        "select count(*) from hosts where failures > 0 and failures >= $1",
        failures,
    )
    return found


async def count_quarantined(connection: Connection) -> tuple[int, int]:
    """How many pages are quarantined, and of how many."""
    row = await connection.fetchrow(
        "select count(*) filter (where lifecycle = 'quarantined') as bad, count(*) as pages "
        "from page_state"
    )
    assert row is not None
    return row["bad"], row["pages"]
