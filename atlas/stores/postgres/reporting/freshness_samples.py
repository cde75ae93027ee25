"""What sources achieve of their freshness objectives: counted now, and as it was recorded.

A page counts as seen at its last look that was answered by a 200 which was processed, or by a 304.
Counting reads the narrow rows of all pages of the sources, too much for every second. What was
recorded is read by its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.domain.timing import burn_rate, freshness_objective
from atlas.domain.timing.burn_rate import Burn
from atlas.domain.timing.freshness_objective import Objective
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources.sources import Source


@dataclass(frozen=True, slots=True)
class Promise:
    """A source that is not paused, and its objective."""

    source_id: int
    name: str
    objective: Objective
    turn: timedelta
    """How long it waits at most between two of its regular runs."""


@dataclass(frozen=True, slots=True)
class SeenPages:
    """How many of a source's pages were seen within the time that its objective gives."""

    pages: int
    seen: int
    at: datetime
    """When they were counted."""


@dataclass(frozen=True, slots=True)
class Achievement:
    """How a source keeps its objective."""

    promise: Promise
    found: SeenPages | None
    """None: no page could have been seen yet, or nobody counted."""
    burn_rate: float
    """Over the shortest of the long windows; 0 also where nothing is recorded yet."""
    alert: Burn | None

    @property
    def share(self) -> float | None:
        """Of the pages, those seen in time."""
        return self.found.seen / self.found.pages if self.found else None

    @property
    def broken(self) -> bool:
        """Whether too few are."""
        found = self.found
        return found is not None and not self.promise.objective.is_met(found.pages, found.seen)


def promises(declared: Iterable[Source]) -> list[Promise]:
    """The sources with an objective that are judged by it: a paused one is not."""
    return [
        Promise(
            each.id,
            each.spec.name,
            freshness_objective.parse(each.spec.freshness),
            freshness_objective.turn(each.spec.cadence, each.spec.cron),
        )
        for each in declared
        if each.spec.freshness is not None and not each.spec.paused
    ]


# A page of which nothing is in the corpus counts only where it may have something: not one that was
# found to be absent, to lead elsewhere, to hold no text, or that may not be fetched or indexed. One
# that was never seen counts once it could have been: few are, so each is looked up, and no join
# reads the wide rows of all others.
_COUNT = """
    select o.source_id, count(*) as pages,
           count(*) filter (where ps.seen_at > $3::timestamptz - o.within) as seen
    from unnest($1::bigint[], $2::interval[]) as o(source_id, within)
    join source_pages sp on sp.source_id = o.source_id
    join page_state ps on ps.page_id = sp.page_id
    where (ps.lifecycle in ('live', 'suspect', 'quarantined')
           or ps.lifecycle = 'discovered' and ps.redirect_to is null and ps.noindex_count = 0
              and ps.failed_class is distinct from 'gone'
              and ps.failed_class is distinct from 'invalid'
              and ps.failed_code is distinct from 'robots_disallowed')
      and (ps.seen_at is not null
           or (select p.created_at from pages p where p.id = ps.page_id) <= $3 - o.within)
    group by o.source_id
"""
_DUE = """
    select o.source_id
    from unnest($1::bigint[], $2::interval[]) as o(source_id, pace)
    where not exists (
        select from freshness_samples s
        where s.source_id = o.source_id and s.at > $3::timestamptz - o.pace and s.at <= $3)
"""
# The key keeps a repeated activity from counting twice: what it adds covers next to nothing.
_RECORD = """
    insert into freshness_samples (source_id, at, within, pages, seen, covers)
    select o.source_id, $5::timestamptz, o.within, o.pages, o.seen, coalesce(
        (select extract(epoch from least($5 - b.at, o.holds)) from freshness_samples b
         where b.source_id = o.source_id and b.at < $5 order by b.at desc limit 1), 0)
    from unnest($1::bigint[], $2::interval[], $3::bigint[], $4::bigint[], $6::interval[])
         as o(source_id, within, pages, seen, holds)
    join sources s on s.id = o.source_id
    on conflict do nothing
"""
_LAST = """
    select o.source_id, last.at, last.pages, last.seen
    from unnest($1::bigint[], $2::interval[], $3::interval[]) as o(source_id, within, holds)
    cross join lateral (
        select s.at, s.pages, s.seen, s.within from freshness_samples s
        where s.source_id = o.source_id and s.at > $4::timestamptz - o.holds and s.at <= $4
        order by s.at desc limit 1
    ) last
    where last.within = o.within
"""
# Over each span up to the last sample; a moment that no sample covers is not known to be bad.
_MISSED = """
    select o.source_id, o.span, coalesce(sum(
               extract(epoch from least(make_interval(secs => s.covers), s.at - o.ends + o.span))
               * (s.pages - s.seen) / s.pages), 0)::float8 / extract(epoch from o.span)::float8
               as missed
    from unnest($1::bigint[], $2::interval[], $3::interval[], $4::timestamptz[])
         as o(source_id, within, span, ends)
    join freshness_samples s on s.source_id = o.source_id and s.within = o.within
         and s.at > o.ends - o.span and s.at <= o.ends
    group by o.source_id, o.span
"""


