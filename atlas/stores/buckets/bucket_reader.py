"""Reads the folders and prefixes that the operator allows, and no others."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from atlas.domain.addresses.bucket_urls import BucketPlace, folder_at, place_of
from atlas.domain.addresses.urls import InvalidUrl
from atlas.domain.blob import BlobStoreError
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import FetchError, FetchRequest, FetchResult
from atlas.domain.media_kinds import type_of_name
from atlas.stores.blobs.access import S3Access
from atlas.stores.buckets.file_tree import ByteSink, FileTree, ListedPart
from atlas.stores.buckets.folder_tree import FolderTree


def outside_roots(urls: Sequence[str], roots: Sequence[str]) -> str:
    """Why a source may not read one of its folders or prefixes, with the fix; "" if it may."""
    allowed = _places(roots)
    for url in urls:
        if not any(root.holds(folder_at(url)) for root in allowed):
            known = ", ".join(each.url for each in allowed) or "none"
            return (
                f"urls: {url} is below no root that ATLAS_BUCKET_ROOTS allows ({known}): widen it "
                "for this command and for the workers, which read it when they start (restart them)"
            )
    return ""


def _places(roots: Sequence[str]) -> list[BucketPlace]:
    return [folder_at(root) for root in roots]


class BucketReader:
    """`roots` are folders (`file:///srv/docs/`) and prefixes (`s3://bucket/docs/`). A client of S3
    is opened when it is first needed, and stays open."""

    def __init__(self, roots: Sequence[str], s3: S3Access | None = None) -> None:
        self._roots = _places(roots)
        self._s3 = s3 or S3Access()
        self._open = AsyncExitStack()
        self._clients: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    async def list(self, url: str) -> AsyncIterator[tuple[BucketPlace, ListedPart]]:
        """The files below a folder or prefix, part by part, each with the place that their names
        are relative to. Raises PageError when it cannot be listed, or may not be read."""
        place = folder_at(url)
        tree, base = await self._tree(place)
        async for part in tree.list(place.key[len(base.key) :]):
            yield base, part

    async def fetch(self, request: FetchRequest, sink: ByteSink) -> FetchResult:
        """Read one file, unless it is as the request's validators say. Raises FetchError."""
        began = time.monotonic()
        try:
            place = place_of(request.url)
            tree, base = await self._tree(place)
            name = place.key[len(base.key) :]
            read = await tree.read(name, request.validators, request.max_bytes, sink)
        except InvalidUrl as error:
            raise FetchError(
                ErrorClass.INVALID, "url_malformed", str(error), url=request.url
            ) from None
        except PageError as error:
            raise FetchError(
                error.error_class,
                error.code,
                error.message,
                url=request.url,
                status=getattr(error, "status", None),
                elapsed=time.monotonic() - began,
            ) from error
        return FetchResult(
            url=request.url,
            final_url=request.url,
            status=200 if read.modified else 304,
            content_type=type_of_name(name.decode("utf-8", "replace")) or "",
            validators=read.validators,
            modified=read.modified,
            content_length=read.size,
            wire_bytes=read.size,
            elapsed=time.monotonic() - began,
        )

    async def _tree(self, place: BucketPlace) -> tuple[FileTree, BucketPlace]:
        """The tree that a place lies in, and the place that names in it are relative to."""
        roots = [root for root in self._roots if root.holds(place)]
        if not roots:
            raise PageError(
                ErrorClass.BLOCKED,
                "outside_roots",
                f"{place.url} is below no root that ATLAS_BUCKET_ROOTS allows; add one, and "
                "restart the workers",
            )
        root = max(roots, key=lambda each: len(each.key))
        if not root.bucket:
            return FolderTree(Path(root.key.decode("utf-8", "surrogateescape"))), root
        from atlas.stores.buckets.prefix_tree import PrefixTree  # the client is slow to import

        return PrefixTree(await self._client(root.bucket), root.bucket), BucketPlace(
            root.bucket, b""
        )

    async def _client(self, bucket: str) -> Any:
        if bucket not in self._clients:
            from atlas.stores.blobs.s3 import s3_client
            from atlas.stores.buckets.prefix_tree import unusable

            try:
                self._clients[bucket] = await self._open.enter_async_context(
                    s3_client(bucket, self._s3)
                )
            except BlobStoreError as error:  # an endpoint that is no URL, half a pair of keys
                raise unusable(error) from error
        return self._clients[bucket]
