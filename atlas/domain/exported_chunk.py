"""A chunk as exports write it: a part of one section of a live document, with what is known of the
document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from atlas.domain.chunking.document_chunks import DocumentChunk, document_chunks
from atlas.domain.exported_document import ExportedDocument
from atlas.domain.extraction.outline import OutlineSection


@dataclass(frozen=True, slots=True)
class ExportedChunk(DocumentChunk):
    """A part of one section of a live document. Fields are written in this order."""

    title: str
    """Of the document."""
    lang: str | None
    """Of the document: ISO 639 code, such as `de`; None when it could not be determined."""
    sources: tuple[str, ...]
    """Names of the sources that hold the page."""
    version: int
    """Which of the successive texts of the page this is a part of, counted from 1."""
    text_hash: str
    """SHA-256 of the document's normalised text with its title."""
    changed_at: datetime
    """Since when the page has the document's text."""


_NAMES = [field.name for field in fields(ExportedChunk)]
_FIRST = len(fields(DocumentChunk))
_OF_CHUNK, _OF_DOCUMENT = attrgetter(*_NAMES[:_FIRST]), attrgetter(*_NAMES[_FIRST:])


def exported_chunks(
    document: ExportedDocument, outline: Sequence[OutlineSection] | None, size: int
) -> list[ExportedChunk]:
    """The chunks of a document, in order."""
    known = _OF_DOCUMENT(document)
    found = document_chunks(document.url, document.text, document.markdown, outline, size)
    every: Iterator[tuple[Any, ...]] = ((*_OF_CHUNK(chunk), *known) for chunk in found)
    return [ExportedChunk(*each) for each in every]
