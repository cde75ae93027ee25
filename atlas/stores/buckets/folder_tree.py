"""Files below a folder of this machine. No symbolic link below it is followed: each folder on the
way to a file is opened from the one above it, so that nobody who can write there leads a worker
elsewhere, not even between a look and a read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from atlas.domain.delivery import http_date
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import Validators
from atlas.stores.blobs.files import in_thread
from atlas.stores.buckets.file_tree import (
    PART,
    PIECE,
    ByteSink,
    FileRead,
    FileSeen,
    ListedPart,
    missing,
    too_large,
)

_LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# NONBLOCK: opening a named pipe would wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderTree:
    """The `FileTree` of one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def list(self, below: bytes) -> AsyncIterator[ListedPart]:
        walk = self._walk(below.rstrip(b"/"))
        while (part := await in_thread(next, walk, None)) is not None:
            yield part

    async def read(self, name: bytes, before: Validators, most: int, sink: ByteSink) -> FileRead:
        file = await in_thread(self._open, name)
        try:
            found = await in_thread(os.fstat, file.fileno())
            validators = _validators(found)
            if before.etag == validators.etag:
                return FileRead(validators, 0, modified=False)
            if found.st_size > most:
                raise too_large(found.st_size, most)
            size = 0
            while piece := await in_thread(self._piece, file):
                size += len(piece)
                if size > most:
                    raise too_large(size, most)
                await sink.write(piece)
            if _validators(await in_thread(os.fstat, file.fileno())) != validators:
                raise PageError(
                    ErrorClass.TRANSIENT, "file_changed", "it was written to while it was read"
                )
            return FileRead(validators, size)
        finally:
            await in_thread(file.close)

    def _piece(self, file: BinaryIO) -> bytes:
        try:
            return file.read(PIECE)
        except OSError as error:
            raise _failed(error, "the file") from error

    def _walk(self, below: bytes) -> Iterator[ListedPart]:
        found: list[FileSeen] = []
        waiting = [below]
        while waiting:
            folder = waiting.pop()
            try:
                with self._folder(folder) as descriptor, os.scandir(descriptor) as entries:
                    for entry in entries:
                        name = os.fsencode(entry.name)
                        if name.startswith(b"."):
                            continue
                        path = folder + b"/" + name if folder else name
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(path)
                        elif entry.is_file(follow_symlinks=False):
                            found += self._seen(path, entry)
                        if len(found) >= PART:
                            yield ListedPart(found)
                            found = []
            except OSError as error:
                trouble = _failed(error, f"the folder {os.fsdecode(folder) or '.'}")
                if folder == below:
                    raise trouble from error
                yield ListedPart(trouble=trouble)
        if found:
            yield ListedPart(found)

    def _seen(self, path: bytes, entry: os.DirEntry[str]) -> Iterator[FileSeen]:
        try:
            modified = entry.stat(follow_symlinks=False).st_mtime
        except FileNotFoundError:  # deleted since the folder was read
            return
        yield FileSeen(path, _moment(modified))

    def _folder(self, path: bytes) -> _Opened:
        return _Opened(self._root, path)

    def _open(self, name: bytes) -> BinaryIO:
        folder, _, last = name.rpartition(b"/")
        try:
            with self._folder(folder) as parent:
                descriptor = os.open(last, _FILE, dir_fd=parent)
        except OSError as error:
            raise _failed(error, "the file") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise PageError(ErrorClass.INVALID, "not_a_file", "it is no regular file")
        return os.fdopen(descriptor, "rb", buffering=0)


class _Opened:
    """A folder, opened part by part from the root."""

    def __init__(self, root: Path, path: bytes) -> None:
        self._root = root
        self._parts = [part for part in path.split(b"/") if part]
        self._descriptor = -1

    def __enter__(self) -> int:
        # The root itself is the operator's, and may be a link.
        self._descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in self._parts:
            above = self._descriptor
            try:
                self._descriptor = os.open(part, _FOLDER, dir_fd=above)
            finally:
                os.close(above)
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _validators(found: os.stat_result) -> Validators:
    # With the time of the last change of its entry: a copy may keep size and time of its content.
    etag = f'"{found.st_mtime_ns:x}-{found.st_ctime_ns:x}-{found.st_size:x}"'
    return Validators(etag, http_date(_moment(found.st_mtime)))


def _moment(seconds: float) -> datetime:
    """A file's time; the nearest that a date can be, since whoever writes a file chooses any."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LAST_SECOND), UTC)


def _failed(error: OSError, what: str) -> PageError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and what == "the file":
        return missing("")
    if error.errno in (errno.EACCES, errno.EPERM):
        return PageError(
            ErrorClass.BLOCKED,
            "file_forbidden",
            f"{what} may not be read: give the user that runs Atlas permission",
        )
    if error.errno in (errno.ELOOP, errno.EMLINK):
        return PageError(
            ErrorClass.BLOCKED, "link_refused", f"{what} is a symbolic link, which is not followed"
        )
    return PageError(
        ErrorClass.TRANSIENT, "bucket_unreachable", f"{what}: {error.strerror or error}"
    )
