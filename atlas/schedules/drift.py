"""How a schedule differs from its declaration. A pause and its note are no drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleRange,
    ScheduleSpec,
)

from atlas.contracts.schedules import Declared
from atlas.schedules.spec import built


async def differences(client: Client, declared: Declared, found: ScheduleDescription) -> list[str]:
    """Each field that differs, with what it is and what was declared; empty: none does."""
    wanted = await _fields(client, built(declared))
    actual = await _fields(client, found.schedule)
    return [
        f"{name}: {_shown(actual.get(name))} instead of {_shown(value)}"
        for name, value in wanted.items()
        if actual.get(name) != value
    ]


async def _fields(client: Client, schedule: Schedule) -> dict[str, Any]:
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    return {
        "workflow": action.workflow,
        "input": await _values(client, action.args),
        "workflow id": action.id,
        "task queue": action.task_queue,
        "run timeout": action.run_timeout,
        "execution timeout": action.execution_timeout,
        "retry policy": action.retry_policy,
        "declaration": await _mapping(client, action.memo),
        "search attributes": {pair.key.name: pair.value for pair in action.typed_search_attributes},
        "summary": await _value(client, action.static_summary),
        "priority": action.priority.priority_key,
        **_timing(schedule.spec),
        "overlap": schedule.policy.overlap.name,
        "catch-up window": schedule.policy.catchup_window,
        "pause on failure": schedule.policy.pause_on_failure,
    }


def _timing(spec: ScheduleSpec) -> dict[str, Any]:
    return {
        "interval": [(each.every, each.offset or timedelta(0)) for each in spec.intervals],
        "calendar": [_calendar(each) for each in spec.calendars],
        "excluded": [_calendar(each) for each in spec.skip],
        "cron": list(spec.cron_expressions),
        "bounds": (spec.start_at, spec.end_at),
        "time zone": spec.time_zone_name or "UTC",
        "jitter": spec.jitter or timedelta(0),
    }


def _calendar(calendar: ScheduleCalendarSpec) -> str:
    """Like cron: second, minute, hour, day, month, weekday, year."""
    return " ".join(
        _ranges(each)
        for each in (
            calendar.second,
            calendar.minute,
            calendar.hour,
            calendar.day_of_month,
            calendar.month,
            calendar.day_of_week,
            calendar.year,
        )
    )


def _ranges(ranges: Iterable[ScheduleRange]) -> str:
    return ",".join(f"{each.start}-{each.end}/{each.step}" for each in ranges) or "*"


async def _values(client: Client, values: Sequence[Any]) -> list[Any]:
    """What a worker would be given: payloads decoded, decrypted too."""
    payloads = [value for value in values if isinstance(value, Payload)]
    if len(payloads) < len(values):
        return list(values)
    try:
        return await client.data_converter.decode(payloads) if payloads else []
    except Exception as error:  # with a key that is gone, say: it is written again
        return [f"unreadable ({error})"]


async def _value(client: Client, value: Any) -> Any:
    return (await _values(client, [value]))[0]


async def _mapping(client: Client, values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: await _value(client, value) for name, value in (values or {}).items()}


def _shown(value: object) -> str:
    match value:
        case timedelta():
            return f"{value.total_seconds():g} s"
        case list() | tuple():
            return ", ".join(map(_shown, value)) or "none"
        case None:
            return "none"
        case _:
            return str(value)
