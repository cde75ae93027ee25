"""When a source is due, and in which order several are worked through."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.sources import (
    Candidate,
    InvalidSource,
    SourceSpec,
    check_source,
    due_at,
    fair_order,
    is_due,
    lateness,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

hours = st.integers(1, 24 * 60).map(lambda n: n * HOUR)
cadences = st.integers(60, 60 * 24 * 30).map(lambda n: timedelta(minutes=n))


def spec(**rules: object) -> SourceSpec:
    return SourceSpec("docs", "urls", ("https://example.org/",), **rules)  # type: ignore[arg-type]


@given(cadence=cadences, down=hours)
def test_after_downtime_a_source_is_due_once(cadence: timedelta, down: timedelta) -> None:
    """Whoever looks every hour finds it due until it is checked, and then not for a cadence."""
    source = spec(cadence=cadence)
    checked = NOW - cadence - down
    assert is_due(source, checked, checked, NOW)
    assert lateness(source, checked, checked, NOW) == down
    assert not is_due(source, NOW, checked, NOW)


@given(cadence=cadences, jitter=st.integers(-240, 240))
def test_an_hourly_look_finds_an_hourly_source_due_every_hour(
    cadence: timedelta, jitter: int
) -> None:
    """A look that comes a little early finds it due, and never one much earlier."""
    source = spec(cadence=cadence)
    look = NOW + cadence + timedelta(seconds=jitter)
    assert is_due(source, NOW, NOW, look)
    assert not is_due(source, NOW, NOW, NOW + cadence * 0.85)


def test_never_checked_is_due_and_paused_is_not() -> None:
    assert is_due(spec(), None, NOW, NOW)
    assert lateness(spec(), None, NOW - HOUR, NOW) == HOUR
    assert not is_due(spec(paused=True), None, NOW, NOW)
    assert lateness(spec(paused=True), None, NOW - HOUR, NOW) < timedelta()


def test_cron_says_when_instead_of_the_cadence() -> None:
    weekdays = spec(cron="15 6 * * 1-5")
    friday = datetime(2026, 11, 20, 6, 20, tzinfo=UTC)
    monday = datetime(2026, 11, 23, 6, 15, tzinfo=UTC)
    assert due_at(weekdays, friday, friday) == monday
    assert not is_due(weekdays, friday, friday, monday - timedelta(seconds=1))
    assert is_due(weekdays, friday, friday, monday)
    assert lateness(weekdays, friday, friday, monday + HOUR) == HOUR
    assert due_at(weekdays, monday, friday) == monday + timedelta(days=1)


def test_who_has_a_schedule_of_its_own() -> None:
    assert spec(cron="0 0 * * *").own_schedule
    assert spec(cadence=timedelta(minutes=59)).own_schedule
    assert not spec(cadence=HOUR).own_schedule


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"cron": "hourly"}, ["cron: 'hourly'", "give five"]),
        ({"cron": "61 * * * *"}, ["cron: '61' refused", "0 to 59"]),
        ({"cron": "0 0 0 * * *"}, ["6 fields", "give five"]),
        ({"tags": ("News",)}, ["tags: 'News'", "a-z"]),
        ({"tags": tuple(f"t{n}" for n in range(21))}, ["tags: 21 given", "20 at most"]),
    ],
)
def test_bad_rules_are_refused_by_name(rules: dict[str, object], words: list[str]) -> None:
    with pytest.raises(InvalidSource) as refused:
        check_source(spec(**rules))
    assert [word for word in words if word not in str(refused.value)] == []


candidates = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-100, 100)), max_size=30).map(
    lambda rows: [
        Candidate(f"s{at:02}", host, timedelta(minutes=late))
        for at, (host, late) in enumerate(rows)
    ]
)


@given(candidates)
def test_hosts_take_turns_and_the_most_overdue_goes_first(given_: list[Candidate]) -> None:
    order = fair_order(given_)
    assert Counter(order) == Counter(given_)
    assert order == fair_order(reversed(given_))
    for host in "abcd":
        late = [one.late for one in order if one.host == host]
        assert late == sorted(late, reverse=True)
    sizes = Counter(one.host for one in given_)
    for at in range(len(order)):  # nobody is a whole turn ahead of a host that still waits
        begun = Counter(one.host for one in order[:at])
        waiting = [begun[host] for host in sizes if begun[host] < sizes[host]]
        assert not waiting or max(begun.values(), default=0) <= min(waiting) + 1
