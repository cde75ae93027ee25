"""Runs, hosts and sources as PostgreSQL has them, joined with Temporal's view of the runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from atlas.domain.source_schedules import declared
from atlas.schedules.status import Glimpse
from atlas.stores.postgres.audit import findings
from atlas.stores.postgres.audit.findings import LastAudit
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.runs.runs import Run
from atlas.stores.postgres.hosts import status
from atlas.stores.postgres.hosts.status import HostStatus
from atlas.stores.postgres.index import index_state
from atlas.stores.postgres.index.index_state import IndexState
from atlas.stores.postgres.reporting import monitoring
from atlas.stores.postgres.reporting.monitoring import PageCounts, SourceLately
from starter.monitoring.overview import AuditSeen, HostSeen, IndexSeen, RunSeen, ScheduleSeen
from starter.monitoring.rates import Rates, Rationed
from starter.monitoring.temporal_runs import MOST, WAITING, Asked

_LATELY = timedelta(minutes=1)
"""Hosts that were asked within that time are listed."""
_HOSTS = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """One look into PostgreSQL."""

    runs: Mapping[str, Run]
    """Records by run id: of those that Temporal runs, or of all that have not ended."""
    counts: Mapping[str, PageCounts]
    counted_at: float
    """Monotonic seconds."""
    hosts: tuple[HostSeen, ...]
    sources: Sequence[SourceLately]
    audit: AuditSeen | None
    index: IndexSeen


class CorpusSampler:
    """Looks into PostgreSQL, by one connection; the expensive ones are rationed."""

    def __init__(self, sources_every: float) -> None:
        self._sources: Rationed[list[SourceLately]] = Rationed(least=sources_every)
        self._counts: Rationed[tuple[float, dict[str, PageCounts]]] = Rationed()
        self._counted: set[str] = set()

    async def look(self, connection: Connection, wanted: Sequence[str] | None) -> Sample:
        """`wanted`: the runs that Temporal has under way; None: it did not answer."""
        if wanted is None:
            records = {each.run_id: each for each in await monitoring.unended(connection, MOST)}
        else:
            records = await monitoring.recorded(connection, wanted)
        counted_at, counts = await self._count(connection, list(records))
        hosts = await status.listed(connection, limit=_HOSTS)
        now = datetime.now(UTC)
        return Sample(
            records,
            counts,
            counted_at,
            hosts_seen(hosts, now),
            await self._sources.get(lambda: monitoring.sources_lately(connection, now)),
            audit_seen(await findings.last(connection)),
            index_seen(await index_state.state(connection)),
        )

    async def _count(
        self, connection: Connection, run_ids: Sequence[str]
    ) -> tuple[float, dict[str, PageCounts]]:
        async def look() -> tuple[float, dict[str, PageCounts]]:
            return time.monotonic(), await monitoring.page_counts(connection, run_ids)

        if not set(run_ids) <= self._counted:  # a run that was never counted does not wait
            self._counts = Rationed()
        self._counted = set(run_ids)
        return await self._counts.get(look)


def runs_seen(
    running: Sequence[RunSeen] | None,
    asked: Mapping[str, Asked],
    sample: Sample | None,
    rates: Rates,
    now: datetime,
) -> tuple[RunSeen, ...] | None:
    """The runs under way, the oldest first; by their records alone when Temporal is down."""
    if running is None:
        if sample is None:
            return None
        running = [
            RunSeen(
                type=run.kind,
                source=run.source,
                workflow_id=run.workflow_id,
                run_id=run.run_id,
                started_at=run.started_at,
            )
            for run in sample.runs.values()
        ]
    rates.forget_others(one.run_id for one in running)
    found = [_run(one, asked.get(one.run_id), sample, rates, now) for one in running]
    return tuple(sorted(found, key=lambda run: (run.started_at, run.workflow_id)))


def _run(
    one: RunSeen, asked: Asked | None, sample: Sample | None, rates: Rates, now: datetime
) -> RunSeen:
    """With source, start and progress, as far as PostgreSQL or the run itself knows them."""
    record = sample.runs.get(one.run_id) if sample else None
    counts = sample.counts.get(one.run_id) if sample else None
    if counts is not None:
        rates.counts_pages(one.run_id)
    done, total, of = _how_far(counts, asked)
    # A run that continued as new began before the execution that Temporal lists.
    started = record.started_at if record else one.started_at
    paused = _paused_since(record, asked)
    lasted = (now - started).total_seconds()
    at = sample.counted_at if sample and counts else time.monotonic()
    rate = rates.take(one.run_id, done, at) if done is not None else None
    fetched = None if counts is None else counts.total - counts.under_way.get("listed", 0)
    fetching = None if fetched is None else rates.take(one.run_id, fetched, at, "fetched")
    return replace(
        one,
        source=record.source if record else one.source,
        stage="paused" if paused else _stage(one, asked, counts),
        done=done,
        total=total,
        of=of,
        failed=counts.failed if counts else 0,
        rate=None if rate is None else round(rate, 2),
        average=round(done / lasted, 2) if done is not None and lasted > 0 else None,
        fetched=fetched,
        # Most of a run is waiting for its hosts' turns; what is fetched is soon done.
        left=None if paused else _left(fetched, total, fetching) or _left(done, total, rate),
        started_at=started,
        paused_since=paused,
    )


def _left(done: int | None, total: int | None, rate: float | None) -> float | None:
    if done is None or total is None or not rate or total <= done:
        return None
    return round((total - done) / rate, 1)


def _how_far(counts: PageCounts | None, asked: Asked | None) -> tuple[int | None, int | None, str]:
    if counts is not None:
        return counts.done, counts.total, "pages"
    if asked is not None:
        return asked.done, asked.total, asked.of
    return None, None, ""


def _stage(one: RunSeen, asked: Asked | None, counts: PageCounts | None) -> str:
    """By its activities, where Temporal listed them; else by what its pages wait for."""
    if one.stage == WAITING and asked and asked.stage:
        return asked.stage
    if not one.stage and counts and counts.under_way:
        words = {
            "listed": "fetch",
            "fetched": "process",
            "rendering": "render",
            "processed": "index",
        }
        return ", ".join(word for stage, word in words.items() if stage in counts.under_way)
    return one.stage


def _paused_since(record: Run | None, asked: Asked | None) -> datetime | None:
    if record is not None and record.paused_since is not None:
        return record.paused_since
    if asked is not None and asked.paused_since is not None:
        return datetime.fromtimestamp(asked.paused_since, UTC)
    return None


def hosts_seen(hosts: Sequence[HostStatus], now: datetime) -> tuple[HostSeen, ...]:
    """Those in trouble first, then the busy ones."""
    listed = [
        host
        for host in hosts
        if host.in_flight
        or host.failures
        or host.waits
        or host.limit_delay is not None
        or host.limit_parallel is not None
        or (host.last_at is not None and now - host.last_at < _LATELY)
    ]
    listed.sort(
        key=lambda host: (host.state == "closed", -host.failures, -host.in_flight, host.host)
    )
    return tuple(_host(host) for host in listed)


def _host(host: HostStatus) -> HostSeen:
    return HostSeen(
        host=host.host,
        in_flight=host.in_flight,
        delay=None if host.delay is None else round(host.delay, 3),
        limit_delay=host.limit_delay,
        breaker=host.state,
        failures=host.failures,
        waits=round(host.waits, 1),
        last_at=host.last_at,
        last_error=host.last_error if host.failures or host.waits else None,
        delay_reason=host.delay_reason,
    )


def audit_seen(last: LastAudit | None) -> AuditSeen | None:
    """The last audit."""
    if last is None:
        return None
    return AuditSeen(last.run_id, last.ended_at, last.full, last.findings, last.repaired)


def index_seen(found: IndexState) -> IndexSeen:
    """The search index."""
    return IndexSeen(
        written=found.written,
        generation=found.generation,
        read_up_to=found.read_up_to,
        last=found.last,
        documents_behind=found.documents_behind,
        seconds_behind=round(found.seconds_behind, 1),
        trouble=found.trouble,
        trouble_since=found.trouble_since,
    )


def schedules_seen(
    listed: Sequence[Glimpse] | None, sample: Sample | None
) -> tuple[ScheduleSeen, ...] | None:
    """The schedules that Temporal has, and those declared that it has not; the next first."""
    if listed is None:
        return None
    rhythms = {}
    if sample is not None:
        specs = [each.source.spec for each in sample.sources]
        rhythms = {one.id: one.rhythm for one in declared(specs)}
    found = [
        ScheduleSeen(
            one.id,
            "paused" if one.paused else "active",
            rhythms.get(one.id, ""),
            one.note,
            one.last,
            one.next,
        )
        for one in listed
    ]
    there = {one.id for one in listed}
    found += [
        ScheduleSeen(id, "missing", rhythm, "", None, None)
        for id, rhythm in rhythms.items()
        if id not in there
    ]
    last = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(found, key=lambda one: (one.state != "missing", one.next or last, one.id)))
