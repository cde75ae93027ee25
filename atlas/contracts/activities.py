"""Inputs and results of activities: a batch's key and what the workflow branches on, no more."""

from __future__ import annotations

from pydantic import Field

from atlas.contracts.models import Counts, Message, Outcome
from atlas.contracts.sync_pipeline import Failure, WaitingSource
from atlas.contracts.work import STAGES, Mode, RunLimits, Stage


class ResolveSources(Message):
    """Named and tagged sources, or all: those after `after` in the order of names, `limit` at
    most."""

    names: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    all: bool = False
    after: str = ""
    limit: int = 50


class ResolvedSources(Message):
    names: list[str] = Field(default_factory=list)
    unknown: list[str] = Field(default_factory=list)
    message: str = ""
    last: str = ""
    """The last name of this part; empty when there are no more."""
    nothing: str = ""
    """Why no source is meant at all; empty when some are."""
    unmatched: str = ""
    """Which tags select no source, when others do; empty when all select some."""


class OpenRun(Message):
    """`run_id` is the first execution's run id."""

    run_id: str
    workflow_id: str
    source: str
    trigger: str = "manual"
    due: bool = False
    type: str = "sync_pipeline"
    """The workflow type."""


class RunOpened(Message):
    """`outcome` is set when there is nothing to do: the run ends with it."""

    outcome: Outcome | None = None
    message: str = ""
    kind: str = ""
    levels: int = 1
    """How many crawl levels the source allows, the start included."""
    robots_ignored: bool = False
    """Whether the source's rules say that robots.txt is not asked at its own hosts."""


class ListLevel(Message):
    run_id: str
    level: int = 0
    discover: bool = True
    """False: instead of a listing, the pages of this depth that the source holds."""
    fetch: bool = True
    """False: only pages whose stored body is not settled."""
    process: bool = True
    """False: stored bodies are left alone."""
    mode: Mode | None = None
    """Which pages have work to do; null: as the run's record says."""
    retry_failed: bool = False
    limits: RunLimits = RunLimits()
    changed: bool = False
    """Whether the limits were changed, so that pages cut before may be within them now."""
    complete: bool = True
    """Whether the levels above were listed completely: else nothing is known to be absent."""


class LevelListed(Message):
    pages: int = 0
    complete: bool = True
    failed: bool = False
    """Whether the source's listing could not be read at all."""
    unfinished: int = 0
    """Pages of earlier levels that no lane holds and that are not done."""
    message: str = ""
    counts: Counts = Counts()
    cut: bool = False
    """Whether a limit of the run kept pages from being listed."""
    out_of_scope: bool = False
    """Whether addresses were listed and the source's rules let none of them through; `message`
    says so."""


class Batch(Message):
    """A claim's key, chosen by the workflow, so that a repeated claim returns the same pages."""

    run_id: str
    lane: int
    number: int
    process: bool = True
    """False: what is fetched ends the run there, and stays unsettled."""
    force: bool = False
    """Process documents although they are quarantined."""
    offline: bool = False
    """Nothing is asked of the web: pages that need a browser fail by name."""


class ClaimBatch(Message):
    run_id: str
    lane: int
    number: int
    level: int = 0
    size: int = 100
    waited: float = 0.0
    """Seconds that the lane has waited since it last got pages."""
    fetch: bool = True
    """False: pages that would have to be fetched are skipped."""
    limits: RunLimits = RunLimits()
    slow: bool = False
    """True: only pages of hosts that kept a batch of the run waiting."""


class Claimed(Message):
    """Either pages, or how long to wait, or neither: the level has no more work for this lane."""

    pages: int = 0
    wait: float | None = None
    """Seconds until there may be work again."""
    counts: Counts = Counts()
    set_aside: int = 0
    """Pages that were left for the slow lane."""


class Fetched(Message):
    to_process: int = 0
    set_aside: int = 0
    """Pages given back because their hosts kept all others of the batch waiting."""


class Processed(Message):
    to_settle: int = 0
    to_render: int = 0
    """Pages that wait for a browser."""


class BatchRendered(Message):
    left: int = 0
    """Pages of the batch that the time was too short for."""


class WithoutBrowser(Message):
    served: bool = False
    """Whether there is a worker with a browser: then the batch's pages still wait for it. Else they
    have failed by name."""


class Settled(Message):
    counts: Counts = Counts()


class CloseRun(Message):
    run_id: str
    outcome: Outcome | None = None
    """None: the outcome follows from the counts."""
    complete: bool = False
    message: str = ""
    stages: list[Stage] = Field(default_factory=lambda: list(STAGES))
    """Which stages the run had."""
    cut: bool = False
    """Whether a limit kept pages from being listed."""


class RunClosed(Message):
    outcome: Outcome
    counts: Counts = Counts()
    removed: int = 0
    failures: list[Failure] = Field(default_factory=list)
    message: str = ""
    complete: bool | None = None
    """Whether the listing counted as complete; null from a worker that does not say."""
    skipped: dict[str, int] = Field(default_factory=dict)
    bytes: int = 0
    trapped: dict[str, int] = Field(default_factory=dict)


class EnlistUrls(Message):
    """Add pages to a run at a level, whether its listing has them or not."""

    run_id: str
    urls: list[str]
    level: int = 0
    limits: RunLimits = RunLimits()


class ApplyLimits(Message):
    """Decide again which pages of a level are within a run's limits."""

    run_id: str
    level: int = 0
    limits: RunLimits = RunLimits()


class PlanSources(Message):
    """Decide for good which sources a run works through, and in which order. With neither names
    nor tags: all that are not paused."""

    run_id: str
    names: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    due: bool = False
    """Only sources that are due."""
    own_schedules: bool = True
    """False: leave out sources that have a schedule of their own."""


class SourcesPlanned(Message):
    sources: int = 0
    unknown: list[str] = Field(default_factory=list)
    """Names that no source has, the first thousand."""
    message: str = ""
    """Why the first of them is unknown."""
    nothing: str = ""
    """Why the request means no source; empty when it means some, though none of them be due."""
    unmatched: str = ""
    """Which tags select no source, when others do; empty when all select some."""


class NextSources(Message):
    """The part of a run's plan after the place `after`."""

    run_id: str
    after: int = 0
    limit: int = 50


class PlannedPart(Message):
    sources: list[WaitingSource] = Field(default_factory=list)
    last: int = 0
    """The place of the last of them; 0 when there are no more."""


class PauseRun(Message):
    run_id: str
    paused: bool
