"""Where words stand in a text: where its tokens do, however few of them are looked at."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.analysis import BIGRAM, TRIGRAM, query_terms, tokens
from atlas.domain.search.occurrences import may_have_marks_or_grams, occurrences

SUFFIXES = (
    *("", "s", "ies", "ied", "ing", "eed", "edly", "ization", "ational", "ousness", "biliti"),
    *("bility", "alli", "ogi", "ful", "ness", "icate", "ement", "ion", "y", "ly", "yings"),
)
OF_ALL_KINDS = "abABœærfc fog.-_+#$@灯塔守กาน ½ﬁe\u0301\u0308\u00ad19жёαά\u05d0\u0623\u0627"


@given(st.text(OF_ALL_KINDS, max_size=40), st.text(OF_ALL_KINDS, max_size=12), st.integers(0, 20))
def test_occurrences_are_where_the_tokens_are(text: str, other: str, start: int) -> None:
    query = other or text[start : start + 9]
    wanted = {term.lexeme for term in query_terms(query) if not term.prefix}
    expected = {
        (lexeme, token.start, token.end)
        for token in tokens(text)
        if token.whole
        for lexeme in token.lexemes
        if lexeme in wanted
    }
    assert set(occurrences(text, wanted)) == expected


OTHERWISE = (
    *("dying", "lying", "tying", "skies", "skis", "idly", "ugly"),
    *("déjà", "élan", "naïveté", "Übermut", "cœur", "cæsar", "œuvre", "smørrebrød"),
)


@pytest.mark.parametrize("word", OTHERWISE)
@pytest.mark.parametrize("beside", [".", "ж", "灯"])
def test_words_are_found_that_do_not_begin_as_all_of_their_stems(word: str, beside: str) -> None:
    (said,) = tokens(word)
    for lexeme in said.lexemes:
        assert occurrences(f"{beside} {word}.", {lexeme}) == [(lexeme, 2, 2 + len(word))]


@given(st.text("absdeilnougy", min_size=1, max_size=5), st.sampled_from(SUFFIXES))
def test_english_words_are_found_by_stems_that_begin_as_they_do(word: str, suffix: str) -> None:
    for lexeme in query_terms(word + suffix):
        assert occurrences(word + suffix, {lexeme.lexeme})


@given(st.text("абвгеёжийклмнопрстуцчшщыьэюя", min_size=1, max_size=12))
def test_russian_words_are_found_by_stems_that_begin_as_they_do(word: str) -> None:
    """On which it rests that no others are stemmed to find them."""
    for term in query_terms(word):
        assert term.lexeme[0] == word[0] or word[0] == "ё"
        assert (term.lexeme, 6, 6 + len(word)) in occurrences(f"ночью {word}", [term.lexeme])


def test_no_mark_and_no_gram_is_overlooked() -> None:
    """What has none is searched with a pattern that knows of none."""
    found = may_have_marks_or_grams()
    grams = re.compile(f"[{BIGRAM}{TRIGRAM}]")
    for each in map(chr, range(0x110000)):
        if unicodedata.category(each)[0] == "M" or grams.match(each):
            assert found.match(each), hex(ord(each))
