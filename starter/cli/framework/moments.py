"""Moments as people write them: a time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from starter.cli.framework.durations import duration
from starter.errors import InvalidRequest

_AGO = re.compile(r"\d+\s*[a-zA-Z]+")


def moment(field: str, text: str) -> datetime:
    """`6h` ago, `2026-11-28`, or `2026-11-28T10:00+01:00`; without a time zone, this machine's.
    Raises `InvalidRequest` with the field as typed, such as `--since`."""
    text = text.strip()
    if _AGO.fullmatch(text):
        return datetime.now(UTC) - duration(field, text)
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"{field}: {text!r} is no moment; give one such as 2026-11-28, 2026-11-28T10:00Z, or "
            "how long ago, such as 6h or 2d"
        ) from None
