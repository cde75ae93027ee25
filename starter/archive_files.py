"""The files of an import: one archive, or all of a folder or of a prefix in S3."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

from atlas.domain.blob import BlobStoreError
from starter.errors import InvalidRequest

if TYPE_CHECKING:
    from atlas.stores.blobs.access import S3Access

_ENDINGS = (".warc", ".warc.gz")
_S3 = "s3://"
Tell = Callable[[str], None]


class ArchiveFiles:
    """Each is opened twice, and must be the same both times: records are found again by number."""

    def __init__(self, names: Sequence[str], s3: S3Access, tell: Tell) -> None:
        self.names = names
        """In the order in which they are read."""
        self._s3, self._tell = s3, tell
        self._seen: dict[str, object] = {}
        """What each was when it was first opened."""
        self._copied: tuple[str, BinaryIO] | None = None
        """The copy of the last object: of a single one no second is made."""

    @asynccontextmanager
    async def opened(self, name: str) -> AsyncIterator[BinaryIO]:
        """The file, to be read from its beginning. Raises `InvalidRequest`."""
        if name.startswith(_S3):
            yield await self._copy(name)
            return
        with closing(await asyncio.to_thread(_open, name)) as file:
            found = os.fstat(file.fileno())
            if self._seen.setdefault(name, (found.st_mtime_ns, found.st_size)) != (
                found.st_mtime_ns, found.st_size,
            ):  # fmt: skip
                raise InvalidRequest(f"archive: {name} has changed meanwhile; import it again")
            yield file

    def close(self) -> None:
        """Remove the copy that was made last."""
        if self._copied is not None:
            self._copied[1].close()
            self._copied = None

    async def _copy(self, name: str) -> BinaryIO:
        from atlas.stores.buckets.object_copies import copy_object

        if self._copied is not None and self._copied[0] == name:
            return self._copied[1]
        self.close()
        bucket, _, key = name.removeprefix(_S3).partition("/")
        copy: BinaryIO = TemporaryFile(prefix="atlas-archive-")  # noqa: SIM115 (closed above)
        self._copied = (name, copy)
        self._tell(f"copying {name} to a temporary file")
        before = self._seen.get(name)
        try:
            etag = await copy_object(
                bucket, key, copy, self._s3, None if before is None else str(before)
            )
        except BlobStoreError as error:
            raise InvalidRequest(f"archive: {error}") from None
        self._seen[name] = etag
        return copy


@asynccontextmanager
async def archive_files(archive: str, s3: S3Access, tell: Tell) -> AsyncIterator[ArchiveFiles]:
    """What an archive's name means: a file, a folder, `s3://bucket/key` or, with a slash at the
    end, `s3://bucket/prefix/`. Raises `InvalidRequest`."""
    files = ArchiveFiles(await _named(archive, s3), s3, tell)
    try:
        yield files
    finally:
        files.close()


async def _named(archive: str, s3: S3Access) -> list[str]:
    if archive.startswith(_S3):
        return await _objects(archive, s3)
    path = Path(archive).expanduser()
    if not path.is_dir():
        return [str(path)]
    every = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    found = [str(each) for each in every if _is_archive(each.relative_to(path).as_posix())]
    if not found:
        raise _nothing_there(archive)
    return sorted(found)


async def _objects(archive: str, s3: S3Access) -> list[str]:
    from atlas.stores.buckets.object_copies import objects_below

    bucket, slash, key = archive.removeprefix(_S3).partition("/")
    if not bucket or not slash:
        raise InvalidRequest(
            f"archive: {archive} names no object; write s3://bucket/key, or s3://bucket/prefix/ "
            "for all archives below it"
        )
    if key and not key.endswith("/"):
        return [archive]
    try:
        listed = await objects_below(bucket, key, s3)
    except BlobStoreError as error:
        raise InvalidRequest(f"archive: {error}") from None
    found = [f"{_S3}{bucket}/{each.key}" for each in listed if _is_archive(each.key[len(key) :])]
    if not found:
        raise _nothing_there(archive)
    return found


def _open(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise InvalidRequest(f"archive: {name}: {error.strerror or error}") from None


def _is_archive(name: str) -> bool:
    """By its ending; what begins with a dot, or lies in such a folder, is none."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not hidden and name.lower().endswith(_ENDINGS)


def _nothing_there(archive: str) -> InvalidRequest:
    return InvalidRequest(
        f"archive: {archive} has no file whose name ends with {' or '.join(_ENDINGS)}"
    )
