"""ODT to HTML: headings, paragraphs, lists, tables, notes, links (OpenDocument 1.3, part 3).

What was deleted with changes tracked, comments and generated indexes are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from lxml import etree

from atlas.domain.extraction.stated_metadata import StatedField, StatedMetadata
from atlas.text.files.file_archive import (
    FileArchive,
    attribute,
    child_named,
    children_named,
    encrypted,
    local_name,
)
from atlas.text.files.file_page import FilePage, stated_by
from atlas.text.files.html_writer import HtmlWriter, link

_FIELDS: tuple[tuple[str, StatedField], ...] = (
    ("title", "title"),
    ("initial-creator", "author"),
    ("creator", "author"),
    ("creation-date", "published"),
    ("date", "modified"),
    ("description", "description"),
)
_LEFT_OUT = frozenset((
    "tracked-changes", "annotation", "annotation-end", "table-of-content", "alphabetical-index",
    "bibliography", "illustration-index", "table-index", "object-index", "user-index",
    "note-citation", "ruby-text", "forms", "sequence-decls", "variable-decls", "desc", "title",
))  # fmt: skip
_ROWS = frozenset(("table-header-rows", "table-rows", "table-row-group"))
_MOST_REPEATED = 100
"""Times that a cell or a blank may stand for itself: a file says how many."""


def odt_page(body: bytes) -> FilePage:
    """What an ODT says."""
    archive = FileArchive(body, "odt")
    manifest = archive.xml("META-INF/manifest.xml")
    if manifest is not None and any(local_name(e) == "encryption-data" for e in manifest.iter()):
        raise encrypted("odt")
    text = child_named(archive.xml("content.xml"), "body", "text")
    if text is None:
        raise ValueError("it has no text")
    writer = _OdtWriter()
    writer.enter(text)
    meta = child_named(archive.xml("meta.xml"), "meta")
    language = child_named(meta, "language")
    return FilePage(
        writer.page(), tuple(_stated(meta)), None if language is None else language.text
    )


def _stated(meta: etree._Element | None) -> Iterator[StatedMetadata]:
    seen: set[StatedField] = set()
    for name, field in _FIELDS:
        element = child_named(meta, name)
        if element is not None and field not in seen:
            for each in stated_by(field, element.text, f"odt {name}"):
                seen.add(field)
                yield each


class _OdtWriter:
    def __init__(self) -> None:
        self._out = HtmlWriter()
        self._notes: list[str] = []
        self._boxes: list[etree._Element] = []  # text boxes, which stand inside paragraphs

    def page(self) -> str:
        for note in self._notes:
            self._out.item(0, note)
        return self._out.html()

    def enter(self, parent: etree._Element, depth: int = 0) -> None:
        """The blocks of one element; `depth` is that of the list around them."""
        for element in parent:
            name = local_name(element)
            if name in _LEFT_OUT:
                continue
            if name == "h":
                level = attribute(element, "outline-level")
                self._out.block(f"h{_level(level)}", self._inline(element))
            elif name == "p":
                self._paragraph(element, depth)
            elif name == "list":
                for item in children_named(element, "list-item", "list-header"):
                    self.enter(item, depth + 1)
            elif name == "table":
                self._out.table(map(self._row, _rows(element)))
            else:
                self.enter(element, depth)
            self._enter_boxes(depth)

    def _paragraph(self, element: etree._Element, depth: int) -> None:
        if depth:
            self._out.item(depth - 1, self._inline(element))
        else:
            self._out.block("p", self._inline(element))

    def _enter_boxes(self, depth: int) -> None:
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            self.enter(box, depth)

    def _row(self, row: etree._Element) -> list[str]:
        cells: list[str] = []
        for cell in children_named(row, "table-cell", "covered-table-cell"):
            paragraphs = (each for each in cell.iter() if local_name(each) in ("p", "h"))
            text = "<br>".join(filter(None, map(self._inline, paragraphs)))
            cells += [text] * _times(attribute(cell, "number-columns-repeated"))
        while cells and not cells[-1]:
            cells.pop()
        return cells

    def _inline(self, element: etree._Element) -> str:
        return "".join(self._pieces(element)).strip()

    def _pieces(self, element: etree._Element) -> Iterator[str]:
        """HTML of what stands in a paragraph."""
        yield escape(element.text or "", quote=False)
        for each in element:
            name = local_name(each)
            if name == "s":
                yield " " * _times(attribute(each, "c"))
            elif name == "tab":
                yield " "
            elif name == "line-break":
                yield "<br>"
            elif name == "note":
                body = child_named(each, "note-body")
                paragraphs = () if body is None else body.iter()
                said = [self._inline(p) for p in paragraphs if local_name(p) == "p"]
                self._notes.append(" ".join(said))
            elif name == "text-box":
                self._boxes.append(each)
            elif name == "a":
                yield link(attribute(each, "href"), "".join(self._pieces(each)))
            elif name not in _LEFT_OUT:
                yield from self._pieces(each)
            yield escape(each.tail or "", quote=False)


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    for element in table:
        name = local_name(element)
        if name == "table-row":
            yield element
        elif name in _ROWS:
            yield from _rows(element)


def _level(written: str) -> int:
    return min(max(int(written), 1), 6) if written.isdecimal() else 1


def _times(written: str) -> int:
    return min(int(written), _MOST_REPEATED) if written.isdecimal() else 1
