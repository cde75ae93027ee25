"""Durations as people write them: 90s, 30m, 6h, 7d, 2w."""

from __future__ import annotations

import re
from datetime import timedelta

from starter.errors import InvalidRequest

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw]?)")
_LONGEST = timedelta(days=36525)
_FORM = re.compile(r"(\d{1,6})\s*([smhdw])")


def duration(field: str, text: str) -> timedelta:
    """The duration, or `InvalidRequest` that names the field."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidRequest(f"{field}: {text!r} is no duration; write 30m, 6h, 7d or 2w")
    span = timedelta(**{_UNITS[found.group(2)]: int(found.group(1))})
    if span > _LONGEST:  # a date so long ago is none
        raise InvalidRequest(f"{field}: {text!r} refused: give 100 years at most")
    return span


def seconds(field: str, text: str) -> float:
    """The time in seconds, fractions and plain seconds too, or `InvalidRequest`."""
    found = _SECONDS.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidRequest(f"{field}: {text!r} is no time; write 2s, 0.5s, 10m or 1h")
    unit = timedelta(**{_UNITS[found.group(2) or "s"]: 1})
    return float(found.group(1)) * unit.total_seconds()


def written(span: timedelta) -> str:
    """The duration in its largest whole unit."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
