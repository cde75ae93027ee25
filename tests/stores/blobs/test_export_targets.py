"""One contract for the places where exports are written: a folder, and a bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas.domain.blob import BlobStoreError
from atlas.domain.export_parts import TargetRefused
from atlas.stores.targets.export_target import ExportTarget, open_target


async def put(target: ExportTarget, **files: bytes) -> None:
    async with target.files.drafts() as drafts:
        for name, body in files.items():
            (drafts / name).write_bytes(body)
        await target.files.keep([(drafts / name, f"deep/{name}.txt") for name in files])


async def test_what_is_kept_is_there_and_what_is_deleted_is_not(location: str) -> None:
    async with open_target(location) as target:
        assert await target.files.any() is None
        assert await target.files.read("deep/a.txt") is None
        await put(target, a=b"1", b=b"2", c=b"")
        await put(target, a=b"3")
        found = [await target.files.read(f"deep/{name}.txt") for name in "abc"]
        assert found == [b"3", b"2", b""]
        await target.files.delete(["deep/a.txt", "deep/b.txt", "deep/c.txt", "never"])
        assert await target.files.read("deep/a.txt") is None
        await target.files.clear()
        assert await target.files.any() is None


async def test_a_place_belongs_to_one_run_until_that_releases_it(location: str) -> None:
    async with open_target(location) as target:
        await target.claim("one")
        await target.claim("one")
        await target.expect_claimed("one")
        assert not await target.claimed("two")
        with pytest.raises(TargetRefused, match="another export, under way or ended early"):
            await target.claim("two")
        with pytest.raises(TargetRefused, match="all workers of the queue atlas-bulk"):
            await target.expect_claimed("two")
        await target.release()
        await target.claim("two")
        await put(target, a=b"1")
        await target.release()
        with pytest.raises(TargetRefused, match=r"is not empty: '.*(deep|a).*' is there"):
            await target.claim("three")


async def test_a_bucket_that_is_missing_is_named_with_the_fix(
    s3_environment: str, bucket: str
) -> None:
    async with open_target("s3://atlas-nosuch/x") as target:
        with pytest.raises(BlobStoreError, match="Create the bucket, or correct the target"):
            await target.claim("one")


async def test_no_draft_stays_in_a_folder(tmp_path: Path) -> None:
    async with open_target(str(tmp_path)) as target:
        with pytest.raises(RuntimeError):
            async with target.files.drafts() as drafts:
                (drafts / "half").write_bytes(b"1")
                raise RuntimeError
        assert await target.files.any() is None
