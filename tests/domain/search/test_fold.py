"""Folding, and the way back: what is taken for plain really stays as it is."""

import re
import unicodedata

import pytest

from atlas.domain.search.analysis import tokens
from atlas.domain.search.fold import PLAIN, Alignment, fold
from atlas.domain.search.occurrences import occurrences


def test_plain_characters_stay_one_wherever_they_stand() -> None:
    plain = re.compile(f"[{PLAIN}]")
    found = [chr(code) for code in range(0x20, 0x10000) if plain.match(chr(code))]
    assert len(found) > 30_000
    for character in found:
        assert len(fold(character)) == 1, character
        thai = "\u0e00" <= character <= "\u0e7f"
        assert thai or not unicodedata.combining(character), character
    # Next to each other as well: none of them composes with its neighbour.
    assert len(fold("".join(found))) == len(found)
    assert len(fold("".join(reversed(found)))) == len(found)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ﬁﬁ the и\u0306од and ｶﾞｽ灯塔", "灯塔"),
        ("…\u00ad ครับน้ำตก\ufeff café fog", "café"),
        ("ß straße ﷺ e\u0301te\u0301 STRASSE rfc9110", "rfc9110"),
    ],
)
def test_words_are_found_where_they_stand(text: str, word: str) -> None:
    folded = fold(word)
    at = fold(text).index(folded)
    way = Alignment(text, fold(text))
    assert fold(text[way.start(at) : way.end(at + len(folded))]) == folded
    wanted = {lexeme for token in tokens(word) for lexeme in token.lexemes}
    places = {(token.start, token.end) for token in tokens(text) if wanted & set(token.lexemes)}
    assert {(start, end) for _, start, end in occurrences(text, wanted)} == places
