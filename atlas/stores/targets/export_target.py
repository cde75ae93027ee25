"""The place where an export is written, whichever it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from atlas.domain.export_parts import TargetRefused
from atlas.stores.blobs.access import S3Access

_MARKER = ".atlas-export"
"""A file that says which run writes here; it goes when the run has ended."""


class TargetFiles(Protocol):
    """The files of a folder or prefix. Everything in it appears whole or not at all.

    A place that cannot be reached, is full or refuses is a BlobStoreError, everywhere.
    """

    def drafts(self) -> AbstractAsyncContextManager[Path]:
        """A new folder on this machine for files on their way in; it goes with the block."""

    async def keep(self, files: Sequence[tuple[Path, str]]) -> None:
        """Give drafts their names, durably, the first one first; what has such a name is
        replaced."""

    async def read(self, name: str) -> bytes | None:
        """A small file; None: it is not there."""

    async def delete(self, names: Sequence[str]) -> None:
        """Delete files. Idempotent."""

    async def any(self) -> str | None:
        """The name of anything that is there; None: nothing is, or the place is not."""

    async def clear(self) -> None:
        """Remove drafts that a crash left behind, and folders that are empty."""

    async def vanish(self) -> None:
        """Remove the place itself, if nothing is there."""


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """A place and the run that writes there."""

    name: str
    files: TargetFiles

    async def claim(self, run_id: str) -> None:
        """Make an empty place the run's. Raises `TargetRefused` for one with something in it:
        nothing that was there before is ever overwritten."""
        found = await self.files.read(_MARKER)
        if found == _mark(run_id):
            return
        there = await self.files.any()
        if there is not None:
            what = f"'{there}'" if found is None else "another export, under way or ended early,"
            raise TargetRefused(f"to: {self.name} is not empty: {what} is there; name a new place")
        async with self.files.drafts() as drafts:
            marker = drafts / "marker"
            marker.write_bytes(_mark(run_id))
            await self.files.keep([(marker, _MARKER)])

    async def claimed(self, run_id: str) -> bool:
        """Whether the run writes here."""
        return await self.files.read(_MARKER) == _mark(run_id)

    async def expect_claimed(self, run_id: str) -> None:
        """Raise `TargetRefused` where another worker's claim does not show: parts of one export
        would lie on several machines."""
        if not await self.claimed(run_id):
            raise TargetRefused(
                f"to: {self.name} is not where this export began, or was emptied since; all "
                "workers of the queue atlas-bulk must see the same folder, or use "
                "s3://bucket/prefix"
            )

    async def release(self) -> None:
        """The run has ended: only what it wrote stays."""
        # The marker last: without it nobody would know whose the rest is.
        await self.files.clear()
        await self.files.delete([_MARKER])
        await self.files.vanish()


@asynccontextmanager
async def open_target(to: str, *, s3: S3Access | None = None) -> AsyncIterator[ExportTarget]:
    """The target of an absolute path or of `s3://bucket/prefix`."""
    if to.startswith("s3://"):
        from atlas.stores.targets.bucket_target import open_bucket  # slow to import

        bucket, _, prefix = to.removeprefix("s3://").partition("/")
        async with open_bucket(bucket, prefix.strip("/"), s3 or S3Access()) as files:
            yield ExportTarget(to, files)
    else:
        from atlas.stores.targets.folder_target import FolderFiles

        yield ExportTarget(to, FolderFiles(Path(to)))


def _mark(run_id: str) -> bytes:
    return json.dumps({"run": run_id}).encode()
