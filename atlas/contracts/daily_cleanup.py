"""`daily_cleanup`: retention, the orphan scan, and the ledger's partitions."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from pydantic import Field

from atlas.contracts.jobs import Carried, Progress, Trigger
from atlas.contracts.models import Message, Outcome, Request
from atlas.contracts.names import CleanupClass as CleanupClass

CLASSES: tuple[CleanupClass, ...] = get_args(CleanupClass)
"""In the order in which they are worked through: no class makes a candidate for a later one, so
that a dry run lists what a real one removes."""

MAX_MISSING_LISTED = 100


class CleanupState(Message):
    """What a run that continues as new carries over."""

    now: datetime
    progress: Progress = Progress()
    steps_done: int = 0
    place: str = ""
    """Where the step under way goes on."""
    capped: list[str] = Field(default_factory=list)
    partitions_made: list[str] = Field(default_factory=list)
    adopted: int = 0
    condemned: int = 0
    missing: int = 0
    notes: list[str] = Field(default_factory=list)
    events: int = 0


class CleanupRequest(Request):
    """What to clean up; `{}` is a real run over everything, with the settings' retention."""

    dry_run: bool = False
    """Only list what would go: nothing is changed, the manifest is written."""
    max_deletions: int = Field(default=100_000, ge=1, le=10_000_000)
    """Deletions at most, over all classes; the rest waits for the next day."""
    classes: list[CleanupClass] = Field(default_factory=list, max_length=len(CLASSES))
    """Only these; none given: all."""
    trigger: Trigger = "manual"
    max_history_events: int = Field(default=4000, ge=50, le=40_000)
    """Continue as new before so many history events."""
    state: Carried[CleanupState] = None


class MissingBlob(Message):
    """A blob that is referred to and not in the store."""

    digest: str
    url: str = ""
    """A page it is of, cut at 300 characters."""


class CleanupResult(Message):
    """What went."""

    workflow_id: str
    run_id: str
    outcome: Outcome
    dry_run: bool = False
    """Then what follows is what would have gone."""
    removed: dict[str, int] = Field(default_factory=dict)
    """Class → deletions. What belongs to a deleted thing goes with it uncounted: a version's
    document, a run's pages."""
    bytes_freed: int = 0
    """In the blob store (as stored, compressed) and of dropped partitions. Rows deleted elsewhere
    leave room that PostgreSQL uses again."""
    kept_by_cap: dict[str, int] = Field(default_factory=dict)
    """Class → things that the cap left for another day."""
    condemned: int = 0
    """Blobs that nothing refers to any more: they go after the grace."""
    adopted: int = 0
    """Objects in the store that had no row."""
    missing: int = 0
    """Blobs that are referred to and not in the store: their bodies are lost."""
    missing_blobs: list[MissingBlob] = Field(default_factory=list)
    """The first hundred of them."""
    manifest: str | None = None
    """SHA-256 of the list in the blob store: JSON Lines with class, identity and bytes."""
    partitions_made: list[str] = Field(default_factory=list)
    partitions_dropped: list[str] = Field(default_factory=list)
    message: str = ""
    events: int = 0
    """History events, over all executions."""


# Between the workflow and its activities


class CleanupRun(Message):
    """The run, and its business time."""

    run_id: str
    now: datetime
    dry_run: bool = False


class CleanupBegun(Message):
    partitions_made: list[str] = Field(default_factory=list)
    runs_ended: int = 0
    """Records of terminated runs that were ended."""


class WorkShards(CleanupRun):
    """Go through the blobs from this part on, as many parts as the time allows."""

    shard: int = 0


class ShardsWorked(Message):
    following: int | None = None
    """The next part; null: all are done."""
    adopted: int = 0
    condemned: int = 0


class MendMissing(CleanupRun):
    """Look again at what the scan found missing, and have the pages fetched again."""


class MissingMended(Message):
    missing: int = 0
    pages: int = 0
    """Pages made due."""
    message: str = ""


class Sweep(CleanupRun):
    """Work one class through, from behind a key on, as far as the time allows."""

    kind: str
    after: str = ""
    max_deletions: int = 100_000


class Swept(Message):
    after: str | None = None
    """Where to go on; null: the class is done."""
    capped: bool = False
    notes: list[str] = Field(default_factory=list)


class EndCleanup(CleanupRun):
    capped: list[str] = Field(default_factory=list)
    """Classes that the cap cut short."""


class CleanupEnded(Message):
    removed: dict[str, int] = Field(default_factory=dict)
    bytes_freed: int = 0
    kept_by_cap: dict[str, int] = Field(default_factory=dict)
    missing_blobs: list[MissingBlob] = Field(default_factory=list)
    partitions_dropped: list[str] = Field(default_factory=list)
    manifest: str | None = None
