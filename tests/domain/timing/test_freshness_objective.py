"""What a freshness objective promises, and which ones a source can have."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.sources import InvalidSource, SourceSpec, check_source
from atlas.domain.timing.freshness_objective import LONGEST, Objective, longest_unseen, parse, turn
from atlas.domain.timing.recheck_interval import longest

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

percents = st.decimals("1", "99.99", places=2)
spans = st.integers(1, 24 * 60).map(lambda n: n * timedelta(minutes=1))


def spec(freshness: str | None, **rules: object) -> SourceSpec:
    urls = ("https://example.org/",)
    return SourceSpec("docs", "urls", urls, freshness=freshness, **rules)  # type: ignore[arg-type]


@given(percents, spans)
def test_what_is_written_is_what_is_read(percent: object, within: timedelta) -> None:
    objective = Objective(percent, within)  # type: ignore[arg-type]
    assert parse(str(objective)) == objective


@pytest.mark.parametrize(
    ("text", "percent", "within"),
    [
        ("95% within 2h", 95, 2 * HOUR),
        ("99.5% within 7d", 99.5, 7 * DAY),
        ("50% within 90m", 50, 1.5 * HOUR),
        ("90% within 2w", 90, 14 * DAY),
    ],
)
def test_objectives(text: str, percent: float, within: timedelta) -> None:
    found = parse(text)
    assert (float(found.percent), found.within) == (percent, within)
    assert found.share == pytest.approx(percent / 100)
    assert found.budget == pytest.approx(1 - percent / 100)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("", "such as '95% within 2h'"),
        ("95%", "such as '95% within 2h'"),
        ("95 % within 2h", "such as '95% within 2h'"),
        ("95% within 2 h", "such as '95% within 2h'"),
        ("95% in 2h", "such as '95% within 2h'"),
        ("95% within 2h\n", "such as '95% within 2h'"),
        ("95% within 30s", "such as '95% within 2h'"),
        ("-5% within 2h", "such as '95% within 2h'"),
        ("٩٥% within 2h", "such as '95% within 2h'"),
        ("99.999% within 2h", "such as '95% within 2h'"),
        ("100% within 2h", "some pages must be allowed to miss it"),
        ("0.5% within 2h", "not a share from 1% to 99.99%"),
        ("95% within 0h", "not a time from 1m to 366d"),
        ("95% within 367d", "not a time from 1m to 366d"),
        ("95% within 999999w", "not a time from 1m to 366d"),
    ],
)
def test_what_is_no_objective_is_refused_with_field_value_and_fix(text: str, fix: str) -> None:
    with pytest.raises(InvalidSource) as refused:
        check_source(spec(text))
    message = str(refused.value)
    assert message.startswith(f"freshness: {text!r} refused: ")
    assert fix in message


@pytest.mark.parametrize(
    ("text", "rules", "said"),
    [
        ("95% within 2h", {}, ["up to 1d pass", "give 1d or more", "--every 2h or less"]),
        ("95% within 1h", {"cadence": 90 * timedelta(minutes=1)}, ["up to 90m pass"]),
        ("95% within 2d", {"cron": "15 6 * * 1-5"}, ["up to 3d pass", "fires more often"]),
    ],
)
def test_what_the_runs_of_a_source_cannot_reach_is_refused(
    text: str, rules: dict[str, object], said: list[str]
) -> None:
    with pytest.raises(InvalidSource) as refused:
        check_source(spec(text, **rules))
    assert [each for each in said if each not in str(refused.value)] == []


def test_what_they_can_reach_is_taken() -> None:
    for text, rules in (
        (None, {}),
        ("95% within 1d", {}),
        ("95% within 2h", {"cadence": HOUR}),
        ("95% within 3d", {"cron": "15 6 * * 1-5"}),
    ):
        assert check_source(spec(text, **rules)).freshness == text  # type: ignore[arg-type]


def test_a_source_waits_no_longer_than_its_turn() -> None:
    assert turn(HOUR, None) == HOUR
    assert turn(HOUR, "0 0 * * *") == DAY
    assert turn(HOUR, "0 0 * * SUN") == 7 * DAY
    assert turn(DAY, "0 0 29 2 *") <= 8 * 366 * DAY


@given(st.integers(1, 99), st.integers(0, 10_000), st.data())
def test_an_objective_is_met_by_whole_pages(percent: int, pages: int, data: st.DataObject) -> None:
    seen = data.draw(st.integers(0, pages))
    objective = parse(f"{percent}% within 1d")
    assert objective.is_met(pages, seen) == (100 * seen >= percent * pages)


@given(st.integers(1, 400).map(lambda n: n * HOUR), st.integers(1, 48).map(lambda n: n * HOUR))
def test_a_page_is_asked_for_again_before_its_time_is_up(
    within: timedelta, cadence: timedelta
) -> None:
    """Runs come every cadence, and take the pages that were not checked for so long."""
    if not cadence <= within <= LONGEST:
        return
    objective = parse(f"95% within {within // HOUR}h")
    bound = longest_unseen(objective, cadence, longest(cadence))
    taken_after = next(n for n in range(1, 500) if n * cadence >= bound) * cadence
    assert cadence <= bound <= longest(cadence)
    assert taken_after <= max(within, cadence)
    assert longest_unseen(None, cadence, longest(cadence)) == longest(cadence)
