"""Cron expressions of five fields, read as the calendars of a schedule; always in UTC.

Minute, hour, day of month, month, day of week: `*`, numbers, names (`MON`, `JAN`), ranges `1-5`,
steps `*/15` or `10-40/10`, lists `1,15`; and `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
Where neither day of month nor day of week begins with `*`, either one matches, as in cron(8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from atlas.contracts.schedules import EVERY_DAY, EVERY_WEEKDAY, Calendar, Span

_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PIECE = re.compile(r"(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/(\d+))?")
_DAYS_AHEAD = 366 * 41
"""From one 29 February on a Monday to the next it can be 40 years."""
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class InvalidCron(ValueError):
    """The expression cannot be used; the message names the field and the fix."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    offset: int = 0
    """The number of the first name."""


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of week", 0, 7, _WEEKDAYS),
)


def calendars(cron: str) -> tuple[Calendar, ...]:
    """The calendars that match when the expression does. Raises `InvalidCron`."""
    words = _MACROS.get(cron.strip().lower(), cron).lower().split()
    if len(words) != len(_FIELDS):
        raise InvalidCron(
            f"cron: {cron!r} has {len(words)} fields; give five: minute, hour, day of month, "
            "month, day of week, as in '15 6 * * MON-FRI'"
        )
    minute, hour, day, month, weekday = map(_spans, words, _FIELDS)
    weekday = _weekdays(weekday)
    if not _some_date(day, month):
        raise InvalidCron(f"cron: {cron!r} never fires: there is no such day; change day or month")
    if words[2].startswith("*") or words[4].startswith("*"):
        return (Calendar(minute, hour, day, month, weekday),)
    return (
        Calendar(minute, hour, day, month, EVERY_WEEKDAY),
        Calendar(minute, hour, EVERY_DAY, month, weekday),
    )


def next_fire(cron: str, after: datetime) -> datetime:
    """The first minute after a moment at which the expression matches. Raises `InvalidCron`."""
    found = calendars(cron)
    start = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    day, time = start.date(), (start.hour, start.minute)
    for _ in range(_DAYS_AHEAD):
        times = [at for one in found if _on(one, day) and (at := _first_time(one, time))]
        if times:
            hour, minute = min(times)
            return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
        day, time = day + timedelta(days=1), (0, 0)
    raise InvalidCron(f"cron: {cron!r} does not fire within {_DAYS_AHEAD // 366} years")


def _on(calendar: Calendar, day: date) -> bool:
    return (
        _matches(calendar.month, day.month)
        and _matches(calendar.day_of_month, day.day)
        and _matches(calendar.day_of_week, day.isoweekday() % 7)
    )


def _first_time(calendar: Calendar, earliest: tuple[int, int]) -> tuple[int, int] | None:
    """The first hour and minute of a day, not before `earliest`."""
    for hour in range(earliest[0], 24):
        if _matches(calendar.hour, hour):
            first = earliest[1] if hour == earliest[0] else 0
            for minute in range(first, 60):
                if _matches(calendar.minute, minute):
                    return hour, minute
    return None


def _matches(spans: tuple[Span, ...], number: int) -> bool:
    return any(
        first <= number <= last and (number - first) % step == 0 for first, last, step in spans
    )


def _spans(word: str, field: _Field) -> tuple[Span, ...]:
    return tuple(_span(piece, field) for piece in word.split(","))


def _span(piece: str, field: _Field) -> Span:
    found = _PIECE.fullmatch(piece)
    if found is None:
        raise _refusal(piece, field)
    star, first, last, step = found.groups()
    if star:
        # Sunday is 0 and 7; `*` counts it once.
        start, end = field.first, min(field.last, 6) if field.names is _WEEKDAYS else field.last
    else:
        start = _number(first, field, piece)
        end = _number(last, field, piece) if last else field.last if step else start
    if end < start or (step and int(step) == 0):
        raise _refusal(piece, field)
    return (start, end, int(step or 1))


def _number(word: str, field: _Field, piece: str) -> int:
    number = int(word) if word.isdigit() else -1
    if word in field.names:
        number = field.names.index(word) + field.offset
    if not field.first <= number <= field.last:
        raise _refusal(piece, field)
    return number


def _refusal(piece: str, field: _Field) -> InvalidCron:
    names = f", or {field.names[0].upper()} to {field.names[-1].upper()}" if field.names else ""
    return InvalidCron(
        f"cron: {piece!r} refused as {field.name}: give {field.first} to {field.last}{names}, "
        "a range such as 1-5, a step such as */2, or a list of them"
    )


def _weekdays(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """7 is Sunday too; schedules know only 0."""
    if all(last < 7 for _, last, _ in spans):
        return spans
    days = sorted({day % 7 for first, last, step in spans for day in range(first, last + 1, step)})
    return tuple((day, day, 1) for day in days)


def _some_date(days: tuple[Span, ...], months: tuple[Span, ...]) -> bool:
    earliest = min(first for first, _, _ in days)
    return any(
        earliest <= _LONGEST[month - 1]
        for first, last, step in months
        for month in range(first, last + 1, step)
    )
