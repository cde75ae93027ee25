"""`rebuild_index`: rebuild the search index while the old one serves, then switch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from atlas.contracts.jobs import Carried, EventsSpent, HistoryEvents, Progress, Trigger
from atlas.contracts.models import Message, Request

MAX_QUERIES = 100
MAX_LOSSES_LISTED = 20
MAX_LOST_LISTED = 10

RebuildOutcome = Literal["completed", "gate_failed", "already_running", "no_previous", "failed"]
Query = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class RebuildState(Message):
    """What a run carries when it continues as new."""

    generation: int
    after: str = ""
    """Text hash, in hex: the texts up to here are copied."""
    progress: Progress = Progress()
    started: float = 0.0
    """Seconds since the epoch."""
    events: int = 0
    """History events of the executions before this one."""


class RebuildRequest(Request):
    """How to rebuild, and what the new index must find. `{}` rebuilds with the defaults."""

    reason: str = Field(default="", max_length=200)
    """Shown with the run."""
    rollback: bool = False
    """Switch back to the previous generation instead of building a new one."""
    queries: list[Query] = Field(default_factory=list, max_length=MAX_QUERIES)
    """Queries whose results the new index must find again before it may serve; left out: titles
    and words of documents chosen from the corpus, always the same ones."""
    min_overlap: float = Field(default=0.8, ge=0, le=1)
    """Share of a query's first ten results that must be among its first thirty in the new index,
    for each query; 0 compares nothing."""
    keep_days: float = Field(default=7.0, ge=0, le=365)
    """How long the old generation is kept for a rollback, at the price of its disk space and of
    writing everything twice; 0 drops it at once."""
    chunk: int = Field(default=500, ge=1, le=5000)
    """Texts per activity."""
    trigger: Trigger = "manual"
    max_history_events: HistoryEvents = 3000
    state: Carried[RebuildState] = None

    @model_validator(mode="after")
    def _rollback_builds_nothing(self) -> Self:
        if self.rollback and self.queries:
            raise ValueError("'queries' gate a new index; a rollback has none: leave them out")
        return self


class Gate(Message):
    """One condition for the switch."""

    name: str
    passed: bool
    detail: str = ""


class Loss(Message):
    """A query that does not find again what it found before."""

    query: str
    found: int = 0
    """Results it had among the first ten."""
    lost: list[str] = Field(default_factory=list, max_length=MAX_LOST_LISTED)
    """URLs."""


class RebuildResult(Message):
    """How the run ended. `completed` means that searches read the generation named here."""

    workflow_id: str
    run_id: str
    outcome: RebuildOutcome
    generation: int | None = None
    """The generation that was built, or switched back to."""
    previous: int | None = None
    """The generation kept for a rollback."""
    texts: int = 0
    """Distinct live texts in the generation when its gates were tried."""
    entries: int = 0
    tokens: int = 0
    gates: list[Gate] = Field(default_factory=list)
    losses: list[Loss] = Field(default_factory=list, max_length=MAX_LOSSES_LISTED)
    """The first queries that failed their gate, and which results each lost."""
    seconds: float = 0.0
    events: EventsSpent = 0
    message: str = ""


# Between the workflow and its activities


class StartGeneration(Message):
    """Begin a generation, or go on with the one that a closed run left."""

    run_id: str
    workflow_id: str


class GenerationStarted(Message):
    """`generation` is None when there is nothing to do: `message` says why."""

    generation: int | None = None
    texts: int = 0
    """Distinct live texts."""
    after: str = ""
    """Text hash, in hex: the texts up to here are in it already."""
    message: str = ""


class CopyTexts(Message):
    """Bring the next texts into a generation."""

    generation: int
    after: str = ""
    """Text hash, in hex."""
    chunk: int = 500


class TextsCopied(Message):
    """How far it came. `last` is None when there was nothing left."""

    last: str | None = None
    texts: int = 0


class CheckGeneration(Message):
    """Make a generation ready for searches, and try its gates."""

    generation: int
    queries: list[str] = Field(default_factory=list)
    min_overlap: float = 0.8


class GenerationChecked(Message):
    """What the gates said; all passed when each of them did."""

    gates: list[Gate] = Field(default_factory=list)
    losses: list[Loss] = Field(default_factory=list)
    texts: int = 0
    entries: int = 0
    tokens: int = 0


class SwitchGeneration(Message):
    """Let searches read `generation`; None: the previous one."""

    run_id: str
    generation: int | None = None
    keep_days: float = 7.0


class GenerationSwitched(Message):
    """What searches read now. `active` is None when there was nothing to switch to: `message`
    says why."""

    active: int | None = None
    previous: int | None = None
    message: str = ""


class MarkSettled(Message):
    """Sent by runs that began before 0.7; there is nothing to mark any more."""

    generation: int


class DropGenerations(Message):
    """Drop what is retired; first, with `run_id`, retire what that run is building."""

    run_id: str | None = None


class GenerationsDropped(Message):
    """Which are gone."""

    dropped: list[int] = Field(default_factory=list)
