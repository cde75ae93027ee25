"""What `AtlasClient.overview()` returns: everything that works, waits or is late, at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

WorkerState = Literal["running", "draining", "lost"]
SourceState = Literal["fresh", "due", "stale", "paused", "pushed"]
BreakerState = Literal["closed", "throttled", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class SlotsSeen:
    """What a worker is doing for one task queue. The figures are None where Temporal keeps no
    heartbeats."""

    queue: str
    state: WorkerState
    workflows: int | None
    """Workflow tasks under way."""
    activities: int | None
    """Activities under way."""
    free: int | None
    """Further activities it would take; None: no fixed number, as many as the machine allows."""
    processed: int | None
    """Tasks done since it started."""
    failed: int | None
    """Of those, tasks that failed."""


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """One worker process."""

    identity: str
    host: str
    pid: int | None
    version: str
    """`atlas-` and the version that it runs; empty when it is not known."""
    state: WorkerState
    """`draining`: it is stopping and finishes its tasks; `lost`: it was killed or cut off, and has
    been silent since."""
    heard: float
    """Seconds since its last heartbeat, or its last poll where the server keeps no heartbeats."""
    started: datetime | None
    slots: tuple[SlotsSeen, ...]


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """One task queue."""

    name: str
    workers: int
    """Running workers that poll it; draining and lost ones do not count."""
    backlog: int
    """Tasks that wait for a worker."""
    oldest: timedelta
    """Seconds that the first of them has waited."""
    in_flight: int | None
    """Its activities under way on running and draining workers."""
    added: float
    """Tasks added per second, over the last half minute."""
    dispatched: float
    """Tasks handed to workers per second."""


@dataclass(frozen=True, slots=True)
class PendingActivity:
    """An activity of a run that has not ended: under way, or waiting for its next attempt."""

    type: str
    under_way: bool
    """False: it waits for a worker, or for its next attempt."""
    attempt: int
    """1 is the first; more: it failed before."""
    failure: str
    """How the previous attempt ended; empty on the first."""
    next_attempt_at: datetime | None
    """When it is tried again; None while it is under way."""
    heartbeat_at: datetime | None
    """When its worker last sent a heartbeat."""


@dataclass(frozen=True, slots=True)
class ActivitySeen:
    """An activity of a run, under way or waiting to be."""

    type: str
    attempt: int
    """1 is the first; more: it failed before."""
    started: bool
    """Whether a worker is executing it."""
    failure: str
    """How its last attempt ended; empty on the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """One run under way, of any type."""

    # What has a default is not in Temporal's list of runs.
    type: str
    source: str
    """Empty if it works on no single source."""
    workflow_id: str
    run_id: str
    """The first execution's, which names the run in the corpus."""
    stage: str = ""
    """`begin`, `plan`, `discover`, `fetch`, `process`, `index`, `end`, or as the type says; several
    when lanes differ; `paused`; `waiting`: for a time or a child."""
    done: int | None = None
    total: int | None = None
    """None: unknown, or it counts nothing."""
    fetched: int | None = None
    """Pages that are fetched, or need not be: page by page, while `done` grows batch by batch.
    None: it counts no pages."""
    of: str = ""
    """What is counted: pages, or as the type says."""
    failed: int = 0
    """Pages that failed."""
    rate: float | None = None
    """Done per second over the last seconds; None at the first look."""
    average: float | None = None
    """Done per second since it began."""
    left: float | None = None
    """About how many seconds until what is known so far is done; None: unknown."""
    started_at: datetime
    paused_since: datetime | None = None
    activities: tuple[ActivitySeen, ...] = ()
    """At most five, those that failed most often first."""
    attempt: int = 1
    """The highest attempt under way; above 2, something keeps failing."""


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host that was contacted in the last minute, is in trouble, or has a limit."""

    host: str
    in_flight: int
    """Requests under way."""
    delay: float | None
    """Seconds between two requests, as the last one was paced; None before the first."""
    limit_delay: float | None
    """Seconds demanded by a limit set by hand."""
    breaker: BreakerState
    """`closed`: requests are sent; `throttled`: it asked for a slower pace; `open`: it is down;
    `half_open`: one request is trying it."""
    failures: int
    """Consecutive requests that failed because of the host."""
    waits: float
    """Seconds until the next request is allowed."""
    last_at: datetime | None
    """When its last request was sent."""
    last_error: str | None
    delay_reason: str = ""
    """Why the delay is not the declared one: `limit`, `429/503`, or how long its answers take."""


@dataclass(frozen=True, slots=True)
class ScheduleSeen:
    """One schedule."""

    id: str
    state: Literal["active", "paused", "missing"]
    """`missing`: declared, but not in Temporal; `atlas schedules apply` creates it."""
    rhythm: str
    """When it fires, in words."""
    note: str
    """Why it is paused."""
    last: datetime | None
    next: datetime | None


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """How fresh a source is."""

    name: str
    state: SourceState
    """`due`: it should be collected; `stale`: it has been due for longer than its tolerance;
    `pushed`: documents are put there, and it is never due."""
    every: timedelta
    """Its cadence in seconds."""
    cron: str | None
    """When it is collected, instead of by cadence."""
    last_success: datetime | None
    """Start of the last run that read its listing and completed what its limits allow."""
    due: datetime | None
    """None: it is paused, or documents are pushed to it."""
    late: timedelta
    """Seconds that it has been due; 0 while it is not."""
    tolerance: timedelta
    """Seconds that it may be late."""
    running: bool
    """Whether a run is working on it now."""
    last_outcome: str | None
    """Of its last run that ended."""
    last_ended: datetime | None
    held: int = 0
    """Removals that wait for a decision (`atlas deletions list`)."""
    objective: str | None = None
    """What share of its pages shall have been seen within which time. While it is paused, it is not
    judged by that, and the fields below are empty."""
    pages: int | None = None
    """Pages that count for the objective; None: none, or nobody counted."""
    seen: int | None = None
    """Of these, pages that were seen in time."""
    achieved: float | None = None
    """The share of them, 0 to 1."""
    counted_at: datetime | None = None
    """When they were counted: by `sources freshness` now, else by the last health check."""
    broken: bool = False
    """Whether too few pages were seen in time."""
    burn_rate: float | None = None
    """How many times too fast it used up what the objective allows to miss, over an hour (of a
    source with a longer cadence: as many hours as its runs are apart)."""
    burning: Literal["fast", "slow"] | None = None
    """Whether that is an alert: `fast`, somebody should look now; `slow`, somebody should look."""

    @property
    def stale(self) -> bool:
        """Whether it is late by more than its tolerance."""
        return self.state == "stale"


@dataclass(frozen=True, slots=True)
class AuditSeen:
    """The last audit that was completed."""

    run_id: str
    ended_at: datetime
    """When it ended."""
    full: bool
    """Whether it looked at everything; otherwise at a sample."""
    findings: int
    """What did not agree."""
    repaired: int
    """Of these, what the audit repaired."""


@dataclass(frozen=True, slots=True)
class IndexSeen:
    """The search index."""

    written: bool
    """Whether a process keeps it in step."""
    generation: int | None
    """That searches read; None: none was built yet."""
    read_up_to: int | None
    """Number of the change that it has read last."""
    last: int
    """Number of the last change."""
    documents_behind: int
    """Documents that changed since."""
    seconds_behind: float
    """Age of the first change that it has not read; 0 if it has read all."""
    trouble: str | None
    """What holds up the process that writes it."""
    trouble_since: datetime | None
    """Since when it does."""


@dataclass(frozen=True, slots=True)
class Untold:
    """Something that could not be examined."""

    part: Literal["temporal", "postgresql"]
    what: str
    """`workers`, `queues`, `runs`, `hosts`, `schedules`, `sources`, or `progress of runs`."""
    why: str
    connection: bool
    """Whether the part did not answer at all."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at one moment. What could not be examined is None, and named in `untold`."""

    at: datetime
    workers: tuple[WorkerSeen, ...] | None = None
    """Lost ones stay for five minutes; those that stopped normally are left out."""
    heartbeats: bool = True
    """False: this Temporal server keeps none, so that workers are known by their polls alone, for
    up to 90 seconds after one was killed."""
    queues: tuple[QueueSeen, ...] | None = None
    runs: tuple[RunSeen, ...] | None = None
    """The oldest first. Of more than 100 the latest, of `fetch_url` only as many as the others
    leave room for."""
    runs_total: int | None = None
    """How many are under way in all."""
    hosts: tuple[HostSeen, ...] | None = None
    """Those in trouble first."""
    schedules: tuple[ScheduleSeen, ...] | None = None
    """The next first."""
    sources: tuple[SourceSeen, ...] | None = None
    """The latest first."""
    audit: AuditSeen | None = None
    """None also when there was none yet."""
    index: IndexSeen | None = None
    untold: tuple[Untold, ...] = field(default=())

    @property
    def stale(self) -> list[SourceSeen]:
        """The stale sources."""
        return [each for each in self.sources or () if each.stale]

    @property
    def broken(self) -> list[SourceSeen]:
        """The sources that miss their freshness objective."""
        return [each for each in self.sources or () if each.broken]
