"""Objects below a prefix, in a real server that speaks S3."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest

from atlas.domain.blob import BlobStoreError
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import FetchError
from atlas.stores.blobs.access import S3Access
from atlas.stores.buckets.bucket_reader import BucketReader
from atlas.stores.buckets.object_copies import copy_object, objects_below
from atlas.stores.buckets.prefix_tree import PrefixTree
from tests.stores.blobs.conftest import bucket, objects, put_objects, s3_environment, seaweed
from tests.stores.buckets.test_folder_tree import listed, read

__all__ = ["bucket", "objects", "s3_environment", "seaweed"]

ROOT = "s3://atlas/handbook/"


async def test_objects_are_listed_and_read_when_they_changed(objects: Any) -> None:
    names = [
        "a b.md", "q?x=1#y.txt", "Größe.md", "deep/er.md", "100%.md", "a+b&c=d.txt", "日本.md",
        "two//slashes.md", "quote'\"s.txt", "[a]{b}|c^.txt",
    ]  # fmt: skip
    keys = {f"handbook/{name}": f"text of {name}".encode() for name in names}
    await put_objects(objects, keys | {"handbook/.git/x.md": b"x", "other/x.md": b"x"})
    async with BucketReader([ROOT]) as reader:
        found, troubles = await listed(reader, ROOT)
        assert (len(found), troubles) == (len(names), [])
        seen = {name: await read(reader, ROOT + name) for name in found}
        assert {body for body, _, _ in seen.values()} == set(keys.values())
        for name, (_, etag, _) in seen.items():
            assert await read(reader, ROOT + name, etag) == (b"", etag, 304)
        name, (_, etag, _) = next((n, s) for n, s in seen.items() if n.startswith("deep"))
        await put_objects(objects, {"handbook/deep/er.md": b"another"})
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
    objects: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trouble(access: S3Access, url: str = ROOT) -> PageError:
        async with BucketReader(["s3://none/", ROOT], access) as reader:
            with pytest.raises(PageError) as refused:
                await listed(reader, url)
        return refused.value

    stranger = S3Access(access_key="somebody", secret_key="wrong")
    assert (await trouble(stranger)).code == "file_forbidden"
    assert (await trouble(S3Access(), "s3://none/")).error_class is ErrorClass.BLOCKED
    malformed = await trouble(
        S3Access(endpoint="http://not a host", access_key="a", secret_key="b")
    )
    assert malformed.error_class is ErrorClass.BLOCKED
    assert "Correct the endpoint (ATLAS_S3_ENDPOINT" in str(malformed)
    away = await trouble(S3Access(endpoint="http://127.0.0.1:9", access_key="a", secret_key="b"))
    assert (away.code, away.error_class) == ("bucket_unreachable", ErrorClass.TRANSIENT)
    assert "wrong" not in str(away) and os.environ["AWS_SECRET_ACCESS_KEY"] not in str(away)


async def test_a_source_needs_to_get_and_list_no_more() -> None:
    from botocore.exceptions import ClientError

    class Refusing:
        def get_paginator(self, _: str) -> object:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectsV2")

    with pytest.raises(PageError, match="Allow these credentials to get and list in the bucket"):
        await anext(PrefixTree(Refusing(), "atlas").list(b""))


async def test_objects_are_found_and_copied_as_long_as_they_are_the_same(objects: Any) -> None:
    body = os.urandom(3 * 2**20)
    await put_objects(objects, {"crawls/b ü.warc": body, "crawls/a.warc": b"a", "crawl.warc": b""})
    found = await objects_below("atlas", "crawls/", S3Access())
    assert [each.key for each in found] == ["crawls/a.warc", "crawls/b ü.warc"]
    copy = io.BytesIO()
    etag = await copy_object("atlas", found[1].key, copy, S3Access())
    assert (copy.getvalue() == body, etag) == (True, found[1].etag)
    await put_objects(objects, {"crawls/a.warc": b"another"})
    with pytest.raises(BlobStoreError, match="has changed meanwhile"):
        await copy_object("atlas", "crawls/a.warc", copy, S3Access(), found[0].etag)
    with pytest.raises(BlobStoreError, match="has no object 'none'"):
        await copy_object("atlas", "none", copy, S3Access())
