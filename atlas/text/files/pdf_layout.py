"""From words that stand somewhere on a page to what a reader sees: columns, lines, paragraphs,
headings, tables.

A PDF says where each word stands, and nothing else. So all here is told from places:

* Words that follow each other on one line are a run; a gap of `_GAP` ems ends it.
* A left edge that many long runs share, with others left of it that end before it, begins a
  column. Columns are read one after the other between what stands across them.
* Rows whose runs leave the same gaps, one below the other, are a table.
* A line goes on with the next one if the next one's first word would not have fitted: whoever
  breaks a line earlier means it, unless a small letter follows. An indent, a bullet or a wide space
  above begin a paragraph.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Literal, NamedTuple

_GAP = 1.5  # ems between two words from which they are of different columns or cells
_COLUMN_RUNS = 4  # runs on each side from which an edge parts two columns
_COLUMN_LENGTH = 20  # the usual characters of a run in a column of text; cells have fewer
_MOST_RUNS = 20_000  # of a page up to which columns are looked for: bounds the time
_NARROWEST = 15  # ems: lines of which none is as long are not broken for want of room
_LINE = 0.5  # ems by which the middles of two runs of one line may differ
_SPACE = 0.25  # ems of a space
_SLACK = 0.15  # of a column: what may stay free on a line that ends within a sentence
_ENDS = ".!?:;。！？：；"
_INDENT = 0.8  # ems by which the first line of a paragraph may stand in
_ABOVE = 1.35  # times the usual distance of lines from which a paragraph begins
_BULLET = re.compile(r"[•◦▪‣●○■□–—*-]$|\(?(?:\d{1,3}|[a-zA-Z])[.)]$")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
LEADERS = re.compile(r"(?:\. ?){4,}[^.]{0,8}$")
"""Dots from a title to its page, in a list of contents."""
_SOFT = "\u00ad\u0002\ufffe"  # what pdfium has for a hyphen that only breaks a word
_HYPHENS = f"-‐{_SOFT}"


class PlacedWord(NamedTuple):
    """One word and its box in points, from the left and from the top of the page; `size` is that of
    its letters, `ends_line` whether pdfium saw a line end behind it; `bold` is only known of lines
    that begin so."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    ends_line: bool = False
    bold: bool = False


@dataclass(slots=True)
class PdfBlock:
    """A paragraph, heading or table; `size` is that of its letters, `bold` whether all are."""

    kind: Literal["text", "table"]
    lines: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    size: float = 0.0
    level: int = 0
    """Of a heading, 1 to 4; 0: it is none."""
    bold: bool = False
    opens: bool = False
    """Whether it is the first of a page or column, and may go on with the last of another."""


