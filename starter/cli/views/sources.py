"""A source as the commands print it: in a line, in a list, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starter.cli.framework.durations import written

if TYPE_CHECKING:
    from atlas.domain.sources import SourceSpec
    from atlas.stores.postgres.sources.sources import SourceSummary


def described(spec: SourceSpec) -> str:
    """Kind, starts and bounds in a line."""
    starts = f"{len(spec.urls)} URLs" if len(spec.urls) > 1 else spec.urls[0]
    bound = f", pages below {spec.prefix}" if spec.prefix else ""
    return f"{spec.kind}, {starts}{bound}"


def spec_json(spec: SourceSpec) -> dict[str, Any]:
    """The rules as `-o json` prints them; times in seconds."""
    return {
        "name": spec.name,
        "kind": spec.kind,
        "urls": list(spec.urls),
        "prefix": spec.prefix,
        "include": list(spec.include),
        "exclude": list(spec.exclude),
        "delay": spec.delay,
        "parallel": spec.parallel,
        "max_pages": spec.max_pages,
        "max_depth": spec.max_depth,
        "every": spec.cadence.total_seconds(),
        "cron": spec.cron,
        "tags": list(spec.tags),
        "deletion": spec.deletion,
        "paused": spec.paused,
    }


def summary_json(found: SourceSummary) -> dict[str, Any]:
    """The rules, and what the corpus holds of the source."""
    lease = found.source.lease
    return {
        **spec_json(found.source.spec),
        "pages": found.pages,
        "live": found.live,
        "checked_at": found.source.checked_at,
        "synced_at": found.source.synced_at,
        "last_outcome": found.last_outcome,
        "last_ended": found.last_ended,
        "lease": asdict(lease) if lease else None,
    }


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
