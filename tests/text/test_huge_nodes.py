"""Nodes that are larger than libxml2's own 10 MB, and pages deeper than its own limit: what follows
them is still read."""

from collections.abc import Callable

import pytest
from lxml.html import HtmlElement

from atlas.text.extract import extract
from atlas.text.main_text import main_blocks, second_opinion
from atlas.text.media_type import media_of

pytestmark = pytest.mark.fault(8)

BEYOND = 10_100_000  # bytes; libxml2 gives up at 10,000,000
# Made when asked for: every process of the tests imports this.
HUGE: dict[str, Callable[[], str]] = {
    "an image in an attribute": lambda: f"<img src='data:image/png;base64,{'A' * BEYOND}'>",
    "a link": lambda: f"<a href='data:text/html,{'a' * BEYOND}'>here</a>",
    "a page in an attribute": lambda: f"<iframe srcdoc='{'word ' * (BEYOND // 5)}'></iframe>",
    "a script": lambda: f"<script>{'x=1;' * (BEYOND // 4)}</script>",
    "JSON-LD": lambda: f'<script type="application/ld+json">{{"a":"{"b" * BEYOND}"}}</script>',
    "a style": lambda: f"<style>{'a{}' * (BEYOND // 3)}</style>",
    "a comment": lambda: f"<!--{'word ' * (BEYOND // 5)}-->",
    "a CDATA section": lambda: f"<svg><![CDATA[{'word ' * (BEYOND // 5)}]]></svg>",
    "a processing instruction": lambda: f"<?php {'word ' * (BEYOND // 5)}?>",
    "a template": lambda: f"<template>{'w' * BEYOND}</template>",
    "the name of a tag": lambda: f"<{'a' * BEYOND}>",
    "the name of an attribute": lambda: f"<p {'a' * BEYOND}=1>here</p>",
}


@pytest.mark.parametrize("kind", HUGE)
def test_text_behind_a_huge_node_is_read(kind: str) -> None:
    html = f"<title>T</title><p>Before it.</p>{HUGE[kind]()}<p>Everything after it.</p>"
    found = extract(html.encode(), "text/html", "utf-8", "https://a.example/")
    assert "Before it." in found.text
    assert "Everything after it." in found.text
    assert len(found.text) < 1_000


ARTICLE = (
    "<head><meta property='og:type' content='article'>"
    '<script type="application/ld+json">{"@type":"NewsArticle","headline":"H"}</script></head>'
)
MANUAL = "<dl>" + "<dt><code>name</code><dd>What it does, in a few words." * 9 + "</dl>"


@pytest.mark.slow
@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.parametrize("before", [ARTICLE, MANUAL], ids=["article", "manual"])
@pytest.mark.parametrize("media", ["text/html", "application/xhtml+xml"])
def test_no_kind_of_page_ends_at_a_huge_node(kind: str, before: str, media: str) -> None:
    """Each takes another way through the extractors (`main_blocks.py`)."""
    body = "".join(f"<p>A sentence of this page that has number {n}.</p>" for n in range(20))
    html = f"<title>T</title>{before}{body}{HUGE[kind]()}{body}<p>The marker at the very end.</p>"
    found = extract(html.encode(), media, "utf-8", "https://a.example/")
    assert found.text.endswith("The marker at the very end.")
    assert "has number 19." in found.text
    assert found.truncated is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("media", "before"),
    [
        ("text/plain", "w" * BEYOND),
        ("application/xml", f"<a><![CDATA[{'word ' * (BEYOND // 5)}]]></a><b c='{'d' * BEYOND}'/>"),
        ("application/atom+xml", f"<entry><content>{'word ' * (BEYOND // 5)}</content></entry>"),
        ("application/ld+json", f'{{"articleBody": "{"word " * (BEYOND // 5)}"}}'),
        ("text/markdown", f"![]({'data:image/png;base64,' + 'A' * BEYOND})"),
    ],
)
def test_no_other_text_ends_at_a_huge_node(media: str, before: str) -> None:
    found = extract(f"{before}\nThe marker.".encode(), media, "utf-8", "https://a.example/")
    assert found.text.endswith("The marker.")
    assert found.truncated is None


def test_a_huge_text_is_read_to_its_end() -> None:
    html = f"<title>T</title><pre>{'w' * BEYOND} end</pre><p>Everything after it.</p>"
    found = extract(html.encode(), "text/html", "utf-8", "https://a.example/")
    assert found.text.endswith("w end\n\nEverything after it.")
    assert len(found.text) > BEYOND


@pytest.mark.parametrize("size", [0, pytest.param(BEYOND, marks=pytest.mark.slow)])
def test_a_cdata_section_of_xhtml_is_text(size: int) -> None:
    script = "<script>//<![CDATA[\nlet a = 1 < 2;\n//]]></script><!-- <![CDATA[ -->"
    html = f"<p>Before it.</p>{script}<p><![CDATA[In <it> & {'w' * size} ]]></p><p>After it.</p>"
    found = extract(html.encode(), "application/xhtml+xml", "utf-8", "https://a.example/")
    assert found.text.startswith("Before it.\n\nIn <it> &")
    assert found.text.endswith("\n\nAfter it.")
    as_html = extract(html.encode(), "text/html", "utf-8", "https://a.example/")
    assert "In <it>" not in as_html.text  # a browser takes it for a comment


def test_a_head_of_comments_is_sniffed_in_linear_time() -> None:
    comments = b"<!---->" * 290
    assert media_of(comments + b"words", None) == "text"
    assert media_of(b"<!-- a --> <!-- b -->\n<p>", None) == "html"


@pytest.mark.parametrize("depth", [300, 2_000, 2_100])
@pytest.mark.parametrize("tag", ["div", "ul><li", "b", "svg"])
def test_no_depth_loses_text(tag: str, depth: int) -> None:
    html = f"<p>Before it all.</p>{f'<{tag}>' * depth}In the deep.<p>After it all.</p>"
    found = extract(html.encode(), "text/html", "utf-8", "https://a.example/")
    assert [part in found.text for part in ("Before", "In the deep.", "After")] == [True] * 3


def test_no_library_sees_a_page_deeper_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rescue once read the page as sent: lexbor took 112 s for 50,000 nested elements."""
    seen: list[str] = []

    def rescued(html: str, **_: object) -> str:
        seen.append(html)
        return ""

    def little(_: HtmlElement) -> str:
        return "The first sentence of this article."

    monkeypatch.setattr(main_blocks, "_SURE", 2.0)  # the forest never is
    monkeypatch.setattr(main_blocks, "_PARAGRAPHS", 0)
    monkeypatch.setattr(second_opinion, "_trafilatura", little)
    monkeypatch.setattr(second_opinion, "extract_plain_text", rescued)
    words = "".join(f"<p>The sentence that has number {n} in this article.</p>" for n in range(19))
    meta = '<meta property="og:type" content="article">'
    page = f"{meta}<p>The first sentence of this article.</p>{words}{'<div>' * 5_000}deep"
    extract(page.encode(), "text/html", "utf-8", "https://a.example/")
    assert len(seen) == 1
    assert seen[0].count("<div") < 200
