"""When a source has fallen silent: no new or changed document for much longer than is usual for it.
Pure rules over the days on which it brought some."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

LOOK_BACK = timedelta(days=365)
"""How far back the usual is taken from."""

TIMES_USUAL = 3
LEAST_DAYS = 3
"""So many days are no silence, however busy the source."""
KNOWN_AFTER = 3
"""Days with changes from which a usual is known."""
EMPTY_DAYS = 7
"""Days after which a source that never brought a document counts as silent."""


@dataclass(frozen=True, slots=True)
class SourceHistory:
    """The days on which a source brought a new or changed document, in order."""

    first_day: date
    """The first day on which the source is known."""
    change_days: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing came, in days."""

    days: int
    last_change: date | None
    """None: the source never brought a document."""
    usual: float | None
    """Median of the days from one change to the next."""


def silence(history: SourceHistory, last_day: date) -> Silence | None:
    """Whether the source is silent at the end of `last_day`, which is not before its history."""
    changes = history.change_days
    if not changes:
        days = (last_day - history.first_day).days + 1
        return Silence(days, None, None) if days >= EMPTY_DAYS else None
    if len(changes) < KNOWN_AFTER:
        return None
    usual = float(median((later - earlier).days for earlier, later in pairwise(changes)))
    days = (last_day - changes[-1]).days
    return Silence(days, changes[-1], usual) if _is_long(days, usual) else None


def _is_long(days: int, usual: float) -> bool:
    return days > max(LEAST_DAYS, TIMES_USUAL * usual)
