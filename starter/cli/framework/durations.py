"""Durations as people write them (90s, 30m, 6h, 7d, 2w) and read them."""

from __future__ import annotations

import re
from datetime import timedelta

from atlas.domain import spans
from atlas.domain.spans import span_of
from starter.errors import InvalidRequest

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FINE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw]?)")


def duration(field: str, text: str) -> timedelta:
    """A whole number with its unit; `30` alone would be ambiguous. Raises `InvalidRequest` with the
    field as typed, such as `--since`."""
    try:
        return span_of(text)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}") from None


def seconds(field: str, text: str) -> float:
    """Seconds of a delay or a wait: fractions and plain numbers are allowed. Raises as
    `duration`."""
    found = _FINE.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidRequest(f"{field}: {text!r} is not a duration; use 2s, 0.5s, 10m or 1h")
    unit = timedelta(**{_UNITS[found.group(2) or "s"]: 1})
    return float(found.group(1)) * unit.total_seconds()


def written(span: timedelta) -> str:
    """The duration in its largest whole unit, without fractions of a second."""
    return spans.written(timedelta(seconds=int(span.total_seconds())))


def about(span: timedelta | float) -> str:
    """A duration rounded to about two digits: 12 s, 3 min, 26 h, 4 d."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
