"""Durations as people write them: `90s`, `30m`, `6h`, `7d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SIZES = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))
_LONGEST = timedelta(days=36525)

PATTERN = r"\d{1,6} ?[mhdwMHDW]|\d{1,10}(\.\d{1,6})? ?[sS]"
"""A whole number with its unit; seconds may have a fraction. `30` alone would be ambiguous."""

_WRITTEN = re.compile(PATTERN)


def span_of(text: str) -> timedelta:
    """The duration. Raises ValueError with what is wrong with `text`, and the fix."""
    found = text.strip()
    if not _WRITTEN.fullmatch(found):
        raise ValueError(f"{text!r} is not a duration; use 90s, 30m, 6h, 7d or 2w")
    number, unit = found[:-1].strip(), found[-1].lower()
    if unit == "s":
        whole, _, fraction = number.partition(".")
        # Not as a float, which is a microsecond off now and then.
        span = timedelta(seconds=int(whole), microseconds=int(f"{fraction:0<6}"))
    else:
        span = timedelta(**{_UNITS[unit]: int(number)})
    if span > _LONGEST:  # dates do not reach that far back
        raise ValueError(f"{text!r} refused: give at most 100 years")
    return span


def written(span: timedelta) -> str:
    """The duration, to the microsecond, in its largest whole unit: `span_of` reads it back."""
    for unit, size in _SIZES:
        if span and not span % size:
            return f"{span // size}{unit}"
    whole, rest = divmod(span, timedelta(seconds=1))
    fraction = f".{rest.microseconds:06}".rstrip("0") if rest else ""
    return f"{whole}{fraction}s"
