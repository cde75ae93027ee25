"""DOCX to HTML through mammoth. Runs in a limited child: the format is as hostile as any.

Only the parts that text is made of are unpacked; mammoth gets those alone.
"""

from __future__ import annotations

import re
from io import BytesIO
from zipfile import ZIP_STORED, ZipFile

from atlas.text.files.file_archive import FileArchive
from atlas.text.files.file_page import FilePage
from atlas.text.files.office_parts import core_properties

_TEXT_PARTS = re.compile(r"\[Content_Types\]\.xml|_rels/[^/]*\.rels|word/.*\.(?:xml|rels)")


def docx_page(body: bytes) -> FilePage:
    """What a DOCX says: headings, paragraphs, lists, tables, notes."""
    import mammoth  # rarely needed

    archive = FileArchive(body, "docx")
    # No file that the document names is opened, which is the default, too; nor any image.
    found = mammoth.convert_to_html(
        _packed(archive), convert_image=lambda _: [], external_file_access=False
    )
    core = core_properties(archive)
    return FilePage(f"<html><body>{found.value}</body></html>", core.stated, core.language)


def _packed(archive: FileArchive) -> BytesIO:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_STORED) as parts:
        for name in archive.names:
            if _TEXT_PARTS.fullmatch(name):
                parts.writestr(name, archive.read(name) or b"")
    packed.seek(0)
    return packed
