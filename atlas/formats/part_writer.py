"""The port that every format implements: writes one part of an export."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from atlas.domain.export_entry import ExportEntry


class PartWriter(Protocol):
    """Writes the documents of one part as drafts into a folder. Blocking."""

    records: int
    """Lines, rows, files or WARC records written so far."""

    def wants_body(self, entry: ExportEntry) -> bool:
        """Whether `add` needs the stored body of this document."""

    def add(self, entry: ExportEntry, body: bytes | None = None) -> None:
        """Write a document, or its chunks."""

    def close(self) -> list[tuple[Path, str]]:
        """End the part; return its drafts, each with its name. The first is the part itself."""