async def count(
    connection: Connection, promised: Sequence[Promise], now: datetime
) -> dict[int, SeenPages]:
    """By source id; a source without a page that could have been seen is left out."""
    if not promised:
        return {}
    rows = await connection.fetch(
        _COUNT,
        [each.source_id for each in promised],
        [each.objective.within for each in promised],
        now,
    )
    return {row["source_id"]: SeenPages(row["pages"], row["seen"], now) for row in rows}


async def sample(connection: Connection, promised: Sequence[Promise], now: datetime) -> int:
    """Count and record the sources whose last sample is old enough; returns how many."""
    rows = await connection.fetch(
        _DUE,
        [each.source_id for each in promised],
        [burn_rate.pace(each.turn) for each in promised],
        now,
    )
    due = {row["source_id"] for row in rows}
    wanted = [each for each in promised if each.source_id in due]
    found = await count(connection, wanted, now)
    wanted = [each for each in wanted if each.source_id in found]
    if wanted:
        await connection.execute(
            _RECORD,
            [each.source_id for each in wanted],
            [each.objective.within for each in wanted],
            [found[each.source_id].pages for each in wanted],
            [found[each.source_id].seen for each in wanted],
            now,
            [burn_rate.holds(each.turn) for each in wanted],
        )
    return len(wanted)


async def achieved(
    connection: Connection,
    promised: Sequence[Promise],
    now: datetime,
    *,
    counted: Mapping[int, SeenPages] | None = None,
) -> dict[str, Achievement]:
    """By source name, as recorded; `counted` is what was counted instead just now."""
    if not promised:
        return {}
    last = await _last(connection, promised, now)
    missed = await _missed(connection, promised, last)
    shown = last if counted is None else counted
    return {
        each.name: _achievement(each, shown.get(each.source_id), missed.get(each.source_id, {}))
        for each in promised
    }


async def _last(
    connection: Connection, promised: Sequence[Promise], now: datetime
) -> dict[int, SeenPages]:
    rows = await connection.fetch(
        _LAST,
        [each.source_id for each in promised],
        [each.objective.within for each in promised],
        [burn_rate.holds(each.turn) for each in promised],
        now,
    )
    return {row["source_id"]: SeenPages(row["pages"], row["seen"], row["at"]) for row in rows}


async def _missed(
    connection: Connection, promised: Sequence[Promise], last: Mapping[int, SeenPages]
) -> dict[int, dict[timedelta, float]]:
    asked = [
        (each.source_id, each.objective.within, span, last[each.source_id].at)
        for each in promised
        if each.source_id in last
        for span in burn_rate.spans(each.turn)
    ]
    if not asked:
        return {}
    rows = await connection.fetch(_MISSED, *(list(column) for column in zip(*asked, strict=True)))
    found: dict[int, dict[timedelta, float]] = {}
    for row in rows:
        found.setdefault(row["source_id"], {})[row["span"]] = row["missed"]
    return found


def _achievement(
    promise: Promise, found: SeenPages | None, missed: Mapping[timedelta, float]
) -> Achievement:
    first = burn_rate.windows(promise.turn)[0].long
    return Achievement(
        promise,
        found,
        burn_rate.burn_rate(missed.get(first, 0.0), promise.objective),
        burn_rate.alert(promise.objective, promise.turn, missed),
    )
