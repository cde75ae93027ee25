"""What a URL is a source of, with a scripted web behind the injected fetch."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

import pytest

from atlas.domain.addresses.urls import InvalidUrl
from atlas.domain.errors import ErrorClass, PageError
from atlas.web.listing_parser import ListingJob, Parsed
from atlas.web.source_detection import MAX_ASKED, ListingDocument, detect
from tests.web.parsed import parse_here, parse_robots_here, robots_of

HTML = "<!doctype html><html><head><title>Docs</title></head><body><p>Hello</p></body></html>"
RSS = "<rss><channel><title>News</title><item><link>/a</link></item></channel></rss>"


def sitemap(*locs: str) -> str:
    return "<urlset>" + "".join(f"<url><loc>{loc}</loc></url>" for loc in locs) + "</urlset>"


def index(*locs: str) -> str:
    inner = "".join(f"<sitemap><loc>{loc}</loc></sitemap>" for loc in locs)
    return f"<sitemapindex>{inner}</sitemapindex>"


class Web:
    """Pages by URL; an exception as a page is raised, and what is missing is None."""

    def __init__(self, pages: dict[str, str | bytes | PageError | ListingDocument]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    async def get(self, url: str) -> ListingDocument | None:
        self.asked.append(url)
        page = self.pages.get(url)
        if page is None or isinstance(page, ListingDocument):
            return page
        if isinstance(page, PageError):
            raise page
        body = page.encode() if isinstance(page, str) else page
        return ListingDocument(url, "text/html" if body.startswith(b"<!") else "", body)


async def test_a_feed_by_its_content() -> None:
    found = await detect(
        "https://h.org/x", Web({"https://h.org/x": RSS}).get, parse_here, parse_robots_here
    )
    assert (found.kind, found.url, found.prefix) == ("feed", "https://h.org/x", None)
    assert found.evidence == "https://h.org/x is a feed titled “News” with 1 item"


async def test_a_feed_that_calls_itself_html() -> None:
    page = ListingDocument("https://h.org/x", "text/html; charset=utf-8", RSS.encode())
    assert (
        await detect(
            "https://h.org/x", Web({"https://h.org/x": page}).get, parse_here, parse_robots_here
        )
    ).kind == "feed"


@pytest.mark.parametrize(
    ("body", "lists"),
    [
        (sitemap("https://h.org/a", "https://h.org/b"), "2 pages"),
        (gzip.compress(sitemap("https://h.org/a").encode(), mtime=0), "1 page"),
        (index("https://h.org/1.xml"), "1 child sitemap"),
        ("https://h.org/a\nhttps://h.org/b\n", "2 pages"),
    ],
)
async def test_a_sitemap_by_its_content(body: str | bytes, lists: str) -> None:
    web = Web({"https://h.org/x": body})
    found = await detect("https://h.org/x#top", web.get, parse_here, parse_robots_here)
    assert (found.kind, found.url) == ("sitemap", "https://h.org/x")
    assert found.evidence == f"https://h.org/x is a sitemap that lists {lists}"
    assert web.asked == ["https://h.org/x"]


async def test_the_sitemap_of_robots_txt_comes_first() -> None:
    web = Web(
        {
            "https://h.org/docs/": HTML,
            "https://h.org/robots.txt": "User-agent: *\nDisallow:\nSITEMAP : /maps/all.xml # ours",
            "https://h.org/maps/all.xml": sitemap("https://h.org/docs/a", "https://h.org/blog/b"),
            "https://h.org/sitemap.xml": sitemap("https://h.org/docs/c"),
        }
    )
    found = await detect("https://h.org/docs/", web.get, parse_here, parse_robots_here)
    assert (found.kind, found.url) == ("sitemap", "https://h.org/maps/all.xml")
    assert found.prefix == "https://h.org/docs/"
    assert found.evidence == (
        "https://h.org/robots.txt names the sitemap https://h.org/maps/all.xml, "
        "and it lists 1 page below https://h.org/docs/"
    )


async def test_the_usual_place_is_tried_next() -> None:
    web = Web(
        {
            "https://h.org/docs/": HTML,
            "https://h.org/robots.txt": HTML,
            "https://h.org/sitemap.xml": index("https://h.org/blog.xml", "https://h.org/docs.xml"),
            "https://h.org/blog.xml": sitemap("https://h.org/blog/a"),
            "https://h.org/docs.xml": sitemap("https://h.org/docs/a", "https://h.org/docs/b"),
        }
    )
    found = await detect("https://h.org/docs/", web.get, parse_here, parse_robots_here)
    assert (found.kind, found.url) == ("sitemap", "https://h.org/sitemap.xml")
    assert "2 pages (in https://h.org/docs.xml, the first that does)" in found.evidence
    assert "https://h.org/blog.xml" not in web.asked  # the likelier child was asked first


async def test_a_sitemap_of_another_part_is_not_used() -> None:
    web = Web(
        {
            "https://h.org/docs/": HTML,
            "https://h.org/sitemap.xml": sitemap("https://h.org/blog/a", "https://h.org/docs-old/"),
        }
    )
    found = await detect("https://h.org/docs/", web.get, parse_here, parse_robots_here)
    assert (found.kind, found.url, found.prefix) == (
        "site",
        "https://h.org/docs/",
        "https://h.org/docs/",
    )
    assert "no sitemap lists pages below https://h.org/docs/" in found.evidence


async def test_where_a_redirect_leads_counts() -> None:
    landed = ListingDocument("https://www.h.org/docs/", "text/html", HTML.encode())
    web = Web(
        {
            "https://h.org/docs": landed,
            "https://www.h.org/sitemap.xml": sitemap("https://www.h.org/docs/a"),
        }
    )
    found = await detect("https://h.org/docs", web.get, parse_here, parse_robots_here)
    assert (found.kind, found.url) == ("sitemap", "https://www.h.org/sitemap.xml")
    assert found.prefix == "https://www.h.org/docs/"


async def test_one_document_that_is_no_web_page_is_a_list_of_one() -> None:
    page = ListingDocument("https://h.org/a.pdf", "application/pdf", b"%PDF-1.7 ...")
    found = await detect(
        "https://h.org/a.pdf", Web({"https://h.org/a.pdf": page}).get, parse_here, parse_robots_here
    )
    assert (found.kind, found.url) == ("urls", "https://h.org/a.pdf")
    assert found.evidence == "https://h.org/a.pdf is a single document (application/pdf)"


async def test_xhtml_is_a_web_page() -> None:
    body = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>'
    page = ListingDocument("https://h.org/", "application/xhtml+xml", body)
    assert (
        await detect(
            "https://h.org/", Web({"https://h.org/": page}).get, parse_here, parse_robots_here
        )
    ).kind == "site"


async def test_what_cannot_be_read_is_said_and_no_failure() -> None:
    error = PageError(ErrorClass.TRANSIENT, "timeout", "no answer within 30 s")
    found = await detect(
        "https://h.org/a/b", Web({"https://h.org/a/b": error}).get, parse_here, parse_robots_here
    )
    assert (found.kind, found.url, found.prefix) == (
        "site",
        "https://h.org/a/b",
        "https://h.org/a/",
    )
    assert found.evidence.startswith("https://h.org/a/b could not be read now (no answer within")


async def test_what_cannot_be_parsed_is_said_and_no_failure() -> None:
    @asynccontextmanager
    async def killed(job: ListingJob, body: BinaryIO) -> AsyncIterator[Parsed]:
        raise PageError(ErrorClass.INVALID, "listing_timeout", f"{job.url} could not be parsed")
        yield

    web = Web({"https://h.org/x": sitemap("https://h.org/a")})
    found = await detect("https://h.org/x", web.get, killed, parse_robots_here)
    assert (found.kind, found.url) == ("site", "https://h.org/x")
    assert "(https://h.org/x could not be parsed)" in found.evidence


async def test_an_endless_index_is_given_up() -> None:
    many = index(*(f"https://h.org/{n}.xml" for n in range(500)))
    web = Web({"https://h.org/docs/": HTML, "https://h.org/sitemap.xml": many})
    assert (
        await detect("https://h.org/docs/", web.get, parse_here, parse_robots_here)
    ).kind == "site"
    assert len(web.asked) <= MAX_ASKED + 1


async def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(InvalidUrl, match=r"write https://h\.org"):
        await detect("h.org", Web({}).get, parse_here, parse_robots_here)


def test_sitemap_lines_of_robots_txt() -> None:
    text = (
        "Sitemap: https://h.org/a.xml\r\nsitemap:/b.xml\n# Sitemap: /no.xml\nSitemap: ftp://h/c\n"
    )
    found = robots_of(text, "https://h.org/robots.txt").sitemaps
    assert found == ("https://h.org/a.xml", "https://h.org/b.xml")
