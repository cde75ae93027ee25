"""Listings are parsed in a child process: what goes there, and what the worker believes of it.

`parse_listing` runs in the child, under its limits of time and memory. Its answer is plain fields
in frames of bounded size, in a file; `Parsed` reads it part by part and checks each field, because
whatever parses hostile bytes may have been taken over by them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, Protocol, TypeVar

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.urls import MAX_URL_LENGTH, InvalidUrl, canonicalize
from atlas.domain.wire_fields import MalformedAnswer, Reader, Writer, check

if TYPE_CHECKING:
    from atlas.web.feeds import Feed
    from atlas.web.sitemaps import Sitemap

T = TypeVar("T")

Wanted = Literal["feed", "sitemap", "any"]
Kind = Literal["feed", "sitemap", "html", "other"]

PART = 2_000
"""Addresses that are in memory at once."""

_MOST = 50_000  # addresses of each kind in one file, as `feeds` and `sitemaps` keep them
_MAX_FRAME = 8 * 1024 * 1024
_MAX_TITLE = 4_000
_FRAME = struct.Struct("!I")
_KINDS: tuple[Kind, ...] = ("feed", "sitemap", "html", "other")
_HTML_START = re.compile(r"\ufeff?\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListingJob:
    """A body to be read: the address it was fetched from, its Content-Type, and what it should be.
    With `any` it may turn out to be no listing at all."""

    wanted: Wanted
    url: str
    content_type: str = ""


class Listed(NamedTuple):
    """A listed page: canonical URL, and when the listing says it last changed (UTC), if it does."""

    url: str
    modified: datetime | None


class Header(NamedTuple):
    """What a file is and how much it lists. `cut`: it held more than is read of one file."""

    kind: Kind
    title: str = ""
    ttl: int | None = None
    complete: bool = False
    cut: bool = False
    pages: int = 0
    children: int = 0


class Parsed:
    """A child's answer, read once from its beginning. Every method may raise MalformedAnswer."""

    def __init__(self, answer: BinaryIO) -> None:
        self._answer = answer
        self.header = _read_header(self._frame())
        self._parts = -(-self.header.pages // PART)

    def pages(self) -> Iterator[list[Listed]]:
        """The pages, PART at a time. Blocking, as the checks cost time: call it in a thread."""
        while self._parts:
            self._parts -= 1
            yield _several(self._frame(), _read_page)

    def children(self) -> Iterator[str]:
        """The child sitemaps, when the pages have been read."""
        for _ in range(-(-self.header.children // PART)):
            yield from _several(self._frame(), _read_address)

    def _frame(self) -> Reader:
        head = self._answer.read(_FRAME.size)
        size = _FRAME.unpack(head)[0] if len(head) == _FRAME.size else 0
        check(size, 0 < size <= _MAX_FRAME, "a part that is none")
        return Reader(self._answer.read(size))


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
        return _write_feed(parse_feed(body, job.url, job.content_type))
    if job.wanted == "sitemap":
        return _write_sitemap(parse_sitemap(body, job.url, job.content_type))
    return _recognised(job, body)


def _recognised(job: ListingJob, body: bytes) -> bytes:
    from atlas.web.feeds import parse_feed
    from atlas.web.markup import decode_markup
    from atlas.web.sitemaps import parse_sitemap

    if _HTML_START.match(decode_markup(body[:2048], job.content_type)):
        return _written(Header("html"))
    try:
        return _write_feed(parse_feed(body, job.url, job.content_type))
    except PageError:
        pass
    try:
        return _write_sitemap(parse_sitemap(body, job.url, job.content_type))
    except PageError:
        return _written(Header("other"))


def _write_feed(feed: Feed) -> bytes:
    header = Header("feed", feed.title, feed.ttl, True, feed.truncated, len(feed.items))
    return _written(header, [Listed(item.url, None) for item in feed.items])


def _write_sitemap(found: Sitemap) -> bytes:
    counts = (len(found.pages), len(found.children))
    header = Header("sitemap", "", None, found.complete, found.cut, *counts)
    pages = [Listed(page.url, page.lastmod) for page in found.pages]
    return _written(header, pages, found.children)


def _written(header: Header, pages: Sequence[Listed] = (), children: Sequence[str] = ()) -> bytes:
    frames = [
        _write_header(header),
        *(_write_pages(pages[at : at + PART]) for at in range(0, len(pages), PART)),
        *(_write_addresses(children[at : at + PART]) for at in range(0, len(children), PART)),
    ]
    return b"".join(_FRAME.pack(len(frame)) + frame for frame in frames)


def _write_header(header: Header) -> bytes:
    writer = Writer()
    writer.number(_KINDS.index(header.kind))
    writer.text(header.title.replace("\x00", ""))
    for number in (header.ttl or 0, header.complete, header.cut, header.pages, header.children):
        writer.number(int(number))
    return writer.finish()


def _read_header(reader: Reader) -> Header:
    kind = _KINDS[reader.number(0, len(_KINDS) - 1)]
    title, ttl = reader.text(_MAX_TITLE), reader.number()
    complete, cut = bool(reader.number(0, 1)), bool(reader.number(0, 1))
    header = Header(
        kind, title, ttl or None, complete, cut, reader.number(0, _MOST), reader.number(0, _MOST)
    )
    reader.end()
    return header


def _write_pages(pages: Sequence[Listed]) -> bytes:
    writer = Writer()
    writer.number(len(pages))
    for page in pages:
        writer.text(page.url)
        writer.text(page.modified.isoformat() if page.modified else "")
    return writer.finish()


def _write_addresses(urls: Sequence[str]) -> bytes:
    writer = Writer()
    writer.number(len(urls))
    for url in urls:
        writer.text(url)
    return writer.finish()


def _several(frame: Reader, read: Callable[[Reader], T]) -> list[T]:
    found = list(frame.several(PART, read))
    frame.end()
    return found


def _read_page(reader: Reader) -> Listed:
    return Listed(_read_address(reader), _read_moment(reader.text(40)))


def _read_address(reader: Reader) -> str:
    url = reader.text(MAX_URL_LENGTH)
    try:
        return check(url, canonicalize(url) == url, "an address that is not canonical")
    except InvalidUrl as error:
        raise MalformedAnswer("an address that is none") from error


def _read_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise MalformedAnswer("a date that is none") from error
    return check(moment, moment is None or moment.tzinfo is UTC, "a date not in UTC")
