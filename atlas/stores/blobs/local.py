"""Blobs in a folder: `aa/bb/<digest>.zst`, each written to a temp file, fsynced, renamed.

A name that is visible is therefore whole, also after a power cut (rename(2) replaces the name
atomically; the file is fsynced before it, the folder after it).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from atlas.domain.blob import (
    BlobCorrupt,
    BlobInfo,
    BlobMissing,
    BlobRef,
    BlobStoreError,
    Leftover,
    checked_digest,
    checked_shard,
)
from atlas.private_files import tighten
from atlas.stores.blobs.files import in_thread, sync_to_disk
from atlas.stores.blobs.port import BlobWriter
from atlas.stores.blobs.probe import round_trip
from atlas.stores.blobs.writer import SlotWriter, put_whole
from atlas.stores.blobs.zstd_frame import decode, max_stored

_STRAY_AGE = 3600.0  # seconds; a writer touches its temp file far more often than this
_INCOMING = "incoming"
_PART = ".part"


class FolderBlobs:
    """The `Blobs` of one folder; several processes may use it at once."""

    def __init__(self, root: Path, max_body: int) -> None:
        self._root = root
        self._max_body = max_body
        self._durable: set[Path] = set()

    async def prepare(self) -> None:
        """Make the folder, private; drop temp files that dead processes left behind."""
        await in_thread(self._prepare)

    def writer(self) -> BlobWriter:
        return SlotWriter(_FolderSlot(self), self._max_body)

    async def put(self, body: bytes) -> BlobRef:
        return await put_whole(self.writer(), body)

    async def get(self, digest: str) -> bytes:
        return await in_thread(self._read, checked_digest(digest))

    async def exists(self, digest: str) -> bool:
        return await in_thread(self._exists, checked_digest(digest))

    async def delete(self, digest: str) -> None:
        await in_thread(self.path(checked_digest(digest)).unlink, missing_ok=True)

    async def list(self, shard: str = "") -> AsyncIterator[BlobInfo]:
        for first in await in_thread(self._first_shards, shard):
            for second in await in_thread(_shards, first):
                for info in await in_thread(_infos, second):
                    yield info

    async def leftovers(self, age: timedelta) -> AsyncIterator[Leftover]:
        for stray in await in_thread(self._strays, age.total_seconds()):
            yield stray

    async def remove_leftover(self, name: str) -> None:
        if Path(name).name != name or not name.endswith(_PART):
            raise ValueError(f"no temporary file of ours: {name[:80]!r}")
        await in_thread((self._root / _INCOMING / name).unlink, missing_ok=True)

    async def check(self) -> None:
        await round_trip(self)

    def path(self, digest: str) -> Path:
        """Where a blob lies."""
        return self._root / digest[:2] / digest[2:4] / f"{digest}.zst"

    def incoming(self) -> Path:
        """A new name for a temp file, on the file system of the blobs."""
        return self._root / _INCOMING / f"{uuid.uuid4().hex}{_PART}"

    def reveal(self, temp: Path, digest: str) -> None:
        """Blocking. Give a finished temp file its name, durably."""
        target = self.path(digest)
        self._make_durable(target.parent)
        temp.replace(target)
        sync_to_disk(target.parent)

    def _make_durable(self, folder: Path) -> None:
        # Also when another process made it: it may not have come to its fsync yet.
        if folder == self._root or folder in self._durable:
            return
        self._make_durable(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_to_disk(folder.parent)
        self._durable.add(folder)

    def _prepare(self) -> None:
        incoming = self._root / _INCOMING
        incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        tighten(self._root)
        sync_to_disk(self._root)
        for stray in self._strays(_STRAY_AGE):
            (incoming / stray.name).unlink(missing_ok=True)

    def _strays(self, age: float) -> Sequence[Leftover]:
        now = _file_system_time(self.incoming())
        found = []
        for file in sorted((self._root / _INCOMING).glob(f"*{_PART}")):
            with suppress(FileNotFoundError):
                stat = file.stat()
                if now - stat.st_mtime > age:
                    found.append(Leftover(file.name, stat.st_size))
        return found

    def _first_shards(self, shard: str) -> Sequence[Path]:
        if not shard:
            return _shards(self._root)
        folder = self._root / checked_shard(shard)
        if folder.is_dir():
            return [folder]
        self._require_root()
        return []

    def _read(self, digest: str) -> bytes:
        try:
            with self.path(digest).open("rb") as file:
                if os.fstat(file.fileno()).st_size > max_stored(self._max_body):
                    raise BlobCorrupt(digest, f"its file is too large for {self._max_body} bytes")
                stored = file.read()
        except FileNotFoundError as error:
            self._require_root()
            raise BlobMissing(digest) from error
        return decode(stored, digest, self._max_body)

    def _exists(self, digest: str) -> bool:
        if self.path(digest).exists():
            return True
        self._require_root()
        return False

    def _require_root(self) -> None:
        # A disk that is not mounted must not look like a store that lost every blob.
        if not (self._root / _INCOMING).is_dir():
            raise BlobStoreError(
                f"the blob folder {self._root} is not there",
                "Mount it or restore it, or point ATLAS_BLOBS elsewhere",
            )


class _FolderSlot:
    def __init__(self, blobs: FolderBlobs) -> None:
        self._blobs = blobs
        self._temp = blobs.incoming()
        self._file: BinaryIO | None = None
        self._published = False

    def open(self) -> BinaryIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._temp, flags, 0o600), "wb")
        return self._file

    def seal(self) -> None:
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    async def publish(self, ref: BlobRef) -> None:
        if not self._published:
            await in_thread(self._blobs.reveal, self._temp, ref.digest)
            self._published = True

    def discard(self) -> None:
        if self._file is not None:
            # A full disk fails the flush in close() too; the bytes are unwanted anyway.
            with suppress(OSError):
                self._file.close()
        self._temp.unlink(missing_ok=True)


def _file_system_time(probe: Path) -> float:
    """Now, in seconds, by the clock that stamps the temp files (a network disk has its own)."""
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()


def _shards(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if len(entry.name) == 2 and entry.is_dir())


def _infos(shard: Path) -> list[BlobInfo]:
    infos = []
    for file in sorted(shard.glob("*.zst")):
        with suppress(FileNotFoundError, ValueError):  # deleted meanwhile; not one of ours
            digest, stat = checked_digest(file.stem), file.stat()
            modified = datetime.fromtimestamp(stat.st_mtime, UTC)
            infos.append(BlobInfo(digest, stat.st_size, modified))
    return infos
