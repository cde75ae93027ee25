"""From bytes to a document: what is kept, what is refused, and under which name."""

import json
from datetime import UTC, datetime

import pytest

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.texts import EXTRACTOR_VERSION, MAX_AUTHOR, Extracted, Link, text_hash
from atlas.text.extract import extract

URL = "https://site.example/dir/page.html"
PARAGRAPHS = "".join(
    f"<p>Paragraph {n} of the story tells something new about the harbour and its boats.</p>"
    for n in range(12)
)


def page(body: str, head: str = "", **kwargs: str) -> Extracted:
    html = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
    return extract(html.encode(), "text/html", kwargs.get("charset", "utf-8"), URL)


def code_of(body: bytes, content_type: str | None = "text/html") -> str:
    with pytest.raises(PageError) as caught:
        extract(body, content_type, None, URL)
    assert caught.value.error_class is ErrorClass.INVALID
    return caught.value.code


class TestText:
    def test_a_grammar_rule_of_links_is_text_and_a_menu_is_not(self) -> None:
        rule = ", ".join(f"<a href=/{n}>element-{n}</a>?" for n in "abcdefgh")
        menu = " | ".join(f"<a href=/{n}>place {n}</a>" for n in "stuvwxyz")
        after = "<p>Each of them stands for the boats of one quay, and no other.</p>"
        found = page(f"<div><div>{menu}</div>{PARAGRAPHS}<p>union ::= ({rule})</p>{after}</div>")
        assert "union ::= (element-a?, element-b?" in found.text
        assert "place s" not in found.text

    def test_an_article_loses_its_chrome(self) -> None:
        found = page(
            f"<nav><a href=/>Home page of the site</a></nav><article>{PARAGRAPHS}</article>"
            "<footer>All rights reserved by somebody</footer>",
            '<title>Harbour</title><meta property="og:type" content="article">',
        )
        assert "Paragraph 0 of the story" in found.text
        assert "Paragraph 11 of the story" in found.text
        assert "Home page" not in found.text
        assert "rights reserved" not in found.text
        assert found.text_hash == text_hash("Harbour", found.text)
        assert (found.media, found.lang, found.extractor) == ("html", "en", EXTRACTOR_VERSION)

    def test_a_manual_keeps_definitions_tables_and_code(self) -> None:
        items = "".join(
            f"<dt><code>csv.f{n}(x)</code></dt><dd>Does {n} things.</dd>" for n in range(9)
        )
        found = page(
            "<div class=sidebar>Table of contents here</div><div class=body>"
            "<h1>csv — reading files<a class=headerlink href='#x'>¶</a></h1>"
            f"<dl>{items}</dl><table><tr><th>Name</th><th>Sense</th></tr>"
            "<tr><td>QUOTE</td><td>quote all</td></tr></table>"
            "<pre>import csv\n\n    indented = 1\n</pre></div>"
        )
        for part in ("csv — reading files\n", "csv.f8(x)", "Does 8 things.", "quote all"):
            assert part in found.text
        assert "import csv\n\n    indented = 1" in found.text
        assert "Table of contents" not in found.text
        assert "| Name | Sense |\n| --- | --- |\n| QUOTE | quote all |" in found.markdown
        assert "```\nimport csv\n\n    indented = 1\n```" in found.markdown
        assert "# csv — reading files" in found.markdown

    def test_ids_made_from_headings_are_no_chrome(self) -> None:
        items = "".join(f"<dt id='Cookie.comment{n}'><code>c{n}</code></dt>" for n in range(9))
        found = page(f"<dl>{items}</dl><h2 id='coupling-widget-variables'>Coupling widgets</h2>")
        assert "Coupling widgets" in found.text
        assert "c8" in found.text

    @pytest.mark.parametrize(
        "body",
        [
            "<p>One short sentence.</p>",
            "One short sentence.",
            "<div><span>One short</span> <b>sentence.</b></div>",
            "<table><tr><td>One short sentence.</td></tr></table>",
            "<form><p>One short sentence.</p></form>",
        ],
    )
    def test_one_sentence_is_a_page(self, body: str) -> None:
        assert page(body).text == "One short sentence."

    @pytest.mark.parametrize("tag", ["main", "article", "section", "figure"])
    def test_the_tags_of_head_and_body_may_be_left_out(self, tag: str) -> None:
        html = f"<title>Short</title><meta name=x><{tag}><h1>Head</h1>{PARAGRAPHS}</{tag}>"
        found = extract(html.encode(), "text/html", "utf-8", URL)
        assert found.title == "Head"
        order = [found.text.index(part) for part in ("Paragraph 0", "Paragraph 5", "Paragraph 11")]
        assert order == sorted(order)

    def test_a_page_of_links_gives_its_visible_text(self) -> None:
        links = "".join(f"<li><a href=/p{n}>Chapter {n}</a></li>" for n in range(30))
        found = page(f"<nav><ul>{links}</ul></nav>")
        assert found.text.splitlines() == [f"Chapter {n}" for n in range(30)]
        assert len(found.links) == 30

    def test_a_table_of_contents_beside_navigation_is_kept(self) -> None:
        links = "".join(f"<li><a href=/p{n}>Chapter {n}</a></li>" for n in range(30))
        found = page(f"<nav><a href=/>Start page</a></nav><h1>Contents</h1><ul>{links}</ul>")
        assert "Chapter 29" in found.text
        assert "Start page" not in found.text

    def test_a_text_in_several_elements_is_kept_whole(self) -> None:
        chunks = ["<p>The first chunk stands alone in its own grid item.</p>"]
        chunks += [PARAGRAPHS.replace("story", f"s{n}") for n in range(3)]
        body = "".join(f"<div class=body>{chunk}</div>" for chunk in chunks)
        meta = '<meta property="og:type" content="article">'
        found = page(f"<article>{body}</article>", meta)
        assert all(f"Paragraph 11 of the s{n}" in found.text for n in range(3))

    def test_hidden_text_scripts_and_comments_are_left_out(self) -> None:
        found = page(
            "<p>Seen by all who look at it.</p><p style='display:none'>unseen one</p><!-- note -->"
            "<script>var unseen = 2</script><template>unseen three</template><p hidden>unseen</p>"
        )
        assert found.text == "Seen by all who look at it."

    def test_a_reading_above_a_word_does_not_part_it(self) -> None:
        found = page("<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>を読む。</p>")
        assert found.text == "漢字を読む。"

    def test_a_soft_hyphen_does_not_part_a_word(self) -> None:
        found = page("<p>A Donau&shy;dampf&shy;schiff went <b>up&shy;stream</b>, wa\u2060ter.</p>")
        assert found.text == "A Donaudampfschiff went upstream, water."
        assert found.markdown == "A Donaudampfschiff went **upstream**, water."

    def test_lists_emphasis_and_links_in_markdown(self) -> None:
        found = page(
            "<ol><li>first <b>bold</b></li><li>second"
            "<ul><li>inner <code>x</code></li></ul></li></ol>"
            "<p>See <a href='../up'>the page</a>, <a href='#here'>here</a> and <em>more</em>.</p>"
            "<blockquote>Said once.</blockquote>"
        )
        assert "1. first **bold**\n2. second" in found.markdown
        assert "  - inner `x`" in found.markdown
        here = "[here](https://site.example/dir/page.html#here)"
        assert f"See [the page](https://site.example/up), {here} and *more*." in found.markdown
        assert "> Said once." in found.markdown

    def test_no_control_character_is_left(self) -> None:
        found = page("<p>with\x00 zero &#0; and &#11; bell\x07 inside</p>", "<title>a\x00b</title>")
        assert not {chr(n) for n in range(32)} - {"\n", "\t"} & set(found.text + found.title)
        assert "\x00" not in found.text + found.title + found.markdown


