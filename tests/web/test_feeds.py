"""Feeds of each kind, as published and as broken."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import FileLimits
from atlas.web import feeds
from atlas.web.feeds import Feed, parse_feed

URL = "https://h.org/news/feed.xml"

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Harbour  news</title>
<link>https://h.org/</link><ttl>45</ttl>
<item><title>One &amp; two</title><link> /a?utm_source=rss&amp;b=1#top </link>
<pubDate>Tue, 03 Nov 2026 10:00:00 +0200</pubDate></item>
<item><title>By guid</title><guid isPermaLink="true">https://h.org/b</guid></item>
<item><title>Again</title><link>https://h.org:443/a?b=1</link></item>
<item><title>No link</title></item>
<item><title>Mail</title><link>mailto:a@h.org</link></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title>
<entry><title type="html">A</title><link rel="alternate" href="a"/>
<link rel="edit" href="/edit/a"/><updated>2026-11-03T10:00:00Z</updated></entry>
<entry><title>B</title><link href="https://h.org/b"/></entry></feed>"""


def urls(feed: Feed) -> list[str]:
    return [item.url for item in feed.items]


def rss(*items: str, head: str = "") -> bytes:
    joined = "".join(f"<item>{item}</item>" for item in items)
    return f"<rss version='2.0'><channel><title>T</title>{head}{joined}</channel></rss>".encode()


def test_rss() -> None:
    feed = parse_feed(RSS.encode(), URL, "application/rss+xml")
    assert feed.title == "Harbour news"
    assert urls(feed) == ["https://h.org/a?b=1", "https://h.org/b"]
    assert feed.items[0].title == "One & two"
    assert feed.items[0].published == datetime(2026, 11, 3, 8, tzinfo=UTC)
    assert feed.items[1].published is None
    assert (feed.ttl, feed.skipped, feed.truncated) == (2700, 2, False)


def test_atom() -> None:
    feed = parse_feed(ATOM.encode(), URL)
    assert urls(feed) == ["https://h.org/news/a", "https://h.org/b"]
    assert feed.items[0].published == datetime(2026, 11, 3, 10, tzinfo=UTC)
    assert (feed.title, feed.ttl, feed.skipped) == ("Atom", None, 0)


