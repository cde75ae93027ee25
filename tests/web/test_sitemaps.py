"""Sitemaps of each kind, whole, cut off, damaged and hostile."""

import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import DEFAULTS, FileLimits
from atlas.web.sitemaps import Sitemap, parse_sitemap

URL = "https://h.org/sitemap.xml"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*entries: str, ns: str = NS) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {ns}>{"".join(entries)}</urlset>'


def entry(loc: str, more: str = "") -> str:
    return f"<url><loc>{loc}</loc>{more}</url>"


def urls(sitemap: Sitemap) -> list[str]:
    return [page.url for page in sitemap.pages]


LONG = urlset(*(entry(f"https://h.org/{n}") for n in range(2000)))


def test_urlset() -> None:
    body = urlset(
        entry(" https://h.org/a?x=1&amp;y=2 \n", "<lastmod>2026-11-03T10:00:00+02:00</lastmod>"),
        entry("https://h.org/b", "<lastmod>2026-11-03</lastmod><priority>0.5</priority>"),
        entry("https://h.org/c", "<lastmod>2026-11</lastmod>"),
        entry("<![CDATA[https://h.org/d?x=1&y=2]]>", "<lastmod>yesterday</lastmod>"),
        entry("https://h.org/b#again"),
    )
    sitemap = parse_sitemap(body.encode(), URL, "application/xml")
    assert [(page.url, page.lastmod) for page in sitemap.pages] == [
        ("https://h.org/a?x=1&y=2", datetime(2026, 11, 3, 8, tzinfo=UTC)),
        ("https://h.org/b", datetime(2026, 11, 3, tzinfo=UTC)),
        ("https://h.org/c", datetime(2026, 11, 1, tzinfo=UTC)),
        ("https://h.org/d?x=1&y=2", None),
    ]
    assert (sitemap.children, sitemap.skipped, sitemap.complete) == ((), 0, True)


@pytest.mark.parametrize("ns", ["", 'xmlns="http://www.google.com/schemas/sitemap/0.84"'])
def test_any_or_no_namespace_will_do(ns: str) -> None:
    sitemap = parse_sitemap(urlset(entry("https://h.org/a"), ns=ns).encode(), URL)
    assert urls(sitemap) == ["https://h.org/a"]


def test_an_image_is_no_page() -> None:
    image = "<i:image><i:loc>https://h.org/i.png</i:loc></i:image>"
    body = urlset(entry("https://h.org/a", image), ns=f'{NS} xmlns:i="http://g.co/image/1.1"')
    assert urls(parse_sitemap(body.encode(), URL)) == ["https://h.org/a"]


def test_index() -> None:
    children = "".join(
        f"<sitemap><loc>{loc}</loc><lastmod>2026-11-03</lastmod></sitemap>"
        for loc in ("https://h.org/1.xml", "/2.xml.gz", "/2.xml.gz", URL)
    )
    sitemap = parse_sitemap(f"<sitemapindex {NS}>{children}</sitemapindex>".encode(), URL)
    assert sitemap.children == ("https://h.org/1.xml", "https://h.org/2.xml.gz")
    assert (sitemap.pages, sitemap.complete) == ((), True)


def test_plain_text() -> None:
    body = "\ufeffhttps://h.org/a\r\n\r\nhttps://h.org/b?x\r\nhttps://h.org/a\r\n"
    sitemap = parse_sitemap(body.encode(), URL, "text/plain")
    assert urls(sitemap) == ["https://h.org/a", "https://h.org/b?x"]
    assert sitemap.complete


def test_an_entry_that_is_no_address_is_counted_and_makes_the_list_incomplete() -> None:
    body = urlset(entry("https://h.org/a"), entry("ftp://h.org/b"), entry(""), "<url/>")
    sitemap = parse_sitemap(body.encode(), URL)
    assert urls(sitemap) == ["https://h.org/a"]
    assert (sitemap.skipped, sitemap.complete) == (3, False)


def test_a_feed_serves_as_a_sitemap_but_is_never_complete() -> None:
    body = b"<rss><channel><item><link>/a</link></item></channel></rss>"
    sitemap = parse_sitemap(body, URL)
    assert urls(sitemap) == ["https://h.org/a"]
    assert not sitemap.complete


def test_an_empty_sitemap_is_complete() -> None:
    assert parse_sitemap(urlset().encode(), URL) == Sitemap((), (), 0, True)


def test_gzip_in_one_and_in_several_members() -> None:
    whole = LONG.encode()
    for body in (gzip.compress(whole), gzip.compress(whole[:900]) + gzip.compress(whole[900:])):
        sitemap = parse_sitemap(body, URL, "application/gzip")
        assert len(sitemap.pages) == 2000
        assert sitemap.complete


@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_what_breaks_off_is_incomplete(part: float) -> None:
    packed = gzip.compress(LONG.encode())
    for body in (LONG.encode(), packed):
        sitemap = parse_sitemap(body[: int(len(body) * part)], URL)
        assert 0 < len(sitemap.pages) <= 2000
        assert not sitemap.complete


