"""Reading what a source lists: its URLs, its feed, or its sitemap with all children."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from atlas.domain.errors import ErrorClass, HostClosed, PageError
from atlas.domain.fetched import FetchRequest
from atlas.domain.sources import SourceSpec
from atlas.domain.urls import InvalidUrl, canonicalize
from atlas.web.client import WebClient
from atlas.web.detect import Document
from atlas.web.feeds import parse_feed
from atlas.web.politeness import Slots
from atlas.web.sitemaps import parse_sitemap

MAX_SITEMAPS = 1000
"""Files of one sitemap tree; more make the listing incomplete."""

MAX_LISTED = 1_000_000
"""URLs of one listing; more make it incomplete."""

_MAX_BYTES = 64 * 1024 * 1024
_ACCEPT = (
    "application/xml, application/rss+xml, application/atom+xml, application/feed+json, */*;q=0.8"
)


@dataclass(slots=True)
class Listing:
    """What a source lists now. Only a complete listing may ever lead to removals."""

    urls: list[str] = field(default_factory=list)
    complete: bool = True
    troubles: list[tuple[str, PageError]] = field(default_factory=list)
    """Parts that could not be read, by URL."""
    modified: dict[str, datetime] = field(default_factory=dict)
    """When a sitemap says that a page last changed."""
    ttl: float | None = None
    """Seconds between readings that the publisher asks for; of several feeds the shortest."""


class Buffer:
    """A sink in memory."""

    def __init__(self) -> None:
        self.body = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.body += chunk


async def read_document(client: WebClient, url: str, slots: Slots) -> Document:
    """Fetch one listing document into memory. Raises PageError."""
    buffer = Buffer()
    request = FetchRequest(url=url, accept=_ACCEPT, max_bytes=_MAX_BYTES)
    try:
        fetched = await client.fetch(request, buffer, slots)
    except HostClosed as closed:
        raise closed.as_error() from closed
    kind = fetched.content_type
    if fetched.charset:
        kind += f"; charset={fetched.charset}"
    return Document(fetched.final_url, kind, bytes(buffer.body))


async def read_listing(client: WebClient, spec: SourceSpec, slots: Slots) -> Listing:
    """List a source's start: every URL of its list, feed or sitemap; the start URLs of a site.

    Parts that cannot be read are among `troubles`, and make the listing incomplete.
    """
    if spec.kind == "feed":
        return await _feeds(client, spec, slots)
    if spec.kind == "sitemap":
        return await _sitemaps(client, spec, slots)
    return _declared(spec)


def _declared(spec: SourceSpec) -> Listing:
    listing = Listing()
    for url in spec.urls:
        try:
            listing.urls.append(canonicalize(url))
        except InvalidUrl as error:
            listing.complete = False
            listing.troubles.append(
                (url, PageError(ErrorClass.INVALID, "url_malformed", str(error)))
            )
    return listing


async def _feeds(client: WebClient, spec: SourceSpec, slots: Slots) -> Listing:
    listing = Listing()
    wishes: list[int] = []
    for url in spec.urls:
        try:
            found = await read_document(client, url, slots)
            feed = await asyncio.to_thread(parse_feed, found.body, found.url, found.content_type)
        except PageError as error:
            _note(listing, url, error)
            continue
        listing.urls += [item.url for item in feed.items]
        wishes.append(feed.ttl or 0)
    # One feed without a wish is read at the source's own cadence, the others with it.
    listing.ttl = min(wishes, default=0) or None
    return listing


async def _sitemaps(client: WebClient, spec: SourceSpec, slots: Slots) -> Listing:
    listing = Listing()
    todo = deque(spec.urls)
    seen = set(spec.urls)
    while todo:
        url = todo.popleft()
        try:
            found = await read_document(client, url, slots)
            read = await asyncio.to_thread(parse_sitemap, found.body, found.url, found.content_type)
        except PageError as error:
            _note(listing, url, error)
            continue
        listing.urls += [page.url for page in read.pages]
        listing.modified |= {page.url: page.lastmod for page in read.pages if page.lastmod}
        listing.complete &= read.complete
        fresh = [child for child in read.children if child not in seen]
        seen.update(fresh)
        todo.extend(fresh)
        if len(seen) > MAX_SITEMAPS or len(listing.urls) > MAX_LISTED:
            listing.complete = False
            break
    return listing


def _note(listing: Listing, url: str, error: PageError) -> None:
    listing.complete = False
    listing.troubles.append((url, error))
