"""`deduplicate_documents`: find duplicates, and mark all but one of each group."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from atlas.contracts.jobs import Carried, EventsSpent, HistoryEvents, Progress, Trigger
from atlas.contracts.models import Message, Request, SourceName
from atlas.contracts.sync_pipeline import MAX_SOURCES

MAX_GROUPS_LISTED = 50
MAX_MEMBERS_LISTED = 10

DedupKind = Literal["exact", "near", "both"]
WinnerRule = Literal["canonical", "oldest", "newest", "shortest_url", "smallest_url"]
DedupOutcome = Literal["completed", "limit_reached", "unknown_source"]
Stage = Literal["sketches", "buckets", "evidence", "clusters", "decide"]

STAGES: tuple[Stage, ...] = ("sketches", "buckets", "evidence", "clusters", "decide")
"""In this order: each believes what the ones before have checked."""


class DedupState(Message):
    """What a run carries when it continues as new."""

    stage: int = 0
    """Index in STAGES."""
    cursor: str = ""
    """How far the stage is, in its own terms."""
    checked: int = 0
    """Pieces that the stage is through with."""
    drifted: int = 0
    repaired: int = 0
    texts: int = 0
    """In scope when the run began, as `pages`."""
    pages: int = 0
    progress: Progress = Progress()
    started: float = 0.0
    """Seconds since the epoch."""
    events: int = 0
    """History events of the executions before this one."""


class DeduplicateRequest(Request):
    """Which documents to compare, and what to do. `{}` reports on the whole corpus."""

    sources: list[SourceName] = Field(default_factory=list, max_length=MAX_SOURCES)
    """Compare pages of these sources with each other; empty: all live pages."""
    kind: DedupKind = "both"
    """exact: pages with the same text; near: pages with nearly the same; or both."""
    threshold: Annotated[float, Field(ge=0.30, le=1.0)] = 0.8
    """Least similarity of a near-duplicate to the page that is kept: the share of word pairs that
    the two texts have in common, as the sketches estimate it (in steps of 1/128)."""
    winner: WinnerRule = "canonical"
    """Which page of a group is kept. canonical: the one that most of the others name in their
    rel=canonical, then the oldest; oldest, newest: by when Atlas first knew it; shortest_url;
    smallest_url. Where these leave a choice, the smallest URL."""
    apply: bool = False
    """Mark the duplicates; otherwise only report them. No document is ever deleted."""
    minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] | None = None
    """Stop after so many minutes, at the next boundary; what is marked by then stays."""
    chunk: int = Field(default=2000, ge=1, le=10_000)
    """Texts per transaction."""
    trigger: Trigger = "manual"
    max_history_events: HistoryEvents = 3000
    state: Carried[DedupState] = None


class DuplicateCounts(Message):
    """What was compared and found. `duplicates` counts pages that a group could do without."""

    texts: int = 0
    """Distinct texts of the pages compared."""
    pages: int = 0
    """Live pages in scope."""
    exact_groups: int = 0
    near_groups: int = 0
    duplicates: int = 0
    marked: int = 0
    """Marks that are new or differ from before."""
    unmarked: int = 0
    """Marks taken off, because their page is no duplicate any more."""
    drifted: int = 0
    """Texts, buckets and clusters whose stored sketches or evidence were not as they should be."""
    repaired: int = 0
    """Those of them that were repaired; only with `apply`."""


class GroupMember(Message):
    """One page of a group, other than the one that is kept."""

    url: str
    kind: Literal["exact", "near"] = "exact"
    similarity: float = 1.0
    """To the text of the page that is kept."""


class Group(Message):
    """Pages that say the same. All of them are in the manifest."""

    winner: str
    """The page that is kept."""
    kind: Literal["exact", "near"] = "exact"
    """near as soon as one of the texts differs from the winner's."""
    pages: int = 0
    """The winner included."""
    texts: int = 0
    members: list[GroupMember] = Field(default_factory=list, max_length=MAX_MEMBERS_LISTED)
    """The first of the others: the most similar, then by URL."""


class DeduplicateResult(Message):
    """How the run ended, the largest groups, and where all of them are listed."""

    workflow_id: str
    run_id: str
    outcome: DedupOutcome
    applied: bool = False
    counts: DuplicateCounts = DuplicateCounts()
    groups: list[Group] = Field(default_factory=list, max_length=MAX_GROUPS_LISTED)
    """The largest, then by the winner's URL."""
    manifest: str | None = None
    """SHA-256 of a JSON-lines blob: every group with all its members, in the same order."""
    seconds: float = 0.0
    events: EventsSpent = 0
    message: str = ""


# Between the workflow and its activities


class CheckPart(Message):
    """Check the next texts, buckets or clusters, from `cursor` on; put them right if `repair`."""

    stage: Stage
    cursor: str = ""
    sources: list[str] = Field(default_factory=list)
    chunk: int = 2000
    repair: bool = False


class DecideGroups(Message):
    """Find the groups of the next clusters, from `cursor` on; mark duplicates if `apply`."""

    run_id: str
    cursor: str = ""
    sources: list[str] = Field(default_factory=list)
    kind: DedupKind = "both"
    threshold: float = 0.8
    winner: WinnerRule = "canonical"
    apply: bool = False
    chunk: int = 2000


class PartDone(Message):
    """How far it came. `cursor` is None when the stage is done."""

    cursor: str | None = None
    checked: int = 0
    """Texts, buckets or clusters."""
    drifted: int = 0
    repaired: int = 0


class DescribeScope(Message):
    """Count what is to be compared; refuse sources that are not declared."""

    sources: list[str] = Field(default_factory=list)


class ScopeDescribed(Message):
    """`message` is set when a source is not declared."""

    texts: int = 0
    pages: int = 0
    message: str = ""


class ReportGroups(Message):
    """Write the manifest of what a run found. With `apply`, take off marks that it left behind."""

    run_id: str
    sources: list[str] = Field(default_factory=list)
    apply: bool = False
    complete: bool = True
    """Whether every cluster was looked at: only then may marks be taken off."""


class GroupsReported(Message):
    counts: DuplicateCounts = DuplicateCounts()
    groups: list[Group] = Field(default_factory=list)
    manifest: str | None = None


class ForgetGroups(Message):
    """Delete what a run noted for its report."""

    run_id: str
