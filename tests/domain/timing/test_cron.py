"""Cron expressions mean the same to a schedule as to what reckons when a source is due."""

from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.timing.cron import InvalidCron, calendars, next_fire

START = datetime(2026, 11, 24, tzinfo=UTC)


def word(first: int, last: int) -> st.SearchStrategy[str]:
    """A field as people write it. Where they do not, croniter has ways of its own: of `3-3` it
    makes every day, of `1,*` only the first, and `*/1` is a restriction."""
    number = st.integers(first, last)
    ends = st.tuples(number, number).map(sorted).filter(lambda pair: pair[0] < pair[1])
    span = ends.map(lambda pair: f"{pair[0]}-{pair[1]}")
    step = st.integers(2, max(last // 2, 2))
    stepped = st.tuples(span, step).map(lambda pair: f"{pair[0]}/{pair[1]}")
    some = st.lists(st.one_of(number.map(str), span, stepped), min_size=1, max_size=3)
    return st.one_of(st.just("*"), step.map("*/{}".format), some.map(",".join))


EXPRESSIONS = st.tuples(word(0, 59), word(0, 23), word(1, 28), word(1, 12), word(0, 7)).map(
    " ".join
)


@settings(max_examples=60)
@given(EXPRESSIONS, st.integers(0, 60 * 24 * 366))
def test_they_fire_when_croniter_says(cron: str, minutes: int) -> None:
    moment = START + timedelta(minutes=minutes)
    expected = croniter(cron, moment, implement_cron_bug=True)
    for _ in range(3):
        moment = next_fire(cron, moment)
        assert moment == expected.get_next(datetime)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("* * * *", ["4 fields", "15 6 * * MON-FRI"]),
        ("0 0 * * * 0", ["6 fields"]),
        ("61 * * * *", ["'61' refused as minute", "0 to 59"]),
        ("0 24 * * *", ["'24' refused as hour"]),
        ("0 0 0 * *", ["'0' refused as day of month", "1 to 31"]),
        ("0 0 * FOO *", ["'foo' refused as month", "JAN to DEC"]),
        ("0 0 * * 5-1", ["'5-1' refused as day of week"]),
        ("*/0 * * * *", ["'*/0' refused"]),
        ("0 0 30 2 *", ["never fires"]),
        ("0 0 L * *", ["'l' refused"]),
        ("H * * * *", ["'h' refused"]),
        ("0 0 * * 1#2", ["'1#2' refused"]),
        ("", ["0 fields"]),
    ],
)
def test_a_refusal_names_the_field_and_the_mend(cron: str, words: list[str]) -> None:
    with pytest.raises(InvalidCron) as caught:
        calendars(cron)
    assert [each for each in words if each not in str(caught.value)] == [], str(caught.value)


def test_names_and_macros() -> None:
    assert calendars("0 6 * jan-mar mon") == calendars("0 6 * 1-3 1")
    assert calendars("@weekly") == calendars("0 0 * * 7") == calendars("0 0 * * SUN")


def test_a_single_number_as_a_range() -> None:
    assert calendars("0 0 * * 0-0") == calendars("0 0 * * 0")


def test_rare_days_are_found() -> None:
    assert next_fire("0 0 29 2 *", START) == datetime(2028, 2, 29, tzinfo=UTC)