def test_only_the_last_byte_missing_is_incomplete_too() -> None:
    packed = gzip.compress(LONG.encode())
    for body in (LONG.encode()[:-1], packed[:-1]):
        assert not parse_sitemap(body, URL).complete


def test_damaged_gzip_gives_what_came_before() -> None:
    packed = bytearray(gzip.compress(LONG.encode(), 1))
    packed[-8] ^= 0xFF  # the checksum
    sitemap = parse_sitemap(bytes(packed), URL)
    assert 1000 < len(sitemap.pages) < 2000
    assert not sitemap.complete


def test_bare_ampersands_are_mended() -> None:
    body = urlset(entry("https://h.org/a?x=1&y=2"), entry("<![CDATA[https://h.org/b?x=1&y=2]]>"))
    sitemap = parse_sitemap(body.encode(), URL)
    assert urls(sitemap) == ["https://h.org/a?x=1&y=2", "https://h.org/b?x=1&y=2"]
    assert sitemap.complete


def test_damage_that_cannot_be_mended_is_incomplete() -> None:
    body = urlset(entry("https://h.org/a"), "<url><loc>https://h.org/b</url>", entry("/c"))
    sitemap = parse_sitemap(body.encode(), URL)
    assert "https://h.org/a" in urls(sitemap)
    assert not sitemap.complete


@pytest.mark.parametrize("codec", ["utf-16", "latin-1"])
def test_charsets(codec: str) -> None:
    body = urlset(entry("https://h.org/grüße")).replace("UTF-8", codec).encode(codec)
    assert urls(parse_sitemap(body, URL)) == ["https://h.org/gr%C3%BC%C3%9Fe"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\x01\x02",
        b"\x1f\x8bnot gzip at all",
        b"<!doctype html><html><body>404</body></html>",
        b"<html><url><loc>https://h.org/</loc></url></html>",
        b"Just some words\non two lines\nhttps://h.org/a\n",
        b"User-agent: *\nDisallow: /\nSitemap: https://h.org/sitemap.xml\n",
        b'{"items": []}',
        b"<rss",
        gzip.compress(b"words", mtime=0),
    ],
)
def test_garbage_is_said_to_be_malformed(body: bytes) -> None:
    with pytest.raises(PageError) as raised:
        parse_sitemap(body, URL)
    assert (raised.value.error_class, raised.value.code) == (
        ErrorClass.INVALID,
        "sitemap_malformed",
    )
    assert URL in raised.value.message


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE u [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE u [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_entities_are_refused(doctype: str) -> None:
    body = urlset(entry("https://h.org/&a;")).replace("<urlset", doctype + "<urlset")
    with pytest.raises(PageError, match="declares XML entities"):
        parse_sitemap(body.encode("utf-16"), URL)


def test_a_gzip_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(b" " * (DEFAULTS.bytes + 1), 9)
    for body in (bomb, bomb[:-8] + bytes(8), gzip.compress(bomb) * 2):
        with pytest.raises(PageError) as raised:
            parse_sitemap(body, URL)
        assert raised.value.code in ("sitemap_too_large", "sitemap_malformed")
    with pytest.raises(PageError) as raised:
        parse_sitemap(bomb, URL)
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.QUOTA, "sitemap_too_large")


def test_a_longer_list_than_the_protocol_allows_is_cut() -> None:
    ten = FileLimits(entries=10)
    lines = "\n".join(f"https://h.org/{n}" for n in range(11))
    for body in (LONG, lines):
        sitemap = parse_sitemap(body.encode(), URL, limits=ten)
        assert (len(sitemap.pages), sitemap.cut) == (10, "entries")
        assert not sitemap.complete
    exact = urlset(*(entry(f"https://h.org/{n}") for n in range(10)))
    assert parse_sitemap(exact.encode(), URL, limits=ten).complete


def test_depth_does_not_break_the_parser() -> None:
    body = urlset(entry("https://h.org/a"), "<a>" * 100_000)
    sitemap = parse_sitemap(body.encode(), URL)
    assert urls(sitemap) == ["https://h.org/a"]
    assert not sitemap.complete


@given(st.integers(0, len(LONG) - 1))
def test_a_prefix_is_never_complete_and_never_invents_a_page(length: int) -> None:
    try:
        sitemap = parse_sitemap(LONG[:length].encode(), URL)
    except PageError as error:
        assert error.code == "sitemap_malformed"
    else:
        assert not sitemap.complete
        assert urls(sitemap) == [f"https://h.org/{n}" for n in range(len(sitemap.pages))]


@given(st.binary(max_size=200), st.integers(0, 400))
def test_noise_is_read_or_refused(noise: bytes, at: int) -> None:
    body = LONG.encode()[:at] + noise + LONG.encode()[at : at + 200]
    for given_body in (body, gzip.compress(body)[: at + 20]):
        try:
            assert parse_sitemap(given_body, URL).skipped >= 0
        except PageError as error:
            assert error.error_class is ErrorClass.INVALID
