"""The outline of a document: where its sections begin in its text, and by which anchors a browser
finds them."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

TERM = 7
"""The level of a definition term: it has an anchor, but is no part of a heading path."""

MAX_SECTIONS = 5_000
MAX_SECTION_TITLE = 200  # characters
MAX_ANCHOR = 200  # characters


@dataclass(frozen=True, slots=True)
class OutlineSection:
    """One heading of a document, or a term that it defines."""

    start: int
    """Where it begins in the text, in characters."""
    level: int
    """1 to 6: a heading; 7: a term of a definition list."""
    title: str
    """Its words, cut after 200 characters."""
    anchor: str | None
    """The fragment by which the page names it, as in `URL#anchor`; None without one."""


@dataclass(frozen=True, slots=True)
class SectionPlace:
    """The section in which a character of a text stands."""

    section: tuple[str, ...]
    """The headings above it, the outermost first; empty before the first one."""
    anchor: str | None
    """The nearest anchor before it in this section, or that of a section around it."""
    start: int
    """Where the section, with its heading, begins in the text."""


class Outline:
    """The sections of one text, for looking places up."""

    def __init__(self, sections: Sequence[OutlineSection]) -> None:
        self._starts = [0]
        self._places = [SectionPlace((), None, 0)]
        above: list[tuple[int, str, str | None]] = []  # level, title, anchor to use inside
        start = 0
        for each in sections:
            anchor = each.anchor
            if each.level < TERM:
                above = [open_ for open_ in above if open_[0] < each.level]
                anchor = anchor or (above[-1][2] if above else None)
                above.append((each.level, each.title, anchor))
                start = each.start
            self._starts.append(each.start)
            path = tuple(title for _, title, _ in above)
            self._places.append(SectionPlace(path, anchor, start))

    def at(self, offset: int) -> SectionPlace:
        """Where a character of the text stands."""
        return self._places[bisect_right(self._starts, max(offset, 0)) - 1]


def stored_outline(column: str | None) -> tuple[OutlineSection, ...] | None:
    """An outline as `documents.outline` has it, `[[start, level, title, anchor], …]`; None where
    none is known, as of a text that an older version extracted."""
    return None if column is None else tuple(OutlineSection(*row) for row in json.loads(column))
