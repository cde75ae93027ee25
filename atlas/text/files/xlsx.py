"""XLSX to HTML: each sheet a heading and a table (ECMA-376, part 1, SpreadsheetML). Cells say what
the file last computed; dates and percentages are written as their formats show them. Hidden sheets
are left out, as what a page hides is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import NamedTuple

from lxml import etree

from atlas.text.files.file_archive import (
    FileArchive,
    attribute,
    child_named,
    children_named,
    local_name,
)
from atlas.text.files.file_page import FilePage
from atlas.text.files.html_writer import HtmlWriter, inline
from atlas.text.files.office_parts import core_properties, main_part, related, relations

MAX_CELLS = 200_000
"""Cells of one file that are read, the empty ones before others among them."""

_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Formats that every program knows and that show dates or times (ECMA-376, 18.8.30)."""
_PERCENTAGES = frozenset((9, 10))
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_SIGN = re.compile(r"[ymdhs]", re.IGNORECASE)
_COLUMN = re.compile(r"([A-Z]{1,3})\d+")
_EPOCH = datetime(1899, 12, 30)
_EPOCH_1904 = datetime(1904, 1, 1)
_LAST_DAY = 2_950_000  # before the year 10000, from either epoch


class _Book(NamedTuple):
    strings: list[str]
    formats: list[str]
    """Of each style: `date`, `percent` or ""."""
    epoch: datetime


def xlsx_page(body: bytes) -> FilePage:
    """What the sheets say."""
    archive = FileArchive(body, "xlsx")
    part = main_part(archive, "xl/workbook.xml")
    root = archive.xml(part)
    if root is None:
        raise ValueError("it has no workbook")
    parts = relations(archive, part)
    purposes = {each.purpose: each.part for each in parts.values()}
    old = attribute(child_named(root, "workbookPr"), "date1904") in ("1", "true")
    book = _Book(
        _strings(archive.xml(purposes.get("sharedStrings", ""))),
        _formats(archive.xml(purposes.get("styles", ""))),
        _EPOCH_1904 if old else _EPOCH,
    )
    writer = _SheetWriter(archive, book)
    for sheet in children_named(child_named(root, "sheets"), "sheet"):
        if attribute(sheet, "state") not in ("hidden", "veryHidden"):
            writer.add(attribute(sheet, "name"), related(sheet, parts) or "")
    core = core_properties(archive)
    return FilePage(writer.out.html(), core.stated, core.language, writer.cut)


class _SheetWriter:
    """The sheets, one table each, as far as the bound of cells."""

    def __init__(self, archive: FileArchive, book: _Book) -> None:
        self.out = HtmlWriter()
        self.cut: str | None = None
        self._archive = archive
        self._book = book
        self._room = MAX_CELLS

    def add(self, name: str, part: str) -> None:
        if self.cut:
            return
        rows = []
        for row in _rows(self._archive.read(part) or b"", self._book):
            self._room -= len(row)
            if self._room < 0:
                self.cut = f"cells after the first {MAX_CELLS:,}, from sheet '{name[:100]}' on"
                break
            rows.append(row)
        if rows:
            self.out.block("h2", inline(name))
            self.out.table([inline(text) for text in row] for row in _trimmed(rows))


def _strings(root: etree._Element | None) -> list[str]:
    return [_words(each) for each in children_named(root, "si")]


def _words(element: etree._Element) -> str:
    """Plain or rich text, without how it is said (`rPh`)."""
    parts = []
    for each in children_named(element, "t", "r"):
        words = each if local_name(each) == "t" else child_named(each, "t")
        parts.append("" if words is None else words.text or "")
    return "".join(parts)


def _formats(root: etree._Element | None) -> list[str]:
    own = {
        attribute(each, "numFmtId"): _kind_of(attribute(each, "formatCode"))
        for each in children_named(child_named(root, "numFmts"), "numFmt")
    }
    found = []
    for each in children_named(child_named(root, "cellXfs"), "xf"):
        number = attribute(each, "numFmtId")
        known = int(number) if number.isdecimal() else 0
        usual = "date" if known in _DATES else "percent" if known in _PERCENTAGES else ""
        found.append(own.get(number, usual))
    return found


def _kind_of(code: str) -> str:
    bare = _LITERAL.sub("", code.partition(";")[0])
    if _DATE_SIGN.search(bare.replace("General", "")):
        return "date"
    return "percent" if "%" in bare else ""


def _rows(sheet: bytes, book: _Book) -> Iterator[list[str]]:
    """The rows of one sheet, as they are parsed: a sheet may hold millions of elements."""
    if not sheet:
        return
    parsed = etree.iterparse(
        BytesIO(sheet), events=("end",), tag="{*}row", resolve_entities=False, no_network=True,
        load_dtd=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    for _, row in parsed:
        texts: list[str] = []
        for cell in children_named(row, "c"):
            place = _place(attribute(cell, "r"), len(texts))
            texts += [""] * (place - len(texts))
            texts[place:] = [_shown(cell, book)]
        row.clear()
        while row.getprevious() is not None:
            del row.getparent()[0]
        if any(texts):
            yield texts


def _place(reference: str, following: int) -> int:
    """The column of a cell, 0 at the left; the next one where it does not say, or goes back."""
    match = _COLUMN.fullmatch(reference)
    if match is None:
        return following
    place = 0
    for letter in match[1]:
        place = place * 26 + ord(letter) - ord("A") + 1
    return max(place - 1, following)


def _shown(cell: etree._Element, book: _Book) -> str:
    kind, value = attribute(cell, "t"), child_named(cell, "v")
    if kind == "inlineStr":
        inline = child_named(cell, "is")
        return "" if inline is None else _words(inline).strip()
    text = "" if value is None else (value.text or "").strip()
    if kind == "s":
        at = int(text) if text.isdecimal() else -1
        return book.strings[at].strip() if 0 <= at < len(book.strings) else ""
    if kind == "b":
        return {"1": "TRUE", "0": "FALSE"}.get(text, text)
    if kind in ("str", "e", "d"):
        return text
    style = attribute(cell, "s")
    at = int(style) if style.isdecimal() else 0
    return _number(text, book.formats[at] if at < len(book.formats) else "", book.epoch)


def _number(text: str, form: str, epoch: datetime) -> str:
    try:
        value = float(text)
    except ValueError:
        return text
    if form == "date" and 0 <= value <= _LAST_DAY:
        return _moment(value, epoch)
    if form == "percent":
        return f"{value * 100:.10g}%"
    return text if text.lstrip("-").isdecimal() else f"{value:.15g}"  # digits that Excel shows


def _moment(serial: float, epoch: datetime) -> str:
    """A date, a time of day, or both, to the second."""
    if epoch is _EPOCH and serial < 60:
        serial += serial >= 1  # day 60 is 1900-02-29, which never was (kept for Lotus 1-2-3)
    moment = epoch + timedelta(seconds=round(serial * 86_400))
    if serial < 1:
        return f"{moment:%H:%M:%S}"
    return f"{moment:%Y-%m-%d}" if serial.is_integer() else f"{moment:%Y-%m-%d %H:%M:%S}"


def _trimmed(rows: list[list[str]]) -> list[list[str]]:
    """The rows without columns at either side in which no row says anything."""
    first = min(next(at for at, text in enumerate(row) if text) for row in rows)
    last = max(max(at for at, text in enumerate(row) if text) for row in rows)
    return [row[first : last + 1] for row in rows]
