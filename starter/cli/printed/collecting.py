"""Sources and schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from starter.cli.printed import Printed, shape


class Rules(Printed):
    """A source as it is declared; [sources](sources.md) explains the rules."""

    name: str
    kind: Literal["urls", "feed", "sitemap", "site"]
    """What its URLs are."""
    urls: list[str]
    """Where it starts."""
    prefix: str | None
    """Only pages below this URL belong to it."""
    include: list[str]
    """Regular expressions, one of which a URL must match; empty: any."""
    exclude: list[str]
    """Regular expressions, none of which a URL may match."""
    delay: float | None
    """Seconds between two requests to a host."""
    parallel: int | None
    """Requests to a host at once."""
    max_pages: int | None
    """Pages of a run at most."""
    max_depth: int | None
    """Links from the start at most."""
    every: float
    """Seconds after which a page is due again."""
    cron: str | None
    """A schedule of its own: five fields, UTC."""
    tags: list[str]
    """Words that select it."""
    deletion: Literal["careful", "prompt", "keep"]
    """When pages that vanish leave the corpus."""
    paused: bool
    """Whether no run begins on it."""


class Lease(Printed):
    """The run that works on a source now."""

    workflow_id: str
    run_id: str
    since: datetime


class Summary(Rules):
    """A source, and what the corpus holds of it."""

    pages: int
    """Pages that are known."""
    live: int
    """Documents that can be found."""
    checked_at: datetime | None
    """When its listing was last read."""
    synced_at: datetime | None
    """When a run last brought it in step."""
    last_outcome: str | None
    """How the last run that ended did."""
    last_ended: datetime | None
    """When that was."""
    lease: Lease | None
    """The run that works on it now."""


@shape("sources", "sources list", lines=True)
class Sources(Printed):
    """Every source that is declared, by name."""

    sources: list[Summary]


@shape("source", "sources show")
class Source(Summary):
    """A source, and what the corpus holds of it."""


@shape("source_rules", "sources edit")
class SourceRules(Rules):
    """A source as it is declared now."""


@shape("source_added", "sources add")
class SourceAdded(Rules):
    """A source as it was declared."""

    evidence: str
    """What its kind was told from; empty when it was given."""


@shape("source_removed", "sources remove")
class SourceRemoved(Printed):
    """What a source left behind."""

    name: str
    pages: int
    """Pages that no other source holds."""
    purged: bool
    """Whether their documents were deleted."""


class Schedule(Printed):
    """A schedule as Temporal has it, beside its declaration."""

    id: str
    state: Literal["active", "paused", "missing", "surplus"]
    """`missing`: declared, but not there; `surplus`: made by Atlas, but declared no more."""
    fires: str
    """When, in words or as a cron line (UTC)."""
    note: str
    """The operator's words, of a paused one."""
    next: datetime | None
    last: datetime | None
    running: int
    """Runs under way."""
    runs: int
    """Runs started so far."""
    skipped: int
    """Fires that did nothing, because the run before was under way."""
    missed: int
    """Fires longer ago than the catch-up window, when Temporal came back."""
    drift: list[str]
    """How it differs from its declaration; empty: it does not."""


@shape("schedules", "schedules list", lines=True)
class Schedules(Printed):
    """Every schedule that Atlas declares or has made."""

    schedules: list[Schedule]


class Change(Printed):
    """What was done to a schedule."""

    id: str
    did: Literal["created", "repaired", "removed", "unchanged"]
    """What."""
    why: list[str]
    """The differences that made it so."""


@shape("schedule_changes", "schedules apply", lines=True)
class ScheduleChanges(Printed):
    """What was done so that Temporal's schedules are as declared."""

    schedules: list[Change]
