"""Temporary folders of this machine, and those that an earlier process left behind: one that is
killed cannot remove its own, and nobody else looks there."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNLOCKED = 3600.0
"""Seconds after which a folder without a lock belongs to nobody: between its creation and its lock
there is a moment in which another process would take it for one that was left."""


@contextmanager
def locked_folder(prefix: str) -> Iterator[Path]:
    """A new folder that is removed with the block, however large; and before it those of the same
    prefix that a killed process left."""
    remove_left(prefix, older_than=_UNLOCKED)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    # The kernel releases it, however this process ends.
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_left(prefix: str, *, older_than: float) -> None:
    """Remove the folders of this user that begin with `prefix`, were not written to for so many
    seconds, and that no process has locked."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # another process removes it as well
            _remove(folder, time.time() - older_than)


def _remove(folder: Path, before: float) -> None:
    # Others write there, too: a link would lead to a folder that was never ours.
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(opened)
        if found.st_uid == os.getuid() and found.st_mtime < before:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(opened)
