"""Weeks: their windows, also across the ends of years."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.timing.weeks import SETTLING, Week, day_bounds, last_complete_day

DAYS = st.dates(date(1990, 1, 10), date(2100, 12, 20))
OFFSETS = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(datetime(1990, 1, 10), datetime(2100, 12, 20), timezones=OFFSETS)


@given(DAYS)
def test_each_day_lies_in_exactly_one_week(day: date) -> None:
    week = Week.of(day)
    assert day in week.days
    assert (week.days[0], week.days[-1]) == (week.first_day, week.last_day)
    assert (week.first_day.weekday(), week.last_day.weekday()) == (0, 6)
    assert Week.parse(str(week)) == week
    assert {Week.of(each) for each in week.days} == {week}


@given(DAYS)
def test_weeks_follow_each_other_without_gap(day: date) -> None:
    week = Week.of(day)
    assert week.before.last_day + timedelta(days=1) == week.first_day
    assert week.before < week


@given(MOMENTS)
def test_the_week_before_a_moment_has_ended_by_then(moment: datetime) -> None:
    week = Week.before_moment(moment)
    today = moment.astimezone(UTC).date()
    assert week.last_day < today <= week.last_day + timedelta(days=7)
    assert week.ended_by(moment + SETTLING)


@given(MOMENTS)
def test_a_day_is_complete_once_it_has_settled(moment: datetime) -> None:
    last = last_complete_day(moment)
    assert day_bounds(last)[1] + SETTLING <= moment
    assert day_bounds(last + timedelta(days=1))[1] + SETTLING > moment


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2020, 12, 31), "2020-W53"),
        (date(2021, 1, 3), "2020-W53"),
        (date(2021, 1, 4), "2021-W01"),
        (date(2024, 12, 30), "2025-W01"),
        (date(2026, 11, 22), "2026-W47"),
        (date(2026, 12, 31), "2026-W53"),
    ],
)
def test_names_across_the_ends_of_years(day: date, name: str) -> None:
    assert str(Week.of(day)) == name


@pytest.mark.parametrize("name", ["2025-W53", "2026-W00", "2026-W54", "2026", "", "2026-47"])
def test_there_is_no_such_week(name: str) -> None:
    with pytest.raises(ValueError):
        Week.parse(name)
