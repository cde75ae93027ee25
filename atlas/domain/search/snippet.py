"""The piece of a text that shows best why it was found."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from atlas.domain.chunking.sentences import Cuttable
from atlas.domain.search.term_matches import TermMatch

WIDTH = 240
"""Columns of a snippet; a wide character (Han, kana, Hangul) takes two."""

_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")
_SPACE = re.compile(r"\s+")
_WORD = 24
"""Characters at the end of a window among which a blank is looked for."""
_LEAST = 2 / 3
"""The share of the width from which on a snippet ends with a sentence, if one ends there."""


class TextRange(Protocol):
    """A part of a text, in characters."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Snippet:
    """Plain text on one line, and the (start, end) character offsets of the matches in it. An
    ellipsis stands where a sentence was cut."""

    text: str
    marks: tuple[tuple[int, int], ...]
    at: int | None = field(default=None, compare=False)
    """Where in the text given the first of the matches stands; None: nothing matches."""


def snippet(
    text: str, matches: Sequence[TermMatch], weights: Mapping[str, float], inside: TextRange
) -> Snippet:
    """Cut the window of a part of `text` whose distinct terms weigh most; the earliest of equals.

    `matches` are those of the part, in order; `weights` gives each term its worth. The window
    begins with a sentence, unless what matches is farther from its beginning than a snippet is
    long. Without any match it is the beginning of the part.
    """
    borders = _Borders.of(text, inside)
    width = _characters(text[borders.low : borders.high])
    first, last = _best(matches, weights, borders, width)
    start, end = borders.window(first, last, width)
    found = [(each.start, each.end) for each in matches if start <= each.start and each.end <= end]
    line, marks = _compose(text, start, end, found)
    ahead = "" if start in borders.starts else "…"
    behind = "" if end in borders.ends else "…"
    shifted = tuple((a + len(ahead), b + len(ahead)) for a, b in marks)
    return Snippet(ahead + line + behind, shifted, found[0][0] if found else None)


class _Borders:
    """Where the sentences of a part of a text begin and end."""

    def __init__(self, text: str, low: int, high: int) -> None:
        self.low, self.high = low, high
        self._text = text
        self._sentences = Cuttable(text, low, high).sentences()
        self.starts = frozenset(self._sentences)
        self.ends = frozenset([*(_end(text, low, at) for at in self._sentences[1:]), high])

    @classmethod
    def of(cls, text: str, inside: TextRange) -> _Borders:
        """Those of a part, without the blanks around it."""
        said = text[inside.start : inside.end]
        low = inside.start + len(said) - len(said.lstrip())
        return cls(text, low, max(low, inside.start + len(said.rstrip())))

    def start(self, match: TermMatch, width: int) -> int:
        """Where a window begins that shows this match first."""
        begin = self._sentences[bisect_right(self._sentences, match.start) - 1]
        if match.end - begin <= width:
            return begin
        # A sentence as long as a paragraph: shown from a word somewhat before the match.
        near = max(begin, match.start - width // 3)
        space = _SPACE.search(self._text, near, match.start)
        return space.end() if space else near

    def window(self, start: int, last: int, width: int) -> tuple[int, int]:
        """A window that begins there, or earlier where the part ends first, and holds all up to
        `last`; it ends with a sentence, if one ends near the width, else with a word."""
        if start in self.starts:
            start = next(
                (at for at in self._sentences if self.high - at <= width and at < start), start
            )
        if self.high - start <= width:
            return start, self.high
        stop = start + width
        near = [end for end in self.ends if max(last, start + _LEAST * width) <= end <= stop]
        if near:
            return start, max(near)
        spaces = list(_SPACE.finditer(self._text, max(last, stop - _WORD), stop + 1))
        return start, spaces[-1].start() if spaces else stop


def _end(text: str, low: int, at: int) -> int:
    """Where the sentence before a place ends."""
    while at > low and text[at - 1].isspace():
        at -= 1
    return at


def _characters(part: str) -> int:
    """How many characters of this text fill a snippet."""
    sample = part[:2000]
    wide = len(_WIDE.findall(sample)) / len(sample) if sample else 0
    return int(WIDTH / (1 + wide))


def _best(
    matches: Sequence[TermMatch], weights: Mapping[str, float], borders: _Borders, width: int
) -> tuple[int, int]:
    """Where to begin, and where the last match ends that has to be shown."""
    best, best_worth = (borders.low, borders.low), 0.0
    for start in dict.fromkeys(borders.start(match, width) for match in matches):
        first = bisect_left(matches, start, key=lambda match: match.start)
        shown = []
        for match in islice(matches, first, None):
            if match.start > start + width:
                break
            if match.end <= start + width:
                shown.append(match)
        worth = sum(weights[term] for term in {match.term for match in shown})
        if worth > best_worth + 1e-9:
            best, best_worth = (start, max(match.end for match in shown)), worth
    return best


def _compose(
    text: str, start: int, end: int, found: Sequence[tuple[int, int]]
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The line, with white space collapsed, and the marks in it."""
    line = _line(text[start:end]).rstrip()
    # Behind a match at the very end there may be a blank that the line is without.
    ends = {at: min(len(_line(text[start:at])), len(line)) for each in found for at in each}
    return line, _merged([(ends[a], ends[b]) for a, b in found])


def _line(said: str) -> str:
    return _SPACE.sub(" ", said).lstrip(" ")


def _merged(marks: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Overlapping marks (bigrams of one word) become one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(marks):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
