"""BM25's parts: weights, thresholds, and the choice of what to score."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.search import ranking
from atlas.domain.search.analysis import QueryTerm
from atlas.domain.search.ranking import (
    EXACT_CANDIDATES,
    CountedTerm,
    RankedCandidates,
    candidates,
    thresholds,
    weight,
)


def term(lexeme: str, frequency: int) -> CountedTerm:
    return CountedTerm(QueryTerm(lexeme), frequency)


@given(st.integers(1, 10**6), st.data())
def test_rarer_terms_weigh_more_and_none_is_negative(entries: int, data: st.DataObject) -> None:
    low, high = sorted(data.draw(st.lists(st.integers(0, entries), min_size=2, max_size=2)))
    assert weight(term("a", low), entries) >= weight(term("a", high), entries) >= 0


@pytest.mark.parametrize("occurrences", [1, 2, 3, 10, 60])
def test_thresholds_give_the_frequency_back(occurrences: int) -> None:
    rank = np.float32(0)
    for number in range(1, occurrences + 1):
        rank += np.float32(1 / number**2)
    assert np.digitize(rank / np.float32(1.64493406685), thresholds()) == occurrences


def test_few_texts_are_all_scored() -> None:
    found = candidates([term("fog", 3), term("lamp", 2)], ["('sea' <1> 'fog')"], 100)
    assert found == RankedCandidates("('lamp' | 'fog') & ('sea' <1> 'fog')", exact=True)


def test_of_many_the_rare_and_the_meetings_of_the_rest() -> None:
    entries = 1_000_000
    terms = [
        term("the", 900_000),
        term("lamp", 400),
        term("glass", 20_000),
        term("fog", 15_000),
        term("herring", 300),
    ]
    found = candidates(terms, [], entries)
    assert found == RankedCandidates("('herring' | 'lamp' | ('fog' & 'glass'))", exact=False)


def test_a_single_common_term_is_still_searched() -> None:
    common = term("the", EXACT_CANDIDATES * 2)
    assert candidates([common], [], 10**6) == RankedCandidates("('the')", exact=False)


def test_stem_and_first_letters_of_one_word_are_no_meeting() -> None:
    terms = [term("rare", 600), term("runn", 20_000), term("~runni", 20_000)]
    assert candidates(terms, [], 10**6).tsquery == "('rare')"


@settings(max_examples=50)
@given(st.integers(0, 1_000_000), st.floats(1, 100_000))
def test_a_length_kept_in_one_byte_is_made_up_for(length: int, average: float) -> None:
    factor = ranking.length_factor(length, average)
    assert ranking.LEAST_FACTOR < factor <= 1
    if length <= 40 or length in (42, 88, 96, 152):
        assert factor == 1  # lengths that one byte can say


def test_the_factor_is_exact_for_a_term_that_occurs_twice() -> None:
    def bm25(length: int) -> float:
        return 2 / (2 + ranking.K1 * (1 - ranking.B + ranking.B * length / 100))

    assert bm25(152) * ranking.length_factor(167, 100) == pytest.approx(bm25(167))
    assert bm25(88) * ranking.length_factor(95, 100) == pytest.approx(bm25(95))


def test_factors_are_kept_by_length() -> None:
    factors = ranking.LengthFactors(100)
    assert factors[167] == ranking.length_factor(167, 100)
    assert factors[167] == dict(factors)[167]
