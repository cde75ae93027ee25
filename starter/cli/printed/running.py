"""Runs: started, looked at, ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
    """Who started it: `cli`, `schedule`, `api` …"""
    due: bool
    """Whether it checked only pages that were due."""
    started_at: datetime
    ended_at: datetime | None
    """Null while it is under way."""
    outcome: str | None
    """Null while it is under way."""
    complete: bool | None
    """Whether its listing was complete."""
    paused_since: datetime | None
    message: str
    """What is to be said of it."""
    counts: Counts
    """Pages by what became of them."""
    summary: dict[str, Any] | None
    """Figures of its own, of types other than a sync."""
    failures: list[Failure]
    """The first pages that failed; `runs show --failures` has all, a list has none."""
    ui_url: str | None
    """Its page in Temporal's Web UI."""


@shape("runs", "runs list", lines=True)
class Runs(Printed):
    """The latest runs, newest first."""

    runs: list[Recorded]


@shape("run", "runs show")
class Run(Recorded):
    """A run, from its record in PostgreSQL."""


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


@shape("started", "sync", "start", "process", "dedup", "cleanup")
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
