"""PDF to HTML through pdfium: where its words stand (`pdf_layout.py` makes text of that), and what
it states of itself. Runs in a limited child: the format is as hostile as any."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain, islice
from typing import Any, NamedTuple

import pypdfium2
from pypdfium2 import raw as pdfium

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.extraction.stated_metadata import StatedField, StatedMetadata
from atlas.text.files.file_archive import encrypted
from atlas.text.files.file_page import FilePage, stated_by
from atlas.text.files.html_writer import HtmlWriter, inline
from atlas.text.files.pdf_headings import with_headings
from atlas.text.files.pdf_layout import (
    PdfBlock,
    PlacedWord,
    joined_columns,
    mended,
    page_blocks,
    words_of,
)
from atlas.text.files.running_lines import LEARNT_FROM, RunningLines

MAX_PAGES = 2_000
MAX_CHARACTERS = 10_000_000
# D:YYYYMMDDHHmmSSOHH'mm (ISO 32000-1, 7.9.4); all after the year is optional.
_DATE = re.compile(
    r"^(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?"
)
_WORD = re.compile(r"\S+")
_BOLD = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_FORCE_BOLD = 1 << 18  # of the flags of a font (ISO 32000-1, table 123)
_LONGEST_NAME = 128  # bytes of a font's name
_BULLETS = ("•", "◦", "▪", "‣", "●", "○", "■", "□")
_WORTH_NAMING = 0.1  # share of pages from which images are more than a cover, or blank pages
_IMAGE_DEPTH = 3  # forms within forms in which an image is looked for


class _PdfPage(NamedTuple):
    """The words of one page, or whether it shows an image instead."""

    words: list[PlacedWord]
    is_image: bool = False


def pdf_page(body: bytes) -> FilePage:
    """What a PDF says.

    Raises PageError(INVALID) with `encrypted`, `pdf_broken` for what pdfium cannot open, or
    `needs_ocr` for pages that are but images.
    """
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise encrypted("pdf") from None
        raise PageError(
            ErrorClass.INVALID, "pdf_broken", f"pdfium cannot open it: {error}"
        ) from error
    try:
        metadata = document.get_metadata_dict()
        html, truncated = _pages(document)
        return FilePage(html, tuple(_stated(metadata)), truncated=truncated)
    finally:
        document.close()


def _stated(metadata: Mapping[str, str]) -> Iterator[StatedMetadata]:
    yield from stated_by("title", metadata.get("Title"), "pdf title")
    yield from stated_by("author", metadata.get("Author"), "pdf author")
    yield from stated_by("description", metadata.get("Subject"), "pdf subject")
    dates: tuple[tuple[StatedField, str], ...] = (
        ("published", "CreationDate"),
        ("modified", "ModDate"),
    )
    for field, name in dates:
        if moment := pdf_date(metadata.get(name, "")):
            yield from stated_by(field, moment.isoformat(), "pdf date")


def pdf_date(value: str) -> datetime | None:
    """A PDF date string in UTC; None for anything else, such as a thirteenth month."""
    found = _DATE.match(value.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, sign, off_hours, off_minutes = found.groups()
    offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        clock = (int(hour or 0), int(minute or 0), int(second or 0))
        local = datetime(int(year), int(month or 1), int(day or 1), *clock, tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _pages(document: pypdfium2.PdfDocument) -> tuple[str, str | None]:
    pages: list[list[PdfBlock]] = []
    size, unread, images, count = 0, 0, 0, len(document)
    found = (_page(document, index) for index in range(min(count, MAX_PAGES)))
    first = list(islice(found, LEARNT_FROM))
    running = RunningLines([page.words if page else [] for page in first])
    for number, page in enumerate(chain(first, found)):
        unread += page is None
        images += page is not None and page.is_image
        pages.append(page_blocks(running.without(page.words, number)) if page else [])
        size += sum(len(word.text) + 1 for word in page.words) if page else 0
        if size > MAX_CHARACTERS:
            break
    if images and not size:
        words = f"no text: {images} of {count} pages are images, as a scanner makes them"
        raise PageError(ErrorClass.INVALID, "needs_ocr", words)
    return _html(pages), _missing(len(pages), count, unread, images)


def _missing(read: int, count: int, unread: int, images: int) -> str | None:
    missing = []
    if read < count:
        missing.append(f"pages {read + 1} to {count}" if read + 1 < count else f"page {count}")
    if unread:
        missing.append(f"{unread} of {count} pages, which cannot be read")
    if images > _WORTH_NAMING * count:
        missing.append(f"{images} of {count} pages, which are images without text")
    return " and ".join(missing) or None


def _html(pages: list[list[PdfBlock]]) -> str:
    with_headings(pages)
    blocks = joined_columns(pages)
    known = words_of(blocks)
    writer = HtmlWriter()
    for block in blocks:
        if block.kind == "table":
            writer.table([inline(cell) for cell in row] for row in block.rows)
            continue
        text = mended(block.lines, known)
        if text.startswith(_BULLETS):
            writer.item(0, inline(text[1:]))
        else:
            writer.block(f"h{block.level}" if block.level else "p", inline(text))
    return writer.html()


def _page(document: pypdfium2.PdfDocument, index: int) -> _PdfPage | None:
    """One page; None for one that cannot be read, which costs no other page anything."""
    try:
        page = document[index]
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    words = list(_words(textpage, page.get_height()))
    image = None
    if not words:
        only = (pdfium.FPDF_PAGEOBJ_IMAGE,)
        image = next(iter(page.get_objects(filter=only, max_depth=_IMAGE_DEPTH)), None)
    textpage.close()
    page.close()
    return _PdfPage(words, image is not None)


def _words(textpage: pypdfium2.PdfTextPage, height: float) -> Iterator[PlacedWord]:
    """The words of a page with their boxes. Of each only the first and the last letter are asked
    for, and of each height of letters once its size: a call costs more than what its answer is used
    for."""
    text, letters = _text(textpage), textpage.raw
    first, last = pdfium.FS_RECTF(), pdfium.FS_RECTF()
    to_first, to_last = ctypes.byref(first), ctypes.byref(last)
    sizes: dict[float, float] = {}
    bold = begins = True  # of the line so far
    for found in _WORD.finditer(text):
        start, end = found.span()
        pdfium.FPDFText_GetLooseCharBox(letters, start, to_first)
        pdfium.FPDFText_GetLooseCharBox(letters, end - 1, to_last)
        if not math.isfinite(first.left + first.top + last.right + last.bottom):
            first, last = pdfium.FS_RECTF(), pdfium.FS_RECTF()  # a hostile file's word is nowhere
            to_first, to_last = ctypes.byref(first), ctypes.byref(last)
        tall = round(first.top - first.bottom, 2)
        if tall not in sizes:
            sizes[tall] = _size(letters, start)
        ends = "\n" in text[end : end + 2]
        bold = (begins or bold) and _is_bold(letters, start)
        begins = ends
        yield PlacedWord(
            found[0],
            min(first.left, last.left),
            height - max(first.top, last.top),
            max(first.right, last.right),
            height - min(first.bottom, last.bottom),
            sizes[tall],
            ends,
            bold,
        )


def _text(textpage: pypdfium2.PdfTextPage) -> str:
    """The text of a page, one character for each that pdfium counts."""
    text = str(textpage.get_text_range(errors="replace"))
    count = textpage.count_chars()
    if len(text) == count:
        return text
    return "".join(chr(pdfium.FPDFText_GetUnicode(textpage.raw, at)) for at in range(count))


def _is_bold(letters: Any, at: int) -> bool:
    """Whether the font of a letter calls itself bold, by its name or its flags."""
    name, flags = ctypes.create_string_buffer(_LONGEST_NAME), ctypes.c_int(0)
    pdfium.FPDFText_GetFontInfo(letters, at, name, _LONGEST_NAME, ctypes.byref(flags))
    return bool(flags.value & _FORCE_BOLD) or _BOLD.search(name.value) is not None


def _size(letters: Any, at: int) -> float:
    """The size of a letter as it is shown: that of its font, by how it is scaled."""
    scaled = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(letters, at, ctypes.byref(scaled))
    by = math.hypot(scaled.c, scaled.d)
    return float(pdfium.FPDFText_GetFontSize(letters, at) * (by or 1.0))
