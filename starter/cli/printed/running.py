"""Runs: started, looked at, ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from atlas.contracts.fetch_url import FetchUrlResult
from atlas.contracts.models import Counts
from atlas.contracts.sync_pipeline import SyncResult
from starter.cli.printed import Printed, shape


class Failure(Printed):
    """A page that could not be taken over."""

    url: str
    error_class: str
    """See [errors](errors.md)."""
    code: str
    """See [errors](errors.md)."""
    message: str


class Recorded(Printed):
    """A run, from its record in PostgreSQL."""

    run_id: str
    """Of the first execution: it names the run in the corpus."""
    workflow_id: str
    type: str
    """The workflow type."""
    source: str | None
    """The source it works on, if one."""
    trigger: str
    """Who started it: `cli`, `schedule`, `client` …"""
    due: bool
    """Whether it checked only pages that were due."""
    status: Literal["running", "paused", "ended"]
    started_at: datetime
    ended_at: datetime | None
    """Null while it is under way."""
    outcome: str | None
    """Null while it is under way."""
    complete: bool | None
    """Whether its listing was complete."""
    paused_since: datetime | None
    message: str | None
    """What is to be said of it."""
    counts: Counts
    """Pages by what became of them."""
    summary: dict[str, Any] | None
    """Figures of its own, of types other than a sync."""
    failures: list[Failure]
    """The first pages that failed; `runs show --failures` has all, a list has none."""
    recorded: bool
    """Whether it is in the record of runs; single fetches and health checks are in Temporal alone,
    and so is a run that no worker has begun yet."""
    ui_url: str | None
    """Its page in Temporal's Web UI."""


@shape("runs", "runs list", lines=True)
class Runs(Printed):
    """The latest runs, newest first."""

    runs: list[Recorded]


class PendingActivity(Printed):
    """An activity that has not ended."""

    type: str
    under_way: bool
    """False: it waits for a worker, or for its next attempt."""
    attempt: int
    """1 is the first; more: it failed before."""
    failure: str
    """How the attempt before ended; empty on the first."""
    next_attempt_at: datetime | None
    """When it is tried again; null while it is under way."""
    heartbeat_at: datetime | None
    """When its worker last said that it lives."""


@shape("run", "runs show", "runs follow")
class Run(Recorded):
    """A run: its record in PostgreSQL, and what Temporal says of it now."""

    temporal_status: str | None
    """Temporal's word: `running`, `completed`, `failed`, `canceled`, `terminated`, `timed_out` …;
    null when it no longer knows the run, or does not answer."""
    temporal_down: bool
    """Whether Temporal did not answer: then the record alone speaks."""
    stage: str
    """Where it is, while it is under way; otherwise empty."""
    done: int | None
    """Pieces of work done, while it is under way."""
    total: int | None
    """Of so many, as far as that is known."""
    of: str
    """What `done` and `total` count."""
    per_minute: float | None
    """Requests of the last minute; of a run that makes none, what was done a minute since it
    began."""
    pending: list[PendingActivity]
    task_attempt: int
    """Of its workflow task: above 1, the workflow's own code fails, or no worker takes it."""
    result: dict[str, Any] | None
    """Of a run that keeps no record and completed: the result of its type."""
    trace_id: str | None
    """The trace that began with its start, if it was started with tracing."""


class Outcome(Printed):
    """What became of one thing. These fields are of a page of `batch_process`; the lists of
    `daily_cleanup` and `deduplicate_documents` have others."""

    model_config = ConfigDict(extra="allow")

    url: str = ""
    """The canonical URL of the page."""
    page: int | None = None
    """Its number."""
    outcome: str = ""
    """`added`, `updated`, `unchanged`, `failed` or `skipped`; `missing`: no such page."""
    error_class: str | None = None
    """See [errors](errors.md)."""
    code: str | None = None
    """See [errors](errors.md); of a skipped page the reason."""
    text_hash: str | None = None
    """SHA-256 of its text."""


@shape("outcomes", "runs outcomes", lines=True)
class Outcomes(Printed):
    """What became of each page of a batch, by URL."""

    outcomes: list[Outcome]


@shape("retried", "runs retry")
class Retried(Printed):
    """What of a run was started again."""

    retried: str
    """Run id of the run that had failed."""
    what: Literal["failed pages", "failed sources", "the same again", "nothing"]
    """What the new run is asked for."""
    workflow_id: str | None
    """Of the new run; null when nothing of it had failed."""
    run_id: str | None
    ui_url: str | None
    """Its page in Temporal's Web UI."""


@shape("started", "sync", "start", "process", "dedup", "cleanup", "index rebuild")
class Started(Printed):
    """A run was started or joined, and is not waited for."""

    workflow_id: str
    run_id: str
    ui_url: str | None
    """Its page in Temporal's Web UI."""


@shape("result", "start", "process", "dedup", "cleanup", "index rebuild")
class Result(Printed):
    """The result of a run of any type, with `--wait`; the other fields are those of its type,
    which `atlas schema TYPE` prints and [workflows](workflows.md) explains."""

    model_config = ConfigDict(extra="allow")

    ui_url: str | None
    """Its page in Temporal's Web UI."""


@shape("sync_result", "sync")
class Synced(SyncResult, Printed):
    """How a sync ended, with `--wait`."""

    ui_url: str | None
    """Its page in Temporal's Web UI."""


@shape("fetch_result", "fetch")
class Fetched(FetchUrlResult, Printed):
    """What came back. A page that answers 404 is a result, not an error."""

    workflow_id: str
    run_id: str
    ui_url: str | None
    """Its page in Temporal's Web UI."""
