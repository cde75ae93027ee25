"""Spelling variants that a reader takes for one word: accents of Latin, forms of Arabic letters,
points and vowel letters of Hebrew.

Part of the analyser (`analysis.py`): a change of any output raises its version.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_LATIN = {
    "đ": "d",
    "ð": "d",
    "ħ": "h",
    "ı": "i",
    "ł": "l",
    "ø": "o",
    "ŧ": "t",
    "æ": "ae",
    "œ": "oe",
}
# Alef with and without hamza, final forms, Persian letters for the same sounds; hamza on any seat.
_ARABIC = tuple(zip("أإآٱىیۍېکءؤئ", [*"ااااييييك", "", "", ""], strict=True))
_HEBREW_INITIALS = 5


def without_accents(word: str) -> str:
    """A Latin word as it is typed where the keyboard has no accents."""
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFD", word)
    for letter in set(parts):  # also of many words at once, which have few letters
        if unicodedata.combining(letter):
            parts = parts.replace(letter, "")
        elif letter in _LATIN:
            parts = parts.replace(letter, _LATIN[letter])
    return parts


def arabic_forms(words: Sequence[str]) -> list[str]:
    """Each of some words in Arabic letters in the one of its spellings that has no hamza."""
    said = "\n".join(words)
    for letter, plain in _ARABIC:  # several times as fast as `translate`
        said = said.replace(letter, plain)
    return [form or word for form, word in zip(said.split("\n"), words, strict=True)]


def hebrew_form(word: str) -> tuple[str, ...]:
    """A Hebrew word without points, and, marked as first letters are, its consonants: the vowel
    letters within a word are written or left out."""
    bare = "".join(c for c in word if not unicodedata.combining(c)) or word
    bare = bare.replace("יי", "י").replace("וו", "ו")
    consonants = bare[:1] + bare[1:].replace("ו", "").replace("י", "")
    return (bare, "~" + consonants[:_HEBREW_INITIALS])
