"""One contract for the places where exports are written: a folder, and a bucket."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from atlas.domain.blob import BlobStoreError
from atlas.domain.export_parts import TargetRefused
from atlas.stores.targets import multipart_upload
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


async def test_a_large_file_is_sent_in_pieces_and_none_is_left(
    objects: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether an attempt was killed, failed or was cancelled."""
    monkeypatch.setattr(multipart_upload, "LARGE", 1_000)
    monkeypatch.setattr(multipart_upload, "PIECE", 5 * 2**20)
    prefix = uuid.uuid4().hex
    draft = tmp_path / "draft"
    draft.write_bytes(os.urandom(12 * 2**20 + 17))

    async def uploads() -> list[str]:
        found = await objects.list_multipart_uploads(Bucket="atlas", Prefix=prefix)
        return [each["Key"] for each in found.get("Uploads", ())]

    async def kill(name: str) -> None:
        key = {"Bucket": "atlas", "Key": f"{prefix}/{name}"}
        begun = await objects.create_multipart_upload(**key)
        await objects.upload_part(**key, UploadId=begun["UploadId"], PartNumber=1, Body=b"x")

    async with open_target(f"s3://atlas/{prefix}") as target:
        await kill("part")
        await kill("other")
        await target.files.keep([(draft, "part")])
        assert await target.files.read("part") == draft.read_bytes()
        assert await uploads() == [f"{prefix}/other"], "that may be another attempt's"
        await target.files.clear()
        assert await uploads() == []

        real, numbers = objects.upload_part, []

        async def upload_part(**options: Any) -> Any:
            numbers.append(options["PartNumber"])
            if options["PartNumber"] == 2:
                raise faults[0]
            return await real(**options)

        faults: list[BaseException] = [TimeoutError(), asyncio.CancelledError()]
        client = target.files._client  # type: ignore[attr-defined]
        monkeypatch.setattr(client, "upload_part", upload_part)
        while faults:
            with pytest.raises((BlobStoreError, asyncio.CancelledError)):
                await target.files.keep([(draft, "broken")])
            assert (await uploads(), await target.files.read("broken")) == ([], None)
            faults.pop(0)
        assert numbers == [1, 2, 1, 2]


async def test_no_draft_for_a_bucket_stays_on_this_machine(
    objects: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even those of a worker that was killed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed = tmp_path / "atlas-export-killed"
    killed.mkdir()
    (killed / "part-00000.jsonl").touch()
    os.utime(killed, (0, 0))
    async with open_target(f"s3://atlas/{uuid.uuid4().hex}") as target:
        with pytest.raises(RuntimeError):
            async with target.files.drafts() as drafts:
                assert list(tmp_path.iterdir()) == [drafts]
                raise RuntimeError
    assert list(tmp_path.iterdir()) == []


async def test_no_draft_stays_in_a_folder(tmp_path: Path) -> None:
    async with open_target(str(tmp_path)) as target:
        with pytest.raises(RuntimeError):
            async with target.files.drafts() as drafts:
                (drafts / "half").write_bytes(b"1")
                raise RuntimeError
        assert await target.files.any() is None
