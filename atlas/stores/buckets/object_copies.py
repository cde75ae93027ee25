"""Objects of S3 that are copied to this machine, by their keys as S3 has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from atlas.domain.blob import BlobStoreError
from atlas.domain.errors import ErrorClass
from atlas.stores.blobs.access import S3Access
from atlas.stores.blobs.files import in_thread
from atlas.stores.blobs.s3 import s3_client, translated

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object below a prefix."""

    key: str
    etag: str


async def objects_below(bucket: str, prefix: str, access: S3Access) -> list[ListedObject]:
    """All objects below a prefix, by key. Raises BlobStoreError."""
    found: list[ListedObject] = []
    async with s3_client(bucket, access) as client:
        with translated(bucket, "the address", "get and list"):
            pages = client.get_paginator("list_objects_v2")
            async for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                found += [
                    ListedObject(each["Key"], each["ETag"]) for each in page.get("Contents", ())
                ]
    return sorted(found, key=lambda each: each.key)


async def copy_object(
    bucket: str, key: str, file: BinaryIO, access: S3Access, etag: str | None = None
) -> str:
    """Write an object to a file; its ETag. Raises BlobStoreError, also if `etag` is given and the
    object has another one by now."""
    async with s3_client(bucket, access) as client:
        with translated(bucket, "the address", "get"):
            try:
                answer = await client.get_object(Bucket=bucket, Key=key)
            except client.exceptions.NoSuchKey:
                missing = f"S3 bucket {bucket!r} has no object {key!r}"
                raise _blocked(missing, "Correct the key, or end it with a slash") from None
            async with answer["Body"]:
                # Compared here, since not every server heeds If-Match.
                if etag not in (None, answer["ETag"]):
                    raise _blocked(f"S3 object {key!r} has changed meanwhile", "Begin again")
                async for piece in answer["Body"].iter_chunks(_PIECE):
                    await in_thread(file.write, piece)
    return str(answer["ETag"])


def _blocked(what: str, fix: str) -> BlobStoreError:
    return BlobStoreError(what, fix, ErrorClass.BLOCKED)
