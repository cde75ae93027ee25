"""What `AtlasClient.overview()` tells: one look at everything that works, waits or is late."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

WorkerState = Literal["running", "draining", "lost"]
SourceState = Literal["fresh", "due", "stale", "paused"]
BreakerState = Literal["closed", "throttled", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class SlotsSeen:
    """What a worker carries from one task queue."""

    queue: str
    state: WorkerState
    workflows: int | None
    """Workflow tasks under way; None, with the figures below: nobody tells."""
    activities: int | None
    """Activities under way."""
    free: int | None
    """Activities it would take on besides; None: no fixed number, it takes more while the machine
    has room."""
    processed: int | None
    """Tasks of both kinds done since it began."""
    failed: int | None


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """One worker process."""

    identity: str
    host: str
    pid: int | None
    version: str
    """`atlas-` and the version that it runs; empty when nobody tells."""
    state: WorkerState
    """running; draining: told to stop, it finishes what it has; lost: it went silent without
    saying goodbye (killed, or cut off)."""
    heard: float
    """Seconds since its last heartbeat, or its last poll where the server keeps no heartbeats."""
    started: datetime | None
    slots: tuple[SlotsSeen, ...]


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """One task queue."""

    name: str
    workers: int
    """Running workers that serve it; those that drain or are lost do not count."""
    backlog: int
    """Tasks that wait for a worker."""
    oldest: timedelta
    """How long the first of them has waited."""
    in_flight: int | None
    """Activities that running and draining workers have from it."""
    added: float
    """Tasks added a second, over the last half minute."""
    dispatched: float
    """Tasks handed to workers a second."""


@dataclass(frozen=True, slots=True)
class PendingActivity:
    """An activity of a run that has not ended: under way, or waiting for its next attempt."""

    type: str
    under_way: bool
    attempt: int
    failure: str
    """What the attempt before came to; empty on the first."""
    next_attempt_at: datetime | None
    heartbeat_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActivitySeen:
    """An activity of a run, under way or waiting to be."""

    type: str
    attempt: int
    """1 is the first; more: it failed before."""
    started: bool
    """Whether a worker has it."""
    failure: str
    """How its last attempt ended; empty for a first one."""


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run under way, of any type."""

    type: str
    source: str
    workflow_id: str
    run_id: str
    """The first execution's, which names the run in the corpus."""
    stage: str
    """discover, fetch, process, index … (several when lanes differ); paused; waiting: nothing is
    under way, it waits for a time or a child."""
    done: int | None
    total: int | None
    """Pages, or what the type counts; None: not known, or it counts nothing."""
    of: str
    """What is counted: pages, or as the type says."""
    failed: int
    rate: float | None
    """Done a second, over the last seconds; None at the first look."""
    average: float | None
    """Done a second since the run began."""
    started_at: datetime
    paused_since: datetime | None
    activities: tuple[ActivitySeen, ...]
    attempt: int
    """The highest attempt of what is under way: above 2, something keeps failing."""


@dataclass(frozen=True, slots=True)
class HostSeen:
    """One host of the web that is asked now, is in trouble, or has a limit. Times in seconds."""

    host: str
    in_flight: int
    delay: float | None
    """Between two requests, as the last one was paced; None before the first."""
    limit_delay: float | None
    """What a limit set by hand demands."""
    breaker: BreakerState
    failures: int
    """Requests in a row that blame the host."""
    waits: float
    """Before it may be asked again; 0: now."""
    last_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class ScheduleSeen:
    """One schedule."""

    id: str
    state: Literal["active", "paused", "missing"]
    """missing: declared, but Temporal has it not; `atlas schedules apply` makes it."""
    rhythm: str
    note: str
    last: datetime | None
    next: datetime | None


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """How a source keeps its promise."""

    name: str
    state: SourceState
    """due: it may be collected; stale: it has been due for longer than its tolerance."""
    every: timedelta
    """Its cadence."""
    cron: str | None
    """When it is collected, in place of its cadence."""
    last_success: datetime | None
    """Start of the last run that read its listing and worked its pages through, or as many as its
    limits allow."""
    due: datetime | None
    """None: it is paused."""
    late: timedelta
    """How long it has been due; zero while it is not."""
    tolerance: timedelta
    running: bool
    """Whether a run works on it now."""
    last_outcome: str | None
    """Of its last run that ended, whatever came of it."""
    last_ended: datetime | None

    @property
    def stale(self) -> bool:
        """Whether it is later than it promised."""
        return self.state == "stale"


@dataclass(frozen=True, slots=True)
class Untold:
    """Something that could not be looked at."""

    part: Literal["temporal", "postgresql"]
    what: str
    """workers, queues, runs, hosts, schedules, sources, or progress of runs."""
    why: str
    connection: bool
    """Whether the part did not answer at all."""


@dataclass(frozen=True, slots=True)
class Overview:
    """One look at everything. What could not be looked at is None, and told in `untold`; the
    rest is there."""

    at: datetime
    workers: tuple[WorkerSeen, ...] | None = None
    """Lost ones for some minutes; those that ended as they should are left out."""
    heartbeats: bool = True
    """False: this Temporal server keeps no heartbeats, so that workers are known by their polls,
    which a killed one outlives by up to 90 seconds, and without slots."""
    queues: tuple[QueueSeen, ...] | None = None
    runs: tuple[RunSeen, ...] | None = None
    """The oldest first. Of more than 100 those that began last, of `fetch_url` only as many as the
    others leave room for."""
    runs_total: int | None = None
    hosts: tuple[HostSeen, ...] | None = None
    schedules: tuple[ScheduleSeen, ...] | None = None
    sources: tuple[SourceSeen, ...] | None = None
    untold: tuple[Untold, ...] = field(default=())

    @property
    def stale(self) -> list[SourceSeen]:
        """The sources that are later than they promised."""
        return [each for each in self.sources or () if each.stale]