class TestMetadata:
    def test_title_order(self) -> None:
        og = '<meta property="og:title" content="Open &amp; shut">'
        assert page("<p>text</p>", f"<title>Boats | Site</title>{og}").title == "Open & shut"
        assert page("<p>text</p>", "<title> Page\n | Site </title>").title == "Page"
        assert page("<h1>Only a heading</h1><p>text</p>").title == "Only a heading"

    @pytest.mark.parametrize(
        "head",
        [
            '<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle",'
            '"datePublished":"2021-03-04T07:00:00+02:00"}]}</script>',
            '<meta property="article:published_time" content="2021-03-04T05:00:00Z">',
            '<meta name="date" content="Thu, 04 Mar 2021 05:00:00 GMT">',
        ],
    )
    def test_published_in_utc(self, head: str) -> None:
        body = f"<h1>Boats</h1>{PARAGRAPHS}{PARAGRAPHS.replace('</p><p>', ' ')}" * 5
        assert page(body, head).published == datetime(2021, 3, 4, 5, tzinfo=UTC)

    def test_time_element(self) -> None:
        byline = "<h1>Boats</h1><time datetime=2020-01-02>2 January</time>"
        found = page(f"<article>{byline}{PARAGRAPHS}</article>")
        assert found.published == datetime(2020, 1, 2, tzinfo=UTC)

    def test_broken_json_ld_and_dates_say_nothing(self) -> None:
        head = '<script type="application/ld+json">{"@type": [[[</script><meta name=date content=x>'
        assert page("<p>text of it</p>", head).published is None

    def test_canonical_and_base(self) -> None:
        head = (
            '<base href="https://cdn.example/b/"><link rel="Canonical" href="real?utm_source=x#f">'
        )
        found = page("<p>text <a href=rel>link</a></p>", head)
        assert found.canonical == "https://cdn.example/b/real"
        assert found.links == (Link("https://cdn.example/b/rel"),)

    def test_a_bad_canonical_is_none(self) -> None:
        assert page("<p>text</p>", '<link rel=canonical href="http://[bad">').canonical is None

    def test_language_of_short_pages_is_the_declared_one(self) -> None:
        html = b"<html lang=pt-BR><body><p>Sim.</p></html>"
        assert extract(html, "text/html", None, URL).lang == "pt"

    @pytest.mark.parametrize(
        ("text", "codec", "lang"),
        [
            ("Съешь же ещё этих мягких французских булок, да выпей чаю", "windows-1251", "ru"),
            ("今天天气很好,我们去公园散步吧,然后一起吃晚饭,看电影", "gbk", "zh"),
            ("今日は良い天気ですから、公園へ散歩に行きましょう", "shift_jis", "ja"),
        ],
    )
    def test_legacy_charsets_end_to_end(self, text: str, codec: str, lang: str) -> None:
        html = f"<html><head><meta charset={codec}></head><body><p>{text}</p></body></html>"
        found = extract(html.encode(codec), "text/html", None, URL)
        assert (found.text, found.lang) == (text, lang)


