"""Reading what a source lists: its URLs, its feed, or its sitemap with all children.

A listing is never whole in memory, and none of it is parsed in this process
(`listing_parser.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

from atlas.domain.addresses.reach import Reach, reach_of
from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.errors import ErrorClass, HostClosed, PageError
from atlas.domain.fetch import FetchRequest, FetchResult
from atlas.domain.listing_limits import DEFAULTS, cut_at, over
from atlas.domain.sources import Leading, SourceSpec
from atlas.web.client import WebClient
from atlas.web.listing_parser import PART, Listed, ListingJob, Parse, Parsed, Wanted
from atlas.web.politeness import Slots
from atlas.web.source_detection import ListingDocument

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
    files: int = 0
    """Files that were read."""
    children: int = 0
    """Child sitemaps that they name, repeats and those that were not read included."""
    requests: int = 0
    """Requests for the files that were read, redirects included."""
    wire_bytes: int = 0
    """Of these files as sent."""

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


class ParseWatch(Protocol):
    """Knows which files keep ending whoever parses them."""

    def parsing(
        self, url: str, body: bytes
    ) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """Around the parse of the file with this SHA-256; what it yields is called once the child
        is through. Raises PageError for a file that is not to be parsed."""


class Spool:
    """A sink that writes to a file, beside the event loop and a large part at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending = bytearray()
        self._hash = sha256()

    async def write(self, chunk: bytes) -> None:
        self._pending += chunk
        if len(self._pending) >= _SPILL:
            await self.flush()

    async def flush(self) -> None:
        """Write what is pending."""
        pending, self._pending = self._pending, bytearray()
        await asyncio.to_thread(self._add, pending)

    def _add(self, part: bytes | bytearray) -> None:
        self._hash.update(part)
        self._file.write(part)

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was flushed."""
        return self._hash.digest()


async def read_document(
    client: WebClient,
    url: str,
    slots: Slots,
    led_by: tuple[str, ...] = (),
    reach: Reach | None = None,
    robots_ignored_at: Collection[str] = (),
    max_bytes: int = DEFAULTS.bytes,
) -> ListingDocument:
    """Fetch one listing document into memory; `led_by`, `reach`, `robots_ignored_at`,
    `max_bytes`: as in `FetchRequest`. Raises PageError."""
    buffer = Buffer()
    request = FetchRequest(
        url=url,
        accept=_ACCEPT,
        max_bytes=max_bytes,
        robots_ignored_at=robots_ignored_at,
        led_by=led_by,
        reach=reach,
    )
    fetched = await _fetch(client, request, slots, buffer)
    return ListingDocument(fetched.final_url, _kind(fetched), bytes(buffer.body))


async def _fetch(
    client: WebClient, request: FetchRequest, slots: Slots, sink: Buffer | Spool
) -> FetchResult:
    try:
        return await client.fetch(request, sink, slots)
    except HostClosed as closed:
        raise closed.as_error() from closed


def _kind(fetched: FetchResult) -> str:
    """The Content-Type."""
    charset = f"; charset={fetched.charset}" if fetched.charset else ""
    return fetched.content_type + charset


async def read_listing(
    client: WebClient, parse: Parse, spec: SourceSpec, slots: Slots, watch: ParseWatch, take: Take
) -> Listing:
    """List a source's start: every URL of its list, feed or sitemap; the start URLs of a site.

    Parts that cannot be read are among `troubles`, and make the listing incomplete.
    """
    listing = Listing()
    reading = _Reading(
        client, parse, slots, watch, take, listing, spec, Leading(spec), reach_of(spec)
    )
    if spec.kind == "feed":
        await reading.feeds()
    elif spec.kind == "sitemap":
        await reading.sitemaps()
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
    watch: ParseWatch
    take: Take
    listing: Listing
    spec: SourceSpec
    leading: Leading
    reach: Reach

    async def feeds(self) -> None:
        wishes: list[int] = []
        for url in self.spec.urls:
            if self._long(url):
                break
            with self._noted(url):
                async with self._read("feed", url) as found:
                    await self._take_pages(url, found)
                    wishes.append(found.header.ttl or 0)
        # One feed without a wish is read at the source's own cadence, the others with it.
        self.listing.ttl = min(wishes, default=0) or None

    async def sitemaps(self) -> None:
        todo = deque(self.spec.urls)
        seen = set(todo)
        read = 0
        while todo:
            url = todo.popleft()
            if read >= self.spec.listing_files:
                most = self.spec.listing_files
                self.listing.note(url, over("listing_too_long", url, "listing_files", most))
                break
            if self._long(url):
                break
            read += 1
            with self._noted(url):
                async with self._read("sitemap", url) as found:
                    await self._take_pages(url, found)
                    self.listing.complete &= found.header.complete
                    room = self.spec.listing_files - read - len(todo)
                    todo += await asyncio.to_thread(_fresh, found, seen, room)

    def _long(self, url: str) -> bool:
        """Whether the listing has all the addresses that may be read; `url` is not read then."""
        most = self.spec.listing_addresses
        if self.listing.pages < most:
            return False
        self.listing.note(url, over("listing_too_long", url, "listing_addresses", most))
        return True

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
            request = FetchRequest(
                url=url,
                accept=_ACCEPT,
                max_bytes=self.spec.listing_bytes,
                robots_ignored_at=self.spec.robots_ignored_at,
                led_by=self.leading.to(url),
                reach=self.reach,
            )
            fetched = await _fetch(self.client, request, self.slots, spool)
            await spool.flush()
            self.listing.files += 1
            self.listing.requests += 1 + len(fetched.redirects)
            self.listing.wire_bytes += fetched.wire_bytes
            job = ListingJob(wanted, fetched.final_url, _kind(fetched), self.spec.file_limits)
            async with (
                self.watch.parsing(url, spool.digest) as through,
                self.parse(job, file) as found,
            ):
                await through()
                self.listing.children += found.header.children
                yield found

    async def _take_pages(self, url: str, found: Parsed) -> None:
        parts = found.pages()
        while part := await asyncio.to_thread(next, parts, None):
            room = self.spec.listing_addresses - self.listing.pages
            self.listing.pages += len(part[:room])
            await self.take(part[:room])
            if len(part) > room:
                self._long(url)
                return
        if found.header.cut:
            self.listing.note(url, cut_at(found.header.cut, url, self.spec.file_limits))


def _fresh(found: Parsed, seen: set[str], room: int) -> list[str]:
    """Child sitemaps not seen yet: those for which there is room, and one more to say so."""
    fresh: list[str] = []
    for child in found.children():
        if child not in seen:
            if len(fresh) > room:
                break
            seen.add(child)
            fresh.append(child)
    return fresh
