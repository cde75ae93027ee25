"""The port that every format implements: writes one part of an export."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from atlas.domain.exported_document import ExportedDocument


class PartWriter(Protocol):
    """Writes the documents of one part as drafts into a folder. Blocking."""

    def add(self, document: ExportedDocument) -> None:
        """Write a document."""

    def close(self) -> list[tuple[Path, str]]:
        """End the part; return its drafts, each with its name. The first is the part itself."""
