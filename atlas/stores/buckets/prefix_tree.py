"""Objects below a prefix in S3, through the client that blobs have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from datetime import UTC
from typing import Any

from atlas.domain.blob import BlobStoreError
from atlas.domain.delivery import http_date
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import Validators
from atlas.stores.blobs.s3 import translated
from atlas.stores.buckets.file_tree import (
    PIECE,
    ByteSink,
    FileRead,
    FileSeen,
    ListedPart,
    hidden,
    missing,
    too_large,
)

_NOT_MODIFIED = ("304", "NotModified")
_NO_KEY = ("NoSuchKey", "404", "NotFound")


class PrefixTree:
    """The `FileTree` of one bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def list(self, below: bytes) -> AsyncIterator[ListedPart]:
        prefix = below.decode("utf-8", "replace")
        try:
            with self._translated():
                pages = self._client.get_paginator("list_objects_v2")
                async for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                    files = [
                        FileSeen(entry["Key"].encode(), entry["LastModified"].astimezone(UTC))
                        for entry in page.get("Contents", ())
                        if not entry["Key"].endswith("/")
                        and not hidden(entry["Key"][len(prefix) :].encode())
                    ]
                    yield ListedPart(files)
        except BlobStoreError as error:
            raise unusable(error) from error

    async def read(self, name: bytes, before: Validators, most: int, sink: ByteSink) -> FileRead:
        asked = {"Bucket": self._bucket, "Key": name.decode("utf-8", "replace")}
        if before.etag:
            asked["IfNoneMatch"] = before.etag
        try:
            with self._translated():
                try:
                    answer = await self._client.get_object(**asked)
                except self._client.exceptions.ClientError as error:
                    code = str(error.response.get("Error", {}).get("Code"))
                    if code in _NOT_MODIFIED:
                        return FileRead(before, 0, modified=False)
                    if code in _NO_KEY:
                        raise missing("") from error
                    raise
                async with answer["Body"]:
                    return await self._take(answer, before, most, sink)
        except BlobStoreError as error:
            raise unusable(error) from error

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._bucket, "the source's URL", "get and list")

    async def _take(self, answer: Any, before: Validators, most: int, sink: ByteSink) -> FileRead:
        modified = answer["LastModified"].astimezone(UTC)
        validators = Validators(answer["ETag"], http_date(modified))
        if before.etag == validators.etag:  # a server that does not know If-None-Match
            return FileRead(validators, 0, modified=False)
        if answer["ContentLength"] > most:
            raise too_large(answer["ContentLength"], most)
        size = 0
        async for piece in answer["Body"].iter_chunks(PIECE):
            size += len(piece)
            if size > most:
                raise too_large(size, most)
            await sink.write(piece)
        return FileRead(validators, size)


def unusable(error: BlobStoreError) -> PageError:
    """The failure of a bucket that refuses, does not exist or does not answer; it says the fix."""
    lasts = error.error_class is not ErrorClass.TRANSIENT
    code = "file_forbidden" if lasts else "bucket_unreachable"
    return PageError(error.error_class, code, str(error)[:400])
