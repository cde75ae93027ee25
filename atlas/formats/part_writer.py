"""One part of an export, in any format."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from atlas.domain.exported_document import ExportedDocument


class PartWriter(Protocol):
    """Writes the documents of one part as drafts into a folder. Blocking."""

    def add(self, document: ExportedDocument) -> None:
        """Write a document."""

    def close(self) -> list[tuple[Path, str]]:
        """End the part. Its drafts, and the name of each; the first is the part itself."""
