"""Durations as people write them: 90s, 30m, 6h, 7d, 2w."""

from __future__ import annotations

import re
from datetime import timedelta

from starter.errors import InvalidRequest

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = re.compile(r"(\d{1,6})\s*([smhdw])")


def duration(field: str, text: str) -> timedelta:
    """The duration, or `InvalidRequest` that names the field."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidRequest(f"{field}: {text!r} is no duration; write 30m, 6h, 7d or 2w")
    return timedelta(**{_UNITS[found.group(2)]: int(found.group(1))})


def written(span: timedelta) -> str:
    """The duration in its largest whole unit."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
