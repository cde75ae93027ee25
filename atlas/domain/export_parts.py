"""The parts of an export: the pages of one, and what is recorded when it is finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MANIFEST = "manifest.json"
"""Names the parts; an export is complete when it is there."""


class TargetRefused(Exception):
    """An export cannot be written there; the message names the place and the fix."""


@dataclass(frozen=True, slots=True)
class PartForm:
    """How the parts of an export are written."""

    format: str = "jsonl"
    compress: str = "none"
    what: str = "documents"
    chunk_size: int = 1_500
    """The greatest size of a chunk, in characters of Markdown."""
    as_of: datetime | None = None
    """The moment of the choice."""


@dataclass(frozen=True, slots=True)
class PartRange:
    """The pages of one part: those after one page, up to another."""

    after: int
    last: int
    pages: int
    """How many of them were chosen."""


@dataclass(frozen=True, slots=True)
class FinishedPart:
    """One part as it is in the target."""

    number: int
    """Counts from 0."""
    name: str
    range: PartRange
    documents: int
    records: int
    """Lines, rows, files or WARC records that they are written in."""
    bytes: int
    sha256: str
