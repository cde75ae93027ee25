"""How fast a source uses up what its freshness objective lets it miss, and when that is an alert.

The rules are those of "Alerting on SLOs" in the Site Reliability Workbook (multiple windows,
multiple burn rates). A burn rate of 1 uses exactly the budget: of `95% within 2h`, a twentieth of
the pages is unseen all the time. An alert begins when the rate over a long window and over a short
one are both too high, and ends when the short one is not: soon after the pages are seen again.

The workbook's windows suit what answers requests every second. A source is seen when its run comes,
so its windows are as many times longer as its runs are further apart than an hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from atlas.domain.timing.freshness_objective import Objective

Severity = Literal["fast", "slow"]
"""fast: somebody should look now; slow: on the next working day."""

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)

LONGEST_WINDOW = timedelta(days=30)
LEAST_PACE = timedelta(minutes=4)
"""Between two samples: less than the time between two of `health_check`, so that each takes one."""
HOLDS = 3
"""How many times its pace a sample stands for the time before it, at most: what nobody looked at is
not known to be bad."""
_CHECKED_EVERY = timedelta(minutes=5)
"""How often `health_check` comes."""

_ALL = 0.9
"""Of the highest rate there is, when every page is unseen: an objective of 90% or less could
otherwise never burn 14.4 times too fast."""


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """An alert when the rate over both spans is at least `rate`."""

    long: timedelta
    short: timedelta
    rate: float
    severity: Severity


_WORKBOOK = (
    BurnWindow(_HOUR, 5 * _MINUTE, 14.4, "fast"),
    BurnWindow(6 * _HOUR, 30 * _MINUTE, 6.0, "fast"),
    BurnWindow(72 * _HOUR, 6 * _HOUR, 1.0, "slow"),
)


@dataclass(frozen=True, slots=True)
class Burn:
    """A burn that is an alert."""

    window: BurnWindow
    long: float
    """The rate over the long window."""
    short: float


def windows(turn: timedelta) -> tuple[BurnWindow, ...]:
    """The windows of a source whose regular runs are `turn` apart, the most urgent first."""
    times = _times(turn)
    return tuple(
        BurnWindow(
            min(each.long * times, LONGEST_WINDOW),
            min(each.short * times, LONGEST_WINDOW / 12),
            each.rate,
            each.severity,
        )
        for each in _WORKBOOK
    )


def pace(turn: timedelta) -> timedelta:
    """The least time between two samples of the source: six in its shortest window, or each
    `health_check`."""
    return max(LEAST_PACE, windows(turn)[0].short / 6)


def holds(turn: timedelta) -> timedelta:
    """For how long before it a sample of the source stands at most."""
    return HOLDS * max(pace(turn), _CHECKED_EVERY)


def burn_rate(missed: float, objective: Objective) -> float:
    """Of a share of pages unseen, as a multiple of what the objective allows."""
    return missed / objective.budget


def alert(objective: Objective, turn: timedelta, missed: Mapping[timedelta, float]) -> Burn | None:
    """The most urgent alert, if there is one. `missed`: the share of pages unseen over each of the
    windows' spans; where nothing is known, none is."""
    most = _ALL / objective.budget
    for each in windows(turn):
        long = burn_rate(missed.get(each.long, 0.0), objective)
        short = burn_rate(missed.get(each.short, 0.0), objective)
        if min(long, short) >= min(each.rate, most):
            return Burn(each, long, short)
    return None


def spans(turn: timedelta) -> Sequence[timedelta]:
    """All spans of the windows, each once."""
    found = {span for each in windows(turn) for span in (each.long, each.short)}
    return sorted(found)


def _times(turn: timedelta) -> float:
    return max(1.0, turn / _HOUR)
