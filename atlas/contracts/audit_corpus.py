"""`audit_corpus`: whether rows, bodies and index agree, and the repair of what does not."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from atlas.contracts.jobs import Carried, EventsSpent, HistoryEvents, Progress, Trigger
from atlas.contracts.models import Message, Request

MAX_FINDINGS_LISTED = 100
MAX_RESETTLED = 1000
"""Pages that one audit has processed again; the rest waits for the next."""

AuditStage = Literal[
    "corpus",
    "pages",
    "documents",
    "texts",
    "sketches",
    "buckets",
    "evidence",
    "clusters",
    "runs",
    "bodies",
]
AUDIT_STAGES: tuple[AuditStage, ...] = get_args(AuditStage)
"""In this order: sketches, buckets, evidence and clusters each believe what the one before has
put right."""

AuditOutcome = Literal["completed", "completed_with_failures", "cancelled"]


class AuditState(Message):
    """What a run carries when it continues as new."""

    stage: int = 0
    """Index in AUDIT_STAGES."""
    cursor: str = ""
    """How far the stage is, in its own terms."""
    checked: dict[str, int] = Field(default_factory=dict)
    resettle: list[int] = Field(default_factory=list)
    """Pages to be processed again from their stored bodies."""
    left_over: int = 0
    """Pages that were too many for one audit."""
    progress: Progress = Progress()
    started: float = 0.0
    """Seconds since the epoch."""
    events: int = 0
    """History events of the executions before this one."""


class AuditRequest(Request):
    """What to look at, and whether to repair. `{}` looks at a sample and changes nothing."""

    sample: int = Field(default=200, ge=1, le=500)
    """Pages, texts, runs and bodies to look at, of each so many, chosen at random."""
    full: bool = False
    """Look at everything instead of a sample."""
    repair: bool = False
    """Repair what does not agree, where the corpus holds what is needed."""
    trigger: Trigger = "manual"
    max_history_events: HistoryEvents = 4000
    state: Carried[AuditState] = None


class ListedFinding(Message):
    """Something that does not agree."""

    check: str
    """Name of the check."""
    key: str
    """What it is about: a page's number, a hash, a run."""
    detail: str
    repair: str = ""
    """What was done about it, or why nothing was; empty when no repair was asked for."""
    repaired: bool = False


class AuditResult(Message):
    """What was found. `run_id` is the first execution's, which names the run in the corpus."""

    workflow_id: str
    run_id: str
    outcome: AuditOutcome
    """`completed_with_failures`: something does not agree and is not repaired."""
    full: bool = False
    checked: dict[str, int] = Field(default_factory=dict)
    """Stage → what it looked at."""
    findings: int = 0
    repaired: int = 0
    """Of these, what the audit repaired."""
    by_check: dict[str, int] = Field(default_factory=dict)
    """Check → findings."""
    listed: list[ListedFinding] = Field(default_factory=list, max_length=MAX_FINDINGS_LISTED)
    """The first hundred, by check."""
    manifest: str | None = None
    """SHA-256 of the list in the blob store: JSON Lines, a finding each."""
    message: str = ""
    seconds: float = 0.0
    events: EventsSpent = 0


# Between the workflow and its activities


class AuditStep(Message):
    """Look at the next part of a stage."""

    run_id: str
    stage: AuditStage
    cursor: str = ""
    sample: int | None = None
    """So many at random; null: the part after the cursor."""
    repair: bool = False


class AuditStepDone(Message):
    """What the step looked at."""

    cursor: str | None = None
    """Where the next step begins; null: the stage is done."""
    checked: int = 0
    resettle: list[int] = Field(default_factory=list)
    """Pages that are to be processed again."""


class RecheckFindings(Message):
    """Look again at what was processed again."""

    run_id: str


class EndAudit(Message):
    """Count the findings and keep the list of them."""

    run_id: str


class AuditEnded(Message):
    """What was found in all."""

    findings: int = 0
    repaired: int = 0
    by_check: dict[str, int] = Field(default_factory=dict)
    listed: list[ListedFinding] = Field(default_factory=list)
    manifest: str | None = None
