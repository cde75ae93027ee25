"""When a page is checked next: pure rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import ErrorClass
from atlas.domain.timing.recheck_interval import (
    History,
    Stated,
    back_off,
    due_from,
    expected,
    interval,
    listing_interval,
    longest,
    place_of,
    slack,
)

DAY = timedelta(days=1)
URL = "https://example.org/a"
NOTHING = Stated()

CADENCES = st.timedeltas(timedelta(minutes=1), timedelta(days=366))
SECONDS = st.floats(0, 1e8)
STATED = st.builds(Stated, max_age=st.none() | SECONDS, retry_after=st.none() | SECONDS)
URLS = st.text(min_size=1).map(lambda tail: f"https://example.org/{tail}")
CHECKS = st.lists(
    st.tuples(st.booleans(), st.timedeltas(timedelta(), timedelta(days=400))), max_size=40
)


def history_of(checks: list[tuple[bool, timedelta]], cadence: timedelta) -> History:
    history = History()
    for changed, after in checks:
        history = history.seen(changed=changed, after=after, cadence=cadence)
    return history


@given(CHECKS, CADENCES, STATED, URLS)
def test_the_interval_is_from_one_cadence_to_the_longest(checks, cadence, stated, url) -> None:
    found = interval(history_of(checks, cadence), cadence, stated, url)
    assert cadence <= found <= longest(cadence)


@given(CHECKS, CADENCES)
def test_a_change_seen_never_lengthens_the_wait(checks, cadence) -> None:
    quiet, busy = (
        expected(history_of([*checks, (changed, cadence)], cadence), cadence)
        for changed in (False, True)
    )
    assert busy <= quiet


@given(CADENCES, URLS)
def test_a_page_never_checked_is_due_after_a_cadence(cadence, url) -> None:
    assert interval(History(), cadence, NOTHING, url) == cadence


def test_a_page_that_never_changes_is_checked_ever_less_often() -> None:
    waits = []
    history = History()
    for _ in range(12):
        waits.append(expected(history, DAY))
        history = history.seen(changed=False, after=min(waits[-1], longest(DAY)), cadence=DAY)
    assert waits == sorted(waits)
    assert waits[1] > DAY
    assert waits[5] > longest(DAY)


def test_a_page_that_begins_to_change_is_soon_checked_every_cadence_again() -> None:
    history = history_of([(False, longest(DAY))] * 30, DAY)
    checks = 0
    while interval(history, DAY, NOTHING, URL) > 1.5 * DAY:
        history = history.seen(changed=True, after=DAY, cadence=DAY)
        checks += 1
    assert checks <= 6


@given(CADENCES, st.integers(1, 100))
def test_many_checks_in_a_moment_say_little(cadence, times) -> None:
    # A second, and of a cadence of any length the share that a second is of an hour.
    for moment in (cadence / 3600, min(cadence / 3600, timedelta(seconds=1))):
        history = history_of([(False, moment)] * times, cadence)
        assert expected(history, cadence) <= 1.4 * cadence


@given(CHECKS, CADENCES)
def test_the_history_stays_a_history(checks, cadence) -> None:
    history = history_of(checks, cadence)
    assert 0 <= history.changes <= history.checks <= len(checks)
    assert history.watched >= 0


@pytest.mark.parametrize(
    ("max_age", "days"),
    [(None, 1), (0, 1), (3600, 1), (2 * 86400, 2), (365 * 86400, 4)],
)
def test_a_stated_freshness_is_waited_for(max_age: float | None, days: int) -> None:
    assert interval(History(), DAY, Stated(max_age=max_age), URL) == days * DAY


def test_a_stated_freshness_that_proved_wrong_is_not_believed() -> None:
    changing = history_of([(True, DAY)] * 3, DAY)
    assert interval(changing, DAY, Stated(max_age=3 * 86400), URL) == DAY
    calm = history_of([(True, DAY)] + [(False, DAY)] * 4, DAY)
    assert interval(calm, DAY, Stated(max_age=3 * 86400), URL) >= 3 * DAY


def test_pages_are_spread_by_their_place_and_always_alike() -> None:
    still = history_of([(False, longest(DAY))] * 30, DAY)
    urls = [f"https://example.org/{number}" for number in range(400)]
    waits = [interval(still, DAY, NOTHING, url) / DAY for url in urls]
    assert waits == [interval(still, DAY, NOTHING, url) / DAY for url in urls]
    counts = [sum(low <= wait < low + 0.5 for wait in waits) for low in (2.5, 3.0, 3.5)]
    assert sum(counts) == len(urls)
    assert min(counts) > 80


@given(URLS)
def test_a_place_is_a_share(url) -> None:
    assert 0 <= place_of(url) < 1


@given(st.sampled_from(ErrorClass), st.integers(1, 10_000), CADENCES, STATED)
def test_failures_back_off_up_to_a_cap(error, failures, cadence, stated) -> None:
    found = back_off(error, failures, cadence, stated)
    asked = timedelta(seconds=stated.retry_after or 0)
    assert timedelta() < found <= max(longest(cadence), asked)
    assert found >= asked
    assert found <= back_off(error, failures + 1, cadence, stated)


def test_what_may_pass_is_tried_after_an_hour_then_less_and_less_often() -> None:
    waits = [back_off(ErrorClass.TRANSIENT, n, DAY, NOTHING) for n in range(1, 10)]
    hours = [wait / timedelta(hours=1) for wait in waits]
    assert hours == [1, 2, 4, 8, 16, 32, 64, 96, 96]
    assert back_off(ErrorClass.THROTTLED, 1, timedelta(minutes=5), NOTHING) == timedelta(minutes=5)


def test_a_404_is_looked_at_again_by_the_very_next_run() -> None:
    first, second, third = (back_off(ErrorClass.GONE, n, DAY, NOTHING) for n in (1, 2, 3))
    assert first == second == DAY - slack(DAY)
    assert third == 2 * DAY - slack(DAY)


@given(CADENCES, st.none() | SECONDS)
def test_a_listing_is_read_from_every_cadence_to_the_longest(cadence, ttl) -> None:
    assert cadence <= listing_interval(cadence, ttl) <= longest(cadence)


def test_a_feed_that_asks_for_two_days_is_read_after_two() -> None:
    assert listing_interval(DAY, 2 * 86400) == 2 * DAY
    assert listing_interval(DAY, 3600) == listing_interval(DAY, None) == DAY


@given(st.timedeltas(timedelta(), timedelta(days=9)), CADENCES)
def test_the_next_run_of_a_schedule_finds_due_what_this_one_checked(took, cadence) -> None:
    started = datetime(2026, 11, 24, tzinfo=UTC)
    base = due_from(started + took, started, cadence)
    assert started <= base <= started + took
    if took <= cadence / 2:
        assert base == started
