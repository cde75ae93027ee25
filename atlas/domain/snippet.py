"""The piece of a text that shows best why it was found."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atlas.domain.analysis import occurrences

WIDTH = 240
"""Columns of a snippet; a wide character (Han, kana, Hangul) takes two."""

_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Snippet:
    """Plain text on one line, and the (start, end) character offsets of the matches in it."""

    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    term: str


def snippet(text: str, weights: Mapping[str, float]) -> Snippet:
    """Cut the window of `text` whose distinct terms weigh most; the earliest of equals.

    `weights` gives each query lexeme its worth. Without any match it is the beginning of the text.
    """
    found = sorted(occurrences(text, weights), key=lambda match: match[1:])
    matches = [_Match(start, end, term) for term, start, end in found]
    start, end = _window(text, _best(matches, weights, _characters(text)))
    return _compose(text, start, end, [(match.start, match.end) for match in matches])


def _characters(text: str) -> int:
    """How many characters of this text fill a snippet."""
    sample = text[:2000]
    wide = len(_WIDE.findall(sample)) / len(sample) if sample else 0
    return int(WIDTH / (1 + wide))


def _best(matches: Sequence[_Match], weights: Mapping[str, float], width: int) -> tuple[int, int]:
    """Where to begin and end at least, so that the most worth fits in the width."""
    best_worth, best = 0.0, (0, width)
    counts: dict[str, int] = {}
    worth, first = 0.0, 0
    for match in matches:
        counts[match.term] = counts.get(match.term, 0) + 1
        worth += weights[match.term] if counts[match.term] == 1 else 0.0
        while match.end - matches[first].start > width and matches[first] is not match:
            counts[matches[first].term] -= 1
            worth -= weights[matches[first].term] if not counts[matches[first].term] else 0.0
            first += 1
        if worth > best_worth + 1e-9:
            middle = (matches[first].start + match.end) // 2
            best_worth, best = worth, (max(0, middle - width // 2), middle + width // 2)
    return best


def _window(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Move both ends of a span inwards to word boundaries, where one is near."""
    start, end = max(0, span[0]), min(len(text), span[1])
    if start > 0:
        space = _SPACE.search(text, start, min(start + 24, end))
        start = space.end() if space else start
    if end < len(text):
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
