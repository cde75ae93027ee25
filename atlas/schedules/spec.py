"""A declared schedule in Temporal's words."""

from __future__ import annotations

from importlib.metadata import version

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
)
from temporalio.common import Priority, SearchAttributeKey, SearchAttributePair
from temporalio.common import TypedSearchAttributes as Attributes

from atlas.contracts.names import QUEUE
from atlas.contracts.schedules import Calendar, Declared, Overlap, Span

OWNED = "atlas_schedule"
"""Key of a schedule's memo: made by Atlas, which may repair and remove it."""

OVERLAPS: dict[Overlap, ScheduleOverlapPolicy] = {
    "skip": ScheduleOverlapPolicy.SKIP,
    "buffer_all": ScheduleOverlapPolicy.BUFFER_ALL,
}


def atlas_version() -> str:
    """The version that declares."""
    return version("atlas-corpus")


def note(declared: Declared) -> str:
    """What the Web UI shows with a schedule, until someone pauses it with a note."""
    return f"{declared.rhythm}; Atlas {atlas_version()}, declaration {declared.digest}"


def built(declared: Declared, state: ScheduleState | None = None) -> Schedule:
    """The schedule to create, or to update with the `state` that the present one has."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            declared.workflow,
            dict(declared.input),
            id=declared.workflow_id,
            task_queue=QUEUE,
            run_timeout=declared.run_timeout,
            memo={"atlas_version": atlas_version(), "atlas_declaration": declared.digest},
            typed_search_attributes=Attributes(
                [
                    SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
                    for name, value in sorted(declared.attributes.items())
                ]
            ),
            static_summary=declared.summary,
            priority=Priority(priority_key=declared.priority),
        ),
        spec=_spec(declared),
        policy=SchedulePolicy(overlap=OVERLAPS[declared.overlap], catchup_window=declared.catch_up),
        state=state or ScheduleState(note=note(declared)),
    )


def _spec(declared: Declared) -> ScheduleSpec:
    return ScheduleSpec(
        calendars=[_calendar(each) for each in declared.calendars],
        intervals=[ScheduleIntervalSpec(declared.every, declared.offset or None)]
        if declared.every
        else [],
        jitter=declared.jitter or None,
    )


def _calendar(calendar: Calendar) -> ScheduleCalendarSpec:
    return ScheduleCalendarSpec(
        minute=_ranges(calendar.minute),
        hour=_ranges(calendar.hour),
        day_of_month=_ranges(calendar.day_of_month),
        month=_ranges(calendar.month),
        day_of_week=_ranges(calendar.day_of_week),
    )


def _ranges(spans: tuple[Span, ...]) -> tuple[ScheduleRange, ...]:
    return tuple(ScheduleRange(*span) for span in spans)
