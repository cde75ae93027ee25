"""The piece of a text that shows best why it was found."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from atlas.domain.search.analysis import occurrences

WIDTH = 240
"""Columns of a snippet; a wide character (Han, kana, Hangul) takes two."""

_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Snippet:
    """Plain text on one line, and the (start, end) character offsets of the matches in it."""

    text: str
    marks: tuple[tuple[int, int], ...]
    at: int | None = field(default=None, compare=False)
    """Where in the text given the first of the matches stands; None: nothing matches."""


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    term: str
    section: int


def snippet(text: str, weights: Mapping[str, float], cuts: Sequence[int] = ()) -> Snippet:
    """Cut the window of `text` whose distinct terms weigh most; the earliest of equals.

    `weights` gives each query lexeme its worth, `cuts` where sections begin: what is found lies
    within one of them. Without any match it is the beginning of the text.
    """
    found = sorted(occurrences(text, weights), key=lambda match: match[1:])
    matches = [_Match(start, end, term, bisect_right(cuts, start)) for term, start, end in found]
    best = _best(matches, weights, _characters(text))
    low, high = 0, len(text)
    if best.first is not None and cuts:
        bounds = [0, *cuts, len(text)]
        low, high = bounds[best.first.section : best.first.section + 2]
        high = low + len(text[low:high].rstrip())
    start, end = _window(text, (best.start, best.end), low, high)
    piece = _compose(text, start, end, [(match.start, match.end) for match in matches])
    return replace(piece, at=best.first.start if best.first else None)


def _characters(text: str) -> int:
    """How many characters of this text fill a snippet."""
    sample = text[:2000]
    wide = len(_WIDE.findall(sample)) / len(sample) if sample else 0
    return int(WIDTH / (1 + wide))


class _Best(NamedTuple):
    start: int
    end: int
    first: _Match | None = None


def _best(matches: Sequence[_Match], weights: Mapping[str, float], width: int) -> _Best:
    """Where to begin and end at least, so that the most worth of one section fits in the width."""
    best_worth, best = 0.0, _Best(0, width)
    counts: dict[str, int] = {}
    worth, first = 0.0, 0
    for match in matches:
        counts[match.term] = counts.get(match.term, 0) + 1
        worth += weights[match.term] if counts[match.term] == 1 else 0.0
        while matches[first] is not match and (
            match.end - matches[first].start > width or match.section != matches[first].section
        ):
            counts[matches[first].term] -= 1
            worth -= weights[matches[first].term] if not counts[matches[first].term] else 0.0
            first += 1
        if worth > best_worth + 1e-9:
            middle = (matches[first].start + match.end) // 2
            span = max(0, middle - width // 2), middle + width // 2
            best_worth, best = worth, _Best(*span, matches[first])
    return best


def _window(text: str, span: tuple[int, int], low: int, high: int) -> tuple[int, int]:
    """Move both ends of a span inwards to word boundaries, where one is near, and between two
    bounds."""
    start, end = max(low, span[0]), min(high, span[1])
    if start > low:
        space = _SPACE.search(text, start, min(start + 24, end))
        start = space.end() if space else start
    if end < high:
        spaces = list(_SPACE.finditer(text, max(start, end - 24), end))
        end = spaces[-1].start() if spaces else end
    return start, end


def _compose(text: str, start: int, end: int, found: Sequence[tuple[int, int]]) -> Snippet:
    """The line, with white space collapsed and an ellipsis where it was cut."""
    line = "…" if start > 0 else ""
    place: dict[int, int] = {}  # offset in the text -> offset in the line
    for index in range(start, end):
        place[index] = len(line)
        if not text[index].isspace():
            line += text[index]
        elif line and line[-1] != " ":
            line += " "
    place[end] = len(line.rstrip())
    line = line.rstrip() + ("…" if text[end:].strip() else "")
    inside = [(place[a], place[b]) for a, b in found if start <= a < b <= end]
    return Snippet(line, _merged(inside))


def _merged(marks: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Overlapping marks (bigrams of one word) become one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(marks):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
