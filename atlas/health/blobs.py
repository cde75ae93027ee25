"""The blob store: a body written, read back and deleted; and free space if it is a folder."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from atlas.domain.blob import BlobStoreError
from atlas.health.probe import ProbeResult, Unwell, degraded, failing
from atlas.stores.blobs import open_blobs
from atlas.stores.blobs.access import S3Access

MEND = "Check ATLAS_BLOBS, its disk or its server, and the credentials"
GONE_MEND = (
    "Mount it, restore it, or correct ATLAS_BLOBS; a starting worker creates an empty one, "
    "without the bodies that the corpus refers to"
)
DISK_MEND = "Free space, or move ATLAS_HOME or ATLAS_BLOBS to a larger disk"

_GIB = 1024**3
_LITTLE = (0.10, 20 * _GIB)  # of the disk, and bytes: below both it is degraded
_NOTHING = (0.02, 2 * _GIB)


async def blobs(location: str, s3: S3Access | None = None) -> ProbeResult:
    """A round trip through a store opened for it, as a new worker would."""
    folder = Path(location.removeprefix("file://")).expanduser()
    if not location.startswith("s3://") and not await asyncio.to_thread(folder.exists):
        raise Unwell(f"{folder} does not exist", GONE_MEND)
    try:
        async with open_blobs(location, s3=s3) as store:
            await store.check()
    except BlobStoreError as error:
        said = str(error).removesuffix(f". {error.mend}")
        raise Unwell(said, error.mend) from None
    return ProbeResult(f"wrote, read and deleted a body in {location}")


async def disk(folders: Sequence[Path]) -> ProbeResult:
    """Free space in the folders that Atlas writes to on this machine."""
    return await asyncio.to_thread(_disk, folders)  # a network drive may hang


def _disk(folders: Sequence[Path]) -> ProbeResult:
    spaces = [(shutil.disk_usage(_existing(folder)), folder) for folder in folders]
    if not spaces:
        return ProbeResult("Atlas keeps nothing on this machine")
    usage, folder = min(spaces, key=lambda space: space[0].free)
    share = usage.free / usage.total
    left = f"{usage.free / _GIB:.1f} GiB ({share:.0%}) free for {folder}"
    if share < _NOTHING[0] and usage.free < _NOTHING[1]:
        return failing(left, DISK_MEND)
    if share < _LITTLE[0] and usage.free < _LITTLE[1]:
        return degraded(left, DISK_MEND)
    return ProbeResult(left)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
