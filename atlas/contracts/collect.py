"""Collecting: discovery and fetch, of one source, of all, or of what the hour makes due."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from atlas.contracts.jobs import Carried, EventsSpent, HistoryEvents, Trigger
from atlas.contracts.models import Counts, Message, Outcome, Request, SourceName
from atlas.contracts.sync_pipeline import (
    MAX_FAILURES_LISTED,
    MAX_SOURCES,
    MAX_SOURCES_LISTED,
    MAX_TAGS,
    Failure,
    SourceOutcome,
    SyncState,
)
from atlas.contracts.work import Limits, Mode, Tag

MAX_URLS = 1000
MAX_URL_BYTES = 60_000
MAX_REFUSED_LISTED = 50


class CollectRequest(Request):
    """Find a source's pages and fetch them. Of a site, pages are processed too: their links lead
    deeper."""

    source: SourceName
    """Name of a declared source."""
    mode: Mode = "incremental"
    """Which pages to fetch: 'incremental' those that are due, 'full' every one, 'failed' those
    that failed last time, without reading the listing again."""
    limits: Limits | None = None
    """What may be spent; the update `set_limits` changes it."""
    wait_for_lease: bool = False
    """When another run works on the source: wait for it instead of ending `already_running`."""
    trigger: Trigger = "manual"
    lanes: int = Field(default=3, ge=1, le=16)
    """Batches under way at once."""
    batch: int = Field(default=100, ge=1, le=500)
    """Pages per batch."""
    max_history_events: HistoryEvents = 3000
    state: Carried[SyncState] = None


class CollectResult(Message):
    """How the collection ended. Added, updated and unchanged compare with what was fetched last."""

    workflow_id: str
    run_id: str
    """The first execution's, which names the run in the corpus."""
    source: str
    outcome: Outcome
    counts: Counts = Counts()
    complete: bool = False
    """Whether the listing was read completely and no limit cut it."""
    skipped: dict[str, int] = Field(default_factory=dict)
    """Pages that were skipped: reason → how many."""
    bytes: int = 0
    """Bytes received."""
    removed: int = 0
    """Documents that left the corpus because their pages are gone."""
    failures: list[Failure] = Field(default_factory=list, max_length=MAX_FAILURES_LISTED)
    """The first failures; `atlas runs show RUN --failures` lists all."""
    message: str = ""
    events: EventsSpent = 0


class AddUrls(Request):
    """Update `add_urls`: pages to be fetched by this run, listed or not."""

    urls: list[str] = Field(min_length=1, max_length=MAX_URLS)
    """Each is brought to its canonical form and must lie within the source's scope."""

    @model_validator(mode="after")
    def _is_small(self) -> Self:
        size = sum(len(url.encode()) for url in self.urls)
        if size > MAX_URL_BYTES:
            raise ValueError(
                f"urls: {size} bytes, {MAX_URL_BYTES} at most; send them in several updates"
            )
        return self


class RefusedUrl(Message):
    """A URL that was not taken, cut to 300 characters, and why."""

    url: str
    reason: str


class UrlsAdded(Message):
    """Answer of `add_urls`: `added + known + refused` are the distinct URLs that were given."""

    added: int = 0
    """Now in this run."""
    known: int = 0
    """In this run before."""
    refused: int = 0
    refusals: list[RefusedUrl] = Field(default_factory=list, max_length=MAX_REFUSED_LISTED)
    """The first of those refused."""


class CollectAllRequest(Request):
    """Collect several sources. With nothing said: all that are not paused."""

    sources: list[SourceName] = Field(default_factory=list, max_length=MAX_SOURCES)
    """Names of declared sources, instead of all."""
    tags: list[Tag] = Field(default_factory=list, max_length=MAX_TAGS)
    """Sources that carry one of these tags and are not paused, in addition to those named."""
    due: bool = False
    """Of these, only sources that are due by their cadence or cron."""
    mode: Mode = "incremental"
    """Which pages of each source, as in `collect_from_source`."""
    limits: Limits | None = None
    """What may be spent on each source."""
    parallel: int = Field(default=5, ge=1, le=50)
    """Sources under way at once; those of one host get no more places than they must."""
    trigger: Trigger = "manual"
    lanes: int = Field(default=3, ge=1, le=16)
    """Batches under way at once, of each source."""
    batch: int = Field(default=100, ge=1, le=500)
    """Pages per batch."""
    max_history_events: HistoryEvents = 3000
    state: Carried[SyncState] = None


class CollectAllResult(Message):
    """How each source ended, and the totals."""

    workflow_id: str
    run_id: str
    outcome: Outcome
    selected: int = 0
    """Sources that were meant, unknown ones included."""
    counts: Counts = Counts()
    bytes: int = 0
    """Bytes received."""
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Sources by outcome."""
    sources: list[SourceOutcome] = Field(default_factory=list, max_length=MAX_SOURCES_LISTED)
    """Per source, the worst first; `atlas runs` has them all."""
    message: str = ""
    events: EventsSpent = 0


class HourlyRequest(Request):
    """Bring in what is due."""

    trigger: Trigger = "schedule"
    limits: Limits | None = None
    """What may be spent on each source."""
    parallel: int = Field(default=5, ge=1, le=50)
    """Sources under way at once; those of one host get no more places than they must."""
    max_history_events: HistoryEvents = 3000
    state: Carried[SyncState] = None


class HourlyResult(Message):
    """Which sources were due, and how each ended."""

    workflow_id: str
    run_id: str
    outcome: Outcome
    due: int = 0
    """Sources that were due."""
    started: int = 0
    """Of these, those that this run synced; the others were under way already, or could not be."""
    counts: Counts = Counts()
    bytes: int = 0
    """Bytes received."""
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Sources by outcome."""
    sources: list[SourceOutcome] = Field(default_factory=list, max_length=MAX_SOURCES_LISTED)
    """Per source, the worst first."""
    message: str = ""
    events: EventsSpent = 0
