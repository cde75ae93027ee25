"""The place where an export is written, folder or bucket, and the claim of the run that writes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from atlas.domain.export_parts import TargetRefused
from atlas.stores.blobs.access import S3Access
from atlas.stores.targets.target_files import TargetFiles

_MARKER = ".atlas-export"
"""A file that says which run writes here; it is removed when the run has ended."""


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """A place and the run that writes there."""

    name: str
    files: TargetFiles

    async def claim(self, run_id: str) -> None:
        """Claim an empty place for the run. Raises `TargetRefused` if anything is in it: no file
        from before is ever overwritten."""
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
        """Raise `TargetRefused` if the run's claim is not visible here, as on a machine that does
        not share the folder: the parts of one export would end up on several machines."""
        if not await self.claimed(run_id):
            raise TargetRefused(
                f"to: {self.name} is not where this export began, or was emptied since; all "
                "workers of the queue atlas-bulk must see the same folder, or use "
                "s3://bucket/prefix"
            )

    async def release(self) -> None:
        """Give the place up at the end of the run; only what it wrote stays."""
        # The marker goes last: without it a retry could not tell that the rest is this run's.
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
