"""The schedules that Atlas declares, as data: `atlas schedules apply` makes Temporal's agree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from atlas.contracts.names import ATTRIBUTE_TRIGGER
from atlas.contracts.priorities import FIRST, LATE, NORMAL

Span: TypeAlias = tuple[int, int, int]
"""First, last, step."""
Overlap: TypeAlias = Literal["skip", "buffer_all"]
"""What a fire does while the run of the one before is under way: nothing, or wait for its end."""

EVERY_DAY: tuple[Span, ...] = ((1, 31, 1),)
EVERY_MONTH: tuple[Span, ...] = ((1, 12, 1),)
EVERY_WEEKDAY: tuple[Span, ...] = ((0, 6, 1),)
"""0 is Sunday."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Moments that match all of this; UTC."""

    minute: tuple[Span, ...]
    hour: tuple[Span, ...]
    day_of_month: tuple[Span, ...] = EVERY_DAY
    month: tuple[Span, ...] = EVERY_MONTH
    day_of_week: tuple[Span, ...] = EVERY_WEEKDAY


@dataclass(frozen=True, slots=True)
class Declared:
    """One schedule as it shall be."""

    id: str
    workflow: str
    """The workflow type it starts; the run's id is `workflow_id` and the time of the fire."""
    workflow_id: str
    input: Mapping[str, Any]
    summary: str
    rhythm: str
    """When it fires, in words."""
    catch_up: timedelta
    """Fires missed for no longer than this are made up for when Temporal is back."""
    overlap: Overlap = "skip"
    every: timedelta | None = None
    offset: timedelta = timedelta(0)
    """Of `every`, from the epoch."""
    calendars: tuple[Calendar, ...] = ()
    """Instead of `every`: when one of them matches."""
    jitter: timedelta = timedelta(0)
    """Each fire is this much later at most, so that not everything begins in the same second."""
    run_timeout: timedelta | None = None
    priority: int = NORMAL
    source: str | None = None
    """The source it keeps in step, where it is one's own."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Search attributes of its runs (all Keyword)."""

    @property
    def digest(self) -> str:
        """Names what is declared: 16 hex digits."""
        text = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _periodic(workflow: str, summary: str, rhythm: str, **rules: Any) -> Declared:
    return Declared(
        id=workflow,
        workflow=workflow,
        workflow_id=workflow,
        input={"trigger": "schedule"},
        summary=summary,
        rhythm=rhythm,
        attributes={ATTRIBUTE_TRIGGER: "schedule"},
        **rules,
    )


PERIODIC: tuple[Declared, ...] = (
    _periodic(
        "health_check",
        "Look at every part, and tell what changed",
        "every 5 minutes",
        every=timedelta(minutes=5),
        # The result of a check of ten minutes ago is worthless.
        catch_up=timedelta(minutes=5),
        jitter=timedelta(seconds=5),
        run_timeout=timedelta(minutes=4),
        # A watch that waits behind what it watches is blind.
        priority=FIRST,
    ),
    _periodic(
        "hourly_collection",
        "Bring the sources that are due up to date",
        "every hour",
        every=timedelta(hours=1),
        # With SKIP: one run makes up for all hours missed in a day.
        catch_up=timedelta(days=1),
        jitter=timedelta(minutes=2),
    ),
    _periodic(
        "daily_cleanup",
        "Delete what is kept no longer",
        "daily at 03:30 UTC",
        calendars=(Calendar(minute=((30, 30, 1),), hour=((3, 3, 1),)),),
        catch_up=timedelta(days=1),
        jitter=timedelta(minutes=10),
        priority=LATE,
    ),
    _periodic(
        "weekly_report",
        "Report on the week before",
        "Mondays at 06:00 UTC",
        calendars=(Calendar(minute=((0, 0, 1),), hour=((6, 6, 1),), day_of_week=((1, 1, 1),)),),
        # Each week is its own work: two missed Mondays make two reports.
        overlap="buffer_all",
        catch_up=timedelta(days=60),
        jitter=timedelta(minutes=5),
        priority=LATE,
    ),
)
"""The four that every Atlas has; sources with a cadence of their own have one each."""
