"""A chunk as everybody who has it sees it; `document_chunks.py` makes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DocumentChunk:
    """A part of one section of a document."""

    id: str
    """Names what the chunk says, where: stable while page, headings and text are the same."""
    url: str
    """The canonical URL of the page."""
    section_url: str
    """The same with the fragment of the section, if it has one."""
    number: int
    """Counts the chunks of the document, from 1."""
    section: tuple[str, ...]
    """The headings above it, the outermost first; empty before the first heading."""
    anchor: str | None
    """The fragment; None where the page gives none."""
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
