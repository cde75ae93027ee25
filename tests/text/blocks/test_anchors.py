"""Headings keep their place and their anchor, links their fragment; and the text stays the same."""

import gzip
import json
from pathlib import Path

import pytest

from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.extraction.outline import MAX_SECTION_TITLE, TERM, Outline, OutlineSection
from atlas.domain.texts import Extracted
from atlas.text.extract import extract

URL = "https://site.example/guide/page?v=2"
DATA = Path("../shared/data").resolve()
FILLER = "<p>The lamp is lit at dusk, and the keeper notes the hour in the book of the light.</p>"


def page(body: str, head: str = "") -> Extracted:
    html = f"<html><head><title>Light</title>{head}</head><body>{body}</body></html>"
    return extract(html.encode(), "text/html", "utf-8", URL)


def anchor_of(heading: str) -> str | None:
    """The anchor that the one heading of a page has."""
    (section,) = page(f"<main>{FILLER}{heading}{FILLER}</main>").outline
    assert section.title == "Wick"
    return section.anchor


@pytest.mark.parametrize(
    "heading",
    [
        "<h2 id=wick>Wick</h2>",
        "<h2><a name=wick>Wick</a></h2>",
        "<h2><a name=wick></a>Wick</h2>",
        "<h2><span id=wick>Wick</span></h2>",
        "<h2>Wick<a class=headerlink href='#wick'>¶</a></h2>",
        "<span id=wick></span><h2>Wick</h2>",
        "<a name=wick></a><h2>Wick</h2>",
        "<section id=wick><h2>Wick</h2><p>It burns.</p></section>",
        "<div id=wick><div><h2>Wick</h2></div><p>It burns.</p></div>",
        "<div><h2>Wick</h2><a class=anchor href='#wick'><svg></svg></a></div>",
        "<h2 id=' wick '>Wick</h2>",
    ],
)
def test_a_heading_has_the_anchor_that_the_page_gives_it(heading: str) -> None:
    assert anchor_of(heading) == "wick"


@pytest.mark.parametrize(
    "heading",
    [
        "<h2>Wick</h2>",
        "<h2 id=''>Wick</h2>",
        "<h2 id='two words'>Wick</h2>",
        f"<h2 id='{'x' * 201}'>Wick</h2>",
        "<div id=other><p>Said before it.</p><h2>Wick</h2></div>",
        "<div id=other>Said before it.<h2>Wick</h2></div>",
        "<span id=other>Said</span><h2>Wick</h2>",
        "<h2>Wick</h2><a href='#other'>Read on</a>",
    ],
)
def test_what_is_not_meant_for_a_heading_is_no_anchor_of_it(heading: str) -> None:
    assert anchor_of(heading) is None


def test_of_two_headings_with_one_id_the_first_has_it() -> None:
    body = f"<main>{FILLER}<h2 id=a>One</h2>{FILLER}<h2 id=a>Two</h2>{FILLER}</main>"
    assert [each.anchor for each in page(body).outline] == ["a", None]


def test_sections_begin_where_their_headings_stand_in_the_text() -> None:
    found = page(
        "<main><h1 id=light>Light &amp; lamp</h1>" + FILLER + "<h2>Oil\x7f<br>and wick</h2>"
        "<pre>\n\n  one\ttwo\n</pre><h3 id=deep>Depth</h3>" + FILLER + "<dl>"
        "<dt id=mantle>mantle</dt><dd>A net that glows.</dd><dt>lens</dt><dd>Bends light.</dd>"
        "</dl></main>"
    )
    assert [(each.level, each.title, each.anchor) for each in found.outline] == [
        (1, "Light & lamp", "light"),
        (2, "Oil and wick", None),
        (3, "Depth", "deep"),
        (TERM, "mantle", "mantle"),
    ]
    for each in found.outline:
        assert found.text[each.start :].startswith(each.title.split()[0])


def test_a_long_heading_is_cut() -> None:
    (section,) = page(f"<main>{FILLER}<h2>{'wick ' * 100}</h2>{FILLER}</main>").outline
    assert len(section.title) == MAX_SECTION_TITLE and section.title.endswith("…")


