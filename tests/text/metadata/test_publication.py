"""The date of a page: right where there is one, and none where there is none."""

import json
from datetime import UTC, datetime

import pytest

from atlas.text.markup.dom import parse_html
from atlas.text.metadata.head import read_head
from atlas.text.metadata.page_signs import signs_of
from atlas.text.metadata.publication import modified_of, published_of

POST = "https://harbour.example/blog/storm-warning-for-the-north-coast"
PROSE = "<p>" + "The keeper wrote down the weather every evening. " * 6 + "</p>"
LONG = PROSE * 8
TITLE = "<title>Storm warning for the north coast</title>"
HEADING = "<h1>Storm warning for the north coast</h1>"


def published(html: str, url: str = POST) -> tuple[str, str]:
    tree = parse_html(html)
    found, tag = published_of(tree, read_head(tree), signs_of(tree), url)
    return str(found.date()) if found else "", tag


def linked(kind: str, **fields: str) -> str:
    node = json.dumps({"@context": "https://schema.org", "@type": kind, **fields})
    return f'<script type="application/ld+json">{node}</script>'


@pytest.mark.parametrize(
    ("html", "tag"),
    [
        (linked("NewsArticle", datePublished="2024-03-12T08:00:00Z"), "json-ld datePublished"),
        ("<meta property=article:published_time content=2024-03-12T08:00:00Z>",
         "meta article:published_time"),
        ("<meta name=date content='12 March 2024'>", "meta date"),
        ("<time datetime=2024-03-12T08:00>12 March</time>", "time"),
        ("<span itemprop=datePublished content=2024-03-12>last week</span>",
         "itemprop datePublished"),
        ("<p class=byline>By Ada, March 12, 2024</p>", "visible text"),
        ("<p class=byline>Von Ada, 12. März 2024</p>", "visible text"),
        ("<div class=date>2024年3月12日</div>", "visible text"),
    ],
)  # fmt: skip
def test_a_date_is_found_with_its_tag(html: str, tag: str) -> None:
    page = f"<head>{TITLE}</head><body><article>{HEADING}{html}{LONG}</article></body>"
    assert published(page) == ("2024-03-12", tag)


def test_the_path_of_an_address_is_a_witness() -> None:
    page = f"<head>{TITLE}</head><body><article>{HEADING}{LONG}</article></body>"
    url = "https://harbour.example/blog/2024/03/12/storm-warning-for-the-north-coast"
    assert published(page, url) == ("2024-03-12", "path of the address")


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("2024-03-12T23:30:00-05:00", "2024-03-12T00:00:00+00:00"),
        ("2024-03-12T04:25:38+0500", "2024-03-12T00:00:00+00:00"),
        ("2024-03-12T14:25:38+0500", "2024-03-12T09:25:38+00:00"),
    ],
)
def test_the_day_is_that_of_the_readers_of_the_page(stamp: str, utc: str) -> None:
    page = f"<head>{TITLE}</head><article>{HEADING}{linked('Article', datePublished=stamp)}{LONG}"
    tree = parse_html(page)
    found, _ = published_of(tree, read_head(tree), signs_of(tree), POST)
    assert found and found.isoformat() == utc


def test_one_moment_in_two_time_zones_is_one_day_that_of_the_page() -> None:
    page = (
        f"<head>{TITLE}</head><article>{HEADING}"
        + linked("DiscussionForumPosting", datePublished="2025-12-18T23:25:38+00:00")
        + f"<time datetime='2025-12-19T04:25:38+0500'>19 Dec</time>{LONG}"
    )
    assert published(page) == ("2025-12-19", "json-ld datePublished")


@pytest.mark.parametrize(
    "words",
    ["3 days ago", "vor 3 Tagen", "3 дня назад", "3 天前", "3日前", "منذ 3 أيام", "לפני 3 ימים",
     "3 दिन पहले", "3 วันที่แล้ว"],
)  # fmt: skip
def test_no_date_is_made_of_days_that_are_counted_from_today(words: str) -> None:
    page = f"<head>{TITLE}</head><article>{HEADING}<p class=byline>{words}</p>{LONG}</article>"
    assert published(page) == ("", "")


@pytest.mark.parametrize(
    ("lang", "byline"),
    [
        ("ar", "نُشر في 12 مارس 2024"), ("he", "פורסם ב-12 במרץ 2024"), ("hi", "12 मार्च 2024"),
        ("th", "เผยแพร่ 12 มีนาคม 2567"), ("ko", "게시 2024년 3월 12일"),
        ("ja", "公開日：2024年3月12日"),
        ("ru", "Опубликовано 12 марта 2024 г."), ("el", "12 Μαρτίου 2024"), ("bn", "12 মার্চ 2024"),
    ],
)  # fmt: skip
def test_a_byline_is_read_in_its_script(lang: str, byline: str) -> None:
    page = (
        f"<html lang={lang}><head>{TITLE}</head><body><article>{HEADING}"
        f"<p class=byline>{byline}</p>{LONG}</article></body></html>"
    )
    assert published(page) == ("2024-03-12", "visible text")


def test_an_update_is_not_the_publication() -> None:
    page = (
        linked("Article", datePublished="2021-03-12", dateModified="2024-05-01")
        + f"{TITLE}<article>{HEADING}<p class=meta>Updated May 1, 2024</p>{LONG}</article>"
    )
    assert published(page) == ("2021-03-12", "json-ld datePublished")
    tree = parse_html(page)
    found = modified_of(read_head(tree))
    assert found == (datetime(2024, 5, 1, tzinfo=UTC), "json-ld dateModified")


@pytest.mark.parametrize(
    ("url", "html"),
    [
        ("https://shop.example/products/lamp",
         linked("Product", name="Lamp") + "<h1>Lamp</h1><p>Delivered since January 5, 2019</p>"),
        ("https://shop.example/", "<h1>Lamps</h1><footer>© 2010 – 2024, last change 3.4.2024"),
        ("https://shop.example/services/repairs",
         "<meta property=article:modified_time content=2024-01-01>"
         + linked("WebPage", datePublished="2019-01-01") + "<h1>Repairs</h1><p>We repair."),
        ("https://docs.example/manual/select",
         f"<h1>SELECT</h1>{LONG}<footer>Built on 2024-01-01</footer>"),
    ],
)  # fmt: skip
def test_no_date_is_invented(url: str, html: str) -> None:
    assert published(html, url) == ("", "")
