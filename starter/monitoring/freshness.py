"""How fresh sources are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from atlas.domain.freshness import Freshness
from atlas.stores.postgres.reporting.monitoring import SourceLately
from starter.monitoring.overview import SourceSeen, SourceState


def sources_seen(
    sources: Iterable[SourceLately], now: datetime, stale_after: timedelta | None = None
) -> tuple[SourceSeen, ...]:
    """Every source, the latest first."""
    found = [source_seen(each, now, stale_after) for each in sources]
    return tuple(sorted(found, key=lambda one: (not one.stale, -one.late, one.name)))


def source_seen(
    lately: SourceLately, now: datetime, stale_after: timedelta | None = None
) -> SourceSeen:
    """How fresh one source is."""
    source = lately.source
    fresh = source.freshness(now, stale_after)
    return SourceSeen(
        name=source.spec.name,
        state=_state(fresh),
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
    )


def _state(fresh: Freshness) -> SourceState:
    if fresh.due is None:
        return "paused"
    if fresh.stale:
        return "stale"
    return "due" if fresh.late else "fresh"
