"""Words that may be misspelt: which are looked at, and what they are near to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.near_words import (
    _WORD,
    _plain,
    _plain_words,
    allowed_edits,
    nearest_word,
    words_to_check,
)


@given(st.text("abcdef", min_size=6, max_size=12), st.data())
def test_a_word_is_found_again_after_a_slip(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    slips = {
        "left out": word[:at] + word[at + 1 :],
        "doubled": word[: at + 1] + word[at:],
        "swapped": word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    }
    for said in slips.values():
        assert nearest_word(said, [f"One {word.title()} here."]) in (
            None if said == word else word.title(),
        )


def test_the_nearest_is_offered_and_then_the_most_frequent() -> None:
    text = "lantern lanterns lanturn lanterns boat lant3rn"
    assert nearest_word("lanteen", [text]) == "lantern"
    assert nearest_word("lanterms", [text]) == "lanterns"
    assert nearest_word("lontorn", ["lantern lantorm", "lantern"]) == "lantern"
    assert nearest_word("boot", [text]) == "boat"
    assert nearest_word("quay", [text]) is None
    assert allowed_edits("boats") == 1 and allowed_edits("lantern") == 2


def test_other_accents_are_no_other_word() -> None:
    assert nearest_word("cafe", ["A café of carts."]) is None
    assert nearest_word("καποιος", ["κάποιος"]) is None


@pytest.mark.parametrize(
    ("query", "looked_at"),
    [
        ("lantren oil", ["lantren"]),
        ("get_user_nmae 3.11 RFC9110 C++", ["user", "nmae"]),
        ("燈塔 ประภาคาร", []),
        ("маяк στάθμος", ["маяк", "στάθμος"]),
        ("one two three four five six seven", ["three", "four", "five", "seven"]),
    ],
)
def test_words_of_letters_are_looked_at(query: str, looked_at: list[str]) -> None:
    assert [word for word, _ in words_to_check(query)] == looked_at


@given(st.text("aéßﬁ\u0130ΣςёйЖ\u0345\u0301燈ำﾗﾞא ", max_size=60))
def test_many_words_are_made_plain_as_each_is(text: str) -> None:
    words = _WORD.findall(text)
    assert _plain_words(words) == [_plain(word) for word in words]
