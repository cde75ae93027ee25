"""Whether a source is as fresh as it promised: pure rules over when it was last brought up to date.

A source is due a cadence after its last success, or when its cron says; it is *stale* once it has
been due for longer than its tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.domain.sources import SourceSpec, due_at

HOURLY_TOLERANCE = timedelta(hours=2)
"""Of sources that the hourly collection takes along, or that have a cron expression: two turns of
the hourly collection."""
LEAST_TOLERANCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How a source keeps its promise. Without a promise (it is paused, or documents are pushed to
    it) it is neither late nor stale."""

    due: datetime | None
    """When it is due, or was; None: it promises nothing."""
    late: timedelta
    """How long it has been due; zero while it is not."""
    tolerance: timedelta
    stale: bool


def tolerance(spec: SourceSpec) -> timedelta:
    """How long a source may be due before anyone should look: two of its turns."""
    if spec.own_schedule and spec.cron is None:
        return max(2 * spec.cadence, LEAST_TOLERANCE)
    return HOURLY_TOLERANCE


def freshness(
    spec: SourceSpec,
    last_success: datetime | None,
    declared_at: datetime,
    now: datetime,
    *,
    allowed: timedelta | None = None,
) -> Freshness:
    """Of a source last brought up to date by a run that began at `last_success`. `allowed`: a
    tolerance that replaces its own; a source that is paused, or that documents are pushed to,
    promises nothing."""
    span = tolerance(spec) if allowed is None else allowed
    if spec.paused or spec.is_pushed:
        return Freshness(None, timedelta(0), span, stale=False)
    due = due_at(spec, last_success, declared_at)
    late = max(now - due, timedelta(0))
    return Freshness(due, late, span, stale=late > span)
