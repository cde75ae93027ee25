"""The one table of rules: how many looks, how far apart, and the brake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.removal.removal_rules import (
    RULES,
    SPACING,
    RemovalSign,
    Weight,
    absence_confirmed,
    absences_needed,
    brake,
    enough,
    is_move,
    large_share,
    most_careful,
    weigh,
)

POLICIES = st.sampled_from(["careful", "prompt", "keep"])
SIGNS = st.sampled_from(RemovalSign)
REMOVING = (
    RemovalSign.NOT_FOUND,
    RemovalSign.GONE,
    RemovalSign.NOINDEX,
    RemovalSign.MOVED,
    RemovalSign.ABSENT,
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sign", "careful", "prompt"),
    [
        (RemovalSign.NOT_FOUND, 3, 1),
        (RemovalSign.GONE, 2, 1),
        (RemovalSign.NOINDEX, 3, 1),
        (RemovalSign.MOVED, 3, 1),
        (RemovalSign.ABSENT, 3, 1),
        (RemovalSign.EMPTIED, None, None),
        (RemovalSign.SUSPICIOUS, 3, 3),
    ],
)
def test_the_table_says_how_many_looks_each_sign_needs(
    sign: RemovalSign, careful: int | None, prompt: int | None
) -> None:
    for policy, needed in (("careful", careful), ("prompt", prompt), ("keep", None)):
        for looks in range(6):
            suffices = needed is not None and looks >= needed
            assert enough(policy, sign, looks) == suffices  # type: ignore[arg-type]


def test_every_sign_has_a_rule() -> None:
    assert set(RULES) == set(RemovalSign)


@given(SIGNS, st.integers(0, 1000))
def test_a_keeper_never_lets_go(sign: RemovalSign, looks: int) -> None:
    assert not enough("keep", sign, looks)


@given(POLICIES, SIGNS, st.integers(0, 10), st.integers(0, 10))
def test_more_evidence_never_brings_a_page_back(
    policy, sign: RemovalSign, looks: int, more: int
) -> None:
    assert enough(policy, sign, looks) <= enough(policy, sign, looks + more)


@given(st.lists(POLICIES, min_size=1), SIGNS, st.integers(0, 5))
def test_all_sources_must_agree_that_a_page_goes(policies, sign: RemovalSign, looks: int) -> None:
    every = all(enough(policy, sign, looks) for policy in policies)
    assert enough(most_careful(policies), sign, looks) == every


@given(st.permutations(["keep", "careful", "prompt"]))
def test_the_order_of_sources_does_not_matter(policies) -> None:
    assert most_careful(list(policies)) == "keep"
    assert most_careful([policy for policy in policies if policy != "keep"]) == "careful"


def test_a_page_that_no_source_holds_goes_promptly() -> None:
    assert most_careful([]) == "prompt"


@pytest.mark.parametrize(
    ("policy", "kind", "needed"),
    [
        ("careful", "sitemap", 3),
        ("careful", "site", 3),
        ("prompt", "urls", 1),
        ("keep", "sitemap", None),
        ("prompt", "feed", None),
        ("careful", "feed", None),
    ],
)
def test_absences_until_a_page_is_visited(policy, kind: str, needed: int | None) -> None:
    assert absences_needed(policy, kind) == needed


@given(st.sets(SIGNS))
def test_an_absence_is_confirmed_by_what_the_page_itself_says(visit: set[RemovalSign]) -> None:
    assert absence_confirmed(visit) == bool(
        visit & {RemovalSign.NOT_FOUND, RemovalSign.GONE, RemovalSign.NOINDEX, RemovalSign.MOVED}
    )


# Spacing


@dataclass(frozen=True)
class Look:
    """One look of a run at one page."""

    after: timedelta
    scheduled: bool = False
    source: int = 1


def counted(looks: list[Look]) -> int:
    """How many of the looks, each by a run of its own, count: as the stores remember them."""
    count, last, before = 0, None, None
    for look in looks:
        now = NOW + look.after
        weight = weigh(
            last=last,
            now=now,
            same_run=False,
            same_source=before is not None and before.source == look.source,
            scheduled=look.scheduled,
            last_scheduled=before is not None and before.scheduled,
        )
        if weight is Weight.COUNTS:
            count, last = count + 1, now
        if weight is not Weight.REPEATS:
            before = look
    return count


WITHIN_A_DAY = st.timedeltas(timedelta(), SPACING - timedelta(seconds=1))
LOOKS = st.lists(st.builds(Look, WITHIN_A_DAY, st.booleans()), min_size=1, max_size=5)


@given(LOOKS)
def test_the_order_of_looks_within_a_day_does_not_matter(looks: list[Look]) -> None:
    times = sorted(look.after for look in looks)
    found = {
        counted([Look(at, look.scheduled) for at, look in zip(times, order, strict=True)])
        for order in permutations(looks)
    }
    assert found == {max(1, sum(look.scheduled for look in looks))}


@given(st.lists(WITHIN_A_DAY, min_size=1, max_size=20), st.integers(1, 3))
def test_people_who_look_often_within_a_day_look_once(ages, sources: int) -> None:
    looks = [Look(age, source=number % sources) for number, age in enumerate(sorted(ages))]
    assert counted(looks) == 1


@given(st.integers(1, 10), st.booleans(), st.integers(1, 3))
def test_looks_a_day_apart_all_count(number: int, scheduled: bool, sources: int) -> None:
    looks = [Look(SPACING * at, scheduled, at % sources) for at in range(number)]
    assert counted(looks) == number


@given(st.lists(st.timedeltas(timedelta(), timedelta(days=30)), max_size=12), st.booleans())
def test_a_further_look_never_takes_one_away(ages, scheduled: bool) -> None:
    looks = [Look(age, scheduled) for age in sorted(ages)]
    counts = [counted(looks[:length]) for length in range(len(looks) + 1)]
    assert counts == sorted(counts)


@given(st.none() | st.timedeltas(timedelta(), timedelta(days=3)), *[st.booleans()] * 3)
def test_one_run_looks_once(age, same_source: bool, scheduled: bool, last_scheduled: bool) -> None:
    weight = weigh(
        last=None if age is None else NOW - age,
        now=NOW,
        same_run=True,
        same_source=same_source,
        scheduled=scheduled,
        last_scheduled=last_scheduled,
    )
    assert weight is (Weight.COUNTS if age is None else Weight.REPEATS)


def test_scheduled_runs_of_two_sources_that_share_a_page_look_once_within_a_day() -> None:
    minutes = [timedelta(minutes=at) for at in range(4)]
    assert counted([Look(at, scheduled=True, source=at.seconds) for at in minutes]) == 1


# The brake


@pytest.mark.fault(11)
@given(st.integers(0, 10_000), st.integers(0, 100_000))
def test_the_brake_lets_a_tenth_and_one_and_at_most_fifty_go(pages: int, live: int) -> None:
    share = pages >= 2 and pages > 0.1 * live
    assert brake(pages, live) == (share or pages > 50)
    assert large_share(pages, live) == share
    assert brake(pages, live) <= brake(pages + 1, live)


# Redirects


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("url", "target", "leads_there", "move"),
    [
        ("https://e.org/a", "https://e.org/b", 1, True),
        ("https://e.org/a", "https://e.org/b", 2, False),
        ("https://e.org/a", "https://www.e.org/a", 1, True),
        ("https://e.org/a", "https://e.org/", 1, False),
        ("https://e.org/index.html", "https://e.org/", 1, True),
        ("https://e.org/docs/index.html", "https://e.org/", 1, False),
        ("https://e.org/", "https://www.e.org/", 1, True),
        ("https://e.org/a", "https://e.org/login", 1, False),
        ("https://e.org/a", "https://e.org/user/sign-in?next=/a", 1, False),
        ("https://e.org/a", "https://e.org/error.html", 1, False),
        ("https://e.org/a", "https://e.org/404", 1, False),
        ("https://e.org/a", "https://e.org/authors/a", 1, True),
        ("https://e.org/a", "https://e.org/errors-of-judgement", 1, True),
        ("https://e.org/a", "https://e.org/4040-ways", 1, True),
    ],
)
def test_what_can_be_a_move(url: str, target: str, leads_there: int, move: bool) -> None:
    assert is_move(url, target, leads_there=leads_there) is move
