"""When a vanished page goes: pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.lifecycle import (
    BRAKE_FLOOR,
    absences_needed,
    brake,
    gone_long_enough,
    most_careful,
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


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_brake_lets_a_few_and_a_small_share_go(removals: int, held: int) -> None:
    braked = brake(removals, held)
    if removals <= BRAKE_FLOOR or removals <= 0.3 * held:
        assert not braked
    else:
        assert braked
    assert braked <= brake(removals + 1, held)
