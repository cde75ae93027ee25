"""An export in a folder. Each file is written under another name, fsynced and renamed, so that a
file that is visible is whole, even after a power cut."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from atlas.domain.blob import BlobStoreError
from atlas.stores.blobs.files import in_thread, sync_to_disk

_DRAFTS = ".atlas-export-drafts"


class FolderFiles:
    """The `TargetFiles` of one folder, which need not exist."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @asynccontextmanager
    async def drafts(self) -> AsyncIterator[Path]:
        # Inside the target, because a rename cannot cross file systems; one folder per attempt,
        # because an attempt that Temporal gave up on may still be writing.
        folder = self._root / _DRAFTS / uuid.uuid4().hex
        await in_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            yield folder
        finally:
            await in_thread(shutil.rmtree, folder, ignore_errors=True)

    async def keep(self, files: Sequence[tuple[Path, str]]) -> None:
        await in_thread(self._keep, files)

    async def read(self, name: str) -> bytes | None:
        return await in_thread(_content, self._root / name)

    async def delete(self, names: Sequence[str]) -> None:
        await in_thread(self._delete, names)

    async def any(self) -> str | None:
        return await in_thread(self._any)

    async def clear(self) -> None:
        await in_thread(shutil.rmtree, self._root / _DRAFTS, ignore_errors=True)
        await in_thread(self._prune)

    async def vanish(self) -> None:
        with suppress(BlobStoreError):  # it is not empty, or was never created
            await in_thread(self._root.rmdir)

    def _keep(self, files: Sequence[tuple[Path, str]]) -> None:
        folders: dict[Path, None] = {}
        for draft, name in files:
            place = self._root / name
            if place.parent not in folders:
                place.parent.mkdir(parents=True, exist_ok=True)
                folders[place.parent] = None
            sync_to_disk(draft)
            draft.replace(place)
        for folder in folders:
            sync_to_disk(folder)

    def _delete(self, names: Sequence[str]) -> None:
        for name in names:
            (self._root / name).unlink(missing_ok=True)

    def _any(self) -> str | None:
        if not self._root.exists():
            return None
        return next((each.name for each in self._root.iterdir() if each.name != _DRAFTS), None)

    def _prune(self) -> None:
        for folder, _, _ in os.walk(self._root, topdown=False):
            with suppress(OSError):  # it is not empty
                Path(folder).rmdir()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
