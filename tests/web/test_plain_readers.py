"""The parsers of listings agree with plain ones on files as sites publish them: `feedparser`, and
the elements of a sitemap as lxml gives them."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.web.feeds import parse_feed
from atlas.web.sitemaps import parse_sitemap

BASE = "https://docs.example.org/news/index.xml"
NS = "http://www.sitemaps.org/schemas/sitemap/0.9"
DATA = os.environ.get("ATLAS_LISTING_FILES", "")
"""A folder of feeds and sitemaps of real sites (`*.rss`, `*.atom`, `*.xml`), if there is one."""


def canonical(links: Iterator[str | None]) -> list[str]:
    found: dict[str, None] = {}
    for link in links:
        try:
            found[canonicalize((link or "").strip(), BASE)] = None
        except InvalidUrl:
            continue
    return list(found)


def by_feedparser(body: bytes) -> tuple[str, list[str], list[datetime | None]]:
    """Title, addresses and dates, read by `feedparser` alone."""
    parsed = feedparser.parse(body, resolve_relative_uris=False, sanitize_html=False)
    dates = [
        datetime(*entry["published_parsed"][:6], tzinfo=UTC)
        if "published_parsed" in entry
        else None
        for entry in parsed["entries"]
    ]
    links = canonical(entry.get("link") for entry in parsed["entries"])
    return parsed["feed"].get("title", ""), links, dates


def by_lxml(body: bytes) -> list[str]:
    """The addresses of a sitemap or index: `loc` of each `url` or `sitemap`."""
    tree = etree.fromstring(body)
    entries = tree.iterchildren(f"{{{NS}}}url", f"{{{NS}}}sitemap")
    return canonical(entry.findtext(f"{{{NS}}}loc") for entry in entries)


def as_written(title: str) -> bool:
    """Whether `feedparser` leaves it: what would be UTF-8 if it were encoded as Latin-1, such as
    `Â¡`, it takes for a text that was encoded twice."""
    try:
        return title.encode("iso-8859-1").decode() == title
    except UnicodeError:
        return True


titles = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Z"]),
                 min_size=1, max_size=30).filter(as_written)  # fmt: skip
paths = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_.~éß/", min_size=1, max_size=12),
    min_size=1,
    max_size=3,
).map("/".join)
queries = st.sampled_from(["", "?a=1", "?a=1&b=2", "?q=%20x"])
links = st.builds("https://docs.example.org/{}{}".format, paths, queries)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
items = st.lists(st.tuples(titles, links, moments), min_size=1, max_size=12)


def rss(title: str, entries: list[tuple[str, str, datetime]]) -> bytes:
    """RSS 2.0 as WordPress, Hugo and others write it."""
    written = "".join(
        f"\n  <item>\n   <title>{escape(name)}</title>\n   <link>{escape(link)}</link>\n"
        f"   <guid isPermaLink='false'>{number}</guid>\n"
        f"   <pubDate>{format_datetime(at)}</pubDate>\n"
        f"   <description><![CDATA[<p>{name.replace(']]>', '')}</p>]]></description>\n  </item>"
        for number, (name, link, at) in enumerate(entries)
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n<rss version='2.0' "
        "xmlns:content='http://purl.org/rss/1.0/modules/content/'>\n <channel>\n"
        f"  <title>{escape(title)}</title><link>https://docs.example.org/</link>"
        f"<description>d</description>{written}\n </channel>\n</rss>\n"
    ).encode()


def atom(title: str, entries: list[tuple[str, str, datetime]]) -> bytes:
    """Atom as GitHub, Jekyll and others write it."""
    written = "".join(
        f"<entry><id>tag:{number}</id><title>{escape(name)}</title>"
        f"<link rel='alternate' type='text/html' href={quoteattr(link)}/>"
        f"<published>{at.isoformat()}</published><updated>{at.isoformat()}</updated></entry>\n"
        for number, (name, link, at) in enumerate(entries)
    )
    return (
        "<?xml version='1.0' encoding='utf-8'?><feed xmlns='http://www.w3.org/2005/Atom'>"
        f"<title>{escape(title)}</title><id>x</id><updated>2026-01-01T00:00:00Z</updated>{written}"
        "</feed>"
    ).encode()


def sitemap(entries: list[tuple[str, str, datetime]], *, index: bool, tags: str) -> bytes:
    """With the extensions for images and languages that sites use, which have addresses too."""
    root, each = ("sitemapindex", "sitemap") if index else ("urlset", "url")
    image = "https://docs.example.org/image.png"
    extras = {
        "image": f"<i:image><i:loc>{image}</i:loc></i:image>",
        "link": f"<x:link rel='alternate' hreflang='de' href='{image}'/>",
    }.get(tags, "")
    written = "".join(
        f"<{each}>\n  <loc>\n{escape(link)}</loc><lastmod>{at.isoformat()}</lastmod>"
        f"{extras}</{each}>"
        for _, link, at in entries
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><!-- made by a plugin -->'
        f"<{root} xmlns='{NS}' xmlns:i='http://www.google.com/schemas/sitemap-image/1.1' "
        f"xmlns:x='http://www.w3.org/1999/xhtml'>{written}</{root}>"
    ).encode()


@pytest.mark.parametrize("write", [rss, atom])
@settings(max_examples=25)
@given(titles, items)
def test_feeds_are_read_as_feedparser_reads_them(write, title, entries) -> None:  # type: ignore[no-untyped-def]
    body = write(title, entries)
    plain_title, plain_links, plain_dates = by_feedparser(body)
    feed = parse_feed(body, BASE)
    assert [item.url for item in feed.items] == plain_links == canonical(e[1] for e in entries)
    assert feed.title == " ".join(plain_title.split())
    dates = {
        link: at for (_, link, _), at in zip(reversed(entries), reversed(plain_dates), strict=True)
    }
    known = {canonicalize(link): at for link, at in dates.items()}
    for item in feed.items:
        at = known[item.url]
        assert item.published is not None and at is not None
        assert abs(item.published - at) < timedelta(seconds=1)
    assert not feed.truncated


@settings(max_examples=40)
@given(items, st.booleans(), st.sampled_from(["", "image", "link"]))
def test_sitemaps_are_read_as_lxml_reads_them(
    entries: list[tuple[str, str, datetime]], index: bool, tags: str
) -> None:
    body = sitemap(entries, index=index, tags=tags)
    found = parse_sitemap(body, BASE)
    listed = list(found.children) if index else [page.url for page in found.pages]
    assert listed == by_lxml(body)
    assert found.complete
    if not index:
        first: dict[str, datetime] = {}
        for _, link, at in entries:
            first.setdefault(canonicalize(link), at)
        assert {page.url: page.lastmod for page in found.pages} == first


def real_files() -> list[Path]:
    return sorted(Path(DATA).glob("**/*.*")) if DATA else []


@pytest.mark.skipif(not real_files(), reason="ATLAS_LISTING_FILES names no folder of real listings")
def test_files_of_real_sites_are_read_as_the_plain_readers_do() -> None:
    for file in real_files():
        body = file.read_bytes()
        if b"<urlset" in body or b"<sitemapindex" in body:
            found = parse_sitemap(body, BASE)
            listed = [*(page.url for page in found.pages), *found.children]
            assert listed == by_lxml(body), file
        else:
            assert [item.url for item in parse_feed(body, BASE).items] == by_feedparser(body)[1], (
                file
            )
