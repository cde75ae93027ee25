"""Sitemaps (sitemaps.org protocol 0.9) to canonical page addresses, and whether all were seen.

XML url sets and index files, plain text, RSS and Atom; gzip is recognised by its first bytes,
whatever the name or the header says. CPU work: call it outside the event loop for large files.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from lxml import etree

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import DEFAULTS, Cut, FileLimits, over, too_many
from atlas.web.feeds import FEED_ROOTS, no_usable_link, parse_feed
from atlas.web.markup import LongProlog, XmlText, decode_markup, safe_xml

SITEMAP_ROOTS = frozenset(("urlset", "sitemapindex"))

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS = 31
_STEP = 512
_CHUNK = 64 * 1024
_MAX_MEMBERS = 1000
_CDATA_OR_AMPERSAND = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:#\d+|#x[0-9a-fA-F]+|amp|lt|gt|quot|apos);)", re.DOTALL
)
# W3C Datetime (w3.org/TR/NOTE-datetime): a year or a month alone is a date too.
_SHORT_DATE = re.compile(r"\d{4}(?:-\d{2})?")


@dataclass(frozen=True)
class SitemapPage:
    """A listed page: canonical URL, and when it says it last changed (UTC) if it does."""

    url: str
    lastmod: datetime | None


@dataclass(frozen=True)
class Sitemap:
    """One sitemap file as read: the pages it lists, or the child sitemaps of an index.

    `skipped` counts entries without a usable http(s) address; repeats are not counted.
    `complete` is False when the file ended early, was damaged or cut, skipped an entry, or is a
    feed (a window by nature): only a complete listing may lead to removals. `cut`: the limit beyond
    which it was not read, "" if there was none.
    """

    pages: tuple[SitemapPage, ...]
    children: tuple[str, ...]
    skipped: int
    complete: bool
    cut: Cut = ""


@dataclass
class _Listing:
    """What was found so far; addresses in the order of the file, each once."""

    most: int
    """Entries that may be kept."""
    pages: dict[str, SitemapPage] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    entries: int = 0
    """Usable or not, repeats included."""
    skipped: int = 0
    whole: bool = True
    cut: Cut = ""

    def counts(self) -> bool:
        """Whether there is room for one more entry, which is counted."""
        if self.entries >= self.most:
            self.cut = "entries"
            return False
        self.entries += 1
        return True

    def frozen(self, url: str, *, arrived: bool) -> Sitemap:
        whole = arrived and self.whole and not self.cut
        if not self.pages and not self.children:
            if self.entries:
                raise no_usable_link("sitemap", url, self.entries)
            if not whole:
                raise _malformed(url, "it breaks off before its first entry")
        complete = whole and not self.skipped
        return Sitemap(
            tuple(self.pages.values()), tuple(self.children), self.skipped, complete, self.cut
        )


def parse_sitemap(
    body: bytes, url: str, content_type: str = "", limits: FileLimits = DEFAULTS
) -> Sitemap:
    """The sitemap in `body`, fetched from `url`.

    Raises `PageError(INVALID, "sitemap_malformed")` for anything that is no sitemap,
    `PageError(INVALID, "no_usable_link")` where there are entries but no address that can be used,
    and `PageError(QUOTA)` where it goes beyond a limit before its first entry: `sitemap_too_large`,
    `listing_too_deep`, `listing_long_prolog`. A file that breaks off, or goes beyond a limit after
    its first entry, gives what it held up to there, with `complete` False. Addresses on other hosts
    are returned as listed: whether they may be used is the caller's scope to say.
    """
    raw, arrived = _unpacked(body, url, limits.bytes)
    text = decode_markup(raw, content_type)
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        return _read_lines(text, url, limits).frozen(url, arrived=arrived)
    document = _document(text, url, limits)
    if document.root in FEED_ROOTS:
        return _read_feed(raw, url, content_type, limits)
    if document.root not in SITEMAP_ROOTS:
        raise _malformed(url, f"its root element is <{document.root[:40]}>")
    return _read_xml(document, url, limits).frozen(url, arrived=arrived)


def _malformed(url: str, reason: str) -> PageError:
    message = f"no usable sitemap at {url}: {reason}"
    return PageError(ErrorClass.INVALID, "sitemap_malformed", message)


def _unpacked(body: bytes, url: str, limit: int) -> tuple[bytes, bool]:
    """The bytes after gzip, if any, and whether the compressed stream came to its end."""
    if not body.startswith(_GZIP_MAGIC):
        _check_size(len(body), url, limit)
        return body, True
    raw, arrived, at = bytearray(), False, 0
    for _ in range(_MAX_MEMBERS):
        stream = zlib.decompressobj(_GZIP_WBITS)
        part, at = _gunzip_member(stream, body, at, limit + 1 - len(raw))
        raw += part
        _check_size(len(raw), url, limit)
        more = body.startswith(_GZIP_MAGIC, at)
        arrived = stream.eof and not more
        if not more:
            break
    if not raw:
        raise _malformed(url, "its gzip data is broken from the start")
    return bytes(raw), arrived


def _gunzip_member(
    stream: "zlib._Decompress", body: bytes, at: int, limit: int
) -> tuple[bytes, int]:
    """At most `limit` bytes of the member that begins at `at` (RFC 1952), and where it ends.

    What came before damage is kept. The steps are small because zlib gives nothing at all back
    from a call that meets damage.
    """
    parts: list[bytes] = []
    size = 0
    try:
        while at < len(body) and not stream.eof and size < limit:
            step = body[at : at + _STEP]
            at += len(step)
            parts.append(stream.decompress(stream.unconsumed_tail + step, limit - size))
            size += len(parts[-1])
    except zlib.error:
        return b"".join(parts), len(body)
    return b"".join(parts), at - len(stream.unused_data)


def _check_size(size: int, url: str, limit: int) -> None:
    if size > limit:
        raise over("sitemap_too_large", url, "listing_bytes", limit)


def _document(text: str, url: str, limits: FileLimits) -> XmlText:
    try:
        document = safe_xml(text, limits.prolog)
    except LongProlog:
        raise over("listing_long_prolog", url, "listing_prolog", limits.prolog) from None
    except PageError as error:
        raise _malformed(url, error.message) from error
    if document is None:
        raise _malformed(url, "it is neither XML nor a list of addresses")
    return document


def _read_feed(raw: bytes, url: str, content_type: str, limits: FileLimits) -> Sitemap:
    try:
        feed = parse_feed(raw, url, content_type, limits)
    except PageError as error:
        if error.code != "feed_malformed":
            raise
        raise _malformed(url, error.message) from error
    pages = tuple(SitemapPage(item.url, item.published) for item in feed.items)
    return Sitemap(pages, (), feed.skipped, complete=False, cut="entries" if feed.truncated else "")


def _read_lines(text: str, url: str, limits: FileLimits) -> _Listing:
    """One address a line. More other lines than addresses mean this is no sitemap."""
    listing = _Listing(limits.entries)
    for line in filter(None, map(str.strip, StringIO(text.lstrip("\ufeff")))):
        if not listing.counts():
            break
        address = line if re.match(r"https?://\S+$", line, re.IGNORECASE) else ""
        _add_page(listing, address, None, url)
    if not listing.pages or listing.skipped > len(listing.pages):
        raise _malformed(url, "it is neither XML nor a list of addresses")
    return listing


def _read_xml(document: XmlText, url: str, limits: FileLimits) -> _Listing:
    listing = _read_elements(document, url, limits)
    if listing.whole or listing.cut:
        return listing
    # The commonest damage is a bare "&" in an address. CDATA is left as it is.
    mended = _CDATA_OR_AMPERSAND.sub(_escape_ampersand, document.data)
    return _read_elements(replace(document, data=mended), url, limits)


def _escape_ampersand(match: re.Match[bytes]) -> bytes:
    return b"&amp;" if match.group() == b"&" else match.group()


def _read_elements(document: XmlText, url: str, limits: FileLimits) -> _Listing:
    listing = _Listing(limits.entries)
    is_index = document.root == "sitemapindex"
    try:
        for address, lastmod in _entries(document.data, "sitemap" if is_index else "url", limits):
            if not listing.counts():
                break
            if is_index:
                _add_child(listing, address, url)
            else:
                _add_page(listing, address, lastmod, url)
    except etree.XMLSyntaxError:
        listing.whole = False
    except _Beyond as beyond:
        if not listing.entries:
            raise _beyond(beyond.limit, url, limits) from None
        listing.cut = beyond.limit
    return listing


def _beyond(limit: Cut, url: str, limits: FileLimits) -> PageError:
    if limit == "depth":
        return over("listing_too_deep", url, "listing_depth", limits.depth)
    return too_many("sitemap_too_large", url, "elements", limits)


class _Beyond(Exception):
    """A limit is reached."""

    def __init__(self, limit: Cut) -> None:
        super().__init__(limit)
        self.limit = limit


class _Entries:
    """Takes the elements as they come and keeps what the entries say: no tree is built, so it is
    the same whatever else the file holds."""

    def __init__(self, name: str, limits: FileLimits) -> None:
        self.found: list[tuple[str, str]] = []
        self._name = name
        self._limits = limits
        self._elements = 0
        self._depth = 0
        self._entry_at = 0  # depth of the entry that is open, 0: none
        self._fields: dict[str, str] = {}
        self._text: list[str] | None = None

    def start(self, tag: Any, attributes: Any) -> None:
        self._elements += 1
        if self._elements > self._limits.elements:
            raise _Beyond("elements")
        self._depth += 1
        if self._depth > self._limits.depth:
            raise _Beyond("depth")
        # Only direct children: an image or video extension has a <loc> of its own deeper down.
        inside = self._entry_at and self._depth == self._entry_at + 1
        if inside and _local_name(tag) in ("loc", "lastmod"):
            self._text = []
        elif _local_name(tag) == self._name:
            self._entry_at, self._fields, self._text = self._depth, {}, None

    def data(self, text: Any) -> None:
        if self._text is not None and self._depth == self._entry_at + 1:
            self._text.append(text)

    def end(self, tag: Any) -> None:
        if self._text is not None and self._depth == self._entry_at + 1:
            self._fields.setdefault(_local_name(tag), "".join(self._text).strip())
            self._text = None
        elif self._depth == self._entry_at:
            self.found.append((self._fields.get("loc", ""), self._fields.get("lastmod", "")))
            self._entry_at = 0
        self._depth -= 1

    def comment(self, text: Any) -> None:
        """Says nothing."""

    def close(self) -> None:
        """Nothing is left to do."""


def _entries(data: bytes, name: str, limits: FileLimits) -> Iterator[tuple[str, str]]:
    """(loc, lastmod) of each entry, whatever its namespace."""
    entries = _Entries(name, limits)
    parser = etree.XMLParser(
        target=entries,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    error: Exception | None = None
    for at in range(0, len(data), _CHUNK):
        try:
            parser.feed(data[at : at + _CHUNK])
        except (etree.XMLSyntaxError, _Beyond) as broken:
            error = broken
        yield from _taken(entries.found)
        if error is not None:
            raise error
    parser.close()


def _taken(found: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    taken = found.copy()
    found.clear()
    return taken


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _add_page(listing: _Listing, address: str, lastmod: str | None, base: str) -> None:
    page_url = _canonical(address, base)
    if page_url is None:
        listing.skipped += 1
    elif page_url not in listing.pages:
        listing.pages[page_url] = SitemapPage(page_url, _moment(lastmod or ""))


def _add_child(listing: _Listing, address: str, base: str) -> None:
    child = _canonical(address, base)
    if child is None:
        listing.skipped += 1
    elif child != base:  # an index that lists itself would be read for ever
        listing.children[child] = None


def _canonical(address: str, base: str) -> str | None:
    try:
        return canonicalize(address, base) if address else None
    except InvalidUrl:
        return None


def _moment(value: str) -> datetime | None:
    if _SHORT_DATE.fullmatch(value):
        value = (value + "-01-01")[:10]
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
