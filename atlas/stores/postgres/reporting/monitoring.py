"""What `atlas status` and `atlas top` ask of the corpus, each second at times: bounded, by primary
keys and narrow tables. Only `page_counts` grows with a run; who asks it often rations it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import runs
from atlas.stores.postgres.sources.sources import Source, source_of


@dataclass(frozen=True, slots=True)
class SourceLately:
    """A source, and how its last run ended."""

    source: Source
    last_outcome: str | None
    last_ended: datetime | None


async def sources_lately(connection: Connection) -> list[SourceLately]:
    """All sources by name."""
    rows = await connection.fetch(
        """
        select s.*, r.outcome as last_outcome, r.ended_at as last_ended
        from sources s
        left join lateral (
            select outcome, ended_at from runs
            where source_id = s.id and ended_at is not null order by started_at desc limit 1
        ) r on true
        order by s.name
        """
    )
    return [SourceLately(source_of(row), row["last_outcome"], row["last_ended"]) for row in rows]


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
    """Of each run that has pages. It reads every row of the runs: 0.15 s for
    100,000 pages on a busy machine."""
    rows = await connection.fetch(
        "select run_id, stage, outcome, count(*) as pages from run_pages "
        "where run_id = any($1::text[]) group by run_id, stage, outcome",
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
