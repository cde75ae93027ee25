"""A source as the commands print it: in a line, in a list, as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starter.cli.framework.durations import written

if TYPE_CHECKING:
    from atlas.domain.sources import SourceSpec
    from atlas.stores.postgres.sources.sources import Lease, SourceSummary


def described(spec: SourceSpec) -> str:
    """Kind, starts and bounds in a line."""
    starts = f"{len(spec.urls)} URLs" if len(spec.urls) > 1 else spec.urls[0]
    bound = f", pages below {spec.prefix}" if spec.prefix else ""
    return f"{spec.kind}, {starts}{bound}"


@dataclass(frozen=True)
class Holdings:
    """What the corpus holds of a source, and the runs on it, as JSON says it."""

    pages: int
    """Pages that are known."""
    live: int
    """Documents that can be found."""
    checked_at: datetime | None
    """When its listing was last read."""
    synced_at: datetime | None
    """When a run last brought it up to date."""
    last_outcome: str | None
    """How the last run that ended did."""
    last_ended: datetime | None
    """When that was."""
    lease: Lease | None
    """The run that works on it now."""


def parts(found: SourceSummary) -> tuple[SourceSpec, Holdings]:
    """The rules, and what the corpus holds of the source."""
    source = found.source
    holdings = Holdings(
        found.pages,
        found.live,
        source.checked_at,
        source.synced_at,
        found.last_outcome,
        found.last_ended,
        source.lease,
    )
    return source.spec, holdings


def row(found: SourceSummary) -> tuple[object, ...]:
    """The line of the list."""
    spec = found.source.spec
    now = "running" if found.source.lease else "paused" if spec.paused else ""
    return (
        spec.name,
        spec.kind,
        found.pages,
        found.live,
        spec.cron or written(spec.cadence),
        found.last_ended,
        found.last_outcome,
        now,
        " ".join(spec.tags),
    )
