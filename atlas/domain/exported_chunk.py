"""A chunk as exports write it: a part of one section of a live document, with what is known of the
document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.exported_document import ExportedDocument
from atlas.domain.extraction.outline import OutlineSection


@dataclass(frozen=True, slots=True)
class ExportedChunk:
    """A part of one section of a live document. Fields are written in this order."""

    id: str
    """Names what the chunk says, and where: stable while page, headings and text are the same."""
    url: str
    """The canonical URL of the page."""
    section_url: str
    """The same with the fragment of the section, if it has one."""
    number: int
    """Counts the chunks of the document, from 1."""
    title: str
    """Of the document."""
    section: tuple[str, ...]
    """The headings above it, the outermost first; empty before the first heading."""
    anchor: str | None
    """The fragment of the section; None where the page gives none."""
    text: str
    """The plain text: characters `start` to `end` of the document's."""
    markdown: str
    """The same in Markdown. Where a table is continued its head is repeated, where code is, the
    lines that open and close it."""
    start: int
    """Where `text` begins in the document's text, in characters."""
    end: int
    """Where it ends."""
    overlap: int
    """How many characters at the start of `text` repeat the chunk before: whole sentences."""
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


def exported_chunks(
    document: ExportedDocument, outline: Sequence[OutlineSection] | None, size: int
) -> list[ExportedChunk]:
    """The chunks of a document, in order."""
    # The parser of Markdown: only where chunks are written.
    from atlas.domain.chunking.document_chunks import document_chunks

    found = document_chunks(document.url, document.text, document.markdown, outline, size)
    return [
        ExportedChunk(
            id=chunk.id,
            url=chunk.url,
            section_url=chunk.section_url,
            number=chunk.number,
            title=document.title,
            section=chunk.section,
            anchor=chunk.anchor,
            text=chunk.text,
            markdown=chunk.markdown,
            start=chunk.start,
            end=chunk.end,
            overlap=chunk.overlap,
            lang=document.lang,
            sources=document.sources,
            version=document.version,
            text_hash=document.text_hash,
            changed_at=document.changed_at,
        )
        for chunk in found
    ]
