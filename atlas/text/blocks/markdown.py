"""Blocks to plain text and to Markdown (CommonMark with GitHub's tables)."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from lxml.html import HtmlElement

from atlas.domain.texts import fold_blank, strip_unstorable
from atlas.text.blocks.blocks import PREFORMATTED, Block, InlineMark

Resolve = Callable[[str], str | None]

_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_CELLS = frozenset(("td", "th"))
_OUTER_LINES = re.compile(r"^(?:[ \t]*\n)+|\s+$")
_MAX_INDENT = 8  # list levels; deeper nesting says nothing to a reader


class PlacedText(NamedTuple):
    """A text, and where each of its blocks begins in it, in characters."""

    text: str
    starts: list[int]


def to_text(blocks: Sequence[Block]) -> PlacedText:
    """One line per block, an empty line where a paragraph ends; preformatted text as it stands.
    What no store accepts is left out here: the places count characters."""
    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for block in blocks:
        gap = "\n" if block.joined or block.element.tag in ("li", "td", "th") else "\n\n"
        part = strip_unstorable(_preformatted(block) or fold_blank(block.text))
        starts.append(at + len(gap))
        at += len(gap) + len(part)
        parts += (gap, part)
    joined = "".join(parts)
    text = joined.lstrip("\n")
    ahead = len(joined) - len(text)
    text = text.rstrip("\n")
    return PlacedText(text, [min(max(start - ahead, 0), len(text)) for start in starts])


def to_markdown(blocks: Sequence[Block], resolve: Resolve) -> str:
    """Headings, lists, tables, code, quotes, emphasis; links where `resolve` gives an address."""
    writer = _Writer(resolve)
    for block in blocks:
        writer.add(block)
    writer.end()
    return "".join(writer.parts).strip("\n")


def _preformatted(block: Block) -> str:
    if block.element.tag not in PREFORMATTED:
        return ""
    return _OUTER_LINES.sub("", block.text.expandtabs(8))


class _Writer:
    def __init__(self, resolve: Resolve) -> None:
        self.parts: list[str] = []
        self._resolve = resolve
        self._row: HtmlElement | None = None
        self._ruled: set[HtmlElement] = set()  # tables that have their rule below the first row
        self._items: set[HtmlElement] = set()  # list items that have their bullet
        self._numbers: dict[HtmlElement, int] = {}  # of the items of ordered lists
        self._cells = 0  # of the row so far
        self._places: dict[HtmlElement, int] = {}  # of the cells of the row

    def add(self, block: Block) -> None:
        if block.element.tag in _CELLS:
            self._cell(block)
            return
        self._end_row()
        code = _preformatted(block)
        if code and not block.joined:
            self.parts.append(f"\n\n{_fence(code)}")
            return
        prefix, indent = self._list_prefix(block.element)
        line = self._prefixed(block, code or self._inline(block))
        if block.joined:
            self.parts.append(f"  \n{indent}{line}")
        else:
            gap = "\n" if prefix.endswith(" ") and prefix.strip() else "\n\n"
            self.parts.append(f"{gap}{prefix or indent}{line}")

    def end(self) -> None:
        """End what is open behind the last block."""
        self._end_row()

    def _prefixed(self, block: Block, line: str) -> str:
        tag = block.element.tag
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            return f"{'#' * int(tag[1])} {line}"
        if tag == "dt" and not line.startswith("**"):
            return f"**{line}**"
        if tag == "dd":
            return f": {line}"
        return f"> {line}" if _is_quoted(block.element) else line

    def _list_prefix(self, element: HtmlElement) -> tuple[str, str]:
        """Bullet (for the first block of an item, else "") and indent of what continues it."""
        item = _item_of(element)
        if item is None:
            return "", ""
        depth = min(_list_depth(item), _MAX_INDENT)
        indent = "  " * depth
        if item in self._items:
            return "", indent
        self._items.add(item)
        return f"{'  ' * (depth - 1)}{self._bullet(item)} ", indent

    def _bullet(self, item: HtmlElement) -> str:
        parent = item.getparent()
        if parent is None or parent.tag != "ol":
            return "-"
        if item not in self._numbers:  # all items of a list at once: it may have 100,000
            self._numbers.update((each, n) for n, each in enumerate(parent.iterchildren("li"), 1))
        return f"{self._numbers[item]}."

    def _cell(self, block: Block) -> None:
        row = block.element.getparent()
        text = self._inline(block).replace("|", "\\|")
        if row is not None and row is self._row:
            if block.joined:
                self.parts.append(f" {text}")
            else:
                self._in_column(block, f" | {text}")
            return
        continues = self._row is not None
        self._end_row()
        self._row, self._cells = row, 0
        cells = () if row is None else row.iterchildren(*_CELLS)
        self._places = {cell: place for place, cell in enumerate(cells)}
        self.parts.append("\n|" if continues else "\n\n|")
        self._in_column(block, f" {text}")

    def _in_column(self, block: Block, text: str) -> None:
        """What one cell says, in its column: cells that say nothing are no blocks."""
        place = max(self._places.get(block.element, 0), self._cells)
        self.parts.append(" |" * (place - self._cells) + text)
        self._cells = place + 1

    def _end_row(self) -> None:
        if self._row is None:
            return
        table = next(self._row.iterancestors("table"), self._row)
        if table not in self._ruled:  # the rule below has as many columns as the row above it
            self._ruled.add(table)
            columns = max(self._cells, len(self._places))
            self.parts.append(" |" * (columns - self._cells + 1))
            self.parts.append(f"\n|{' --- |' * columns}")
        else:
            self.parts.append(" |")
        self._row = None

    def _inline(self, block: Block) -> str:
        return fold_blank("".join(_inline_parts(block, self._resolve)))


def _inline_parts(block: Block, resolve: Resolve) -> list[str]:
    """The block's pieces with every mark that both opens and closes around some text."""
    out: list[str] = []
    opened: list[tuple[str, int]] = []
    for piece in block.pieces:
        if not isinstance(piece, InlineMark):
            out.append(piece)
        elif piece.opens:
            opened.append((piece.sign, len(out)))
            out.append("")
        elif opened and opened[-1][0] == piece.sign:
            _close(out, opened.pop()[1], piece, resolve)
    return out


def _close(out: list[str], start: int, mark: InlineMark, resolve: Resolve) -> None:
    inner = "".join(out[start:])
    core = inner.strip()
    if not core:
        return
    before = inner[: len(inner) - len(inner.lstrip())]
    after = inner[len(inner.rstrip()) :]
    out[start:] = [before, _wrapped(core, mark, resolve), after]


def _wrapped(core: str, mark: InlineMark, resolve: Resolve) -> str:
    if mark.sign != "[":
        return f"{mark.sign}{core}{mark.sign}" if mark.sign not in core else core
    url = resolve(mark.href.strip())
    return f"[{core}]({url})" if url else core


def _fence(code: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}\n{code}\n{fence}"


def _item_of(element: HtmlElement) -> HtmlElement | None:
    if element.tag == "li":
        return element
    return next(element.iterancestors("li"), None)


def _list_depth(item: HtmlElement) -> int:
    return max(sum(1 for _ in item.iterancestors(*_LISTS)), 1)


def _is_quoted(element: HtmlElement) -> bool:
    return (
        element.tag == "blockquote" or next(element.iterancestors("blockquote"), None) is not None
    )
