"""What an export reads of one page, from which each format takes what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.exported_chunk import ExportedChunk, exported_chunks
from atlas.domain.exported_document import ExportedDocument
from atlas.domain.extraction.outline import OutlineSection


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """What is kept of the answer that brought the body of a document; None where it is not known
    any more, or was not sent."""

    status: int | None = None
    content_type: str | None = None
    """The media type, without parameters."""
    charset: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    received_at: datetime | None = None
    rendered: bool = False
    """Whether the body is what a browser made of the page, and was sent by nobody."""


@dataclass(frozen=True, slots=True)
class ExportEntry:
    """A document with what some formats need beyond it."""

    document: ExportedDocument
    outline: tuple[OutlineSection, ...] | None = None
    """Read only for an export of chunks; None also where it is not known."""
    response: StoredResponse = StoredResponse()
    """Known only to an export of bodies."""
    chunks: Sequence[ExportedChunk] | None = None
    """Once they were cut; None: whoever writes them cuts."""


def records_of(
    entry: ExportEntry, what: str, chunk_size: int
) -> Sequence[ExportedDocument] | Sequence[ExportedChunk]:
    """What is written of a page: its document, or the chunks of it."""
    if what == "chunks":
        if entry.chunks is not None:
            return entry.chunks
        return exported_chunks(entry.document, entry.outline, chunk_size)
    return [entry.document]
