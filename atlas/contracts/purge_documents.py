"""`purge_documents`: erase pages with every trace of them, and keep them away."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from atlas.contracts.jobs import Carried, EventsSpent, HistoryEvents, Progress, Trigger
from atlas.contracts.models import Message, Request, SourceName
from atlas.contracts.processing import Url

MAX_PURGED = 1000
MAX_REMAINS_LISTED = 50

PurgeStage = Literal["choose", "keep_away", "erase", "scrub", "artifacts", "bodies", "prove"]
PURGE_STAGES: tuple[PurgeStage, ...] = (
    "choose",
    "keep_away",
    "erase",
    "scrub",
    "artifacts",
    "bodies",
    "prove",
)
"""In this order: an address is kept away before anything of it is erased, or a run under way would
bring it back; bodies go when nothing refers to them any more."""
PurgeOutcome = Literal[
    "completed", "completed_with_failures", "nothing_selected", "unknown_source", "cancelled"
]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class PurgeState(Message):
    """What a run carries when it continues as new."""

    stage: int = 0
    """Index in PURGE_STAGES."""
    cursor: str = ""
    """How far the stage is, in its own terms."""
    erased: int = 0
    rewritten: int = 0
    traces: dict[str, int] = Field(default_factory=dict)
    again: int = 0
    """How often the erasure was gone through again because something was left."""
    waited: float = 0.0
    """Seconds spent waiting for runs that hold pages."""
    progress: Progress = Progress()
    events: int = 0
    """History events of the executions before this one."""


class PurgeRequest(Request):
    """What to erase: addresses, all pages that a source holds, or all pages on a host."""

    urls: list[Url] | None = Field(default=None, min_length=1, max_length=MAX_PURGED)
    """Addresses, whether they are pages or not."""
    source: SourceName | None = None
    """Every page that this source holds, other sources' too. The declaration stays."""
    host: str | None = Field(default=None, min_length=1, max_length=300)
    """Every page on this host, `name[:port]`."""
    reason: ReasonCode = "unspecified"
    """A code of lower-case letters, digits, - and _, kept with the hash of each address for as long
    as it is kept away; never anything that says what was erased."""
    dry_run: bool = False
    """Only count what would be erased."""
    patience: float = Field(default=600.0, ge=0, le=7200)
    """Seconds to wait for runs that hold pages, before the pages are taken from them."""
    trigger: Trigger = "manual"
    max_history_events: HistoryEvents = 4000
    state: Carried[PurgeState] = None

    @model_validator(mode="after")
    def _selects_once(self) -> Self:
        names = ("urls", "source", "host")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            shown = " and ".join(f"'{name}'" for name in given) or "none"
            raise ValueError(f"give exactly one of 'urls', 'source' and 'host', not {shown}")
        return self


class PurgeResult(Message):
    """What was erased. `run_id` is the first execution's, which names the run in the corpus."""

    workflow_id: str
    run_id: str
    outcome: PurgeOutcome
    """`completed_with_failures`: something is left, `traces` says where."""
    dry_run: bool = False
    """Then nothing was changed, and the figures are what would be erased."""
    addresses: int = 0
    """Addresses erased and kept away from now on."""
    pages: int = 0
    """Of these, pages that Atlas knew."""
    documents: int = 0
    """Of these, pages with a live document."""
    shared: int = 0
    """Of these, pages that another source holds too."""
    bodies: int = 0
    """Bodies whose bytes were deleted."""
    bodies_waiting: int = 0
    """Bodies that a run under way may be about to refer to: condemned, they go with a clean-up."""
    rewritten: int = 0
    """Reports and lists in the blob store that named something erased, and were written again."""
    hosts: list[str] = Field(default_factory=list, max_length=MAX_REMAINS_LISTED)
    """Hosts that were forgotten, since nothing else is there; the first of them."""
    mentions: dict[str, int] = Field(default_factory=dict)
    """What names the addresses and is not theirs: links of other pages, declarations of sources."""
    traces: dict[str, int] = Field(default_factory=dict)
    """Column → rows that still name something erased; empty when the proof holds."""
    message: str = ""
    events: EventsSpent = 0


# Between the workflow and its activities


class PurgeStep(Message):
    """Do the next part of a stage."""

    run_id: str
    stage: PurgeStage
    cursor: str = ""
    urls: list[str] | None = None
    source: str | None = None
    host: str | None = None
    reason: str = "unspecified"
    patient: bool = True
    """Leave pages that a run holds for later."""


class PurgeStepDone(Message):
    """What the step did."""

    cursor: str | None = None
    """Where the next step begins; null: the stage is done."""
    done: int = 0
    held: int = 0
    """Pages that a run holds."""
    traces: dict[str, int] = Field(default_factory=dict)
    refused: str = ""
    """Why nothing can be chosen."""


class EndPurge(Message):
    """Count what was erased; `forget` the list of it."""

    run_id: str
    source: str | None = None
    forget: bool = True


class PurgeEnded(Message):
    """What was erased in all."""

    addresses: int = 0
    pages: int = 0
    documents: int = 0
    shared: int = 0
    bodies: int = 0
    bodies_waiting: int = 0
    rewritten: int = 0
    hosts: list[str] = Field(default_factory=list)
    mentions: dict[str, int] = Field(default_factory=dict)
