"""Which part of the plain text a part of the Markdown says: matched by their words, in order.

Both are written from the same blocks; Markdown has addresses and the numbers of lists besides.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

# All but blanks and the punctuation of ASCII, which Markdown is written with.
_WORDS = re.compile(r"[^\s\x00-/:-@\[-`{-\x7f]+")
_ADDRESS = re.compile(r"\]\((?:[^()\s]|\([^()\s]*\))*\)")
_NUMBER = re.compile(r"^\s*\d{1,9}[.)]\s", re.MULTILINE)
_OPENING = frozenset("\"'“‘«‹([{「『【《〈（［｢¿¡*_`#>-•·–—")
_NEAR = 400  # characters of words within which a lost place is looked for
_FAR = 5_000
_SURE = 24  # characters of words that are no coincidence


class TextSpan(NamedTuple):
    """A part of the plain text, in characters; empty where the part says nothing."""

    start: int
    end: int


class TextPlaces:
    """The word characters of a plain text, and where each stands in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        runs = list(_WORDS.finditer(text))
        words = [run[0] for run in runs]
        self._starts = [run.start() for run in runs]
        self._counts = list(accumulate(map(len, words), initial=0))[:-1]
        self._key = "".join(words)

    def spans(self, markdown: str, parts: Sequence[tuple[int, int, bool]]) -> list[TextSpan]:
        """Where each part (start, end, whether it is of a list) of the Markdown stands in the text.

        The spans are in order, do not overlap, and together hold every word of the text.
        """
        if not parts:
            return []
        keys = [_keys(markdown[start:end], listed) for start, end, listed in parts]
        places = _places(keys, self._key)
        bounds = [0]
        for (_, end), (start, _) in pairwise(places):
            bounds.append(max(self._boundary(end, start), bounds[-1]))
        bounds.append(len(self._text))
        return [_stripped(self._text, a, b) for a, b in pairwise(bounds)]

    def _boundary(self, end: int, start: int) -> int:
        """Where in the text one part ends and the next begins, given the counts of word characters
        before the end of the one and before the start of the other."""
        left = self._place(end - 1) + 1 if end else 0
        right = self._place(start) if start < len(self._key) else len(self._text)
        gap = self._text[left:right]
        if "\n" in gap:
            return left + gap.rindex("\n") + 1
        for at, character in enumerate(gap):
            if character.isspace() or character in _OPENING:
                return left + at
        return right

    def _place(self, count: int) -> int:
        run = bisect_right(self._counts, count) - 1
        return self._starts[run] + count - self._counts[run]


def _keys(markdown: str, listed: bool) -> tuple[str, str]:
    """The words of a part as they are likely to stand in the text, and the other way: a number at
    the beginning of a line is that of a list's item, or a word."""
    bare = _ADDRESS.sub("]", markdown)
    words = "".join(_WORDS.findall(bare))
    if not _NUMBER.search(bare):
        return words, words
    unnumbered = "".join(_WORDS.findall(_NUMBER.sub("", bare)))
    return (unnumbered, words) if listed else (words, unnumbered)


def _places(keys: Sequence[tuple[str, str]], whole: str) -> list[tuple[int, int]]:
    """Where each key stands in that of the whole text. One that is not found has no width."""
    places: list[tuple[int, int]] = []
    cursor = lost = 0
    for likely, other in keys:
        key, at = likely, cursor
        if not whole.startswith(likely, cursor):
            if whole.startswith(other, cursor):
                key = other
            else:
                at = _search(whole, likely, cursor, lost)
        if at < 0:
            lost = min(lost + len(key), _FAR)  # bounded: a text may be none of this Markdown's
            places.append((cursor, cursor))
            continue
        end = min(at + len(key), len(whole))
        places.append((at, end))
        cursor = end
        lost = 0
    return places


def _search(whole: str, key: str, cursor: int, lost: int) -> int:
    """Where it stands a little further on: what was lost before it is skipped first, in case it
    says the same."""
    for sought, reach in ((key, len(key) + _NEAR), (key[:_SURE], _FAR)):
        if sought is not key and len(key) < _SURE:
            break
        for begin in (cursor + lost // 2, cursor):
            at = whole.find(sought, begin, begin + reach + 2 * lost)
            if at >= 0:
                return at
    return -1


def _stripped(text: str, start: int, end: int) -> TextSpan:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return TextSpan(min(start, end), max(min(start, end), end - len(piece) + len(piece.rstrip())))
