"""An export in a bucket. A put is one request, atomic by itself, and so is the one that completes a
large file: none appears half-written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from atlas.stores.blobs.access import S3Access
from atlas.stores.blobs.files import in_thread
from atlas.stores.blobs.s3 import s3_client, translated
from atlas.stores.targets import multipart_upload
from atlas.stores.targets.multipart_upload import abort_uploads, upload_large
from atlas.stores.targets.target_files import TargetFiles
from atlas.stores.temporary_folders import locked_folder

_AT_ONCE = 16
"""Puts in flight at the same time."""


@asynccontextmanager
async def open_bucket(bucket: str, prefix: str, access: S3Access) -> AsyncIterator[TargetFiles]:
    """The files under a bucket's prefix, over one client that stays open meanwhile."""
    async with s3_client(bucket, access) as client:
        yield BucketFiles(client, bucket, prefix)


class BucketFiles:
    """The `TargetFiles` of one prefix."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    @asynccontextmanager
    async def drafts(self) -> AsyncIterator[Path]:
        with ExitStack() as folder:  # for a cancellation while it is made
            drafts = await in_thread(folder.enter_context, locked_folder("atlas-export-"))
            try:
                yield drafts
            finally:
                await in_thread(folder.close)

    async def keep(self, files: Sequence[tuple[Path, str]]) -> None:
        # The first names the others: whoever cleans up after a crash finds them through it.
        first, *others = files
        room = asyncio.Semaphore(_AT_ONCE)

        async def put(draft: Path, name: str) -> None:
            async with room:
                await self._put(draft, name)

        await put(*first)
        await asyncio.gather(*(put(*each) for each in others))

    async def read(self, name: str) -> bytes | None:
        with self._translated():
            try:
                answer = await self._client.get_object(Bucket=self._bucket, Key=self._key(name))
            except self._client.exceptions.NoSuchKey:
                return None
            async with answer["Body"] as stream:
                return cast(bytes, await stream.read())

    async def delete(self, names: Sequence[str]) -> None:
        with self._translated():
            for name in names:
                await self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    async def any(self) -> str | None:
        with self._translated():
            answer = await self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1
            )
        found = answer.get("Contents", ())
        return str(found[0]["Key"]) if found else None

    async def clear(self) -> None:
        """Drafts are temporary files on the worker's machine; uploads may be under way."""
        with self._translated():
            await abort_uploads(self._client, self._bucket, self._prefix)

    async def vanish(self) -> None:
        """Nothing to do: a prefix exists only as long as something is under it."""

    async def _put(self, draft: Path, name: str) -> None:
        size = draft.stat().st_size
        with self._translated(), draft.open("rb") as file:
            if size > multipart_upload.LARGE:
                await upload_large(self._client, self._bucket, self._key(name), file, size)
                return
            await self._client.put_object(
                Bucket=self._bucket, Key=self._key(name), Body=file, ContentLength=size
            )

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._bucket, "the target")