class TestLinks:
    def test_order_duplicates_fragments_and_schemes(self) -> None:
        found = page(
            "<p>text</p><a href=b>b</a><a href='a#x'>a</a><a href=b#y>again</a><a href='#z'>z</a>"
            "<a href='mailto:a@b.example'>m</a><a href='javascript:x()'>j</a><a href='//['>bad</a>"
            "<map><area href=/c></map>"
        )
        assert [link.url for link in found.links] == [
            "https://site.example/dir/b",
            "https://site.example/dir/a",
            "https://site.example/c",
        ]

    def test_nofollow_only_if_every_mention_is(self) -> None:
        found = page(
            "<p>t</p><a rel='nofollow ugc' href=a>1</a><a rel=nofollow href=b>2</a><a href=b>3</a>"
        )
        assert [(link.rel, link.nofollow) for link in found.links] == [
            ("nofollow ugc", True),
            ("", False),
        ]

    def test_nofollow_of_the_whole_page(self) -> None:
        found = page("<p>t</p><a href=a>1</a>", "<meta name=robots content='noindex, NOFOLLOW'>")
        assert found.links[0].nofollow

    def test_no_more_than_the_cap(self) -> None:
        found = page("<p>t</p>" + "".join(f"<a href=/{n}>{n}</a>" for n in range(6_000)))
        assert len(found.links) == 5_000


class TestRefusals:
    @pytest.mark.parametrize("body", [b"", b" \r\n\t ", b"\xef\xbb\xbf", b"\x00\x00"])
    def test_empty(self, body: bytes) -> None:
        assert code_of(body) == "empty_body"

    @pytest.mark.parametrize(
        "body",
        [
            b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
            b"PK\x03\x04" + b"a" * 100,
            b"\xff\xd8\xff\xe0" + b"JFIF" * 30,
            bytes(range(256)) * 8,
        ],
    )
    @pytest.mark.parametrize("content_type", ["text/html", "text/plain", None])
    def test_binary_in_disguise(self, body: bytes, content_type: str | None) -> None:
        assert code_of(body, content_type) == "binary_content"

    @pytest.mark.parametrize(
        "body",
        [
            b"%PDF-1.7\n",
            b"%PDF-1.4\n%%EOF",
            b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog" + b"\xff" * 900,
        ],
    )
    def test_broken_pdf(self, body: bytes) -> None:
        assert code_of(body, "application/pdf") == "pdf_broken"

    def test_html_served_as_pdf(self) -> None:
        assert code_of(b"<html><p>Not found</p>", "application/pdf") == "pdf_broken"

    @pytest.mark.parametrize("content_type", ["image/png", "application/zip", "video/mp4"])
    def test_unsupported(self, content_type: str) -> None:
        assert code_of(b"plain words", content_type) == "unsupported_type"

    @pytest.mark.parametrize(
        "body",
        [
            b"<html><head><title>App</title></head><body><script>run()</script></body></html>",
            b"<html></html>",
            b"<!-- only a comment -->",
            b"<html><body><p>&nbsp;</p></body></html>",
        ],
    )
    def test_nothing_visible(self, body: bytes) -> None:
        assert code_of(body) == "no_text"


