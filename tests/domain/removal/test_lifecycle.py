"""The lifecycle of a page: pure rules."""

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.removal.lifecycle import FINDABLE, Evidence, Lifecycle, after


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
