"""Listings are parsed in a child process: what goes there, and what the worker believes of it.

`parse_listing` runs in the child, under its limits of time and memory. Its answer is plain fields
in frames of bounded size, in a file; `Parsed` reads it part by part and checks each field, because
whatever parses hostile bytes may have been taken over by them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, NamedTuple, Protocol

from msgspec import Meta
from msgspec.msgpack import Decoder, encode

from atlas.domain.addresses.urls import MAX_URL_LENGTH
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import DEFAULTS, ENTRIES, Cut, FileLimits
from atlas.domain.wire_fields import (
    Number,
    Stamp,
    WireFields,
    canonical,
    check,
    decode,
    instant,
    storable,
)

if TYPE_CHECKING:
    from atlas.web.feeds import Feed
    from atlas.web.sitemaps import Sitemap

Wanted = Literal["feed", "sitemap", "any"]
Kind = Literal["feed", "sitemap", "html", "other"]

PART = 2_000
"""Addresses that are in memory at once."""

# Addresses of each kind in one file; `Parsed` compares them with what the job allows.
_Count = Annotated[int, Meta(ge=0, le=ENTRIES.most)]
_Address = Annotated[str, Meta(max_length=MAX_URL_LENGTH)]
_MAX_FRAME = 8 * 1024 * 1024
_FRAME = struct.Struct("!I")
_HTML_START = re.compile(r"\ufeff?\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListingJob:
    """A body to be read: the address it was fetched from, its Content-Type, and what it should be.
    With `any` it may turn out to be no listing at all."""

    wanted: Wanted
    url: str
    content_type: str = ""
    limits: FileLimits = DEFAULTS


class Listed(NamedTuple):
    """A listed page: canonical URL, and when the listing says it last changed (UTC), if it does."""

    url: str
    modified: datetime | None


class Header(WireFields):
    """What a file is and how much it lists. `cut`: the limit beyond which it was not read."""

    kind: Kind
    title: Annotated[str, Meta(max_length=1_000)] = ""
    ttl: Number | None = None
    complete: bool = False
    cut: Cut = ""
    pages: _Count = 0
    children: _Count = 0


_HEADER = Decoder(Header)
_PAGES = Decoder[list[tuple[str, str]]](
    Annotated[list[tuple[_Address, Stamp]], Meta(max_length=PART)]
)
_ADDRESSES = Decoder[list[str]](Annotated[list[_Address], Meta(max_length=PART)])


class Parsed:
    """A child's answer, read once from its beginning. Every method may raise MalformedAnswer."""

    def __init__(self, answer: BinaryIO, limits: FileLimits = DEFAULTS) -> None:
        self._answer = answer
        self.header = decode(_HEADER, self._frame())
        listed = max(self.header.pages, self.header.children)
        check(listed, listed <= limits.entries, "more entries than are read of one file")
        self._parts = -(-self.header.pages // PART)

    def pages(self) -> Iterator[list[Listed]]:
        """The pages, PART at a time. Blocking, as the checks cost time: call it in a thread."""
        while self._parts:
            self._parts -= 1
            yield [
                Listed(canonical(url), instant(modified))
                for url, modified in decode(_PAGES, self._frame())
            ]

    def children(self) -> Iterator[str]:
        """The child sitemaps, when the pages have been read."""
        for _ in range(-(-self.header.children // PART)):
            urls = decode(_ADDRESSES, self._frame())
            yield from map(canonical, urls)

    def _frame(self) -> bytes:
        head = self._answer.read(_FRAME.size)
        size = _FRAME.unpack(head)[0] if len(head) == _FRAME.size else 0
        check(size, 0 < size <= _MAX_FRAME, "a part that is none")
        return self._answer.read(size)


class Parse(Protocol):
    """Parses the file `body`, from its beginning, somewhere it can do no harm.

    Raises PageError: what `parse_listing` raises, or that it takes too much time or memory, crashes
    or answers nonsense (`listing_timeout`, `listing_memory`, `listing_crashed`, …).
    """

    def __call__(self, job: ListingJob, body: BinaryIO) -> AbstractAsyncContextManager[Parsed]: ...


def parse_listing(job: ListingJob, body: bytes) -> bytes:
    """The answer that `Parsed` reads. Raises PageError as `parse_feed` and `parse_sitemap` do, and
    for whatever else goes wrong with hostile bytes: nothing that is asked again for ever."""
    try:
        return _parse(job, body)
    except (PageError, MemoryError, RecursionError):
        raise
    except Exception as error:
        what = f"parsing {job.url} failed: {type(error).__name__}: {error}"
        raise PageError(ErrorClass.BUG, "listing_bug", what[:500]) from error


def warm_up() -> None:
    """Import the parsers, so that children forked from this process have them."""
    parse_listing(ListingJob("any", "https://warm.invalid/"), b"<rss><channel/></rss>")
    import feedparser  # noqa: F401


def _parse(job: ListingJob, body: bytes) -> bytes:
    from atlas.web.feeds import parse_feed  # in the child only: lxml and the parsers of feeds
    from atlas.web.sitemaps import parse_sitemap

    if job.wanted == "feed":
        return _write_feed(parse_feed(body, job.url, job.content_type, job.limits))
    if job.wanted == "sitemap":
        return _write_sitemap(parse_sitemap(body, job.url, job.content_type, job.limits))
    return _recognised(job, body)


def _recognised(job: ListingJob, body: bytes) -> bytes:
    from atlas.web.feeds import parse_feed
    from atlas.web.markup import decode_markup
    from atlas.web.sitemaps import parse_sitemap

    if _HTML_START.match(decode_markup(body[:2048], job.content_type)):
        return _written(Header("html"))
    try:
        return _write_feed(parse_feed(body, job.url, job.content_type, job.limits))
    except PageError:
        pass
    try:
        return _write_sitemap(parse_sitemap(body, job.url, job.content_type, job.limits))
    except PageError:
        return _written(Header("other"))


def _write_feed(feed: Feed) -> bytes:
    title = storable(feed.title)
    cut: Cut = "entries" if feed.truncated else ""
    header = Header("feed", title, feed.ttl or None, not cut, cut, len(feed.items))
    return _written(header, [Listed(item.url, None) for item in feed.items])


def _write_sitemap(found: Sitemap) -> bytes:
    counts = (len(found.pages), len(found.children))
    header = Header("sitemap", "", None, found.complete, found.cut, *counts)
    pages = [Listed(page.url, page.lastmod) for page in found.pages]
    return _written(header, pages, found.children)


def _written(header: Header, pages: Sequence[Listed] = (), children: Sequence[str] = ()) -> bytes:
    stamped = [(url, modified.isoformat() if modified else "") for url, modified in pages]
    frames = (
        header,
        *(stamped[at : at + PART] for at in range(0, len(stamped), PART)),
        *(children[at : at + PART] for at in range(0, len(children), PART)),
    )
    return b"".join(_FRAME.pack(len(frame)) + frame for frame in map(encode, frames))