@pytest.mark.parametrize("tag", ["div", "p", "b", "td", "ul><li", "font", "blockquote", "x-y"])
def test_fifty_thousand_nested_elements_lose_no_text(tag: str) -> None:
    nest = f"<{tag}>" * 50_000
    found = page(f"<p>Before it all.</p>{nest}In the deep.</div><p>After it all.</p>")
    assert found.text.split("\n") != []
    assert [part in found.text for part in ("Before", "In the deep.", "After")] == [True] * 3


class TestPlain:
    def test_text_keeps_its_lines(self) -> None:
        found = extract(
            b"# Title #\r\n\r\n\r\n\r\nfirst\r\n  second  \r\n", "text/plain", None, URL
        )
        assert found.text == "# Title #\n\nfirst\n  second"
        assert (found.title, found.media, found.links) == ("Title", "text", ())

    def test_soft_hyphens_do_not_part_words(self) -> None:
        found = extract("Donau\u00addampfer\n\ufeffschiff".encode(), "text/plain", None, URL)
        assert found.text == "Donaudampfer\nschiff"

    def test_a_long_first_line_is_no_title(self) -> None:
        assert extract(b"word " * 100, "text/plain", None, URL).title == "page.html"

    def test_html_without_a_type_is_html(self) -> None:
        found = extract(b"<!DOCTYPE html><title>T</title><p>Seen.</p>", None, None, URL)
        assert (found.media, found.title, found.text) == ("html", "T", "Seen.")


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("head", "noindex", "nofollow"),
    [
        ("", False, False),
        (
            '<meta name="robots" content="max-snippet:1"><meta name=ROBOTS content=NoIndex>',
            True,
            False,
        ),
        ('<meta name="atlas" content="none">', True, True),
        ('<meta name="robots" content="index"><meta name="Atlas" content="nofollow">', False, True),
        ('<meta name="googlebot" content="noindex, nofollow">', False, False),
        ('<meta property="og:robots" content="noindex">', False, False),
    ],
)
def test_what_a_page_asks_of_crawlers(head: str, noindex: bool, nofollow: bool) -> None:
    html = f"<html><head>{head}</head><body><p>Some words to read.</p><a href=/a>a</a></body>"
    found = extract(html.encode(), "text/html", None, "https://h.example/")
    assert found.noindex is noindex
    assert [link.nofollow for link in found.links] == [nofollow]


def test_cells_that_say_nothing_keep_their_columns() -> None:
    body = (
        b"<table><tr><th>Berth</th><th></th><th>Fee</th></tr><tr><td></td><td>4 m</td></tr>"
        b"<tr><td>nine</td><td></td><td>12</td></tr></table>"
    )
    assert extract(body, "text/html", None, URL).markdown == (
        "| Berth | | Fee |\n| --- | --- | --- |\n| | 4 m |\n| nine | | 12 |"
    )


def test_a_table_at_the_end_of_a_page_is_whole() -> None:
    body = b"<table><tr><td>Berth</td><td>Fee</td></tr></table>"
    assert extract(body, "text/html", None, URL).markdown == "| Berth | Fee |\n| --- | --- |"


def test_what_ends_itself_in_xhtml_hides_nothing() -> None:
    page = (
        b'<html><head><title/><script src="a"/></head><body><a id="x"/><p>Words<br/>on.</p></body>'
        b"</html>"
    )
    found = extract(page, "application/xhtml+xml", None, URL)
    assert (found.text, found.truncated, found.links) == ("Words\non.", None, ())


def test_authors_are_as_long_as_children_may_answer() -> None:
    names = [f"{number} {'Ada Maria von der Lund ' * 4}" for number in range(10)]
    authors = json.dumps({"@type": "Article", "author": names})
    page = f"<script type='application/ld+json'>{authors}</script><p>{PARAGRAPHS}</p>"
    found = extract(page.encode(), "text/html", None, URL)
    assert found.author and 900 < len(found.author) <= MAX_AUTHOR
