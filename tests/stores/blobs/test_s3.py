"""What only S3 can suffer: no bucket, wrong credentials, no server, damaged objects."""

import socket
from dataclasses import replace

import pytest
import zstandard
from botocore.loaders import JSONFileLoader

from atlas.domain.blob import BlobCorrupt, BlobStoreError
from atlas.stores.blobs import Blobs, open_blobs
from atlas.stores.blobs.access import S3Access
from atlas.stores.blobs.s3 import S3Blobs, open_s3
from tests.stores.blobs.conftest import MAX_BODY
from tests.stores.blobs.seaweed import ACCESS_KEY, SECRET_KEY

ABSENT = "0" * 64


@pytest.mark.usefixtures("s3_environment")
async def test_a_missing_bucket_is_told_by_every_call() -> None:
    async with open_blobs("s3://no-such-bucket/prefix") as blobs:
        for call in (blobs.check(), blobs.get(ABSENT), blobs.put(b"x"), _listing(blobs)):
            with pytest.raises(BlobStoreError, match=r"no-such-bucket.*Create the bucket"):
                await call
        with pytest.raises(BlobStoreError, match="no-such-bucket"):
            await blobs.exists(ABSENT)


async def _listing(blobs: Blobs) -> None:
    async for _ in blobs.list():
        pass


@pytest.mark.usefixtures("s3_environment")
async def test_wrong_credentials_are_named_and_not_shown(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret")
    async with open_blobs(f"s3://{bucket}") as blobs:
        with pytest.raises(BlobStoreError, match="AWS_SECRET_ACCESS_KEY") as caught:
            await blobs.check()
    assert "a-wrong-secret" not in str(caught.value)
    assert SECRET_KEY not in str(caught.value)


@pytest.mark.usefixtures("s3_environment")
async def test_the_librarys_models_are_read_once(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_blobs(f"s3://{bucket}"):
        pass
    monkeypatch.setattr(JSONFileLoader, "load_file", None)
    async with open_blobs(f"s3://{bucket}/another") as blobs:
        await blobs.check()


@pytest.mark.usefixtures("s3_environment")
async def test_no_credentials(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with open_blobs(f"s3://{bucket}") as blobs:
        with pytest.raises(BlobStoreError, match="Set ATLAS_S3_ACCESS_KEY"):
            await blobs.check()


@pytest.mark.usefixtures("s3_environment")
async def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        async with open_blobs("s3://atlas") as blobs:
            with pytest.raises(BlobStoreError, match="endpoint"):
                await blobs.get(ABSENT)


@pytest.mark.usefixtures("s3_environment")
async def test_an_endpoint_that_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "not an address")
    with pytest.raises(BlobStoreError, match="Correct the endpoint"):
        async with open_blobs("s3://atlas"):
            pass


@pytest.mark.usefixtures("s3_environment")
async def test_amazons_own_variable_names_the_endpoint(
    bucket: str, seaweed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweed)
    async with open_blobs(f"s3://{bucket}/by-its-own-name") as blobs:
        await blobs.check()


@pytest.mark.usefixtures("s3_environment")
async def test_what_the_settings_say_goes_before_amazons_variables(
    bucket: str, seaweed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    access = S3Access(seaweed, "eu-north-1", ACCESS_KEY, SECRET_KEY)
    assert SECRET_KEY not in repr(access)
    async with open_blobs(f"s3://{bucket}/by-setting", s3=access) as blobs:
        await blobs.check()
    wrong = replace(access, secret_key="not-" + SECRET_KEY)
    async with open_blobs(f"s3://{bucket}/by-setting", s3=wrong) as blobs:
        with pytest.raises(BlobStoreError, match="ATLAS_S3_SECRET_KEY"):
            await blobs.check()


@pytest.mark.usefixtures("s3_environment")
@pytest.mark.parametrize(
    "stored", [b"", b"not zstd", zstandard.compress(b"another body"), bytes(MAX_BODY * 2)]
)
async def test_a_damaged_object_is_told(bucket: str, stored: bytes) -> None:
    async with open_s3(bucket, "damaged", MAX_BODY, S3Access()) as blobs:
        assert isinstance(blobs, S3Blobs)
        ref = await blobs.put(b"whole")
        await blobs.upload(ref.digest, stored, len(stored))
        with pytest.raises(BlobCorrupt, match=ref.digest):
            await blobs.get(ref.digest)


@pytest.mark.usefixtures("s3_environment")
async def test_prefixes_do_not_see_each_other(bucket: str) -> None:
    async with open_blobs(f"s3://{bucket}/one") as one, open_blobs(f"s3://{bucket}/on") as other:
        ref = await one.put(b"mine")
        assert not await other.exists(ref.digest)
        assert [info async for info in other.list()] == []
