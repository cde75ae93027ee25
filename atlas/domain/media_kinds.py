"""The kinds of files that Atlas reads text from, by the endings of their names and by media type:
the one table, for fetches, buckets, archives and what is put."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal, NamedTuple

Media = Literal["html", "text", "pdf", "docx", "pptx", "xlsx", "odt", "epub", "eml"]
"""How a body is read. Markdown and reStructuredText are read as `text`, with headings."""


class MediaKind(NamedTuple):
    """One kind of file, as people call it; the first of its types is that of the endings."""

    name: str
    media: Media
    endings: tuple[str, ...]
    types: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument"

MEDIA_KINDS = (
    MediaKind("HTML", "html", ("html", "htm"), ("text/html",)),
    MediaKind("XHTML", "html", ("xhtml",), ("application/xhtml+xml",)),
    MediaKind("PDF", "pdf", ("pdf",), ("application/pdf",)),
    MediaKind("DOCX", "docx", ("docx",), (f"{_OFFICE}.wordprocessingml.document",)),
    MediaKind("PPTX", "pptx", ("pptx",), (f"{_OFFICE}.presentationml.presentation",)),
    MediaKind("XLSX", "xlsx", ("xlsx",), (f"{_OFFICE}.spreadsheetml.sheet",)),
    MediaKind("ODT", "odt", ("odt",), ("application/vnd.oasis.opendocument.text",)),
    MediaKind("EPUB", "epub", ("epub",), ("application/epub+zip",)),
    MediaKind("e-mail", "eml", ("eml",), ("message/rfc822",)),
    MediaKind("Markdown", "text", ("md", "markdown"), ("text/markdown", "text/x-markdown")),
    MediaKind("reStructuredText", "text", ("rst",), ("text/x-rst", "text/prs.fallenstein.rst")),
    MediaKind("text", "text", ("txt", "text"), ("text/plain",)),
)

KINDS_NAMED = ", ".join(each.name for each in MEDIA_KINDS[:-1]) + f" and {MEDIA_KINDS[-1].name}"
"""All of them, in words."""

_BY_ENDING = {ending: kind for kind in MEDIA_KINDS for ending in kind.endings}
_BY_TYPE = {each: kind for kind in MEDIA_KINDS for each in kind.types}


def kind_of_name(name: str) -> MediaKind | None:
    """The kind that the name of a file shows; None: none that Atlas reads."""
    return _BY_ENDING.get(PurePosixPath(name).suffix[1:].lower())


def type_of_name(name: str) -> str | None:
    """The media type that the name of a file shows; None: it shows none that Atlas reads."""
    kind = kind_of_name(name)
    return kind.types[0] if kind else None


def kind_of_type(content_type: str | None) -> MediaKind | None:
    """The kind that a Content-Type header declares, whatever its parameters."""
    return _BY_TYPE.get((content_type or "").partition(";")[0].strip().lower())
