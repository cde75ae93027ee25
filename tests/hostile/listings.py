"""Listings made to freeze, to swell or to fool whoever parses them, and how each of them ends.

`<base>` stands for the origin that serves them. An end is the code of a failure, or how many pages
and files are listed, whether that is all, and the limit at which the rest was cut. Each holds at
any scale under the limits of that scale.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass

from atlas.domain.listing_limits import FileLimits
from atlas.domain.sources import Kind

M = 1 << 20
K = 1 << 10

_JSON = '{"version":"https://jsonfeed.org/version/1","items":['
_PAGE = '{"url":"<base>/p"}'
_ATTRIBUTES = " ".join(f"a{number}=''" for number in range(6000))
_FEW = " ".join(f"a{number}=''" for number in range(600))
_ENTITIES = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 20))
_LAUGHS = f"<!DOCTYPE a [<!ENTITY e0 'ha'>{_ENTITIES}]>"
_OUTSIDE = "<!DOCTYPE a SYSTEM 'file:///etc/passwd' [<!ENTITY % p SYSTEM '<base>/p'> %p;]>"
_RDF = (
    "rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' "
    "xmlns='http://purl.org/rss/1.0/'"
)
_ATOM = "feed xmlns='http://www.w3.org/2005/Atom'"

SLOW_FEED = "<rss><channel>" + f"<item {_ATTRIBUTES}><link>/a</link></item>" * 400
"""Takes many seconds in the parser, for which it is small enough in each part."""


def large_json() -> str:
    """Near the limit of bytes, as the next two. Made when asked for: every process of the tests
    imports this."""
    return _JSON + "{}," * (8 * M) + "{}]}"


def large_rss() -> str:
    return "<rss><channel>" + "<item/>" * (32 * M // 7)


def large_sitemap() -> str:
    return "<urlset>" + "<url/>" * (49 * M // 6)


FORMS: dict[str, tuple[Kind, str, str]] = {
    "sitemap": ("sitemap", "urlset", "<url><loc><base>/p</loc></url>"),
    "index": ("sitemap", "sitemapindex", "<sitemap><loc><base>/map.xml</loc></sitemap>"),
    "rss": ("feed", "rss><channel", "<item><link><base>/p</link></item>"),
    "rdf": ("feed", _RDF, "<item><link><base>/p</link></item>"),
    "atom": ("feed", _ATOM, "<entry><link href='<base>/p'/></entry>"),
}
"""The XML that is read: what kind of source does, its root, and one entry of it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One listing: the kind of source that reads it, its text, and how it ends."""

    name: str
    kind: Kind
    text: str
    ends: str
    packed: bool = False
    """Whether its bytes are a gzip file."""

    def body(self, base: str = "https://h.org") -> bytes:
        """The bytes, as `base` serves them."""
        raw = self.text.replace("<base>", base).encode()
        return gzip.compress(raw, 1, mtime=0) if self.packed else raw

    @property
    def path(self) -> str:
        """Of its address; unique."""
        return "/" + "".join(each if each.isalnum() else "-" for each in self.name.lower())


def limits(scale: int) -> FileLimits:
    """Under which the cases of a scale end as they say: with these go 100 elements an entry."""
    return FileLimits(entries=2_000 // scale)


def cases(scale: int) -> list[Case]:
    """Every case, at a part of its size: at scale 1 the texts have up to 4 MiB."""
    found = [*_in_every_form(scale), *_of_sitemaps(scale), *_of_feeds(scale), *_of_json(scale)]
    packed = [
        Case(f"{each.name} gz", each.kind, each.text, each.ends, packed=True)
        for each in found
        if each.kind == "sitemap"
    ]
    return [*found, *packed]


def _in_every_form(scale: int) -> Iterator[Case]:
    for form, (kind, root, entry) in FORMS.items():
        name = root.split()[0].partition(">")[0]
        start = f"<{root}>"
        end = f"</channel></{name}>" if form == "rss" else f"</{name}>"
        for what, text, in_map, in_feed in _techniques(start, entry, end, scale):
            ends = in_map if kind == "sitemap" else in_feed
            yield Case(f"{form}: {what}", kind, text, ends.replace("?", kind))


def _techniques(start: str, entry: str, end: str, scale: int) -> list[tuple[str, str, str, str]]:
    """Each with its end in a sitemap and in a feed, which has no whole to be a part of."""
    k, m, head = K // scale, M // scale, start + entry
    one, part = "1 complete", "1 incomplete"
    deep, no, prolog = "listing_too_deep", "?_malformed", "listing_long_prolog"
    return [
        ("open CDATA", head + "<![CDATA[" * (64 * k), part, one),
        ("CDATA in CDATA", head + "<![CDATA[<![CDATA[]]>" * (32 * k) + end, one, one),
        ("endless CDATA", head + "<![CDATA[" + "x" * m, part, one),
        ("open comments", head + "<!--" * (128 * k), part, one),
        ("comments", head + "<!--x-->" * (64 * k) + end, one, one),
        ("dashes", head + "<!--" + "-" * m, part, one),
        ("open instructions", head + "<?x" * (128 * k), part, one),
        ("instructions", head + "<?x y?>" * (64 * k) + end, one, one),
        ("DOCTYPEs", "<!DOCTYPE a[]>" * (64 * k) + head + end, prolog, prolog),
        ("open DOCTYPEs", "<!DOCTYPE a '" * (64 * k) + head, prolog, prolog),
        ("open subsets", "<!DOCTYPE a[" * (64 * k) + head, prolog, prolog),
        ("comments before", "<!--x-->" * (72 * k) + head + end, prolog, prolog),
        ("instructions before", "<?x" * (256 * k) + head, prolog, prolog),
        ("laughs", _LAUGHS + head + "&e19;" + end, no, no),
        ("outside entity", _OUTSIDE + head + end, no, no),
        ("references", head + "&#1" * (128 * k), part, one),
        ("ampersands", head + "&" * (128 * k), part, one),
        ("unknown entities", head + "&x;" * (64 * k) + end, one, one),
        ("nested", head + "<a>" * (128 * k), "1 incomplete depth", deep),
        ("nested namespaces", head + "<a xmlns='b' xmlns:c='d'>" * (16 * k), f"{part} depth", deep),
        ("closed only", head + "</a>" * (128 * k), part, one),
        ("open tags", head + "<" * (256 * k), part, deep),
        ("attributes", head + f"<x {_ATTRIBUTES * 4}/>" + end, part, no),
        ("few attributes", head + f"<x {_FEW}/>" * (200 // scale) + end, one, one),
        ("long attribute", head + f"<x y='{'z' * 4 * m}'/>" + end, one, no),
        ("long name", head + f"<{'n' * m}/>" + end, part, no),
        ("elements", head + "<x/>" * (256 * k) + end, "1 incomplete elements", "feed_too_large"),
        ("long text", head + "y" * 4 * m + end, one, one),
        ("control characters", head + "\x01" * m + end, one, one),
        ("only a start", start + " " * m, no, no),
    ]


def _of_sitemaps(scale: int) -> Iterator[Case]:
    k, m = K // scale, M // scale
    loc, child = FORMS["sitemap"][2], FORMS["index"][2]
    for name, text, ends in (
        ("sitemap: empty entries", "<urlset>" + "<url/>" * (128 * k), "no_usable_link"),
        ("sitemap: entries", f"<urlset>{loc * (32 * k)}</urlset>", "1 incomplete entries"),
        ("sitemap: long address", f"<urlset><url><loc>/{'x' * m}</loc></url>", "no_usable_link"),
        ("sitemap: locs", "<urlset><url>" + "<loc>/p</loc>" * (16 * k), "sitemap_malformed"),
        ("sitemap: entry in entry", "<urlset>" + "<url><loc>/p</loc>" * (16 * k), "too_deep"),
        ("sitemap: lines", "<base>/p\n" + "x\n" * m, "sitemap_malformed"),
        ("sitemap: line", "<base>/" + "x" * m, "sitemap_malformed"),
        ("sitemap: no lines", "\n" * 4 * m, "sitemap_malformed"),
        ("index: repeated", f"<sitemapindex>{child * (16 * k)}", "1 incomplete entries"),
        ("index: empty entries", "<sitemapindex>" + "<sitemap/>" * (128 * k), "no_usable_link"),
    ):
        yield Case(name, "sitemap", text, ends.replace("too_deep", "listing_too_deep"))


def _of_feeds(scale: int) -> Iterator[Case]:
    k, m = K // scale, M // scale
    item, deep = FORMS["rss"][2], "<item>" + "<a>" * 400
    for name, text, ends in (
        ("rss: items", "<rss><channel>" + "<item/>" * (256 * k), "no_usable_link"),
        (
            "rss: deep items",
            "<rss><channel>" + deep * (400 // scale),
            "no_usable_link",
        ),
        ("rss: items in items", "<rss><channel>" + "<item>" * (64 * k), "no_usable_link"),
        ("rss: long link", f"<rss><item><link>/{'x' * (m // 2)}</link></item>", "no_usable_link"),
        ("rss: date", f"<rss>{item[:-7]}<pubDate>{'9' * (m // 2)}</pubDate></item>", "1 complete"),
        ("rss: bases", f"<rss xml:base='<base>'>{item * (900 // scale)}", "1 complete"),
        ("atom: entries", f"<{_ATOM}>" + "<entry/>" * (64 * k), "no_usable_link"),
    ):
        yield Case(name, "feed", text, ends)


def _of_json(scale: int) -> Iterator[Case]:
    k, m = K // scale, M // scale
    head = f"{_JSON}{_PAGE}]"
    for name, text, ends in (
        ("objects", _JSON + "{}," * (128 * k) + "{}]}", "feed_too_large"),
        ("few objects", _JSON + "{}," * (8 * k) + "{}]}", "no_usable_link"),
        ("pages", _JSON + f"{_PAGE}," * (16 * k) + f"{_PAGE}]}}", "1 incomplete entries"),
        ("nested lists", _JSON + "[" * m, "listing_too_deep"),
        ("nested objects", '{"a":' * (128 * k), "listing_too_deep"),
        ("numbers", _JSON + "1000," * (256 * k) + "1]}", "feed_too_large"),
        ("one number", _JSON + "1" * m + "]}", "feed_malformed"),
        ("exponent", _JSON + "1e999999999]}", "no_usable_link"),
        ("escapes", '{"a":"' + '\\"' * m, "feed_malformed"),
        ("open strings", '{"a' + '":"' * (128 * k), "feed_malformed"),
        ("long string", head + f',"title":"{"x" * 4 * m}"}}', "1 complete"),
        ("surrogates", head + ',"title":"' + "\\ud800" * (64 * k) + '"}', "1 complete"),
        ("names", head + ',"a":1' * (64 * k) + "}", "1 complete"),
        ("no list", '{"version":"https://jsonfeed.org/version/1","items":{}}', "feed_malformed"),
        ("spaces", "{" + " " * 4 * m, "feed_malformed"),
        ("twice", f"{head}}}" * 2, "feed_malformed"),
    ):
        yield Case(f"json: {name}", "feed", text, ends)
