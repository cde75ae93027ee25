"""Blocks of Markdown that the beginnings of their lines tell apart: most of what Atlas writes.

A parser takes most of the time in which a document is cut. What is not plain is left to it, with
all up to the next place where a block must begin: an empty line, and behind it a paragraph or a
heading that is not indented, outside of code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from atlas.domain.chunking.markdown_block import BlockKind, MarkdownBlock

# What begins a paragraph, and goes on with one. A quote, a list, a table, code, a rule or a
# heading begins otherwise; so does what may be the second line of a table's head.
_PARAGRAPH = re.compile(r"[^\s#\-+*_>`~|0-9:=]|\*{1,2}[^\s*]|`{1,2}[^`]|\d++(?![.)](?:\s|$))|: ")
_HEADING = re.compile(r"(#{1,6}) +[^\s#|][^|]*$")  # with a bar, it may be the head of a table
_BULLET = re.compile(r"- (?=[^\s\-])")
_INSIDE = re.compile(r" {2,}\S")
_BEGINS_LIST = re.compile(r"(?:-|1\.) (?=[^\s\-|])")  # right below a paragraph
_NUMBER = re.compile(r"\d{1,9}\. (?=\S)")
_QUOTE = re.compile(r"> ?\S")
_ROW = re.compile(r"\|")
_RULE = re.compile(r"\|(?: --- \|){1,50}$")
_FENCE = re.compile(r"(`{3,})[\w+-]*$")
_ANY_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


class _Line(NamedTuple):
    start: int
    text: str


class UnclearLines(NamedTuple):
    """A part of the Markdown that a parser has to read."""

    start: int
    end: int


def plain_blocks_of_lines(markdown: str) -> Iterator[MarkdownBlock | UnclearLines]:
    """The blocks in order, and what lies between those that are plain."""
    yield from _Scan(markdown).blocks()


class _Scan:
    def __init__(self, markdown: str) -> None:
        self._markdown = markdown
        self._lines = list(_lines(markdown))
        self._at = 0

    def blocks(self) -> Iterator[MarkdownBlock | UnclearLines]:
        while (at := self._skip_blank(self._at)) < len(self._lines):
            self._at = at
            yield self._plain() or self._unclear()

    def _skip_blank(self, at: int) -> int:
        while at < len(self._lines) and not self._lines[at].text.strip():
            at += 1
        return at

    def _plain(self) -> MarkdownBlock | None:
        """The block that begins here, if it is plain; what follows begins behind it."""
        first = self._lines[self._at].text
        if (heading := _HEADING.match(first)) is not None:
            return self._block("heading", self._at + 1, level=len(heading[1]))
        if (fence := _FENCE.match(first)) is not None:
            return self._code(fence[1])
        end = self._group_end()
        group = [line.text for line in self._lines[self._at : end]]
        if _PARAGRAPH.match(first):
            lines = sum(1 for _ in takewhile(_PARAGRAPH.match, group))
            plain = lines == len(group) or _BEGINS_LIST.match(group[lines])
            return self._block("text", self._at + lines) if plain else None
        if _QUOTE.match(first):
            return self._block("text", end) if _all(_QUOTE, group) else None
        if _ROW.match(first):
            return self._block("table", end, self._rows(end)) if _is_table(group) else None
        items = [number for number, line in enumerate(group, self._at) if _item(first, line)]
        bullets = first[0] == "-"
        rest = set(range(self._at, end)) - set(items)
        if not items or not all(bullets and _INSIDE.match(self._lines[n].text) for n in rest):
            return None
        # Behind an empty line, a list goes on with an item, or with what is indented.
        follows = self._skip_blank(end)
        going_on = "- \t" if bullets else "0123456789 \t"
        if follows < len(self._lines) and self._lines[follows].text[0] in going_on:
            return None
        return self._block("list", end, [self._lines[n].start for n in items])

    def _group_end(self) -> int:
        """Behind the last line before an empty one."""
        at = self._at
        while at < len(self._lines) and self._lines[at].text.strip():
            at += 1
        return at

    def _rows(self, end: int) -> list[int]:
        return [self._lines[n].start for n in (self._at, *range(self._at + 2, end))]

    def _code(self, fence: str) -> MarkdownBlock | None:
        for at in range(self._at + 1, len(self._lines)):
            said = self._lines[at].text.strip()
            if said.startswith(fence) and not said.strip("`"):
                if not self._lines[at].text.startswith(fence):
                    return None  # indented: perhaps too far to end it
                return self._block("code", at + 1, fence=self._lines[self._at].text)
        return None

    def _block(
        self, kind: BlockKind, end: int, parts: Sequence[int] = (), level: int = 0, fence: str = ""
    ) -> MarkdownBlock:
        start, self._at = self._lines[self._at].start, end
        return MarkdownBlock(kind, start, self._start(end), tuple(parts), level, fence)

    def _unclear(self) -> UnclearLines:
        start = self._lines[self._at].start
        while (at := self._skip_blank(self._group_end())) < len(self._lines):
            self._at = at
            line = self._lines[at].text
            clear = line[0].isalpha() or _HEADING.match(line)
            if clear and not _ANY_FENCE.search(self._markdown, start, self._lines[at].start):
                break
        self._at = at
        return UnclearLines(start, self._start(at))

    def _start(self, number: int) -> int:
        """Where a line begins; behind the last, the end."""
        return self._lines[number].start if number < len(self._lines) else len(self._markdown)


def _lines(markdown: str) -> Iterator[_Line]:
    start = 0
    for text in markdown.split("\n"):
        yield _Line(start, text)
        start += len(text) + 1


def _all(pattern: re.Pattern[str], lines: Sequence[str]) -> bool:
    return all(map(pattern.match, lines))


def _item(first: str, line: str) -> bool:
    """Whether a line begins an item of the list that the first line begins."""
    return bool((_BULLET if first[0] == "-" else _NUMBER).match(line))


def _is_table(group: Sequence[str]) -> bool:
    """As Atlas writes one: a head, and below it a rule of as many columns."""
    if len(group) < 2 or not _RULE.match(group[1]) or not _all(_ROW, group):
        return False
    head = group[0].rstrip()
    bare = "\\" not in head and "`" not in head and head.endswith("|")
    return bare and head.count("|") == group[1].count("|")
