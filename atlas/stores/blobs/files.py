"""File work off the event loop, and its errors in words an operator can act on."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from atlas.domain.blob import BlobStoreError
from atlas.domain.errors import ErrorClass

P = ParamSpec("P")
T = TypeVar("T")

_MENDS = {
    errno.ENOSPC: "Free space there, or point ATLAS_BLOBS elsewhere",
    errno.EDQUOT: "Raise the quota of this user, or point ATLAS_BLOBS elsewhere",
    errno.EFBIG: "Raise the file size limit (ulimit -f)",
    errno.EACCES: "Give the user that runs Atlas write permission there",
    errno.EPERM: "Give the user that runs Atlas write permission there",
    errno.EROFS: "Mount it writable, or point ATLAS_BLOBS elsewhere",
    errno.EMFILE: "Raise the limit of open files (ulimit -n)",
    errno.ENOTDIR: "Point ATLAS_BLOBS at a folder",
}


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking file work in a thread; a cancellation waits until that work has ended.

    Otherwise the thread would go on writing a file that its owner is already removing.

    Raises:
        BlobStoreError: for every OSError of `work`.
    """
    task = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)  # noqa: TID251 (waited for below)
    except asyncio.CancelledError:
        await _ended(task)
        raise
    except OSError as error:
        raise disk_error(error) from error


async def _ended(task: asyncio.Task[T]) -> None:
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue  # The first one is raised by our caller, when the file is at rest.
    if not task.cancelled():
        task.exception()  # Looked at, so that asyncio does not report it as lost.


def sync_to_disk(path: Path) -> None:
    """Blocking. Make a file, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_error(error: OSError) -> BlobStoreError:
    """The same failure, with its path and the fix."""
    where = error.filename or "the blob folder"
    mend = _MENDS.get(error.errno or 0, "Check that disk; the work is tried again")
    # A failure with a fix of its own does not pass without it.
    lasts = ErrorClass.BLOCKED if error.errno in _MENDS else ErrorClass.TRANSIENT
    return BlobStoreError(f"cannot use {where}: {error.strerror or error}", mend, lasts)
