"""The rules of sameness: normalisation and the text hash."""

import hashlib
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.texts import Link, normalise_text, strip_unstorable, text_hash


def test_white_space_folds_and_accents_compose() -> None:
    assert normalise_text("  a\u00a0\n\tb  ") == "a b"
    assert normalise_text("e\u0301") == "é"


def test_invisible_marks_do_not_make_a_new_text() -> None:
    assert normalise_text("\ufeffhy\u00adphen\u200bate") == "hyphenate"


def test_joiners_that_change_meaning_stay() -> None:
    assert normalise_text("می\u200cخواهم") == "می\u200cخواهم"


def test_hash_is_sha256_of_title_newline_text() -> None:
    expected = hashlib.sha256(b"A title\nSome text").hexdigest()
    assert text_hash(" A  title ", "Some\n\ntext\n") == expected


def test_a_title_change_is_a_change() -> None:
    assert text_hash("One", "text") != text_hash("Two", "text")


def test_title_and_text_do_not_run_into_each_other() -> None:
    assert text_hash("a b", "c") != text_hash("a", "b c")


def test_nofollow_is_a_token_not_a_substring() -> None:
    assert Link("https://a.example/", "nofollow ugc").nofollow
    assert not Link("https://a.example/", "nofollowing").nofollow


@given(st.text())
def test_normalising_is_idempotent_and_storable(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert strip_unstorable(once) == once
    once.encode()  # no lone surrogate is left


@given(st.text(), st.text())
def test_hash_sees_only_the_normalised_form(title: str, text: str) -> None:
    assert text_hash(title, text) == text_hash(normalise_text(title), normalise_text(text))