@dataclass(slots=True)
class _Run:
    """Words of one line without a wide gap."""

    words: list[PlacedWord]

    @property
    def left(self) -> float:
        return self.words[0].left

    @property
    def right(self) -> float:
        return max(self.words[-1].right, self.left)  # a hostile file's box may be turned inside out

    @property
    def top(self) -> float:
        return self.words[0].top

    @property
    def bottom(self) -> float:
        return self.words[0].bottom

    @property
    def size(self) -> float:
        return max(self.words[len(self.words) // 2].size, 1.0)  # no drop cap, no footnote's mark

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def bold(self) -> bool:
        return all(word.bold for word in self.words)

    @property
    def length(self) -> int:
        text = self.text
        return len(text) + sum(map(_is_wide, text))


def page_blocks(words: Sequence[PlacedWord]) -> list[PdfBlock]:
    """The blocks of one page in reading order, headings not yet told. Words that stand upright come
    last; a page of them, or one that is read from the right, stays in the order of the file."""
    upright = [word for word in words if _is_upright(word)]
    from_right = sum(1 for word in words if _FROM_RIGHT.search(word.text))
    if 2 * len(upright) > len(words) or 4 * from_right > len(words):
        return [block for line in _lines(words) for block in _as_block(line)]
    runs = list(_runs([word for word in words if not _is_upright(word)] if upright else words))
    blocks = []
    for region in _regions(runs):
        found = list(_blocks(region))
        for block in found[:1]:
            block.opens = True
        blocks += found
    return blocks + [block for line in _lines(upright) for block in _as_block(line)]


def joined_columns(pages: Sequence[Sequence[PdfBlock]]) -> list[PdfBlock]:
    """All blocks, those that a column or page parts in one: the first ends in the middle of a
    sentence, and the second goes on with a small letter."""
    blocks: list[PdfBlock] = []
    for block in (block for page in pages for block in page):
        before = blocks[-1] if blocks else None
        if before and block.opens and _continues(before, block):
            before.lines += block.lines
        else:
            blocks.append(block)
    return blocks


def _continues(before: PdfBlock, block: PdfBlock) -> bool:
    if before.kind != "text" or block.kind != "text" or before.level or block.level:
        return False
    if rounded(before.size) != rounded(block.size):
        return False
    last, first = before.lines[-1][-1:], block.lines[0][:1]
    return first.islower() and (last in _HYPHENS or last == "," or last.isalnum())


def words_of(blocks: Iterable[PdfBlock]) -> Counter[str]:
    """How often the text writes each word, those with hyphens among them."""
    return Counter(word for each in blocks for line in each.lines for word in _WORD.findall(line))


def mended(lines: Sequence[str], known: Counter[str] | None = None) -> str:
    """The lines of a paragraph as one. A hyphen at the end of one goes, unless the next begins with
    a capital or a digit, or the text writes the word with it elsewhere (`known`: its words)."""
    text = ""
    for line in lines:
        if not text:
            text = line
        elif text[-1] in _HYPHENS and len(text) > 1 and text[-2].isalpha():
            text = _joined(text, line, known)
        elif _is_wide(text[-1]) and _is_wide(line[0]):
            text += line
        else:
            text = f"{text} {line}"
    return text.translate(dict.fromkeys(map(ord, _SOFT)))


def _joined(text: str, line: str, known: Counter[str] | None) -> str:
    head, tail = text[:-1], line
    if not line[:1].islower():
        return f"{head}-{tail}" if line[:1].isalnum() else f"{text} {tail}"
    first = re.split(r"\s", head)[-1].lstrip("(\"'“‘")
    second = re.split(r"[\s.,;:!?)\"'”’]", tail, maxsplit=1)[0]
    if known and known[f"{first}-{second}"] > known[f"{first}{second}"]:
        return f"{head}-{tail}"
    return head + tail


def _is_wide(letter: str) -> bool:
    """Whether it is a letter of a script without spaces, such as Han or kana."""
    return unicodedata.east_asian_width(letter) in "WF"


def _is_upright(word: PlacedWord) -> bool:
    return len(word.text) > 2 and word.bottom - word.top > 1.5 * abs(word.right - word.left)


def _lines(words: Iterable[PlacedWord]) -> Iterator[_Run]:
    """Words in the order of the file, to where it ends its lines."""
    line: list[PlacedWord] = []
    for word in words:
        line.append(word)
        if word.ends_line:
            yield _Run(line)
            line = []
    if line:
        yield _Run(line)


def _as_block(line: _Run) -> Iterator[PdfBlock]:
    yield PdfBlock("text", [line.text], size=line.size)


def rounded(size: float) -> float:
    """A size as it is compared with others."""
    return round(size * 2) / 2


def _runs(words: Iterable[PlacedWord]) -> Iterator[_Run]:
    run: list[PlacedWord] = []
    for word in words:
        if run and not _follows(run[-1], word):
            yield _Run(run)
            run = []
        run.append(word)
    if run:
        yield _Run(run)


def _follows(before: PlacedWord, word: PlacedWord) -> bool:
    size = max(before.size, word.size, 1.0)
    if before.ends_line and abs(_middle(before) - _middle(word)) > _LINE * size:
        return False
    beside = min(before.bottom, word.bottom) - max(before.top, word.top)
    return beside > 0 and -size <= word.left - before.right <= _GAP * size


def _middle(word: PlacedWord) -> float:
    return (word.top + word.bottom) / 2


# Columns


def _regions(runs: list[_Run]) -> Iterator[list[_Run]]:
    """Parts of a page that are read one after the other, each of one column."""
    edge = _column_edge(runs)
    if edge is None:
        yield runs
        return
    band: list[_Run] = []
    for run in sorted(runs, key=lambda run: run.top):
        if run.left < edge - 1 and run.right > edge + 1:  # it stands across both columns
            yield from _side_by_side(band, edge)
            band = []
            yield [run]
        else:
            band.append(run)
    yield from _side_by_side(band, edge)


def _side_by_side(band: list[_Run], edge: float) -> Iterator[list[_Run]]:
    left = [run for run in band if run.left < edge - 1]
    right = [run for run in band if run.left >= edge - 1]
    for side in (left, right):
        if side:
            yield from _regions(side)


def _column_edge(runs: Sequence[_Run]) -> float | None:
    """Where a second column begins; None: there is one column."""
    if len(runs) > _MOST_RUNS:
        return None
    starts = Counter(round(run.left / 3) for run in runs)
    for start in sorted(starts):
        if starts[start - 1] + starts[start] + starts[start + 1] < _COLUMN_RUNS:
            continue
        near = [run for run in runs if abs(run.left - 3 * start) <= 3]
        if len(near) < _COLUMN_RUNS:
            continue
        edge = min(run.left for run in near)
        gutter = edge - 0.5 * near[0].size
        left = [run for run in runs if run.right <= gutter]
        across = [run for run in runs if run.left < gutter and run.right > edge + 1]
        if len(left) < _COLUMN_RUNS or len(across) > min(len(left), len(near)) / 2:
            continue
        usual = min(median(run.length for run in side) for side in (left, near))
        if usual >= _COLUMN_LENGTH and _beside(left, near):
            return edge
    return None


def _beside(left: Sequence[_Run], right: Sequence[_Run]) -> bool:
    """Whether the two stand at one height."""
    tops = [(min(r.top for r in side), max(r.bottom for r in side)) for side in (left, right)]
    return min(tops[0][1], tops[1][1]) > max(tops[0][0], tops[1][0])


# Lines, tables, paragraphs


def _blocks(runs: Sequence[_Run]) -> Iterator[PdfBlock]:
    rows = list(_rows(runs))
    at = 0
    lines: list[_Run] = []
    while at < len(rows):
        length = _table_at(rows, at)
        if length:
            yield from _paragraphs(lines)
            lines = []
            yield _table(rows[at : at + length])
            at += length
        else:
            lines.append(_Run([word for run in rows[at] for word in run.words]))
            at += 1
    yield from _paragraphs(lines)


def _rows(runs: Sequence[_Run]) -> Iterator[list[_Run]]:
    """Runs at one height, from the left."""
    row: list[_Run] = []
    for run in sorted(runs, key=lambda run: (run.middle, run.left)):
        if row and run.middle - row[0].middle > _LINE * row[0].size:
            yield sorted(row, key=lambda each: each.left)
            row = []
        row.append(run)
    if row:
        yield sorted(row, key=lambda each: each.left)


def _table_at(rows: Sequence[list[_Run]], at: int) -> int:
    """How many rows from here on are a table: all of them with two cells or more, and with two
    columns at least that no cell of another row stands across."""
    length = 0
    columns: list[tuple[float, float]] = []
    while at + length < len(rows) and len(rows[at + length]) > 1:
        more = _columns(rows[at + length], columns)
        if len(more) < 2 or (columns and len(more) < min(len(columns), len(rows[at + length]))):
            break
        columns = more
        length += 1
    return length if length > 1 else 0


def _columns(
    row: Sequence[_Run], above: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """What the cells of a row and of those above it together cover, from left to right."""
    spans: list[tuple[float, float]] = []
    for left, right in sorted([*above, *((run.left, run.right) for run in row)]):
        if spans and left <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], right))
        else:
            spans.append((left, right))
    return spans


