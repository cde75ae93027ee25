"""How commands print a source: in a line, in a list, as JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING

from starter.cli.framework.durations import written
from starter.cli.framework.output import Columns

if TYPE_CHECKING:
    from atlas.domain.sources import SourceSpec
    from atlas.stores.postgres.sources.listing_quarantine import QuarantinedListing
    from atlas.stores.postgres.sources.sources import Lease, SourceSummary


def described(spec: SourceSpec) -> str:
    """Its kind, starts and prefix in a line."""
    starts = f"{len(spec.urls)} URLs" if len(spec.urls) > 1 else spec.urls[0]
    bound = f", pages below {spec.prefix}" if spec.prefix else ""
    robots = ", robots.txt ignored" if spec.robots == "ignore" else ""
    return f"{spec.kind}, {starts}{bound}{robots}"


@dataclass(frozen=True)
class Holdings:
    """What the corpus holds of a source, and its runs, in JSON."""

    pages: int
    """Known pages."""
    live: int
    """Documents that search can find."""
    checked_at: datetime | None
    """When its listing was last read."""
    synced_at: datetime | None
    """When a run last brought it up to date."""
    last_outcome: str | None
    """Outcome of the last run that ended."""
    last_ended: datetime | None
    """When that was."""
    trapped: dict[str, int]
    """Links that the last crawl did not follow, by the reason why they look like a trap."""
    lease: Lease | None
    """The run working on it now."""
    quarantined: tuple[QuarantinedListing, ...]
    """Files of its listing that are not read until they change or are released."""


def parts(found: SourceSummary) -> tuple[SourceSpec, Holdings]:
    """The rules of a source, and what the corpus holds of it."""
    values = {
        each.name: getattr(found if hasattr(found, each.name) else found.source, each.name)
        for each in fields(Holdings)
    }
    return found.source.spec, Holdings(**values)


def _now(found: SourceSummary) -> str:
    return "running" if found.source.lease else "paused" if found.source.spec.paused else ""


def _pace(found: SourceSummary) -> str:
    spec = found.source.spec
    return "pushed" if spec.is_pushed else spec.cron or written(spec.cadence)


COLUMNS: Columns[SourceSummary] = {
    "name": lambda found: found.source.spec.name,
    "kind": lambda found: found.source.spec.kind,
    "pages": lambda found: found.pages,
    "live": lambda found: found.live,
    "every": _pace,
    "last run": lambda found: found.last_ended,
    "outcome": lambda found: found.last_outcome,
    "now": _now,
    "tags": lambda found: " ".join(found.source.spec.tags),
    "robots.txt": lambda found: "ignored" if found.source.spec.robots == "ignore" else "",
    "trapped": lambda found: sum(found.trapped.values()) or "",
}
"""Of `atlas sources list`."""
