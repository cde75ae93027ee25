"""Objects below a prefix, in a real server that speaks S3."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import FetchError
from atlas.stores.blobs.access import S3Access
from atlas.stores.buckets.bucket_reader import BucketReader
from tests.stores.blobs.conftest import bucket, s3_environment, seaweed
from tests.stores.blobs.seaweed import ACCESS_KEY, SECRET_KEY
from tests.stores.buckets.test_folder_tree import listed, read

__all__ = ["bucket", "s3_environment", "seaweed"]

ROOT = "s3://atlas/handbook/"


@pytest.fixture
async def objects(s3_environment: str, bucket: str) -> AsyncIterator[object]:
    import aioboto3

    session = aioboto3.Session(ACCESS_KEY, SECRET_KEY, region_name="us-east-1")
    async with session.client("s3", endpoint_url=s3_environment) as client:
        yield client


async def put(objects: object, **named: bytes) -> None:
    for key, body in named.items():
        await objects.put_object(Bucket="atlas", Key=key, Body=body)  # type: ignore[attr-defined]


async def test_objects_are_listed_and_read_when_they_changed(objects: object) -> None:
    names = ["a b.md", "q?x=1#y.txt", "Größe.md", "deep/er.md"]
    keys = {f"handbook/{name}": f"text of {name}".encode() for name in names}
    await put(objects, **keys, **{"handbook/.git/x.md": b"x", "other/x.md": b"x"})
    async with BucketReader([ROOT]) as reader:
        found, troubles = await listed(reader, ROOT)
        assert (len(found), troubles) == (len(names), [])
        seen = {name: await read(reader, ROOT + name) for name in found}
        assert {body for body, _, _ in seen.values()} == set(keys.values())
        for name, (_, etag, _) in seen.items():
            assert await read(reader, ROOT + name, etag) == (b"", etag, 304)
        name, (_, etag, _) = next((n, s) for n, s in seen.items() if n.startswith("deep"))
        await put(objects, **{"handbook/deep/er.md": b"another"})
        assert (await read(reader, ROOT + name, etag))[0] == b"another"
        for url, code in (
            (f"{ROOT}none.md", "file_missing"),
            ("s3://atlas/other/x.md", "outside_roots"),
            (f"{ROOT}deep/er.md", "body_too_large"),
        ):
            with pytest.raises(FetchError) as refused:
                await read(reader, url, most=3)
            assert refused.value.code == code


async def test_a_bucket_that_refuses_or_is_away_is_a_trouble(
    objects: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trouble(access: S3Access, url: str = ROOT) -> PageError:
        async with BucketReader(["s3://none/", ROOT], access) as reader:
            with pytest.raises(PageError) as refused:
                await listed(reader, url)
        return refused.value

    stranger = S3Access(access_key="somebody", secret_key="wrong")
    assert (await trouble(stranger)).code == "file_forbidden"
    assert (await trouble(S3Access(), "s3://none/")).error_class is ErrorClass.BLOCKED
    away = await trouble(S3Access(endpoint="http://127.0.0.1:9", access_key="a", secret_key="b"))
    assert (away.code, away.error_class) == ("bucket_unreachable", ErrorClass.TRANSIENT)
    assert "wrong" not in str(away) and os.environ["AWS_SECRET_ACCESS_KEY"] not in str(away)
