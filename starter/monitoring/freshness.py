"""How fresh sources are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from atlas.domain.source_freshness import Freshness
from atlas.stores.postgres.reporting.freshness_samples import Achievement
from atlas.stores.postgres.reporting.monitoring import SourceLately
from starter.monitoring.overview import SourceSeen, SourceState


def sources_seen(
    sources: Iterable[SourceLately], now: datetime, stale_after: timedelta | None = None
) -> tuple[SourceSeen, ...]:
    """Every source: the stale ones first, the latest before others, then those that miss their
    objective."""
    found = [source_seen(each, now, stale_after) for each in sources]
    return tuple(
        sorted(found, key=lambda one: (not one.stale, not one.broken, -one.late, one.name))
    )


def source_seen(
    lately: SourceLately, now: datetime, stale_after: timedelta | None = None
) -> SourceSeen:
    """How fresh one source is."""
    source = lately.source
    fresh = source.freshness(now, stale_after)
    return SourceSeen(
        name=source.spec.name,
        state="pushed" if source.spec.is_pushed else _state(fresh),
        every=source.spec.cadence,
        cron=source.spec.cron,
        last_success=source.checked_at,
        due=fresh.due,
        late=fresh.late,
        tolerance=fresh.tolerance,
        running=source.lease is not None,
        last_outcome=lately.last_outcome,
        last_ended=lately.last_ended,
        held=lately.held,
        objective=source.spec.freshness,
        **_objective(lately.achieved),
    )


def _objective(achieved: Achievement | None) -> dict[str, Any]:
    """How it keeps its objective; nothing, if it is not judged by one."""
    if achieved is None:
        return {}
    found = achieved.found
    return {
        "pages": found and found.pages,
        "seen": found and found.seen,
        "achieved": None if achieved.share is None else round(achieved.share, 4),
        "counted_at": found and found.at,
        "broken": achieved.broken,
        "burn_rate": round(achieved.burn_rate, 2),
        "burning": achieved.alert and achieved.alert.window.severity,
    }


def _state(fresh: Freshness) -> SourceState:
    if fresh.due is None:
        return "paused"
    if fresh.stale:
        return "stale"
    return "due" if fresh.late else "fresh"
