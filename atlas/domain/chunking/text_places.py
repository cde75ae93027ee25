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
_MAY_BE_NUMBER = re.compile(r"\d[.)]\s")
_OPENING = frozenset("\"'“‘«‹([{「『【《〈（［｢¿¡*_`#>-•·–—")
_NEAR = 400  # characters of words within which a lost place is looked for
_FAR = 5_000
_SURE = 24  # characters of words that are no coincidence


class MarkdownSpan(NamedTuple):
    """A part of the Markdown, in characters, and whether it is of a list."""

    start: int
    end: int
    listed: bool


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

    def spans(self, markdown: str, parts: Sequence[MarkdownSpan]) -> list[TextSpan]:
        """Where each part of the Markdown stands in the text.

        The spans are in order, do not overlap, and together hold every word of the text.
        """
        way = _Way(self._key)
        return self._between([way.over(*_keys(markdown, part)) for part in parts])

    def run_spans(self, markdown: str, runs: Sequence[Sequence[MarkdownSpan]]) -> list[TextSpan]:
        """The spans of runs of neighbouring parts, from the first of each run to its last: the same
        as those of the parts, and much sooner, since most runs are found as a whole."""
        way = _Way(self._key)
        places: list[tuple[int, int]] = []
        firsts = []
        for run in runs:
            firsts.append(len(places))
            whole = way.over_exactly(_joint_key(markdown, run))
            parts = (way.over(*_keys(markdown, part)) for part in run)
            places += [whole] if whole is not None else parts
        spans = self._between(places)
        ends = [*firsts[1:], len(spans)]
        return [
            TextSpan(spans[first].start, spans[end - 1].end)
            for first, end in zip(firsts, ends, strict=True)
        ]

    def _between(self, places: Sequence[tuple[int, int]]) -> list[TextSpan]:
        if not places:
            return []
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


def _keys(markdown: str, part: MarkdownSpan) -> tuple[str, str]:
    """The words of a part as they are likely to stand in the text, and the other way: a number at
    the beginning of a line is that of a list's item, or a word."""
    bare = _ADDRESS.sub("]", markdown[part.start : part.end])
    words = "".join(_WORDS.findall(bare))
    if not _NUMBER.search(bare):
        return words, words
    unnumbered = "".join(_WORDS.findall(_NUMBER.sub("", bare)))
    return (unnumbered, words) if part.listed else (words, unnumbered)


def _joint_key(markdown: str, run: Sequence[MarkdownSpan]) -> str | None:
    """What the keys of all parts say together, if each can be read in one way only. None, too,
    where the first or the last has no word: where such a part ends depends on it alone."""
    said = markdown[run[0].start : run[-1].end]
    if len(run) == 1 or "](" in said or _MAY_BE_NUMBER.search(said):
        return None
    if not all(_WORDS.search(markdown, part.start, part.end) for part in (run[0], run[-1])):
        return None
    return "".join(_WORDS.findall(said))


class _Way:
    """Through the key of the whole text, from one part's to the next. One that is not found has no
    width."""

    def __init__(self, whole: str) -> None:
        self._whole = whole
        self._cursor = self._lost = 0

    def over_exactly(self, key: str | None) -> tuple[int, int] | None:
        """Where the key stands if it stands right here; else nothing moves."""
        if key is None or not self._whole.startswith(key, self._cursor):
            return None
        return self._onto(self._cursor, key)

    def over(self, likely: str, other: str) -> tuple[int, int]:
        """Where one of the keys stands, here or further on."""
        for key in (likely, other):
            if self._whole.startswith(key, self._cursor):
                return self._onto(self._cursor, key)
        at = _search(self._whole, likely, self._cursor, self._lost)
        if at < 0:
            # Bounded: a text may be none of this Markdown's.
            self._lost = min(self._lost + len(likely), _FAR)
            return self._cursor, self._cursor
        return self._onto(at, likely)

    def _onto(self, at: int, key: str) -> tuple[int, int]:
        self._cursor = min(at + len(key), len(self._whole))
        self._lost = 0
        return at, self._cursor


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
