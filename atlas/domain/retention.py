"""How long what is kept: per class, in days; and what a clean-up takes away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SHORTEST_GRACE = timedelta(hours=24)
"""The least grace between the condemnation of a blob and its deletion, longer than any activity:
a run that announced the blob before has referred to it by then, or no longer exists."""

FOR_EVER = datetime.min.replace(tzinfo=UTC)
"""The cutoff of what is never taken: nothing is older."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that each class is kept; 0 keeps it for ever."""

    snapshots: int = 30
    versions: int = 365
    newest_versions: int = 10
    """Versions of a page that stay however old they are, the open one included."""
    tombstones: int = 90
    pages: int = 90
    runs: int = 90
    newest_runs: int = 5
    """Ended runs of a source (or of a workflow type without one) that stay however old."""
    ledger: int = 180
    hosts: int = 90
    freshness: int = 60
    artifacts: int = 90
    changes: int = 30
    grace: timedelta = timedelta(hours=48)

    def __post_init__(self) -> None:
        if self.grace < SHORTEST_GRACE:
            raise ValueError(f"grace: {self.grace} is shorter than {SHORTEST_GRACE}")


def days(count: int) -> timedelta | None:
    """So many days; 0 is for ever."""
    return timedelta(days=count) if count else None


def cutoff(days: int, now: datetime) -> datetime:
    """What ended at this moment or before has been kept long enough."""
    return now - timedelta(days=days) if days else FOR_EVER


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a clean-up takes away."""

    key: str
    """Its place in the order in which its class is worked through."""
    identity: str
    """What people know it by: a hash, a URL, a run id."""
    size: int = 0
    """Bytes that the disk or the store gets back."""


SHARDS = 256
"""Parts in which many blobs are gone through, by the first byte of the hash."""

EVERYTHING = range(SHARDS)
"""All of them at once, while there are few."""


def shard_name(shard: int) -> str:
    """The first two hex digits of the blobs of a part."""
    return f"{shard:02x}"


@dataclass(frozen=True, slots=True)
class BlobRow:
    """One blob as the database knows it."""

    put_at: datetime
    stored_bytes: int | None


@dataclass(frozen=True, slots=True)
class FoundBlob:
    """An object without a row: body and stored size in bytes, when the store last wrote it."""

    digest: str
    size: int
    stored_bytes: int
    modified: datetime
