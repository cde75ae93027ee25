"""Terms near to one: the pattern of one edit, and those of two."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from atlas.stores.search.near_terms import nearest_terms, one_edit

WORDS = st.one_of(st.text("abé", min_size=1, max_size=7), st.text("маяк", min_size=1, max_size=7))


@given(WORDS, WORDS)
def test_the_pattern_has_what_is_one_edit_away_and_nothing_else(one: str, other: str) -> None:
    same_script = (one[0] < "\u0250") == (other[0] < "\u0250")
    # A letter of another script is no slip.
    same_script = (one[0] < "\u0400") == (other[0] < "\u0400")
    found = re.fullmatch(one_edit(one), other) is not None
    assert found == (same_script and OSA.distance(one, other) <= 1)


@pytest.mark.parametrize(
    ("term", "other"),
    [("creme", "crème"), ("στάθμος", "στάμος"), ("מגדלור", "מגדלר"), ("दीपगृह", "दीपगह")],
)
def test_letters_of_the_own_script_may_take_the_place_of_others(term: str, other: str) -> None:
    assert re.fullmatch(one_edit(term), other)


def test_the_nearest_come_first_and_then_the_most_frequent() -> None:
    known = [("lantern", 2), ("lanterm", 9), ("lanteen", 1), ("lately", 7), ("landen", 3)]
    assert nearest_terms("lanten", known, 2, 9) == ["landen", "lantern", "lanteen", "lanterm"]
    assert nearest_terms("lanten", known, 1, 2) == ["landen", "lantern"]
