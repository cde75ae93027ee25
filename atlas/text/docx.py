"""DOCX to HTML through mammoth. Runs in a limited child: the format is as hostile as any.

A DOCX is an archive of XML. Only the parts that text is made of are unpacked, as far as a bound
that counts what really comes out, whatever the archive says of itself; mammoth gets those alone.
"""

from __future__ import annotations

import re
from html import escape
from io import BytesIO
from typing import NamedTuple
from zipfile import ZIP_STORED, ZipFile

from lxml import etree

from atlas.domain.errors import ErrorClass, PageError

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MAX_ENTRIES = 10_000
_MAX_XML = 64 * 1024 * 1024
_TEXT_PARTS = re.compile(
    r"\[Content_Types\]\.xml|_rels/[^/]*\.rels|word/.*\.(?:xml|rels)|docProps/core\.xml"
)
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


class DocxHtml(NamedTuple):
    """A page that says what the document says, and its title, which may be empty."""

    html: str
    title: str


def docx_html(body: bytes) -> DocxHtml:
    """What a DOCX says.

    Raises PageError(INVALID) with `docx_broken` for what cannot be opened, an encrypted file too,
    or `docx_too_large` for what unpacks to more than its bounds.
    """
    import mammoth  # rarely needed

    try:
        parts = _unpacked(body)
        # No file that the document names is opened, which is the default, too; nor any image.
        found = mammoth.convert_to_html(
            _packed(parts), convert_image=lambda _: [], external_file_access=False
        )
        title = _title(parts.get("docProps/core.xml"))
    except (PageError, MemoryError):
        raise
    except Exception as error:  # of a hostile document: of any class, from zipfile to the XML
        words = f"it cannot be opened as DOCX: {type(error).__name__}"
        raise PageError(ErrorClass.INVALID, "docx_broken", words) from error
    head = f"<head><title>{escape(title)}</title></head>" if title else ""
    return DocxHtml(f"<html>{head}<body>{found.value}</body></html>", title)


def _unpacked(body: bytes) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    room = _MAX_XML
    with ZipFile(BytesIO(body)) as archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            raise _too_large(f"{len(entries)} entries, and {_MAX_ENTRIES} are read")
        for entry in entries:
            if entry.filename in parts or not _TEXT_PARTS.fullmatch(entry.filename):
                continue
            with archive.open(entry) as stream:
                part = stream.read(room + 1)
            room -= len(part)
            if room < 0:
                raise _too_large(f"more than {_MAX_XML} bytes of text parts, unpacked")
            parts[entry.filename] = part
    return parts


def _packed(parts: dict[str, bytes]) -> BytesIO:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    packed.seek(0)
    return packed


def _title(core: bytes | None) -> str:
    if core is None:
        return ""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    found = etree.fromstring(core, parser).find(_TITLE)
    return "" if found is None else (found.text or "").strip()


def _too_large(what: str) -> PageError:
    return PageError(ErrorClass.INVALID, "docx_too_large", f"the DOCX has {what}")
