"""Everything at one look: what works, waits or is late."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from starter.cli.printed import Printed, shape

WorkerState = Literal["running", "draining", "lost"]


class Slots(Printed):
    """What a worker carries from one task queue. The figures are null where Temporal keeps no
    heartbeats."""

    queue: str
    state: WorkerState
    workflows: int | None
    """Workflow tasks under way."""
    activities: int | None
    """Activities under way."""
    free: int | None
    """Activities it would take on besides; null: no fixed number, more while there is room."""
    processed: int | None
    """Tasks done since it began."""
    failed: int | None
    """Of those, tasks that failed."""


class Worker(Printed):
    """One worker process."""

    identity: str
    host: str
    pid: int | None
    version: str
    """`atlas-` and its version; empty when nobody tells."""
    state: WorkerState
    """draining: told to stop, it finishes what it has; lost: it went silent without an end."""
    heard: float
    """Seconds since its last heartbeat."""
    started: datetime | None
    slots: list[Slots]


class Queue(Printed):
    """One task queue."""

    name: str
    workers: int
    """Running workers that serve it."""
    backlog: int
    """Tasks that wait for a worker."""
    oldest: float
    """Seconds that the first of them has waited."""
    in_flight: int | None
    """Activities that workers have from it."""
    added: float
    """Tasks added a second, lately."""
    dispatched: float
    """Tasks handed to workers a second, lately."""


class Activity(Printed):
    """An activity of a run, under way or waiting to be."""

    type: str
    attempt: int
    """1 is the first."""
    started: bool
    """Whether a worker has it."""
    failure: str
    """How its last attempt ended."""


class Running(Printed):
    """One run under way."""

    type: str
    source: str
    """Empty: it works on no single one."""
    workflow_id: str
    run_id: str
    """The first execution's, which `atlas runs show` takes."""
    stage: str
    """begin, plan, discover, fetch, process, index, end, several of them by comma; paused;
    waiting: for a time or a child; or as the type says."""
    done: int | None
    total: int | None
    """null: not known, or it counts nothing."""
    of: str
    """What is counted."""
    failed: int
    """Pages that failed."""
    rate: float | None
    """Done a second over the last 15 seconds; null at a first look."""
    average: float | None
    """Done a second since it began."""
    started_at: datetime
    paused_since: datetime | None
    activities: list[Activity]
    """Five at most, those that failed most often first."""
    attempt: int
    """The highest attempt under way: above 2, something keeps failing."""


class Host(Printed):
    """A host that was asked in the last minute, is in trouble, or has a limit."""

    host: str
    in_flight: int
    """Requests under way."""
    delay: float | None
    """Seconds between two requests, as the last one was paced."""
    limit_delay: float | None
    """Seconds that a limit set by hand demands."""
    breaker: Literal["closed", "throttled", "open", "half_open"]
    """closed: all is well; throttled: it asked for patience; open: it is down; half_open: it is
    being tried."""
    failures: int
    """Requests in a row that blame the host."""
    waits: float
    """Seconds before it may be asked again."""
    last_at: datetime | None
    """When its last request was sent."""
    last_error: str | None


class Schedule(Printed):
    """One schedule."""

    id: str
    state: Literal["active", "paused", "missing"]
    rhythm: str
    """When it fires, in words."""
    note: str
    """Why it is paused."""
    last: datetime | None
    next: datetime | None


class Fresh(Printed):
    """How a source keeps its promise."""

    name: str
    state: Literal["fresh", "due", "stale", "paused"]
    """due: it may be collected; stale: it has been due for longer than its tolerance."""
    every: float
    """Its cadence in seconds."""
    cron: str | None
    """When it is collected, in place of the cadence."""
    last_success: datetime | None
    """Start of the last run that read its listing and worked through what its limits allow."""
    due: datetime | None
    """null: it is paused."""
    late: float
    """Seconds that it has been due."""
    tolerance: float
    """Seconds that it may be."""
    running: bool
    """Whether a run works on it now."""
    last_outcome: str | None
    """Of its last run that ended."""
    last_ended: datetime | None


class Untold(Printed):
    """What could not be looked at."""

    part: Literal["temporal", "postgresql"]
    what: str
    """Of what nothing is told."""
    why: str
    connection: bool
    """Whether the part did not answer at all."""


class Seen(Printed):
    """Everything at one look. What could not be looked at is null, and told in `untold`."""

    at: datetime
    workers: list[Worker] | None
    """Lost ones for five minutes; those that ended as they should are left out."""
    heartbeats: bool
    """false: this Temporal server keeps none, so that workers are known by their polls, which a
    killed one outlives by up to 90 seconds."""
    queues: list[Queue] | None
    runs: list[Running] | None
    """The oldest first; of more than 100 the latest."""
    runs_total: int | None
    """How many run in all."""
    hosts: list[Host] | None
    """Those in trouble first."""
    schedules: list[Schedule] | None
    """The next first."""
    sources: list[Fresh] | None
    """The latest first."""
    untold: list[Untold]


@shape("overview", "top")
class Overview(Seen):
    """Everything at one look; with `-o jsonl` one a line, at each interval."""


@shape("freshness", "sources freshness", lines=True)
class Freshness(Printed):
    """How sources keep their promises, the latest first."""

    sources: list[Fresh]
