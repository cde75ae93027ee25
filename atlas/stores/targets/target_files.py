"""What an export asks of the place where it is written: a folder, or a prefix in a bucket."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol


class TargetFiles(Protocol):
    """The files of a folder or prefix. Each appears whole or not at all.

    Methods raise BlobStoreError for a place that cannot be reached, is full or refuses access.
    """

    def drafts(self) -> AbstractAsyncContextManager[Path]:
        """A new folder on this machine for files being written; it is removed with the block."""

    async def keep(self, files: Sequence[tuple[Path, str]]) -> None:
        """Give drafts their names, durably, the first one first; existing files are replaced."""

    async def read(self, name: str) -> bytes | None:
        """The content of a small file; None: it does not exist."""

    async def delete(self, names: Sequence[str]) -> None:
        """Delete files. Idempotent."""

    async def any(self) -> str | None:
        """The name of any file there; None: the place is empty or does not exist."""

    async def clear(self) -> None:
        """Remove drafts and uploads that a crash left behind, and empty folders."""

    async def vanish(self) -> None:
        """Remove the place itself if it is empty."""
