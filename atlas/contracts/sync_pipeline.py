"""`sync_pipeline`: bring the corpus in step with one source, several, or all."""

from __future__ import annotations

from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from atlas.contracts.jobs import Carried, EventsSpent, HistoryEvents, Trigger
from atlas.contracts.models import Counts, Message, Outcome, Request, SourceName
from atlas.contracts.work import STAGES, Limits, Mode, RunLimits, Stage, Tag

MAX_FAILURES_LISTED = 20
MAX_SOURCES = 500
MAX_TAGS = 50
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
    bytes: int = 0
    """Bytes received."""
    failures: list[Failure] = Field(default_factory=list)
    """The first two of its pages that failed."""


class WaitingSource(Message):
    """A source of several whose turn has not come."""

    source: str
    host: str = ""
    """The host of its first URL: sources of one host do not take every place."""


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
    """Of several sources: the last name worked through; of a planned run, the place in its plan."""
    totals: Counts = Counts()
    """Of several sources: the counts of those worked through."""
    outcomes: list[SourceOutcome] = Field(default_factory=list)
    events: int = 0
    """History events of the executions before this one."""
    opened: bool = True
    """Whether the run has its lease; false while it waits for another run's."""
    kind: str = ""
    """The source's kind, as the lease was taken."""
    robots_ignored: bool = False
    """Whether robots.txt is not asked at the source's own hosts, as the lease was taken."""
    limits: RunLimits | None = None
    """The limits in force; null: those of the request."""
    cut: bool = False
    """Whether a limit kept pages of a deeper level from being listed."""
    waiting: list[WaitingSource] = Field(default_factory=list)
    """Of several sources: those of the part under way that are not begun."""
    done: int = 0
    """Of several sources: how many were worked through."""
    total: int = 0
    """Of several sources: how many there are, as far as is known."""
    bytes: int = 0
    """Of several sources: bytes received by those worked through."""
    by_outcome: dict[str, int] = Field(default_factory=dict)
    """Of several sources: outcome → how many."""
    exhausted: bool = False
    """Of several sources: whether no further part is to come."""


class SyncRequest(Request):
    """Which sources, and how thoroughly."""

    sources: list[SourceName] = Field(default_factory=list, max_length=MAX_SOURCES)
    """Names of declared sources."""
    tags: list[Tag] = Field(default_factory=list, max_length=MAX_TAGS)
    """Sources that carry one of these tags and are not paused, in addition to those named."""
    all: bool = False
    """Every source that is not paused, instead of naming them."""
    due: bool = False
    """Check only pages that are due; the same as mode 'incremental'."""
    mode: Mode | None = None
    """Which pages to check: 'full' every one (the default), 'incremental' those that are due,
    'failed' those that failed last time, without reading the listing again."""
    retry_failed: bool = False
    """With mode 'incremental': check also pages that failed last time and are not due yet."""
    stages: list[Stage] = Field(default_factory=lambda: list(STAGES), min_length=1)
    """What to do. Without 'discover': the pages that the source holds already. Without 'fetch':
    from the stored bodies. Without 'process' (which covers duplicates and the index): what is
    fetched stays unsettled until a later run takes it from the stored body. Without 'reconcile':
    nothing leaves the corpus."""
    limits: Limits | None = None
    """What may be spent on each source."""
    deadline: AwareDatetime | None = None
    """The moment after which no page is claimed any more, as in 2026-11-24T18:00:00Z."""
    wait_for_lease: bool = False
    """When another run works on the source: wait for it instead of ending `already_running`."""
    trigger: Trigger = "manual"
    lanes: int = Field(default=3, ge=1, le=16)
    """Batches under way at once."""
    batch: int = Field(default=100, ge=1, le=500)
    """Pages per batch."""
    max_history_events: HistoryEvents = 3000
    state: Carried[SyncState] = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.all and (self.sources or self.tags):
            raise ValueError("give either 'sources' or 'all', not both; tags go with 'sources'")
        if not self.all and not self.sources and not self.tags:
            raise ValueError(
                'name what to sync: {"sources": ["docs"]}, {"tags": ["news"]} or {"all": true}'
            )
        return self

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> Self:
        if self.due and self.mode not in (None, "incremental"):
            raise ValueError(
                f"'due' means mode 'incremental'; with mode '{self.mode}' leave it out"
            )
        if self.retry_failed and self.pages_wanted != "incremental":
            raise ValueError("'retry_failed' goes with mode 'incremental'; the others try them all")
        if set(self.stages) == {"reconcile"}:
            raise ValueError("stages: 'reconcile' judges what 'discover' or 'fetch' found; add one")
        if self.mode == "failed" and "fetch" not in self.stages:
            raise ValueError("mode 'failed' fetches again; add 'fetch' to the stages")
        return self

    @property
    def pages_wanted(self) -> Mode:
        """The mode, whichever way it was said."""
        return self.mode or ("incremental" if self.due else "full")


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
    """The first failures; `atlas runs show RUN --failures` lists all. Of several sources two of
    each, and the run of the source lists all."""
    sources: list[SourceOutcome] = Field(default_factory=list, max_length=MAX_SOURCES_LISTED)
    """Per source, when several were synced: the first, those that did not complete before all."""
    message: str = ""
    events: EventsSpent = 0
    skipped: dict[str, int] = Field(default_factory=dict)
    """Pages that were skipped: reason → how many."""
    bytes: int = 0
    """Bytes received."""
    trapped: dict[str, int] = Field(default_factory=dict)
    """Links that were not followed because they belong to a crawler trap: reason → how many."""


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
    robots_ignored: bool = False
    """Whether robots.txt is not asked at the source's own hosts, as its rules say."""
