"""Which converter reads which kind of file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.media_kinds import Media
from atlas.text.files.docx import docx_page
from atlas.text.files.email_message import email_page
from atlas.text.files.epub import epub_page
from atlas.text.files.file_page import FilePage
from atlas.text.files.odt import odt_page
from atlas.text.files.pdf import pdf_page
from atlas.text.files.pptx import pptx_page
from atlas.text.files.xlsx import xlsx_page

CONVERTERS: Mapping[Media, Callable[[bytes], FilePage]] = {
    "pdf": pdf_page,
    "docx": docx_page,
    "pptx": pptx_page,
    "xlsx": xlsx_page,
    "odt": odt_page,
    "epub": epub_page,
    "eml": email_page,
}


def file_page(body: bytes, media: Media) -> FilePage:
    """A file of one of these kinds as a page. Raises PageError(INVALID) with `encrypted`,
    `<kind>_too_large`, or `<kind>_broken` for whatever else is wrong with it."""
    try:
        return CONVERTERS[media](body)
    except (PageError, MemoryError):
        raise
    except Exception as error:  # of hostile bytes: of any class, from zipfile to the XML
        words = f"it cannot be opened as {media.upper()}: {type(error).__name__}"
        raise PageError(ErrorClass.INVALID, f"{media}_broken", words) from error
