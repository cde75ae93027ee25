"""Find out what a URL is a source of: a feed, a sitemap, a site, or a single document."""

import asyncio
import re
from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Literal
from urllib.parse import urlsplit

from atlas.domain.addresses.scope import Scope, directory_of
from atlas.domain.addresses.urls import canonicalize, origin_of
from atlas.domain.errors import PageError
from atlas.web.listing_parser import Header, ListingJob, Parse, Parsed, Wanted
from atlas.web.robots_answer import PARSE_LIMIT
from atlas.web.robots_parser import ParseRobots

Kind = Literal["feed", "sitemap", "site", "urls"]

MAX_ASKED = 12
"""Addresses asked for while looking for a sitemap, robots.txt and child sitemaps included."""

_HTML_TYPES = ("text/html", "application/xhtml+xml")
_HTML_START = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)


@dataclass(frozen=True)
class ListingDocument:
    """What was fetched: the URL after redirects, the Content-Type as sent, the decoded body."""

    url: str
    content_type: str
    body: bytes


Get = Callable[[str], Awaitable[ListingDocument | None]]
"""Fetches one URL. None, or a PageError, where there is nothing to read."""


@dataclass(frozen=True)
class Detected:
    """What `detect` found. `url` is where that kind starts; `prefix` bounds the pages that belong
    to the URL a person gave (None: no bound); `evidence` is one sentence for that person."""

    kind: Kind
    url: str
    evidence: str
    prefix: str | None = None


async def detect(url: str, get: Get, parse: Parse, parse_robots: ParseRobots) -> Detected:
    """Look at `url`, then for a sitemap that lists pages below it; else it is a site to crawl.

    Order: feed or sitemap by content; the Sitemap lines of robots.txt; /sitemap.xml; site. A
    document that is not HTML and leads nowhere is a list of one URL. Nothing that `get` cannot
    read is an error here: the evidence says so. Raises InvalidUrl.
    """
    start = canonicalize(url)
    document, trouble = await _asked(get, start)
    if document is not None:
        try:
            if by_content := await _by_content(document, parse):
                return by_content
        except PageError as error:
            trouble = error.message
    base = document.url if document is not None else start
    found = await _Search(base, get, parse, parse_robots).run()
    return found or _site(base, trouble)


async def _asked(get: Get, url: str) -> tuple[ListingDocument | None, str]:
    try:
        document = await get(url)
    except PageError as error:
        return None, error.message
    return document, "" if document is not None else "it could not be read"


async def _by_content(document: ListingDocument, parse: Parse) -> Detected | None:
    url = document.url
    header = (await _look(document, "any", parse)).header
    if header.kind == "html":
        return None
    if header.kind == "feed":
        titled = f" titled “{header.title}”" if header.title else ""
        evidence = f"{url} is a feed{titled} with {_count(header.pages, 'item')}"
        return Detected("feed", url, evidence)
    if header.kind == "sitemap":
        return Detected("sitemap", url, f"{url} is a sitemap that lists {_contents(header)}")
    media_type = document.content_type.partition(";")[0].strip().lower()
    if media_type in _HTML_TYPES or not document.body:
        return None
    evidence = f"{url} is a single document ({media_type or 'of unknown type'})"
    return Detected("urls", url, evidence)


@dataclass(frozen=True)
class _Seen:
    """What a document turned out to be, how many pages in scope it lists, its child sitemaps."""

    header: Header
    pages: int = 0
    children: tuple[str, ...] = ()


async def _look(
    document: ListingDocument, wanted: Wanted, parse: Parse, scope: Scope | None = None
) -> _Seen:
    job = ListingJob(wanted, document.url, document.content_type)
    with BytesIO(document.body) as body:
        async with parse(job, body) as found:
            return await asyncio.to_thread(_seen, found, scope)


def _seen(found: Parsed, scope: Scope | None) -> _Seen:
    if scope is None:
        return _Seen(found.header)
    pages = sum(scope.allows(page.url) for part in found.pages() for page in part)
    return _Seen(found.header, pages, tuple(found.children()))


def _starts_as_html(document: ListingDocument) -> bool:
    return _HTML_START.match(document.body.removeprefix(BOM_UTF8)[:2048]) is not None


def _contents(header: Header) -> str:
    if header.children:
        return _count(header.children, "child sitemap")
    return _count(header.pages, "page")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _site(base: str, trouble: str) -> Detected:
    prefix = directory_of(base)
    why = f"{base} could not be read now ({trouble})" if trouble else f"{base} is a web page"
    evidence = f"{why} and no sitemap lists pages below {prefix}: a site, to be crawled from here"
    return Detected("site", base, evidence, prefix)


class _Search:
    """Looks for a sitemap with pages below one start, within MAX_ASKED requests."""

    def __init__(self, base: str, get: Get, parse: Parse, parse_robots: ParseRobots) -> None:
        self._get = get
        self._parse = parse
        self._parse_robots = parse_robots
        self._prefix = directory_of(base)
        self._scope = Scope(prefix=self._prefix)
        self._root = origin_of(base)
        self._asked: set[str] = set()

    async def run(self) -> Detected | None:
        from_robots = await self._named_in_robots()
        for url in from_robots:
            if found := await self._try(url, f"{self._root}/robots.txt names the sitemap {url}"):
                return found
        usual = f"{self._root}/sitemap.xml"
        return await self._try(usual, f"there is a sitemap at {usual}")

    async def _named_in_robots(self) -> Sequence[str]:
        document = await self._read(f"{self._root}/robots.txt")
        if document is None or _starts_as_html(document):
            return ()
        with suppress(PageError):
            return (await self._parse_robots(document.url, document.body[:PARSE_LIMIT])).sitemaps
        return ()

    async def _read(self, url: str) -> ListingDocument | None:
        if url in self._asked or len(self._asked) >= MAX_ASKED:
            return None
        self._asked.add(url)
        return (await _asked(self._get, url))[0]

    async def _try(self, url: str, where: str) -> Detected | None:
        listed = await self._pages_below(url)
        if not listed:
            return None
        evidence = f"{where}, and it lists {listed} below {self._prefix}"
        return Detected("sitemap", url, evidence, self._prefix)

    async def _pages_below(self, url: str) -> str:
        """How many pages in scope the sitemap lists, in words; "" if none was seen."""
        sitemap = await self._parsed(url)
        if sitemap is None:
            return ""
        if sitemap.pages:
            return _count(sitemap.pages, "page")
        for child_url in self._likely_first(sitemap.children):
            child = await self._parsed(child_url)
            if child is not None and child.pages:
                return f"{_count(child.pages, 'page')} (in {child_url}, the first that does)"
        return ""

    async def _parsed(self, url: str) -> _Seen | None:
        document = await self._read(url)
        if document is None:
            return None
        with suppress(PageError):
            return await _look(document, "sitemap", self._parse, self._scope)
        return None

    def _likely_first(self, children: Sequence[str]) -> list[str]:
        """Children below the prefix, then those that name its last folder, then the rest."""
        folder = urlsplit(self._prefix).path.rstrip("/").rpartition("/")[2] or "/"
        return sorted(children, key=lambda url: (not self._scope.allows(url), folder not in url))
