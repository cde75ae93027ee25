"""When a source that misses its freshness objective is an alert."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.timing.burn_rate import (
    LONGEST_WINDOW,
    alert,
    burn_rate,
    holds,
    pace,
    spans,
    windows,
)
from atlas.domain.timing.freshness_objective import parse

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
OBJECTIVE = parse("95% within 2h")

turns = st.integers(1, 24 * 366).map(lambda n: n * HOUR)


def steady(missed: float, turn: timedelta = HOUR) -> dict[timedelta, float]:
    return dict.fromkeys(spans(turn), missed)


def test_the_windows_are_those_of_the_workbook() -> None:
    assert [(each.long, each.short, each.rate) for each in windows(HOUR)] == [
        (HOUR, 5 * MINUTE, 14.4),
        (6 * HOUR, 30 * MINUTE, 6.0),
        (3 * DAY, 6 * HOUR, 1.0),
    ]
    assert windows(5 * MINUTE) == windows(HOUR)


def test_those_of_a_daily_source_are_longer() -> None:
    assert [(each.long, each.short, each.rate) for each in windows(DAY)] == [
        (DAY, 2 * HOUR, 14.4),
        (6 * DAY, 12 * HOUR, 6.0),
        (30 * DAY, 2.5 * DAY, 1.0),
    ]


@given(turns)
def test_windows_and_samples_fit_each_other(turn: timedelta) -> None:
    for each in windows(turn):
        assert each.short * 12 == each.long <= LONGEST_WINDOW
        assert pace(turn) <= each.short
        # What is read for an alert stays bounded, whatever the cadence.
        assert each.long / pace(turn) <= 5200
    assert min(windows(turn)[0].long, LONGEST_WINDOW) >= min(turn, LONGEST_WINDOW)
    assert holds(turn) >= 3 * pace(turn)


@pytest.mark.parametrize(
    ("missed", "rate"), [(0.0, 0.0), (0.05, 1.0), (0.3, 6.0), (0.72, 14.4), (1.0, 20.0)]
)
def test_a_burn_rate_is_a_multiple_of_what_is_allowed(missed: float, rate: float) -> None:
    assert burn_rate(missed, OBJECTIVE) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("missed", "severity", "long"),
    [(0.75, "fast", HOUR), (0.35, "fast", 6 * HOUR), (0.06, "slow", 3 * DAY), (0.04, None, None)],
)
def test_the_fastest_burn_is_the_alert(
    missed: float, severity: str | None, long: timedelta | None
) -> None:
    found = alert(OBJECTIVE, HOUR, steady(missed))
    assert (found and found.window.severity, found and found.window.long) == (severity, long)


def test_both_windows_must_burn() -> None:
    began = steady(0.0) | {5 * MINUTE: 1.0}  # a moment
    ended = steady(0.0) | {HOUR: 1.0}  # over
    assert alert(OBJECTIVE, HOUR, began) is None
    assert alert(OBJECTIVE, HOUR, ended) is None
    assert alert(OBJECTIVE, HOUR, began | {HOUR: 0.75}) is not None
    assert alert(OBJECTIVE, HOUR, {}) is None


@given(st.integers(1, 99), turns)
def test_a_source_of_which_nothing_is_seen_is_an_alert_whatever_it_promised(
    percent: int, turn: timedelta
) -> None:
    objective = parse(f"{percent}% within 1d")
    assert alert(objective, turn, steady(1.0, turn)) is not None
    assert alert(objective, turn, steady(0.0, turn)) is None


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 99))
def test_missing_more_never_ends_an_alert(one: float, other: float, percent: int) -> None:
    objective = parse(f"{percent}% within 1d")
    less, more = sorted((one, other))
    if alert(objective, HOUR, steady(less)) is not None:
        assert alert(objective, HOUR, steady(more)) is not None
