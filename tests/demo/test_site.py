"""The demo site is what it says: every planted thing is there, and our own parsers read it."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from itertools import combinations

import aiohttp
import pypdfium2
import pytest
import trafilatura

from atlas.demo.editions import edition
from atlas.demo.site import FAILS_FIRST, FEED_LENGTH, GONE, REMOVED, DemoSite, main
from atlas.web.feeds import parse_feed
from atlas.web.sitemaps import parse_sitemap
from atlas.web.source_detection import ListingDocument, detect
from tests.web.parsed import parse_here, parse_robots_here, robots_of

HREF = re.compile(r'href="(/[^"]*)"')


@pytest.fixture
async def site() -> AsyncIterator[DemoSite]:
    async with DemoSite() as site:
        yield site


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def get(
    browser: aiohttp.ClientSession, url: str, **headers: str
) -> tuple[int, str, bytes, aiohttp.ClientResponse]:
    async with browser.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Content-Type", ""), await answer.read(), answer


async def crawl(browser: aiohttp.ClientSession, site: DemoSite) -> dict[str, int]:
    """Status of everything that can be reached from the home page, asked twice on a 503."""
    seen: dict[str, int] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        status, _, body, answer = await get(browser, site.address(path))
        if status == 503:
            status, _, body, answer = await get(browser, site.address(path))
        seen[path] = status
        waiting += HREF.findall(body.decode("latin-1"))
        waiting += [answer.headers["Location"]] if "Location" in answer.headers else []
    return seen


def test_there_are_about_forty_pages_in_many_languages_of_real_length() -> None:
    pages = edition("first").values()
    assert 40 <= len(pages) <= 50
    assert len({page.lang for page in pages}) >= 10
    assert sum(page.lang == "zh" for page in pages) >= 4
    for page in pages:
        unspaced = page.lang.startswith(("zh", "ja"))
        length = len(page.text) if unspaced else len(page.text.split())
        assert (length >= 200) if unspaced else (80 <= length <= 250), page.path


async def test_each_page_has_a_sentence_of_its_own(site: DemoSite) -> None:
    planted = site.expectations
    copies = {copy for _, copy in planted.exact_duplicates + planted.near_duplicates}
    texts = {p.path: " ".join(p.text.split()) for p in edition("first").values()}
    plain = {path: re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text) for path, text in texts.items()}
    for path in set(planted.pages) - copies:
        sentence = planted.sentences[path]
        assert len(sentence) >= 15, path
        holders = {other for other, text in plain.items() if sentence in text}
        assert holders - copies == {path}


async def test_every_link_leads_somewhere_and_every_page_is_linked(
    site: DemoSite, browser: aiohttp.ClientSession
) -> None:
    planted = site.expectations
    seen = await crawl(browser, site)
    assert set(planted.pages) <= {path for path, status in seen.items() if status == 200}
    assert {path for path, status in seen.items() if status >= 400} == {GONE}
    assert set(planted.disallowed) <= set(seen)


async def test_feed_sitemap_and_robots_are_read_by_our_own_parsers(
    site: DemoSite, browser: aiohttp.ClientSession
) -> None:
    planted = site.expectations
    feed_url, sitemap_url = site.address("/feed.xml"), site.address("/sitemap.xml")
    feed = parse_feed((await get(browser, feed_url))[2], feed_url)
    assert [item.url for item in feed.items] == [site.address(path) for path in planted.in_feed]
    assert (len(feed.items), feed.skipped, feed.ttl) == (FEED_LENGTH, 0, 3600)
    assert all(item.title and item.published for item in feed.items)
    sitemap = parse_sitemap((await get(browser, sitemap_url))[2], sitemap_url)
    assert sitemap.complete
    assert {page.url for page in sitemap.pages} == {site.address(path) for path in planted.listed}
    robots_url = site.address("/robots.txt")
    text = (await get(browser, robots_url))[2]
    assert robots_of(text, robots_url).sitemaps == (sitemap_url,)
    assert b"Disallow: /private/" in text


async def test_the_kind_of_the_site_is_found(
    site: DemoSite, browser: aiohttp.ClientSession
) -> None:
    async def fetch(url: str) -> ListingDocument | None:
        status, content_type, body, _ = await get(browser, url)
        return ListingDocument(url, content_type, body) if status == 200 else None

    found = await detect(site.url, fetch, parse_here, parse_robots_here)
    assert (found.kind, found.url) == ("sitemap", site.address("/sitemap.xml"))
    assert "robots.txt names the sitemap" in found.evidence
    assert (
        await detect(site.address("/feed.xml"), fetch, parse_here, parse_robots_here)
    ).kind == "feed"


async def test_redirects_gone_missing_and_fails_first(
    site: DemoSite, browser: aiohttp.ClientSession
) -> None:
    planted = site.expectations
    assert planted.redirects["/old-library"] == "/people/library"
    for path, target in planted.redirects.items():
        async with browser.get(site.address(path)) as answer:
            assert (answer.status, answer.url.path) == (200, target)
    statuses = [(await get(browser, site.address(FAILS_FIRST)))[0] for _ in range(3)]
    assert statuses == [503, 200, 200]
    assert (await get(browser, site.address(GONE)))[0] == 410
    assert (await get(browser, site.address("/nothing")))[0] == 404
    assert site.statuses(FAILS_FIRST) == statuses


async def test_unchanged_pages_answer_304(site: DemoSite, browser: aiohttp.ClientSession) -> None:
    for path in ("/harbour/tides", "/feed.xml", "/sitemap.xml", "/harbour/chart-notes.pdf"):
        url = site.address(path)
        status, _, body, answer = await get(browser, url)
        etag, changed = answer.headers["ETag"], answer.headers["Last-Modified"]
        assert (status, bool(body)) == (200, True)
        assert (await get(browser, url, **{"If-None-Match": etag}))[:3:2] == (304, b"")
        assert (await get(browser, url, **{"If-None-Match": f'"x", W/{etag}'}))[0] == 304
        assert (await get(browser, url, **{"If-Modified-Since": changed}))[0] == 304
        stale = {"If-None-Match": '"other"', "If-Modified-Since": changed}
        assert (await get(browser, url, **stale))[0] == 200
        assert (await get(browser, url, **{"If-Modified-Since": "nonsense"}))[0] == 200
    assert sum(hit.conditional for hit in site.requests) == 20


async def test_duplicates_are_what_they_claim(
    site: DemoSite, browser: aiohttp.ClientSession
) -> None:
    planted = site.expectations
    assert len(planted.exact_duplicates) == len(planted.near_duplicates) == 2
    bodies = {path: (await get(browser, site.address(path)))[2] for path in planted.pages}
    for original, copy in planted.exact_duplicates:
        assert bodies[original] == bodies[copy]
    same = {pair for pair in combinations(sorted(bodies), 2) if bodies[pair[0]] == bodies[pair[1]]}
    assert same == {tuple(sorted(pair)) for pair in planted.exact_duplicates}
    for original, copy in planted.near_duplicates:
        one, other = (set(bodies[path].split()) for path in (original, copy))
        assert one != other
        assert len(one & other) / len(one | other) > 0.9


def test_the_text_comes_out_of_the_furniture() -> None:
    for page in edition("first").values():
        content_type, body = page.content
        if content_type.startswith("text/html"):
            text = trafilatura.extract(body.decode(), include_comments=False) or ""
        elif content_type == "application/pdf":
            document = pypdfium2.PdfDocument(body)
            text = document[0].get_textpage().get_text_bounded()
            assert document.get_metadata_dict()["Title"] == page.title
            assert text.split() == page.text.split()
            document.close()
        else:
            text = body.decode()
        assert page.sentence in " ".join(text.split()), page.path
        assert "keeps no cookies" not in text


async def test_the_second_edition(site: DemoSite, browser: aiohttp.ClientSession) -> None:
    before = {path: (await get(browser, site.address(path)))[2] for path in edition("first")}
    listed = set(site.expectations.listed)
    said = site.change()
    assert [line.partition(":")[0] for line in said] == ["edited", "edited", "added", "removed"]
    assert all("“" in line and "(/" in line for line in said)
    after = {path: await get(browser, site.address(path)) for path in before}
    changed = {p for p in before if p != FAILS_FIRST and before[p] != after[p][2]}
    assert changed == {"/harbour/ferries", "/news/", REMOVED}
    assert after[REMOVED][0] == 410
    assert set(site.expectations.listed) ^ listed == {REMOVED, "/news/regatta"}
    assert REMOVED in site.expectations.gone
    seen = await crawl(browser, site)
    assert set(site.expectations.pages) <= {path for path, status in seen.items() if status == 200}
    assert site.change() == []


async def test_a_changed_page_no_longer_answers_304(
    site: DemoSite, browser: aiohttp.ClientSession
) -> None:
    url = site.address("/harbour/ferries")
    known = (await get(browser, url))[3].headers
    site.change()
    for name, value in (
        ("If-None-Match", known["ETag"]),
        ("If-Modified-Since", known["Last-Modified"]),
    ):
        assert (await get(browser, url, **{name: value}))[0] == 200


async def test_a_taken_port_is_an_error(site: DemoSite) -> None:
    port = int(site.url.rsplit(":", 1)[1].strip("/"))
    with pytest.raises(OSError, match="address already in use"):
        async with DemoSite(port):
            raise AssertionError("two sites on one port")


def test_a_bad_port_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eighty"]) == 2
    assert "PORT: invalid port 'eighty'" in capsys.readouterr().err


async def test_it_serves_from_the_command_line_until_interrupted() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "atlas.demo.site", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert re.match(r"Lantern Harbour is at http://127\.0\.0\.1:\d+/ until Ctrl-C", line)
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
