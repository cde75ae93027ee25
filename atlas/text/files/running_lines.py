"""Running heads and feet of a PDF: lines at the edge of its pages that say the same on many of
them, but for the number of the page. They stand in the middle of sentences that go on overleaf, and
are found by every search for the title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from atlas.text.files.pdf_layout import PlacedWord

LEARNT_FROM = 40
"""Pages at the start of a file whose edges are compared: what is held of them bounds the memory."""
_EDGE = 2  # lines at each edge that may be running ones
_PAGES = 3  # pages on which a line must stand
_SHARE = 0.4  # of the pages, since left and right ones may differ
_LEFT = 0.5  # share of a page's words that must be left: one that says little else has no edge
_PLACE = 6.0  # points within which two lines stand at the same place
_NUMBER = re.compile(r"\d{1,5}")
_LETTERS = re.compile(r"[^\W\d_]+")
_FEW_LETTERS = 6

_Line = list[PlacedWord]


class _EdgeLine(NamedTuple):
    """What a line says, and where. `ahead`: by how much a number in it, left out of the text, is
    ahead of the page's own: other numbers belong to rows of a table, of which none may be lost."""

    text: str
    place: int
    ahead: int | None = None

    @property
    def counts_pages(self) -> bool:
        """Whether it says little but the number of the page: `Page 3 of 9`, `第 3 页`, `- 3 -`."""
        letters = sum(map(len, _LETTERS.findall(self.text)))
        return self.ahead is not None and letters <= _FEW_LETTERS


class RunningLines:
    """The running lines of a file, as its first pages show them."""

    def __init__(self, pages: Sequence[Sequence[PlacedWord]]) -> None:
        seen = Counter(
            each
            for number, page in enumerate(pages)
            for each in {key for line in _edges(page) for key in _keys(line, number)}
        )
        enough = max(_PAGES, _SHARE * sum(1 for page in pages if page))
        self._running = {each for each, count in seen.items() if count >= enough}
        self._told: set[_EdgeLine] = set()

    def without(self, page: Sequence[PlacedWord], number: int) -> list[PlacedWord]:
        """The page, the `number`th of the file from 0, without its running lines. The first that
        has words, such as the name of a report, stays: nothing that a file says is lost."""
        gone: set[PlacedWord] = set()
        told = set()
        for line in _edges(page) if self._running else ():
            running = next(filter(None, map(self._known, _keys(line, number))), None)
            if running and (running.counts_pages or running in self._told):
                gone.update(line)
            elif running:
                told.add(running)
        kept = [word for word in page if word not in gone]
        self._told |= told
        return kept if len(kept) >= _LEFT * len(page) else list(page)

    def _known(self, line: _EdgeLine) -> _EdgeLine | None:
        """The running line that this is, at its place or a hair beside it."""
        near = (line._replace(place=line.place + by) for by in (0, -1, 1))
        return next((each for each in near if each in self._running), None)


def _keys(line: _Line, number: int) -> Iterator[_EdgeLine]:
    """The line as it stands, and without its first or its last number."""
    text = " ".join(word.text for word in sorted(line, key=lambda word: word.left)).casefold()
    place = round(_middle(line[0]) / _PLACE)
    yield _EdgeLine(text, place)
    numbers = list(_NUMBER.finditer(text))
    for found in {each.start(): each for each in numbers[:1] + numbers[-1:]}.values():
        rest = f"{text[: found.start()]}#{text[found.end() :]}"
        yield _EdgeLine(rest, place, int(found[0]) - number)


def _edges(page: Sequence[PlacedWord]) -> Iterator[_Line]:
    """The first and the last lines of a page, by where they stand."""
    placed = sorted(page, key=_middle)
    above = list(islice(_lines(placed), _EDGE))
    yield from above
    below = placed[sum(map(len, above)) :]
    yield from islice(_lines(below[::-1]), _EDGE)


def _lines(placed: Sequence[PlacedWord]) -> Iterator[_Line]:
    line: _Line = []
    for word in placed:
        if line and abs(_middle(word) - _middle(line[0])) > 0.5 * max(word.size, 1.0):
            yield line
            line = []
        line.append(word)
    if line:
        yield line


def _middle(word: PlacedWord) -> float:
    return (word.top + word.bottom) / 2
