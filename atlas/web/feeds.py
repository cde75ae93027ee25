"""RSS, Atom and JSON Feed to canonical page addresses.

`fastfeedparser` reads nearly every feed (3,245/s measured); `feedparser` (38/s) gets what the
first cannot read, and feeds that set `xml:base`, which the first ignores. Both are called on
bytes that `atlas.web.markup` made safe, never on a URL, so neither opens a connection.
CPU work: call it outside the event loop for anything but a small feed.
"""

import calendar
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import DEFAULTS, FileLimits, over, too_many
from atlas.web.markup import LongProlog, XmlText, decode_markup, safe_xml

MAX_TAG = 64 * 1024
"""Characters of one tag."""

FALLBACK_MAX_BYTES = 1024 * 1024
"""The slow parser sees no feed larger than this, for which it takes up to 8 s."""

FEED_ROOTS = frozenset(("rss", "feed", "rdf"))

_HEAD_CHARS = 20_000
_END_CHARS = 2_000
_TTL = re.compile(r"<ttl>\s*(\d{1,6})\s*</ttl>", re.IGNORECASE)
_PERIOD = re.compile(r"<sy:updatePeriod>\s*(\w+)\s*</sy:updatePeriod>", re.IGNORECASE)
_FREQUENCY = re.compile(r"<sy:updateFrequency>\s*(\d{1,4})\s*</sy:updateFrequency>", re.IGNORECASE)
_PERIODS = {
    "hourly": 3600,
    "daily": 86400,
    "weekly": 604800,
    "monthly": 2592000,
    "yearly": 31536000,
}
_ITEM_START = re.compile(r"<(?:\w+:)?(?:item|entry)\b")
_SPACES = re.compile(r"\s+")
# Each looks at every character once, whatever is left open.
_MARKUP = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<[^<>]*>?", re.DOTALL
)
_JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)

_Entry = Mapping[str, Any]


@dataclass(frozen=True)
class FeedItem:
    """One entry: canonical URL, its title ("" if it has none), when published (UTC) if stated."""

    url: str
    title: str
    published: datetime | None


@dataclass(frozen=True)
class Feed:
    """A feed as read. `ttl` is the publisher's wish for the time between checks, in seconds.

    `skipped` counts entries without a usable http(s) address; repeats of an address are not
    counted. `truncated` means more entries than its limit. A feed is a window on what is new:
    an address it no longer lists says nothing about that page.
    """

    title: str
    items: tuple[FeedItem, ...]
    ttl: int | None
    skipped: int
    truncated: bool


def parse_feed(
    body: bytes, url: str, content_type: str = "", limits: FileLimits = DEFAULTS
) -> Feed:
    """The feed in `body`, fetched from `url` (relative addresses resolve against it).

    `content_type` is the header, of which only a charset matters. Raises
    `PageError(INVALID, "feed_malformed")` for anything that is no feed, `PageError(INVALID,
    "no_usable_link")` where there are items but no address that can be used, and `PageError(QUOTA)`
    beyond a limit: `feed_too_large`, `listing_too_deep`, `listing_long_prolog`.
    """
    if len(body) > limits.bytes:
        raise over("feed_too_large", url, "listing_bytes", limits.bytes)
    text = decode_markup(body, content_type)
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("{"):
        _check_json(text, url, limits)
        title, entries, ttl = _read_json(text, url)
        return _feed(title, entries, ttl, url, limits.entries)
    kept = _first_items(text, limits.entries)
    _check_markup(kept, url, limits)
    title, entries, ttl = _read_xml(kept, url, limits)
    return _feed(title, entries, ttl, url, limits.entries, cut=len(kept) < len(text))


def no_usable_link(what: str, url: str, entries: int) -> PageError:
    """The failure of a listing all of whose entries lead nowhere."""
    told = f"no usable {what} at {url}: none of its {entries:,} entries has a usable address"
    return PageError(ErrorClass.INVALID, "no_usable_link", told)


def _first_items(text: str, most: int) -> str:
    """The feed up to the item that would be one too many: a parser builds what it is given."""
    more = next(islice(_ITEM_START.finditer(text), most, None), None)
    return text[: more.start()] if more else text


def _check_markup(text: str, url: str, limits: FileLimits) -> None:
    depth = 0
    for number, tag in enumerate(map(re.Match.group, _MARKUP.finditer(text))):
        if number > limits.elements:
            raise too_many("feed_too_large", url, "tags", limits)
        if tag.startswith("</"):
            depth -= 1
        elif tag[1:2] in ("!", "?"):
            continue
        elif len(tag) > MAX_TAG:  # its attributes are compared with each other
            raise _malformed(url, f"a tag is longer than {MAX_TAG} characters")
        elif not tag.endswith("/>"):
            # What an item leaves open, it does not leave to the next one.
            depth = 3 if _ITEM_START.match(tag) else depth + 1
        if depth > limits.depth:
            raise over("listing_too_deep", url, "listing_depth", limits.depth)


def _check_json(text: str, url: str, limits: FileLimits) -> None:
    depth = 0
    for number, token in enumerate(map(re.Match.group, _JSON_TOKEN.finditer(text))):
        if number > limits.elements:
            raise too_many("feed_too_large", url, "values", limits)
        depth += (token in ("{", "[")) - (token in ("}", "]"))
        if depth > limits.depth:
            raise over("listing_too_deep", url, "listing_depth", limits.depth)


def _malformed(url: str, reason: str) -> PageError:
    return PageError(ErrorClass.INVALID, "feed_malformed", f"no usable feed at {url}: {reason}")


