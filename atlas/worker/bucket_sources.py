"""What a source of kind `bucket` needs in place of the web: its listing, and its files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from atlas.domain.addresses.bucket_urls import BucketPlace
from atlas.domain.addresses.urls import InvalidUrl, is_bucket_url
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import FetchRequest, FetchResult
from atlas.domain.listing_limits import over
from atlas.domain.sources import SourceSpec
from atlas.stores.buckets.bucket_reader import BucketReader
from atlas.stores.buckets.file_tree import ByteSink, FileSeen
from atlas.web.listing_parser import Listed
from atlas.web.listings import Listing, Take
from atlas.web.politeness import Slots


class Web(Protocol):
    """The client of the web."""

    async def fetch(self, request: FetchRequest, sink: ByteSink, slots: Slots) -> FetchResult: ...


class PageFetcher:
    """Fetches pages from wherever their addresses say: the web, or a folder or bucket. Nothing that
    the web names leads to a file: `canonicalize` lets no such address through."""

    def __init__(self, web: Web, files: BucketReader) -> None:
        self._web = web
        self._files = files

    async def fetch(self, request: FetchRequest, sink: ByteSink, slots: Slots) -> FetchResult:
        """As the client of the web does; files are read without taking turns."""
        if is_bucket_url(request.url):
            return await self._files.fetch(request, sink)
        return await self._web.fetch(request, sink, slots)


async def list_bucket(files: BucketReader, spec: SourceSpec, take: Take) -> Listing:
    """List the files of a source's folders and prefixes. One without any file is a trouble, as a
    folder is that is not mounted: it proves nothing."""
    listing = Listing()
    for url in spec.urls:
        before = listing.pages
        try:
            await _list_place(files, url, spec.listing_addresses, listing, take)
        except PageError as error:
            listing.note(url, error)
            continue
        if listing.pages == before:
            listing.note(url, _empty(url))
    return listing


async def _list_place(
    files: BucketReader, url: str, most: int, listing: Listing, take: Take
) -> None:
    too_long = 0
    async for base, part in files.list(url):
        if part.trouble is not None:
            listing.note(url, part.trouble)
        room = most - listing.pages
        found = part.files[:room]
        listing.pages += len(found)
        named = await asyncio.to_thread(_named, base, found)
        too_long += len(found) - len(named)
        await take(named)
        if len(part.files) > room:
            listing.note(url, over("listing_too_long", url, "listing_addresses", most))
            break
    if too_long:
        words = f"{too_long} files have names that are too long to be kept as addresses"
        # They are left out for good, so the listing is as complete as it will ever be.
        listing.troubles.append((url, PageError(ErrorClass.INVALID, "name_too_long", words)))


def _named(base: BucketPlace, found: Sequence[FileSeen]) -> list[Listed]:
    named = []
    for file in found:
        try:
            named.append(Listed(base.below(file.name).url, file.modified))
        except InvalidUrl:
            continue
    return named


def _empty(url: str) -> PageError:
    words = f"{url} has no file: is it mounted, and is its name right? Nothing leaves for that"
    return PageError(ErrorClass.TRANSIENT, "bucket_empty", words)