def test_links_keep_their_fragment() -> None:
    found = page(
        "<main><p>See <a href='#oil'>the oil</a>, <a href='/keeper#night watch'>the watch</a>, "
        "<a href='https://other.example/a?utm_source=x#b'>another</a>, <a href='#'>nothing</a> and "
        f"<a href='/up'>up</a>. And then a good deal more is said.</p>{FILLER}</main>"
    )
    assert f"[the oil]({URL}#oil)" in found.markdown
    assert "[the watch](https://site.example/keeper#night%20watch)" in found.markdown
    assert "[another](https://other.example/a#b)" in found.markdown
    assert "nothing and [up](https://site.example/up)" in found.markdown
    assert [link.url for link in found.links] == [
        "https://site.example/keeper",
        "https://other.example/a",
        "https://site.example/up",
    ]


def test_a_link_within_the_page_leads_where_base_says() -> None:
    body = f"<main><p>All of <a href='#x'>it</a> is here.</p>{FILLER}</main>"
    assert "[it](https://site.example/all#x)" in page(body, "<base href=/all>").markdown


def test_a_fragment_that_makes_an_address_too_long_is_left_out() -> None:
    body = f"<main><p>All of <a href='/a#{'x' * 3000}'>it</a> is here.</p>{FILLER}</main>"
    assert "[it](https://site.example/a)" in page(body).markdown


@pytest.mark.parametrize(
    ("kind", "url", "sections"),
    [
        ("text/markdown; charset=utf-8", URL, 2),
        ("text/plain", "https://site.example/README.MD?raw=1", 2),
        ("text/plain", "https://site.example/install.sh", 0),
    ],
)
def test_the_headings_of_a_markdown_file_are_its_outline(
    kind: str, url: str, sections: int
) -> None:
    text = "# Lamp\n\nIt is lit.\n\n## [Oil](oil.md) and `wick`\n\n```\n# no heading\n```\n"
    found = extract(text.encode(), kind, "utf-8", url)
    assert [(each.level, each.title) for each in found.outline] == [
        (1, "Lamp"),
        (2, "Oil and wick"),
    ][:sections]
    chunks = document_chunks(url, found.text, found.markdown, found.outline)
    assert len(chunks) == max(sections, 1)
    assert "\n\n".join(each.text for each in chunks) == found.text == found.markdown


SECTIONS = (
    OutlineSection(10, 1, "Light", "light"),
    OutlineSection(30, 3, "Wick", None),
    OutlineSection(40, TERM, "trim", "trim"),
    OutlineSection(60, 2, "Oil", "oil"),
)


@pytest.mark.parametrize(
    ("offset", "section", "anchor", "start"),
    [
        (0, (), None, 0),
        (9, (), None, 0),
        (10, ("Light",), "light", 10),
        (35, ("Light", "Wick"), "light", 30),
        (40, ("Light", "Wick"), "trim", 30),
        (60, ("Light", "Oil"), "oil", 60),
        (9_999, ("Light", "Oil"), "oil", 60),
    ],
)
def test_a_place_is_looked_up(
    offset: int, section: tuple[str, ...], anchor: str | None, start: int
) -> None:
    place = Outline(SECTIONS).at(offset)
    assert (place.section, place.anchor, place.start) == (section, anchor, start)


def test_headings_of_real_pages_stand_where_the_outline_says() -> None:
    folder = DATA / "mixed"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}: real pages are not part of the repository")
    gold = json.loads((folder / "ground-truth.json").read_text())
    anchors = 0
    for key in sorted(gold)[::25]:
        body = gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())
        found = extract(body, "text/html", None, gold[key]["url"])
        starts = [each.start for each in found.outline]
        assert starts == sorted(starts)
        for each in found.outline:
            said = " ".join(found.text[each.start : each.start + 2_000].split())
            assert said.startswith(each.title.removesuffix("…")), (key, each)
            anchors += each.anchor is not None
    assert anchors > 20


def test_a_style_or_script_before_a_heading_shows_nothing() -> None:
    for unseen in ("<style>h2 { color: red }</style>", "<script>var shown = 1</script>"):
        body = f"<main><div id=reviews>{unseen}<h2>Reviews</h2><p>{'All of them. ' * 60}</p></div>"
        found = extract(body.encode(), "text/html", "utf-8", "https://a.example/")
        assert [(each.title, each.anchor) for each in found.outline] == [("Reviews", "reviews")]
