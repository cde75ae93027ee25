"""What a section is put together from: paragraphs, lists, tables and code; parts of those that are
too long for one chunk."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from atlas.domain.chunking.markdown_block import BlockKind, MarkdownBlock
from atlas.domain.chunking.sentences import Cuttable

_INTRODUCTION = 300
"""Characters up to which a paragraph before a list is taken for its introduction."""
_COLONS = (":", "：", "︓", "։")
_MARKS_BEHIND = "*_` "
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*?(?=[^\n])")
_LINE = re.compile(r"\n(?=[^\n])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a section that stays whole; offsets are characters of the Markdown."""

    start: int
    end: int
    kind: BlockKind
    block: int
    """The number of the block that it is, or belongs to."""
    joined: bool = False
    """Whether what is before it introduces it."""
    before: str = ""
    """What a chunk that begins with it repeats: a table's head, the line that opens code."""
    after: str = ""
    """What a chunk that ends with it adds: the line that closes code."""


def pieces_of(
    markdown: str, blocks: Sequence[MarkdownBlock], most: int, most_code: int
) -> list[Piece]:
    """The pieces of one section. None is longer than `most`, but code up to `most_code`, a link,
    and a first piece by its heading."""
    found: list[Piece] = []
    heading: MarkdownBlock | None = None
    for number, block in enumerate(blocks):
        if block.kind == "heading" and block.end - block.start <= most // 4:
            heading = heading or block
            continue
        pieces = _whole_or_parts(markdown, block, number, found, most, most_code)
        if heading is not None:
            pieces[0] = replace(pieces[0], start=heading.start)
            heading = None
        found += pieces
    if heading is not None:
        end = blocks[-1].end
        found.append(Piece(heading.start, end, "heading", len(blocks)))
    return found


def _whole_or_parts(
    markdown: str,
    block: MarkdownBlock,
    number: int,
    found: Sequence[Piece],
    most: int,
    most_code: int,
) -> list[Piece]:
    length = block.end - block.start
    ahead = _introduction(markdown, block, found)
    whole = Piece(block.start, block.end, block.kind, number)
    if block.kind == "code":
        fits = length <= most_code
        parts = [whole] if fits else list(_code(markdown, block, number, most))
    elif block.kind == "table":
        parts = [whole] if length <= most else list(_rows(markdown, block, number, most))
    elif block.kind == "list":
        fits = length <= most and not most - length < ahead <= most
        parts = [whole] if fits else list(_items(markdown, block, number, most))
    else:
        parts = list(_sentences(markdown, whole, most))
    if ahead and ahead + parts[0].end - parts[0].start <= most:
        parts[0] = replace(parts[0], joined=True)
    return parts


def _introduction(markdown: str, block: MarkdownBlock, found: Sequence[Piece]) -> int:
    """The length of the paragraph that introduces a list, a table or code; 0: none does."""
    if not found or found[-1].kind != "text" or block.kind == "text":
        return 0
    last = found[-1]
    length = last.end - last.start
    said = markdown[max(last.start, last.end - 20) : last.end].rstrip(_MARKS_BEHIND)
    leads = said.endswith(_COLONS) or (block.kind == "list" and length <= _INTRODUCTION)
    return length if leads else 0


def _items(markdown: str, block: MarkdownBlock, number: int, most: int) -> Iterator[Piece]:
    for start, end in _ranges(markdown, block.start, block.end, block.parts):
        yield from _sentences(markdown, Piece(start, end, "list", number), most)


def _rows(markdown: str, block: MarkdownBlock, number: int, most: int) -> Iterator[Piece]:
    """Rows, the first with the head. A row that is too long is cut as a text is."""
    body = block.parts[1:]
    if not body:
        yield from _sentences(markdown, Piece(block.start, block.end, "table", number), most)
        return
    head = markdown[block.start : body[0]].rstrip() + "\n"
    head = head if len(head) <= most // 2 else ""
    first, *rest = _ranges(markdown, body[0], block.end, body)
    rows = [(block.start, first[1], ""), *((start, end, head) for start, end in rest)]
    for start, end, before in rows:
        row = Piece(start, end, "table", number, before=before)
        for at, piece in enumerate(_sentences(markdown, row, max(most - len(before), 1))):
            yield piece if at == 0 else replace(piece, before="")


def _code(markdown: str, block: MarkdownBlock, number: int, most: int) -> Iterator[Piece]:
    """Parts between blank lines; lines where a part is too long; and what fits of a long line."""
    closing = re.match(r"`{3,}|~{3,}|", block.fence)
    close = closing[0] if closing else ""
    before = f"{block.fence}\n" if close else ""
    after = f"\n{close}" if close else ""
    room = max(most - len(before) - len(after), 1)
    # The line that opens the code and the one that closes it are no parts of their own.
    inside = markdown.find("\n", block.start, block.end) + 1 if close else block.start
    until = block.end - len(after) if markdown.endswith(after, inside, block.end) else block.end
    starts = [inside, *_within(_EMPTY_LINES, markdown, inside, until)]
    starts = list(_finer(starts, until, room, lambda a, b: _within(_LINE, markdown, a, b)))
    starts = list(
        _finer(starts, until, room, lambda a, b: Cuttable(markdown, a, b).pieces(room)[1:])
    )
    for at, (start, end) in enumerate(_ranges(markdown, inside, until, starts)):
        piece = Piece(start, end, "code", number, before=before, after=after)
        if at == 0:
            piece = replace(piece, start=block.start, before="")
        if start == starts[-1]:
            piece = replace(piece, end=block.end, after="")
        yield piece


def _within(pattern: re.Pattern[str], markdown: str, start: int, end: int) -> list[int]:
    return [found.end() for found in pattern.finditer(markdown, start, end) if found.end() < end]


def _finer(
    starts: Sequence[int], end: int, room: int, inside: Callable[[int, int], Sequence[int]]
) -> Iterator[int]:
    """The starts, and those inside of what is longer than there is room for."""
    for start, stop in zip(starts, [*starts[1:], end], strict=True):
        yield start
        if stop - start > room:
            yield from inside(start, stop)


def _sentences(markdown: str, whole: Piece, most: int) -> Iterator[Piece]:
    if whole.end - whole.start <= most:
        yield whole
        return
    starts = Cuttable(markdown, whole.start, whole.end).pieces(most)
    for start, end in _ranges(markdown, whole.start, whole.end, starts):
        # Not `replace`, which takes several times as long: a text may have a piece for each word.
        yield Piece(*(start, end, whole.kind, whole.block, whole.joined), whole.before, whole.after)


def _ranges(
    markdown: str, start: int, end: int, starts: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """From each start to the next, without the blanks at the end."""
    bounds = [start, *(at for at in starts if at > start), end]
    for a, b in itertools.pairwise(bounds):
        stop = a + len(markdown[a:b].rstrip())
        if stop > a:
            yield a, stop
