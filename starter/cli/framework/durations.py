"""Durations as people write them (90s, 30m, 6h, 7d, 2w) and read them."""

from __future__ import annotations

import re
from datetime import timedelta

from starter.errors import InvalidRequest

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WHOLE = re.compile(r"(\d{1,6})\s*([smhdw])")
_FINE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw]?)")
_LONGEST = timedelta(days=36525)


def duration(field: str, text: str) -> timedelta:
    """A whole number with its unit; `30` alone would be ambiguous. Raises `InvalidRequest` with the
    field as typed, such as `--since`."""
    found = _WHOLE.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidRequest(f"{field}: {text!r} is not a duration; use 90s, 30m, 6h, 7d or 2w")
    span = timedelta(**{_UNITS[found.group(2)]: int(found.group(1))})
    if span > _LONGEST:  # dates do not reach that far back
        raise InvalidRequest(f"{field}: {text!r} refused: give at most 100 years")
    return span


def seconds(field: str, text: str) -> float:
    """Seconds of a delay or a wait: fractions and plain numbers are allowed. Raises as
    `duration`."""
    found = _FINE.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidRequest(f"{field}: {text!r} is not a duration; use 2s, 0.5s, 10m or 1h")
    unit = timedelta(**{_UNITS[found.group(2) or "s"]: 1})
    return float(found.group(1)) * unit.total_seconds()


def written(span: timedelta) -> str:
    """The duration in its largest whole unit."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def about(span: timedelta | float) -> str:
    """A duration rounded to about two digits: 12 s, 3 min, 26 h, 4 d."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
