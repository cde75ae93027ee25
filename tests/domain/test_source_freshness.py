"""When a source is later than it promised."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.source_freshness import freshness, tolerance
from atlas.domain.sources import SourceSpec

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def spec(every: timedelta = DAY, cron: str | None = None, *, paused: bool = False) -> SourceSpec:
    urls = ("https://a.example/",)
    return SourceSpec("a", "urls", urls, cadence=every, cron=cron, paused=paused)


@pytest.mark.parametrize(
    ("rules", "since", "late", "stale"),
    [
        (spec(), timedelta(hours=23), timedelta(0), False),
        (spec(), timedelta(hours=25), timedelta(hours=1), False),
        (spec(), timedelta(hours=26), timedelta(hours=2), False),
        (spec(), timedelta(hours=27), timedelta(hours=3), True),
        (spec(timedelta(minutes=5)), timedelta(minutes=20), timedelta(minutes=15), False),
        (spec(timedelta(minutes=5)), timedelta(minutes=21), timedelta(minutes=16), True),
        (spec(timedelta(minutes=30)), timedelta(minutes=91), timedelta(minutes=61), True),
        (spec(cron="0 6 * * *"), timedelta(days=1), timedelta(hours=6), True),
        (spec(cron="0 11 * * *"), timedelta(hours=10), timedelta(hours=1), False),
        (spec(paused=True), timedelta(days=900), timedelta(0), False),
        (replace(spec(), kind="push"), timedelta(days=900), timedelta(0), False),
    ],
)
def test_a_source_is_stale_when_it_is_due_for_longer_than_its_tolerance(
    rules: SourceSpec, since: timedelta, late: timedelta, stale: bool
) -> None:
    found = freshness(rules, NOW - since, NOW - since, NOW)
    assert (found.late, found.stale) == (late, stale)


def test_a_source_that_was_never_collected_is_due_from_its_declaration_on() -> None:
    declared = NOW - timedelta(hours=3)
    found = freshness(spec(), None, declared, NOW)
    assert (found.due, found.stale) == (declared, True)
    assert not freshness(spec(), None, declared, NOW, allowed=timedelta(hours=4)).stale


@given(hours=st.floats(0, 1000), allowed=st.floats(0, 1000))
def test_an_operators_tolerance_replaces_the_sources_own(hours: float, allowed: float) -> None:
    span = timedelta(hours=allowed)
    found = freshness(spec(), NOW - timedelta(hours=hours), NOW, NOW, allowed=span)
    assert found.tolerance == span
    assert found.stale == (found.late > span)
    assert freshness(spec(), NOW, NOW, NOW).tolerance == tolerance(spec())