def test_rdf() -> None:
    body = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
      <channel rdf:about="https://h.org/"><title>RDF</title></channel>
      <item rdf:about="https://h.org/a"><title>A</title><link>https://h.org/a</link>
      <dc:date>2026-11-03</dc:date></item></rdf:RDF>"""
    feed = parse_feed(body, URL)
    assert (feed.title, urls(feed)) == ("RDF", ["https://h.org/a"])
    assert feed.items[0].published == datetime(2026, 11, 3, tzinfo=UTC)


def test_json_feed() -> None:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "J",
        "items": [
            {"id": "1", "url": "/a", "title": "A", "date_published": "2026-11-03T10:00:00+01:00"},
            {"id": "https://h.org/b", "content_text": "x"},
            {"id": "2", "external_url": "https://other.org/c", "title": None},
            {"id": 4},
            "no object",
        ],
    }
    feed = parse_feed(json.dumps(document).encode(), URL, "application/feed+json")
    assert urls(feed) == ["https://h.org/a", "https://h.org/b", "https://other.org/c"]
    assert feed.items[0].published == datetime(2026, 11, 3, 9, tzinfo=UTC)
    assert (feed.title, feed.skipped) == ("J", 2)


def test_the_slow_parser_reads_what_the_fast_one_refuses() -> None:
    body = b"""<feed version="0.3" xmlns="http://example.com/not-atom#"><title>Old</title>
      <entry><title>A</title><link href="/a"/><modified>2026-11-03T10:00:00Z</modified></entry>
      </feed>"""
    assert feeds._parse_fast(body) is None
    feed = parse_feed(body, URL)
    assert urls(feed) == ["https://h.org/a"]
    assert feed.items[0].published == datetime(2026, 11, 3, 10, tzinfo=UTC)


def test_xml_base_is_honoured() -> None:
    body = ATOM.replace("<feed ", '<feed xml:base="https://other.org/dir/" ').encode()
    assert urls(parse_feed(body, URL)) == ["https://other.org/dir/a", "https://h.org/b"]


def test_a_feed_that_breaks_off_gives_what_it_held() -> None:
    body = RSS[: RSS.index("<item><title>Again")].encode()
    assert urls(parse_feed(body, URL)) == ["https://h.org/a?b=1", "https://h.org/b"]


def test_an_empty_feed_is_a_feed() -> None:
    assert parse_feed(rss(), URL).items == ()


@pytest.mark.parametrize(
    ("head", "ttl"),
    [
        ("<ttl>0</ttl>", None),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", 3600),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            21600,
        ),
        ("<sy:updatePeriod>often</sy:updatePeriod>", None),
    ],
)
def test_ttl(head: str, ttl: int | None) -> None:
    assert parse_feed(rss("<link>/a</link><ttl>9</ttl>", head=head), URL).ttl == ttl


def test_wrong_charset_claim() -> None:
    body = RSS.replace("Harbour  news", "Grüße").encode("cp1252")
    assert parse_feed(body, URL, "text/xml; charset=utf-8").title == "Grüße"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\x01\xff",
        b"<!doctype html><html><body>Not found</body></html>",
        b"<urlset><url><loc>https://h.org/</loc></url></urlset>",
        b'{"items": 3}',
        b'{"items": []}',
        b'{"a": ',
        b"[" * 200_000,
        b"<feed xmlns='x'><entry",
        b'<!DOCTYPE rss [<!ENTITY a "aaa">]><rss><channel><item><link>/&a;</link></item></channel>',
    ],
)
def test_what_is_no_feed_is_said_to_be_malformed(body: bytes) -> None:
    with pytest.raises(PageError) as raised:
        parse_feed(body, URL)
    assert raised.value.error_class is ErrorClass.INVALID
    assert raised.value.code == "feed_malformed"
    assert URL in raised.value.message


def test_an_entity_bomb_and_an_external_entity_are_refused() -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>' + rss("<link>/&b;</link>").decode()
    outside = '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss>&a;</rss>'
    for text in (bomb, outside):
        for codec in ("utf-8", "utf-16"):
            with pytest.raises(PageError, match="declares XML entities"):
                parse_feed(text.encode(codec), URL)


def test_a_long_feed_is_cut_and_says_so() -> None:
    body = rss(*(f"<link>/{n}</link>" for n in range(5)))
    feed = parse_feed(body, URL, limits=FileLimits(entries=3))
    assert len(feed.items) == 3
    assert feed.truncated


def test_depth_does_not_break_the_parser() -> None:
    deep = "<a>" * 100_000
    try:
        assert parse_feed(rss("<link>/a</link>", deep), URL).items
    except PageError as error:
        assert error.code == "listing_too_deep"


@pytest.mark.parametrize("body", [b"{" * 200_000, b'{"a":' * 200_000, b"<rss>" + b"<a>" * 600])
def test_what_is_nested_too_deep_is_beyond_a_limit(body: bytes) -> None:
    with pytest.raises(PageError, match="more than 500 levels of nesting") as raised:
        parse_feed(body, URL)
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.QUOTA, "listing_too_deep")


@given(st.lists(st.sampled_from(["/a", "/b", "c", "https://x.org/", "", "http://[", "ftp://h"])))
def test_every_entry_is_an_item_a_repeat_or_skipped(links: list[str]) -> None:
    if links and not {"/a", "/b", "c", "https://x.org/"} & set(links):
        with pytest.raises(PageError, match=f"none of its {len(links)} entries") as raised:
            parse_feed(rss(*(f"<link>{link}</link>" for link in links)), URL)
        assert raised.value.code == "no_usable_link"
        return
    feed = parse_feed(rss(*(f"<link>{link}</link>" for link in links)), URL)
    usable = [link for link in links if link not in ("", "http://[", "ftp://h")]
    assert len(feed.items) == len(set(usable))
    assert feed.skipped == len(links) - len(usable)


@given(st.binary(max_size=300).map(lambda noise: RSS.encode()[:350] + noise))
def test_noise_is_read_or_refused(body: bytes) -> None:
    try:
        assert parse_feed(body, URL).items is not None
    except PageError as error:
        assert error.code == "feed_malformed"
