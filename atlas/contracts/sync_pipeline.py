"""`sync_pipeline`: bring the corpus in step with one source, several, or all."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from atlas.contracts.models import Counts, Message, Outcome, Request, SourceName

MAX_FAILURES_LISTED = 20
MAX_SOURCES = 500
MAX_SOURCES_LISTED = 100


class Failure(Message):
    """One page that could not be taken over, by name."""

    url: str
    error_class: str
    code: str
    message: str = ""


class SourceOutcome(Message):
    """How the run of one source of several ended."""

    source: str
    outcome: Outcome
    counts: Counts = Counts()
    workflow_id: str = ""
    run_id: str = ""
    message: str = ""


class SyncState(Message):
    """What a run carries when it continues as new."""

    level: int = 0
    listed: bool = False
    """Whether the level's pages are listed already."""
    lane_numbers: list[int] = Field(default_factory=list)
    """The last claim number of each lane; claims are never numbered twice."""
    paused_since: float | None = None
    """Seconds since the epoch; None while the run is not paused."""
    complete: bool = True
    """Whether every listing so far was complete."""
    message: str = ""
    after: str = ""
    """Of several sources: the last name worked through."""
    totals: Counts = Counts()
    """Of several sources: the counts of those worked through."""
    outcomes: list[SourceOutcome] = Field(default_factory=list)
    events: int = 0
    """History events of the executions before this one."""


class SyncRequest(Request):
    """Which sources, and how thoroughly."""

    sources: list[SourceName] = Field(default_factory=list, max_length=MAX_SOURCES)
    """Names of declared sources."""
    all: bool = False
    """Every source that is not paused, instead of naming them."""
    due: bool = False
    """Check only pages that are due; otherwise every page of the source is checked."""
    wait_for_lease: bool = False
    """When another run works on the source: wait for it instead of ending `already_running`."""
    trigger: Literal["manual", "schedule", "client", "cli"] = "manual"
    """Who started it; shown as a search attribute."""
    lanes: int = Field(default=3, ge=1, le=16)
    """Batches under way at once."""
    batch: int = Field(default=100, ge=1, le=500)
    """Pages per batch."""
    max_history_events: int = Field(default=3000, ge=100, le=4000)
    """History events after which the run continues as new."""
    state: SyncState | None = None
    """Set by Atlas when a run continues as new; leave it out."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.all and self.sources:
            raise ValueError("give either 'sources' or 'all', not both")
        if not self.all and not self.sources:
            raise ValueError('name what to sync: {"sources": ["docs"]} or {"all": true}')
        return self


class SyncResult(Message):
    """How the run ended. `run_id` is the first execution's, which names the run in the corpus."""

    workflow_id: str
    run_id: str
    outcome: Outcome
    counts: Counts = Counts()
    complete: bool = False
    """Whether the listing was complete; only then may absence lead to removal."""
    removed: int = 0
    """Documents that left the corpus because their pages are gone."""
    levels: int = 0
    """Crawl levels worked through."""
    failures: list[Failure] = Field(default_factory=list, max_length=MAX_FAILURES_LISTED)
    """The first failures; `atlas runs show RUN --failures` lists all."""
    sources: list[SourceOutcome] = Field(default_factory=list, max_length=MAX_SOURCES_LISTED)
    """Per source, when several were synced: the first, those that did not complete before all."""
    message: str = ""
    events: int = 0
    """History events spent, over all executions of the run."""


class SyncProgress(Message):
    """Answer of the query `progress`."""

    source: str = ""
    stage: str = "starting"
    level: int = 0
    counts: Counts = Counts()
    paused: bool = False
    paused_since: float | None = None
    """Seconds since the epoch."""
    sources_done: int = 0
    sources_total: int = 1
