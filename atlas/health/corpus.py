"""The corpus: overdue sources, pages that are not indexed yet, pages that fail, removals that wait
for a person, and what an audit found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from atlas.domain.source_freshness import tolerance
from atlas.health.probe import ProbeResult, degraded
from atlas.stores.postgres.audit import findings
from atlas.stores.postgres.audit.findings import LastAudit
from atlas.stores.postgres.crawl.pages import held_removals
from atlas.stores.postgres.reporting import monitoring
from atlas.stores.postgres.reporting.probes import probe_connection
from atlas.stores.postgres.sources import sources
from atlas.stores.postgres.sources.sources import Source

MEND = "See PostgreSQL's log, and `atlas doctor`"
LAG = timedelta(minutes=30)
"""From a fetch to the index a batch takes a minute or so."""
QUARANTINE_GROWTH = 10
"""More pages than this in a day suggest a new kind of page or a bug, if they are also more than a
thousandth of all pages."""

AUDIT_AGE = timedelta(days=3)
"""`daily_cleanup` audits a sample every day."""

_COUNT, _SINCE = "quarantine.pages", "quarantine.since"
_DAY = timedelta(days=1).total_seconds()


async def overdue(database_url: str, now: datetime) -> ProbeResult:
    """Sources that have been due for much longer than their cadence explains."""
    async with probe_connection(database_url) as connection:
        return _overdue(await sources.every(connection), now)


async def index_lag(database_url: str, now: datetime) -> ProbeResult:
    """What was fetched but is not searchable yet."""
    async with probe_connection(database_url) as connection:
        return _lag(await monitoring.unsettled(connection), now)


async def quarantine(
    database_url: str, now: datetime, before: Mapping[str, float]
) -> tuple[ProbeResult, dict[str, float]]:
    """Whether a growing number of pages cannot be processed; with the current figures."""
    async with probe_connection(database_url) as connection:
        bad, total = await monitoring.count_quarantined(connection)
    return _quarantine(bad, total, now.timestamp(), before)


async def deletions(database_url: str) -> ProbeResult:
    """Whether removals wait for a person."""
    async with probe_connection(database_url) as connection:
        return _deletions(await held_removals.counted(connection))


def _deletions(held: Mapping[str, int]) -> ProbeResult:
    if not held:
        return ProbeResult("no removals are held")
    most = max(held, key=lambda name: held[name])
    return degraded(
        f"{sum(held.values())} removals are held, {held[most]} of them of {most}: so many pages "
        "seemed to vanish at once that a person decides",
        "See `atlas deletions list`; approve or reject them",
    )


async def audit(database_url: str, now: datetime) -> ProbeResult:
    """What the last audit found that nobody has repaired, and how old it is."""
    async with probe_connection(database_url) as connection:
        return _audited(await findings.last(connection), now)


def _audited(last: LastAudit | None, now: datetime) -> ProbeResult:
    if last is None:
        return ProbeResult("no audit yet; daily_cleanup makes one of a sample")
    age = now - last.ended_at
    looked = "everything" if last.full else "a sample"
    if last.open:
        return degraded(
            f"{last.open} findings of the audit of {looked} {_hours(age)} ago are not repaired",
            f"See `atlas runs outcomes {last.run_id}`; `atlas audit --full --repair` repairs what "
            "can be repaired",
        )
    if age > AUDIT_AGE:
        return degraded(
            f"the last audit was {_hours(age)} ago",
            "See `atlas schedules list`: daily_cleanup audits a sample; or run `atlas audit`",
        )
    return ProbeResult(f"nothing to repair in {looked}, {_hours(age)} ago")


def _overdue(declared: Sequence[Source], now: datetime) -> ProbeResult:
    late = {each.spec.name: each.late(now) for each in declared}
    overdue = [each.spec.name for each in declared if late[each.spec.name] > tolerance(each.spec)]
    if not overdue:
        return ProbeResult(f"{len(declared)} declared, none overdue")
    latest = max(overdue, key=lambda name: late[name])
    return degraded(
        f"{len(overdue)} of {len(declared)} overdue; {latest} for {_hours(late[latest])}",
        f"See `atlas runs --source {latest}` and `atlas schedules list`; a run that "
        "never ends holds its source",
    )


def _lag(waiting: monitoring.Unsettled, now: datetime) -> ProbeResult:
    if waiting.oldest is None:
        return ProbeResult("all fetched pages are searchable")
    age = now - waiting.oldest
    said = f"{waiting.pages} pages fetched but not yet searchable; the first for {_hours(age)}"
    if age <= LAG:
        return ProbeResult(said)
    return degraded(
        said, "See `atlas runs`, and whether workers serve `atlas-processing` and keep up"
    )


def _quarantine(
    bad: int, total: int, now: float, before: Mapping[str, float]
) -> tuple[ProbeResult, dict[str, float]]:
    """Compared with a count at most a day old: older growth has been reported already."""
    base, since = before.get(_COUNT), before.get(_SINCE, now)
    if base is None or now - since > _DAY or bad < base:
        base, since = float(bad), now
    figures = {_COUNT: base, _SINCE: since}
    grown = bad - base
    if grown >= max(QUARANTINE_GROWTH, total / 1000):
        return degraded(
            f"{bad} pages, {grown:.0f} of them within a day",
            "See `atlas runs show RUN --failures` for what they have in common",
        ), figures
    return ProbeResult(f"{bad} pages"), figures


def _hours(span: timedelta) -> str:
    minutes = span.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
