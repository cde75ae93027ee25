"""Reading what a source lists: its URLs, its feed, or its sitemap with all children.

A listing is never whole in memory, and none of it is parsed in this process
(`listing_parser.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import BinaryIO

from atlas.domain.errors import ErrorClass, HostClosed, PageError
from atlas.domain.fetch import FetchRequest
from atlas.domain.sources import Leading, SourceSpec
from atlas.domain.urls import InvalidUrl, canonicalize
from atlas.web.client import WebClient
from atlas.web.listing_parser import PART, Listed, ListingJob, Parse, Parsed, Wanted
from atlas.web.politeness import Slots
from atlas.web.source_detection import ListingDocument

MAX_SITEMAPS = 1000
"""Files of one sitemap tree; more make the listing incomplete."""

MAX_LISTED = 1_000_000
"""URLs of one listing; more make it incomplete."""

_MAX_BYTES = 64 * 1024 * 1024
_SPILL = 256 * 1024
_ACCEPT = (
    "application/xml, application/rss+xml, application/atom+xml, application/feed+json, */*;q=0.8"
)


@dataclass(slots=True)
class Listing:
    """What is known of a listing once all of it has been read. Only a complete one may lead to
    removals."""

    pages: int = 0
    """Addresses that were listed, repeats included."""
    complete: bool = True
    troubles: list[tuple[str, PageError]] = field(default_factory=list)
    """Parts that could not be read or go beyond a limit, by URL."""
    ttl: float | None = None
    """Seconds between readings that the publisher asks for; of several feeds the shortest."""

    def note(self, url: str, error: PageError) -> None:
        """Remember a trouble: the listing is not complete."""
        self.complete = False
        self.troubles.append((url, error))


Take = Callable[[Sequence[Listed]], Awaitable[None]]
"""Is given what is listed, a bounded part at a time."""


class Buffer:
    """A sink in memory."""

    def __init__(self) -> None:
        self.body = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.body += chunk


class Spool:
    """A sink that writes to a file, beside the event loop and a large part at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending = bytearray()

    async def write(self, chunk: bytes) -> None:
        self._pending += chunk
        if len(self._pending) >= _SPILL:
            await self.flush()

    async def flush(self) -> None:
        """Write what is pending."""
        pending, self._pending = self._pending, bytearray()
        await asyncio.to_thread(self._file.write, pending)


async def read_document(
    client: WebClient,
    url: str,
    slots: Slots,
    led_by: tuple[str, ...] = (),
    robots_ignored_at: Collection[str] = (),
) -> ListingDocument:
    """Fetch one listing document into memory; `led_by`, `robots_ignored_at`: as in `FetchRequest`.
    Raises PageError."""
    buffer = Buffer()
    final_url, kind = await _fetch(client, _asked(url, led_by, robots_ignored_at), slots, buffer)
    return ListingDocument(final_url, kind, bytes(buffer.body))


def _asked(url: str, led_by: tuple[str, ...], robots_ignored_at: Collection[str]) -> FetchRequest:
    return FetchRequest(
        url=url,
        accept=_ACCEPT,
        max_bytes=_MAX_BYTES,
        robots_ignored_at=robots_ignored_at,
        led_by=led_by,
    )


async def _fetch(
    client: WebClient, request: FetchRequest, slots: Slots, sink: Buffer | Spool
) -> tuple[str, str]:
    """The URL after redirects, and the Content-Type."""
    try:
        fetched = await client.fetch(request, sink, slots)
    except HostClosed as closed:
        raise closed.as_error() from closed
    kind = fetched.content_type
    if fetched.charset:
        kind += f"; charset={fetched.charset}"
    return fetched.final_url, kind


async def read_listing(
    client: WebClient, parse: Parse, spec: SourceSpec, slots: Slots, take: Take
) -> Listing:
    """List a source's start: every URL of its list, feed or sitemap; the start URLs of a site.

    Parts that cannot be read are among `troubles`, and make the listing incomplete.
    """
    listing = Listing()
    ignored = spec.robots_ignored_at
    reading = _Reading(client, parse, slots, take, listing, Leading(spec), ignored)
    if spec.kind == "feed":
        await reading.feeds(spec.urls)
    elif spec.kind == "sitemap":
        await reading.sitemaps(spec.urls)
    else:
        await _declared(spec, listing, take)
    return listing


async def _declared(spec: SourceSpec, listing: Listing, take: Take) -> None:
    found: list[Listed] = []
    for url in spec.urls:
        try:
            found.append(Listed(canonicalize(url), None))
        except InvalidUrl as error:
            listing.note(url, PageError(ErrorClass.INVALID, "url_malformed", str(error)))
    listing.pages = len(found)
    for at in range(0, len(found), PART):
        await take(found[at : at + PART])


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the files of one listing: each goes to a file, from there to a child, and from the
    child's answer part by part to `take`."""

    client: WebClient
    parse: Parse
    slots: Slots
    take: Take
    listing: Listing
    leading: Leading
    robots_ignored_at: frozenset[str]

    async def feeds(self, urls: Sequence[str]) -> None:
        wishes: list[int] = []
        for url in urls:
            with self._noted(url):
                async with self._read("feed", url) as found:
                    await self._take_pages(url, found)
                    wishes.append(found.header.ttl or 0)
        # One feed without a wish is read at the source's own cadence, the others with it.
        self.listing.ttl = min(wishes, default=0) or None

    async def sitemaps(self, urls: Sequence[str]) -> None:
        todo = deque(urls)
        seen = set(urls)
        while todo:
            url = todo.popleft()
            with self._noted(url):
                async with self._read("sitemap", url) as found:
                    await self._take_pages(url, found)
                    self.listing.complete &= found.header.complete
                    for child in await asyncio.to_thread(_fresh, found, seen):
                        todo.append(child)
            if len(seen) > MAX_SITEMAPS or self.listing.pages > MAX_LISTED:
                told = f"more than {MAX_SITEMAPS:,} files or {MAX_LISTED:,} addresses; cut there"
                self.listing.note(url, PageError(ErrorClass.QUOTA, "listing_too_long", told))
                break

    @contextmanager
    def _noted(self, url: str) -> Iterator[None]:
        try:
            yield
        except PageError as error:
            self.listing.note(url, error)

    @asynccontextmanager
    async def _read(self, wanted: Wanted, url: str) -> AsyncIterator[Parsed]:
        with TemporaryFile() as file:
            spool = Spool(file)
            request = _asked(url, self.leading.to(url), self.robots_ignored_at)
            final_url, kind = await _fetch(self.client, request, self.slots, spool)
            await spool.flush()
            async with self.parse(ListingJob(wanted, final_url, kind), file) as found:
                yield found

    async def _take_pages(self, url: str, found: Parsed) -> None:
        parts = found.pages()
        while part := await asyncio.to_thread(next, parts, None):
            self.listing.pages += len(part)
            await self.take(part)
        if found.header.cut:
            told = f"{url} lists more than is read of one file: its first addresses are taken"
            self.listing.note(url, PageError(ErrorClass.QUOTA, "listing_too_long", told))


def _fresh(found: Parsed, seen: set[str]) -> list[str]:
    """Child sitemaps not seen yet, not many more than may be read."""
    fresh = []
    for child in found.children():
        if child not in seen:
            seen.add(child)
            fresh.append(child)
        if len(seen) > MAX_SITEMAPS:
            break
    return fresh
