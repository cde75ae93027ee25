"""What only a folder can suffer: damage on disk, dead writers, a disk that is full or gone."""

import asyncio
import hashlib
import os
import resource
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import zstandard

from atlas.domain.blob import BlobCorrupt, BlobRef, BlobStoreError, Leftover
from atlas.stores.blobs import Blobs, open_blobs
from tests.stores.blobs.conftest import MAX_BODY

BODY = b"a body that will be damaged " * 4000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest_asyncio.fixture
async def folder(root: Path) -> AsyncIterator[Blobs]:
    async with open_blobs(str(root), MAX_BODY) as opened:
        yield opened


def path_of(root: Path, ref: BlobRef) -> Path:
    return root / ref.digest[:2] / ref.digest[2:4] / f"{ref.digest}.zst"


def files_in(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def flipped(stored: bytes) -> bytes:
    middle = len(stored) // 2
    return stored[:middle] + bytes([stored[middle] ^ 0xFF]) + stored[middle + 1 :]


DAMAGES = {
    "a flipped byte": flipped,
    "truncated": lambda stored: stored[: len(stored) // 2],
    "only the last byte lost": lambda stored: stored[:-1],
    "empty": lambda stored: b"",
    "not zstd": lambda stored: b"<html>" * 100,
    "another body": lambda stored: zstandard.compress(b"another body"),
    "a bomb": lambda stored: zstandard.compress(b"\0" * (MAX_BODY * 8)),
    "too large a file": lambda stored: bytes(MAX_BODY * 2),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_told_and_a_new_put_heals_it(
    folder: Blobs, root: Path, damage: str
) -> None:
    ref = await folder.put(BODY)
    path = path_of(root, ref)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(BlobCorrupt, match=ref.digest):
        await folder.get(ref.digest)
    await folder.put(BODY)
    assert await folder.get(ref.digest) == BODY


async def test_a_cancelled_writer_leaves_no_file(folder: Blobs, root: Path) -> None:
    written = asyncio.Event()

    async def write() -> None:
        async with folder.writer() as writer:
            await writer.write(os.urandom(500_000))
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await written.wait()
    assert len(files_in(root)) == 1
    task.cancel()
    await asyncio.wait([task])
    assert files_in(root) == []


async def test_a_cancel_during_file_work_leaves_no_file(folder: Blobs, root: Path) -> None:
    task = asyncio.create_task(folder.put(os.urandom(4_000_000)))
    while not files_in(root):
        await asyncio.sleep(0)
    task.cancel()
    task.cancel()
    await asyncio.wait([task])
    assert [path for path in files_in(root) if path.suffix == ".part"] == []


async def test_stray_temp_files_go_at_start_when_old(root: Path) -> None:
    async with open_blobs(str(root)):
        pass
    old, young = root / "incoming" / "old.part", root / "incoming" / "young.part"
    old.touch()
    young.touch()
    stamp = old.stat().st_mtime - 3700
    os.utime(old, (stamp, stamp))
    async with open_blobs(str(root)):
        assert files_in(root) == [young]


async def test_files_of_dead_writers_are_told_by_age_and_removed(folder: Blobs, root: Path) -> None:
    old, young = root / "incoming" / "old.part", root / "incoming" / "young.part"
    old.write_bytes(b"half")
    young.touch()
    stamp = old.stat().st_mtime - 7200
    os.utime(old, (stamp, stamp))
    found = [each async for each in folder.leftovers(timedelta(hours=1))]
    assert found == [Leftover("old.part", 4)]
    for _ in range(2):
        await folder.remove_leftover("old.part")
    assert files_in(root) == [young]
    assert [each async for each in folder.leftovers(timedelta(hours=1))] == []


@pytest.mark.parametrize("name", ["../aa/bb/x.zst", "/etc/passwd", "x.zst", "..", ".part/../x"])
async def test_only_temporary_files_are_removed_by_name(folder: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="no temporary file of ours"):
        await folder.remove_leftover(name)


async def test_a_part_of_a_folder_that_is_gone_is_not_empty(folder: Blobs, root: Path) -> None:
    shutil.rmtree(root)
    with pytest.raises(BlobStoreError, match="not there"):
        [info async for info in folder.list("ab")]


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """The kernel refuses to write a file beyond 100,000 bytes, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_write_the_disk_refuses_leaves_nothing(
    folder: Blobs, root: Path, small_files_only: None
) -> None:
    with pytest.raises(BlobStoreError, match=r"too large.*ulimit"):
        await folder.put(os.urandom(1_000_000))
    assert files_in(root) == []


async def test_a_folder_that_is_gone_is_not_an_empty_store(folder: Blobs, root: Path) -> None:
    ref = await folder.put(BODY)
    shutil.rmtree(root)
    with pytest.raises(BlobStoreError, match=r"not there.*Mount"):
        await folder.get(ref.digest)
    with pytest.raises(BlobStoreError, match="not there"):
        await folder.exists(ref.digest)
    with pytest.raises(BlobStoreError):
        [info async for info in folder.list()]


async def test_a_file_where_the_folder_should_be(root: Path) -> None:
    root.write_text("in the way")
    with pytest.raises(BlobStoreError, match="Point ATLAS_BLOBS at a folder"):
        async with open_blobs(str(root)):
            pass


async def test_foreign_files_are_not_listed(folder: Blobs, root: Path) -> None:
    ref = await folder.put(BODY)
    path_of(root, ref).with_name("notes.zst").write_text("x")
    path_of(root, ref).with_name("README").write_text("x")
    assert [info.digest async for info in folder.list()] == [ref.digest]


async def test_two_processes_share_a_folder(folder: Blobs, root: Path) -> None:
    async with open_blobs(str(root)) as other:
        ref = await other.put(BODY)
        assert await folder.get(ref.digest) == BODY
        assert ref.digest == hashlib.sha256(BODY).hexdigest()
