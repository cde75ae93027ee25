"""Headings by a line of signs below them, as reStructuredText, Markdown and plain text have them.

    Title          =====
    =====          Title
                   =====

In Markdown `=` is the first level and `-` the second; elsewhere a level is that of a style (the
sign, and whether it stands above as well), in the order in which the text first uses them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

from atlas.domain.extraction.outline import MAX_SECTION_TITLE, MAX_SECTIONS, OutlineSection

HeadingStyle = Literal["plain", "rst", "markdown"]
"""How sure a line of signs must be: plain text draws tables and rules with them as well."""

_RULE = re.compile(r"([=~^\"'`#*+.:_-])\1{2,}")
_SIGNS = {"plain": "=-~^*#+", "rst": "=~^\"'`#*+.:_-", "markdown": "=-"}
_LONGEST = 120  # characters of a heading
_BEYOND = 3  # signs by which a row may be longer than a heading of plain text
_NO_HEADING = re.compile(r"\s{2}|\t|^(?:[-*+>|#:] |[>|#:]|\.\. |\d+[.)]$)")
_FENCE = re.compile(r" {0,3}(?:`{3,}|~{3,})")


class UnderlinedHeading(NamedTuple):
    """One heading: its place in the text with its rows of signs, where its words begin, the words,
    and its level."""

    start: int
    end: int
    words_at: int
    words: str
    level: int


def underlined_headings(text: str, style: HeadingStyle) -> Iterator[UnderlinedHeading]:
    """The headings of a text in order."""
    lines = text.split("\n")
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line) + 1
    levels: dict[str, int] = {"=": 1, "-": 2} if style == "markdown" else {}
    fenced = False
    for below in range(1, len(lines)):
        if style == "markdown" and _FENCE.match(lines[below - 1]):
            fenced = not fenced
        if fenced or _RULE.fullmatch(lines[below].rstrip()) is None:
            continue
        first = _first_line(lines, below, style)
        if first is None:
            continue
        look = lines[below][0] * (below - first)  # the sign twice where it stands above, too
        level = levels.setdefault(look, len(levels) + 1)
        words = lines[below - 1]
        yield UnderlinedHeading(
            starts[first],
            starts[below] + len(lines[below]),
            starts[below - 1] + len(words) - len(words.lstrip()),
            words.strip(),
            min(level, 6),
        )


def outline_in(text: str, style: HeadingStyle) -> tuple[OutlineSection, ...]:
    """The headings as an outline of the text."""
    return tuple(
        OutlineSection(each.words_at, each.level, each.words[:MAX_SECTION_TITLE], None)
        for each in list(underlined_headings(text, style))[:MAX_SECTIONS]
    )


def with_hashes(text: str, style: HeadingStyle) -> str:
    """The text with its headings as Markdown writes them: `## Title`."""
    parts, at = [], 0
    for each in underlined_headings(text, style):
        parts += [text[at : each.start], f"{'#' * each.level} {each.words}"]
        at = each.end
    return "".join([*parts, text[at:]])


def _first_line(lines: list[str], below: int, style: HeadingStyle) -> int | None:
    """The line at which the heading begins that has its row of signs there; None: it is none."""
    rule, line = lines[below].rstrip(), lines[below - 1]
    words = line.strip()
    if rule[0] not in _SIGNS[style] or not 0 < len(words) <= _LONGEST:
        return None
    if _NO_HEADING.search(words) or _RULE.fullmatch(words):
        return None
    above = below >= 2 and style != "markdown" and lines[below - 2].rstrip() == rule
    if line[0] == " " and not above:
        return None
    first = below - 2 if above else below - 1
    if first > 0 and lines[first - 1].strip():
        return None
    return first if _fits(len(rule), words, lines[below + 1 : below + 2], style) else None


def _fits(signs: int, words: str, after: list[str], style: HeadingStyle) -> bool:
    if style == "markdown":
        return True
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in words)
    if style == "rst":
        return signs >= len(words)
    parted = not after or not after[0].strip()
    return parted and len(words) <= signs <= len(words) + wide + _BEYOND
