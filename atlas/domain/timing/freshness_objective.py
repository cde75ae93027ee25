"""A freshness objective: what share of a source's pages must have been seen within which time, such
as `95% within 2h`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from atlas.domain.spans import written
from atlas.domain.timing.cron import next_fire

LEAST, MOST = Decimal(1), Decimal("99.99")
"""Percent. All pages, always, is no objective: a single failure would break it for good."""
LONGEST = timedelta(days=366)

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_FORM = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)% within ([0-9]{1,6})([mhdw])")
_FIRES = 60
"""Of a cron expression: among so many in a row, its longest gap is looked for."""
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Objective:
    """At least `percent` of the pages must have been seen within the time `within`."""

    percent: Decimal
    within: timedelta

    @property
    def share(self) -> float:
        """Of the pages, 0 to 1."""
        return float(self.percent / 100)

    @property
    def budget(self) -> float:
        """The share of pages that may miss it."""
        return float(1 - self.percent / 100)

    def is_met(self, pages: int, seen: int) -> bool:
        """Whether so many of the pages are enough; of no pages, nothing is asked."""
        return seen * 100 >= self.percent * pages

    def __str__(self) -> str:
        return f"{_plain(self.percent)}% within {written(self.within)}"


def parse(text: str) -> Objective:
    """The objective that a rule declares. Raises `ValueError`, whose message names the rule, its
    value and the fix."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(
            f"freshness: {text!r} refused: give a share of the pages and a time in minutes, hours, "
            "days or weeks, such as '95% within 2h'"
        )
    percent, count, unit = Decimal(found[1]), int(found[2]), found[3]
    if not LEAST <= percent <= MOST:
        raise ValueError(
            f"freshness: {text!r} refused: {percent}% is not a share from {LEAST}% to {MOST}%; "
            "some pages must be allowed to miss it"
        )
    within = count * _UNITS[unit]
    if not timedelta() < within <= LONGEST:
        raise ValueError(
            f"freshness: {text!r} refused: {count}{unit} is not a time from 1m to {LONGEST.days}d"
        )
    return Objective(percent, within)


def turn(cadence: timedelta, cron: str | None) -> timedelta:
    """How long a source waits at most from one of its regular looks to the next."""
    if cron is None:
        return cadence
    # From a fixed day, so that the same rule always gives the same answer.
    fires = [next_fire(cron, _EPOCH)]
    while len(fires) < _FIRES:
        fires.append(next_fire(cron, fires[-1]))
    return max(later - one for one, later in pairwise(fires))


def refusal(text: str | None, cadence: timedelta, cron: str | None) -> str | None:
    """Why a source with these rules cannot have the objective; None: it can. `cron` is valid."""
    if text is None:
        return None
    try:
        found = parse(text)
    except ValueError as error:
        return str(error)
    most = turn(cadence, cron)
    if found.within >= most:
        return None
    faster = "a cron that fires more often" if cron else f"--every {written(found.within)} or less"
    return (
        f"freshness: {text!r} refused: up to {written(most)} pass between two regular runs of the "
        f"source; give {written(most)} or more (twice as much leaves room for a run that fails), "
        f"or {faster}"
    )


def longest_unseen(
    objective: Objective | None, cadence: timedelta, longest: timedelta
) -> timedelta:
    """How long a page may go unchecked: `longest`, or less where the objective wants it seen
    before. The page's next run comes within a cadence of that moment, and within the objective."""
    if objective is None:
        return longest
    return min(longest, max(cadence, objective.within - cadence))


def _plain(percent: Decimal) -> str:
    text = f"{percent:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