def _read_xml(text: str, url: str, limits: FileLimits) -> tuple[str, list[_Entry], int | None]:
    try:
        document = safe_xml(text, limits.prolog)
    except LongProlog:
        raise over("listing_long_prolog", url, "listing_prolog", limits.prolog) from None
    except PageError as error:
        raise _malformed(url, error.message) from error
    if document is None or document.root not in FEED_ROOTS:
        found = f"its root element is <{document.root[:40]}>" if document else "it is not XML"
        raise _malformed(url, found)
    title, entries = _parse_xml(document, text, url)
    return title, entries, _ttl_of(text)


def _parse_xml(document: XmlText, text: str, url: str) -> tuple[str, list[_Entry]]:
    parsed = _parse_fast(document.data)
    has_items = _ITEM_START.search(text) is not None
    missed = parsed is None or (has_items and not parsed["entries"])
    if (missed or "xml:base=" in text) and len(document.data) <= FALLBACK_MAX_BYTES:
        slow = _parse_slow(document.data, url)
        parsed = slow if slow is not None and (missed or slow["entries"]) else parsed
    if parsed is None or (has_items and not parsed["entries"]):
        raise _malformed(url, "neither parser finds its entries")
    if not parsed["entries"] and not _has_end(text, document.root):
        raise _malformed(url, "it breaks off before its first entry")
    return str(parsed["feed"].get("title") or ""), parsed["entries"]


def _has_end(text: str, root: str) -> bool:
    """Whether the root element is closed at the end of the text, or empty."""
    end = text[-_END_CHARS:].lower()
    return re.search(rf"</(?:[\w.-]+:)?{root}\s*>|<(?:[\w.-]+:)?{root}\b[^<>]*/>", end) is not None


def _parse_fast(data: bytes) -> Any | None:
    import fastfeedparser  # with dateutil 0.15 s, which a worker without feeds need not pay

    try:
        return fastfeedparser.parse(
            data,
            include_content=False,
            include_tags=False,
            include_media=False,
            include_enclosures=False,
        )
    except Exception:  # hostile input: whatever it raises, the other parser gets its turn
        return None


def _parse_slow(data: bytes, url: str) -> Any | None:
    import feedparser  # 70 ms to import, and hardly ever needed

    try:
        parsed = feedparser.parse(
            data,
            response_headers={"content-location": url, "content-type": "application/xml"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception:  # as above; there is no third parser
        return None
    if not parsed.get("version") and not parsed["entries"]:
        return None
    return {"feed": parsed["feed"], "entries": [_plain(entry) for entry in parsed["entries"]]}


def _plain(entry: dict[str, Any]) -> _Entry:
    """feedparser's own dict answers a missing `updated` with `published` and a warning."""
    names = ("link", "title", "published_parsed", "updated_parsed")
    return {name: dict.get(entry, name) for name in names}


def _read_json(text: str, url: str) -> tuple[str, list[_Entry], int | None]:
    """JSON Feed 1.0 and 1.1 (jsonfeed.org)."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _malformed(url, "its JSON is broken") from error
    items = document.get("items")
    version = str(document.get("version", ""))
    if not isinstance(items, list) or "jsonfeed.org" not in version:
        raise _malformed(url, "the JSON is no JSON Feed (it lacks version or items)")
    title = document.get("title")
    entries = [_json_entry(item) for item in items]
    return title if isinstance(title, str) else "", entries, None


def _json_entry(item: object) -> _Entry:
    if not isinstance(item, dict):
        return {}
    return {
        # `id` may be the permalink where `url` is missing; if it is no URL it is skipped.
        "link": item.get("url") or item.get("external_url") or item.get("id"),
        "title": item.get("title"),
        "published": item.get("date_published") or item.get("date_modified"),
    }


def _ttl_of(text: str) -> int | None:
    """RSS 2.0 <ttl> (minutes), else the RSS syndication module's period over frequency."""
    first = _ITEM_START.search(text)
    head = text[: min(_HEAD_CHARS, first.start() if first else _HEAD_CHARS)]
    if (ttl := _TTL.search(head)) and int(ttl.group(1)):
        return int(ttl.group(1)) * 60
    period = _PERIOD.search(head)
    seconds = _PERIODS.get(period.group(1).lower()) if period else None
    if seconds is None:
        return None
    frequency = _FREQUENCY.search(head)
    return seconds // max(1, int(frequency.group(1)) if frequency else 1)


def _feed(
    title: str, entries: list[_Entry], ttl: int | None, url: str, most: int, *, cut: bool = False
) -> Feed:
    kept = entries[:most]
    items = list(_items(kept, url))
    if entries and not items:
        raise no_usable_link("feed", url, len(entries))
    first = {item.url: item for item in reversed(items)}
    return Feed(
        title=_line(title),
        items=tuple(item for item in items if first[item.url] is item),
        ttl=ttl,
        skipped=len(kept) - len(items),
        truncated=cut or len(entries) > most,
    )


def _items(entries: Iterable[_Entry], base: str) -> Iterator[FeedItem]:
    for entry in entries:
        link = entry.get("link")
        if not isinstance(link, str) or not link.strip():
            continue
        try:
            url = canonicalize(link.strip(), base)
        except InvalidUrl:
            continue
        yield FeedItem(url, _line(entry.get("title")), _published(entry))


def _line(value: object) -> str:
    return _SPACES.sub(" ", value).strip()[:1000] if isinstance(value, str) else ""


def _published(entry: _Entry) -> datetime | None:
    for name in ("published", "updated"):
        parts = entry.get(f"{name}_parsed")
        value = entry.get(name)
        try:
            if parts:  # feedparser: a struct_time in UTC
                return datetime.fromtimestamp(calendar.timegm(parts), UTC)
            if isinstance(value, str):  # fastfeedparser and JSON Feed: ISO 8601
                return _utc(datetime.fromisoformat(value))
        except (ValueError, OverflowError, OSError):
            continue
    return None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
