"""Inputs and results of activities: a batch's key and what the workflow branches on, no more."""

from __future__ import annotations

from pydantic import Field

from atlas.contracts.models import Counts, Message, Outcome
from atlas.contracts.sync_pipeline import Failure


class ResolveSources(Message):
    """Named sources, or all: those after `after` in the order of names, `limit` at most."""

    names: list[str] = Field(default_factory=list)
    all: bool = False
    after: str = ""
    limit: int = 50


class ResolvedSources(Message):
    names: list[str] = Field(default_factory=list)
    unknown: list[str] = Field(default_factory=list)
    message: str = ""
    last: str = ""
    """The last name of this part; empty when there are no more."""


class OpenRun(Message):
    """`run_id` is the first execution's run id."""

    run_id: str
    workflow_id: str
    source: str
    trigger: str = "manual"
    due: bool = False


class RunOpened(Message):
    """`outcome` is set when there is nothing to do: the run ends with it."""

    outcome: Outcome | None = None
    message: str = ""
    kind: str = ""
    levels: int = 1
    """How many crawl levels the source allows, the start included."""


class ListLevel(Message):
    run_id: str
    level: int = 0


class LevelListed(Message):
    pages: int = 0
    complete: bool = True
    failed: bool = False
    """Whether the source's listing could not be read at all."""
    unfinished: int = 0
    """Pages of earlier levels that no lane holds and that are not done."""
    message: str = ""
    counts: Counts = Counts()


class Batch(Message):
    """A claim's key, chosen by the workflow, so that a repeated claim returns the same pages."""

    run_id: str
    lane: int
    number: int


class ClaimBatch(Message):
    run_id: str
    lane: int
    number: int
    level: int = 0
    size: int = 100
    waited: float = 0.0
    """Seconds that the lane has waited since it last got pages."""


class Claimed(Message):
    """Either pages, or how long to wait, or neither: the level has no more work for this lane."""

    pages: int = 0
    wait: float | None = None
    """Seconds until there may be work again."""
    counts: Counts = Counts()


class Fetched(Message):
    to_process: int = 0


class Processed(Message):
    to_settle: int = 0


class Settled(Message):
    counts: Counts = Counts()


class CloseRun(Message):
    run_id: str
    outcome: Outcome | None = None
    """None: the outcome follows from the counts."""
    complete: bool = False
    message: str = ""


class RunClosed(Message):
    outcome: Outcome
    counts: Counts = Counts()
    removed: int = 0
    failures: list[Failure] = Field(default_factory=list)
    message: str = ""


class PauseRun(Message):
    run_id: str
    paused: bool
