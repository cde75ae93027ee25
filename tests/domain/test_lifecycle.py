"""The lifecycle of a page, and when a vanished one goes: pure rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.lifecycle import (
    FINDABLE,
    GONE_SPACING,
    MOVED_SPACING,
    Evidence,
    Lifecycle,
    absences_needed,
    after,
    brake,
    counts_as_gone,
    gone_long_enough,
    is_move,
    most_careful,
    moved_long_enough,
)

POLICIES = st.sampled_from(["careful", "prompt", "keep"])


@pytest.mark.parametrize(
    ("policy", "status", "runs"),
    [("careful", 404, 2), ("careful", 410, 1), ("prompt", 404, 1), ("prompt", 410, 1)],
)
def test_a_page_goes_after_so_many_runs(policy, status: int, runs: int) -> None:
    assert not gone_long_enough(policy, status, runs - 1)
    assert gone_long_enough(policy, status, runs)
    assert gone_long_enough(policy, status, runs + 1)


@given(st.sampled_from([404, 410]), st.integers(0, 1000))
def test_a_keeper_never_lets_go(status: int, runs: int) -> None:
    assert not gone_long_enough("keep", status, runs)


@given(st.lists(POLICIES, min_size=1), st.sampled_from([404, 410]), st.integers(0, 5))
def test_all_sources_must_agree_that_a_page_goes(policies, status: int, runs: int) -> None:
    every = all(gone_long_enough(policy, status, runs) for policy in policies)
    assert gone_long_enough(most_careful(policies), status, runs) == every


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
def test_absences_until_a_source_lets_go(policy, kind: str, needed: int | None) -> None:
    assert absences_needed(policy, kind) == needed


@pytest.mark.fault(11)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_brake_lets_one_and_a_tenth_go_whatever_the_size(leaving: int, live: int) -> None:
    assert brake(leaving, live) == (leaving >= 2 and leaving > 0.1 * live)
    assert brake(leaving, live) <= brake(leaving + 1, live)


@pytest.mark.fault(11)
@pytest.mark.parametrize(("policy", "needed"), [("prompt", 2), ("careful", 2), ("keep", None)])
def test_a_move_is_seen_twice_before_it_is_one(policy, needed: int | None) -> None:
    for runs in range(5):
        assert moved_long_enough(policy, runs) == (needed is not None and runs >= needed)


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


# The lifecycle


@given(st.sampled_from(Lifecycle), st.sampled_from(Evidence))
def test_the_same_evidence_twice_is_that_evidence_once(state, evidence) -> None:
    once = after(state, evidence)
    assert after(once, evidence) is once


@given(st.sampled_from(Lifecycle))
def test_a_settled_document_can_be_found(state) -> None:
    assert after(state, Evidence.SETTLED) in FINDABLE


@given(st.sampled_from(Lifecycle), st.sampled_from(Evidence))
def test_nothing_becomes_findable_without_a_document(state, evidence) -> None:
    if state not in FINDABLE and after(state, evidence) in FINDABLE:
        assert evidence in (Evidence.SETTLED, Evidence.ACCEPTED)


@given(st.sampled_from(Evidence))
def test_only_removal_takes_a_findable_page_away(evidence) -> None:
    for state in FINDABLE:
        if after(state, evidence) not in FINDABLE:
            assert evidence in (Evidence.REMOVED, Evidence.ERASED)


def test_the_way_of_a_page_that_vanishes_and_comes_back() -> None:
    state = Lifecycle.DISCOVERED
    way = []
    for evidence in (
        "settled",
        "gone",
        "answered",
        "gone",
        "gone",
        "removed",
        "expired",
        "settled",
    ):
        state = after(state, Evidence(evidence))
        way.append(state.value)
    assert way == [
        "live", "suspect", "live", "suspect", "suspect", "tombstoned", "purged", "live",
    ]  # fmt: skip


NOW = datetime(2026, 11, 24, tzinfo=UTC)
AGES = st.timedeltas(timedelta(), timedelta(days=3))


@given(
    st.none() | AGES, st.booleans(), st.booleans(), st.sampled_from((GONE_SPACING, MOVED_SPACING))
)
def test_a_look_is_counted_once_a_run_and_apart(age, same_run, same_source, spacing) -> None:
    last = None if age is None else NOW - age
    counted = counts_as_gone(
        last=last, same_run=same_run, same_source=same_source, now=NOW, spacing=spacing
    )
    if age is None:
        assert counted
    elif same_run:
        assert not counted
    else:
        assert counted == (same_source or age >= spacing)