def _table(rows: Sequence[list[_Run]]) -> PdfBlock:
    columns: list[tuple[float, float]] = []
    for row in rows:
        columns = _columns(row, columns)
    written = []
    for row in rows:
        cells = [""] * len(columns)
        for run in row:
            place = max(sum(left <= run.left for left, _ in columns) - 1, 0)
            cells[place] = f"{cells[place]} {run.text}".strip()
        written.append(cells)
    return PdfBlock("table", rows=written, size=rows[0][0].size)


def _paragraphs(lines: Sequence[_Run]) -> Iterator[PdfBlock]:
    if not lines:
        return
    left = min(line.left for line in lines)
    rights: dict[float, float] = {}  # of the lines of each size: a heading may be wider
    for line in lines:
        size = rounded(line.size)
        rights[size] = max(line.right, rights.get(size, left + _NARROWEST * size))
    steps = [below.top - above.top for above, below in pairwise(lines)]
    usual = median(steps) if steps else 0.0
    block = PdfBlock("text", [lines[0].text], size=lines[0].size, bold=lines[0].bold)
    for above, below in pairwise(lines):
        if _goes_on(above, below, left, rights[rounded(above.size)], usual):
            block.lines.append(below.text)
            block.bold = block.bold and below.bold
        else:
            yield block
            block = PdfBlock("text", [below.text], size=below.size, bold=below.bold)
    yield block


def _parts(above: _Run, below: _Run) -> bool:
    """Whether a line is bold and the other is not, and the sentence does not go on."""
    return above.bold != below.bold and not below.words[0].text[0].islower()


def _goes_on(above: _Run, below: _Run, left: float, right: float, usual: float) -> bool:
    if rounded(above.size) != rounded(below.size) or _BULLET.match(below.words[0].text):
        return False
    if LEADERS.search(above.text[-40:]) or _parts(above, below):
        return False
    if below.top - above.top > max(_ABOVE * usual, 0.1):
        return False
    hangs = len(above.words) > 1 and abs(below.left - above.words[1].left) < _SPACE * below.size
    indent = below.left - max(left, above.left)
    if indent > _INDENT * below.size and not (hangs and _BULLET.match(above.words[0].text)):
        return False
    first = below.words[0]
    width = below.size if _is_wide(first.text[0]) else first.right - first.left
    # Not every program measures its lines by points, some count their letters; but the lines of a
    # list begin with capitals.
    within = first.text[0].islower() and above.text[-1] not in _ENDS
    slack = _SLACK * (right - left) if within else 0.0
    return width > right - above.right - _SPACE * above.size - slack
