"""Queries made of a document: always the same ones, and words that it says."""

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.analysis import query_terms
from atlas.domain.search.index_parts import field_of, index_parts
from atlas.domain.search.sample_queries import overlap_enough, sample_queries


def test_title_and_long_words() -> None:
    found = sample_queries("The lamp walk", "At dusk lanterns were carried round the breakwater.")
    # The first and the last word may be cut by the ends of the part.
    assert found == ("The lamp walk", "lanterns carried round")


def test_unspaced_scripts_give_a_phrase_of_bounded_length() -> None:
    found = sample_queries(
        "", "港口面包渡船灯笼果园草地教堂铁锚地窖细雨余烬犁沟碎石岛屿水壶格子" * 3
    )
    assert len(found) == 1
    assert len(found[0]) == 24


@given(st.text(max_size=200), st.text(max_size=2000))
def test_every_query_has_words_of_the_document(title: str, text: str) -> None:
    queries = sample_queries(title, text)
    assert queries == sample_queries(title, text)
    assert len(set(queries)) == len(queries) <= 2
    assert all(0 < len(query) <= 500 for query in queries)


@given(st.lists(st.sampled_from("harbour ferry lantern orchard chapel".split()), min_size=1))
def test_the_index_has_every_term_of_a_sampled_query(words: list[str]) -> None:
    text = " ".join(words)
    (part,) = index_parts(words[0], text)
    for query in sample_queries(words[0], text):
        for term in query_terms(query):
            name, lexeme = field_of(term)
            assert lexeme in getattr(part, name).split()


@given(st.integers(0, 10), st.integers(0, 10), st.floats(0, 1))
def test_overlap(found: int, lost: int, share: float) -> None:
    if lost == 0:
        assert overlap_enough(found, lost, share)
    if found and lost >= found:
        assert not overlap_enough(found, found, max(share, 0.01))
