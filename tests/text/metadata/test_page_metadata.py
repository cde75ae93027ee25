"""What a page says of itself beside title and date, each with the tag that says so."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.extraction.extraction_rules import ExtractionRules
from atlas.domain.extraction.stated_metadata import MAX_STATED, MAX_STATED_VALUE
from atlas.domain.texts import Extracted
from atlas.text.extract import extract
from tests.text.files.test_pdf import pdf

URL = "https://harbour.example/blog/storm-warning"
PROSE = "<p>" + "The keeper wrote down the weather every evening. " * 6 + "</p>"


def read(html: str, rules: ExtractionRules | None = None) -> Extracted:
    whole = f"<html lang=en><head>{html}</head><body><h1>Storm warning</h1>{PROSE}</body></html>"
    return extract(whole.encode(), "text/html", "utf-8", URL, rules or ExtractionRules())


def stated(found: Extracted) -> dict[str, tuple[str, str]]:
    assert len({each.field for each in found.stated}) == len(found.stated)
    return {each.field: (each.value, each.tag) for each in found.stated}


def linked(**fields: object) -> str:
    node = {"@context": "https://schema.org", "@type": "NewsArticle", **fields}
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


@pytest.mark.parametrize(
    ("html", "author", "tag"),
    [
        (linked(author={"@type": "Person", "name": "Ada Quay"}), "Ada Quay", "json-ld author"),
        (linked(author=[{"name": "Ada Quay"}, "Bo Reef"]), "Ada Quay, Bo Reef", "json-ld author"),
        ("<meta name=author content='By Ada Quay'>", "Ada Quay", "meta author"),
        ("<p itemprop=author><span itemprop=name>Ada Quay</span>", "Ada Quay", "itemprop author"),
        ("<p><a rel=author href=/ada>by Ada Quay</a>", "Ada Quay", "rel author"),
        ("<p><a class='u-url p-author' href=/ada>Ada Quay</a>", "Ada Quay", "p-author"),
    ],
)
def test_an_author_is_found_with_its_tag(html: str, author: str, tag: str) -> None:
    found = read(html)
    assert stated(found)["author"] == (author, tag)
    assert found.author == author


@pytest.mark.parametrize(
    "name", ["https://www.facebook.example/ada", "admin", "@ada", "", "x" * 200]
)
def test_an_address_or_an_account_is_no_author(name: str) -> None:
    assert read(f"<meta name=author content='{name}'>").author is None


def test_each_piece_names_its_tag() -> None:
    crumbs = [{"name": "Home"}, {"item": {"name": "Weather"}}, {"name": 3}]
    found = read(
        linked(
            datePublished="2024-03-12T08:00:00+02:00",
            dateModified="2024-03-13",
            image=[{"url": "/storm.jpg"}],
        )
        + linked(**{"@type": "BreadcrumbList", "itemListElement": crumbs})
        + "<meta name=description content='A storm &amp;amp; its tide.'>"
        + "<link rel=license href=//licences.example/by/4.0/>"
    )
    assert stated(found) == {
        "title": ("Storm warning", "h1"),
        "published": ("2024-03-12T06:00:00+00:00", "json-ld datePublished"),
        "modified": ("2024-03-13T00:00:00+00:00", "json-ld dateModified"),
        "description": ("A storm & its tide.", "meta description"),
        "image": ("https://harbour.example/storm.jpg", "json-ld image"),
        "licence": ("https://licences.example/by/4.0/", "link rel=license"),
        "breadcrumbs": ("Home > Weather", "json-ld BreadcrumbList"),
        "language": ("en", "declaration"),
    }


def test_a_rule_of_the_source_is_the_tag_that_counts() -> None:
    rules = ExtractionRules(metadata=("author=.by", "title=.by", "published=.by@data-day"))
    found = read("<meta name=author content=Bo><p class=by data-day=2020-01-02>Ada</p>", rules)
    by_rule = {field: value for field, (value, tag) in stated(found).items() if "rule" in tag}
    assert by_rule == {
        "author": "Ada", "title": "Ada", "published": "2020-01-02T00:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "text/markdown"])
def test_the_language_that_a_source_declares_is_that_of_its_pages(kind: str) -> None:
    body = f"<html lang=fr><body>{PROSE}</body></html>".encode()
    found = extract(body, kind, "utf-8", URL, ExtractionRules(lang="de"))
    assert found.lang == "de"
    assert stated(found)["language"] == ("de", "lang of the source")
    assert found.text_hash == extract(body, kind, "utf-8", URL).text_hash
    assert extract(body, kind, "utf-8", URL).lang == "en"


@pytest.mark.parametrize(
    ("body", "url", "title"),
    [
        (b"Storm warning\n\nThe tide rises.", URL, ("Storm warning", "first line")),
        (b"%PDF", URL, ("Harbour rules", "pdf title")),
    ],
)
def test_a_body_without_markup_names_its_title_too(
    body: bytes, url: str, title: tuple[str, str]
) -> None:
    if body == b"%PDF":
        found = extract(pdf(["The harbour opens."], "Harbour rules"), None, None, url)
        assert stated(found)["published"] == ("2020-01-02T02:04:05+00:00", "pdf date")
    else:
        found = extract(body, "text/plain", "utf-8", url)
    assert stated(found)["title"] == title


LEAVES = st.none() | st.integers() | st.text(max_size=20) | st.just("\ud800\x00&#0;")
OBJECTS = st.dictionaries(st.sampled_from(["name", "url", "item", "@id"]), LEAVES, max_size=3)
VALUES = LEAVES | OBJECTS | st.lists(LEAVES | OBJECTS | st.lists(OBJECTS, max_size=2), max_size=3)
NAMES = st.sampled_from(
    ["author", "image", "license", "description", "headline", "dateModified", "datePublished",
     "itemListElement", "@type", "name", "publisher"]
)  # fmt: skip


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.text(max_size=3000))
def test_whatever_a_page_states_is_bounded(node: dict[str, object], text: str) -> None:
    kept = text.replace("<", "").replace("'", "").replace("\ud800", "")
    html = linked(**node) + f"<meta name=author content='{kept}'>"
    found = extract(
        f"<html><head>{html}</head><body>{PROSE}".encode("utf-8", "ignore"),
        "text/html", "utf-8", URL,
    )  # fmt: skip
    assert len(found.stated) <= MAX_STATED
    for each in found.stated:
        assert 0 < len(each.value) <= MAX_STATED_VALUE
        assert "\x00" not in each.value
        each.value.encode()
