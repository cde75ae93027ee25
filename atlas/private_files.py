"""Folders 0700 and files 0600, whatever the umask: everything Atlas keeps is its owner's alone.

`keep_private` is called where a process of Atlas begins, and its children inherit it: PostgreSQL,
Temporal and workers create no file that others could read. `tighten` closes what earlier versions,
another tool or a restore left open.
"""

import os
import stat
from pathlib import Path

_OTHERS = 0o077
_PASS = 0o011


def keep_private() -> None:
    """Have this process and its children create folders with 0700 and files with 0600."""
    os.umask(_OTHERS)


def tighten(folder: Path, *passable: Path, levels: int = 1) -> None:
    """Take from everybody but the owner what they may do with `folder` and what is in it.

    If others may pass through one of the `passable` folders, they still may; not list it. What
    belongs to another user is left alone, and so is what is behind a symbolic link inside.
    Does nothing if there is no folder.

    The first `levels` are looked at each time. Below them, folders that are private are not
    entered, since nobody else reaches what is in them: a store of a million blobs is walked once.
    A folder is closed after what it holds, so a walk that was interrupted is repeated.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        found = os.fstat(handle)
        if found.st_uid == os.geteuid():
            _tighten_content(handle, folder, frozenset(passable), levels)
            _close(handle, found.st_mode, _PASS if folder in passable else 0)
    finally:
        os.close(handle)


def _tighten_content(handle: int, folder: Path, passable: frozenset[Path], levels: int) -> None:
    # By handles, and never through a link: somebody who may write in a folder that was open could
    # otherwise lead us anywhere.
    with os.scandir(handle) as entries:
        for entry in entries:
            try:
                _tighten_entry(handle, entry, folder / entry.name, passable, levels)
            except FileNotFoundError:
                continue  # removed meanwhile, by a worker for instance


def _tighten_entry(
    parent: int, entry: os.DirEntry[str], path: Path, passable: frozenset[Path], levels: int
) -> None:
    found = entry.stat(follow_symlinks=False)
    if found.st_uid != os.geteuid():
        return
    if stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS:
        _chmod_file(parent, entry.name)
    elif stat.S_ISDIR(found.st_mode):
        kept = _PASS if path in passable else 0
        if not found.st_mode & _OTHERS & ~kept and levels <= 1:
            return
        handle = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            _tighten_content(handle, path, passable, levels - 1)
            _close(handle, found.st_mode, kept)
        finally:
            os.close(handle)


def _chmod_file(parent: int, name: str) -> None:
    # Non-blocking: a pipe may have taken the file's place.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    handle = os.open(name, flags, dir_fd=parent)
    try:
        _close(handle, os.fstat(handle).st_mode, 0)
    finally:
        os.close(handle)


def _close(handle: int, mode: int, kept: int) -> None:
    wanted = stat.S_IMODE(mode) & ~(_OTHERS & ~kept)
    if wanted != stat.S_IMODE(mode):
        os.fchmod(handle, wanted)
