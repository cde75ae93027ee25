"""The title without the site's name, whichever tag says it best."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.text.dom import parse_html
from atlas.text.metadata import read_head
from atlas.text.page_signs import signs_of
from atlas.text.titles import title_of

URL = "https://harbour.example/2024/storm-warning-for-the-north-coast"
PROSE = "<p>" + "The keeper wrote down the weather every evening. " * 6 + "</p>"


def title(html: str, url: str = URL) -> tuple[str, str]:
    tree = parse_html(html)
    return title_of(tree, read_head(tree), signs_of(tree), url)


@pytest.mark.parametrize("sign", ["|", "-", "–", "—", "·", "::", "»", "•"])
@pytest.mark.parametrize("first", [True, False])
def test_the_name_of_the_site_is_left_off(sign: str, first: bool) -> None:
    parts = ["Storm warning for the north coast", "Harbour News"]
    whole = f" {sign} ".join(parts if first else parts[::-1])
    html = f"<title>{whole}</title><meta property=og:site_name content='Harbour News'>{PROSE}"
    assert title(html)[0] == parts[0]


def test_the_address_names_the_site_too() -> None:
    html = f"<title>Storm warning for the north coast | Harbour</title>{PROSE}"
    assert title(html) == ("Storm warning for the north coast", "title")


def test_the_headline_is_told_from_the_logo() -> None:
    html = (
        "<title>Storm warning for the north coast - Harbour News</title><header><h1 class=logo>"
        "Harbour News</h1></header><main><h1>Storm warning for the north coast</h1>" + PROSE
    )
    assert title(html) == ("Storm warning for the north coast", "h1")


def test_the_headline_of_json_ld_is_read_without_entities() -> None:
    html = (
        '<script type="application/ld+json">{"@type": "NewsArticle", "headline": '
        '"Storm &amp; tide on the north coast"}</script>'
        f"<title>Storm &amp; tide on the north coast | Harbour</title>{PROSE}"
    )
    assert title(html) == ("Storm & tide on the north coast", "json-ld headline")


def test_a_hyphen_of_the_headline_stays() -> None:
    headline = "Storm warning: the north coast - what to expect"
    html = f"<title>{headline} | Harbour</title><main><h1>{headline}</h1>{PROSE}</main>"
    assert title(html, "https://harbour.example/storm-warning-what-to-expect")[0] == headline


def test_a_line_break_is_a_blank_and_an_anchor_is_no_text() -> None:
    html = f"<main><h1>Storm<br>warning<a href=#storm>¶</a></h1>{PROSE}</main>"
    assert title(html) == ("Storm warning", "h1")


def test_a_page_that_says_nothing_has_no_title() -> None:
    assert title("<p>Text</p>") == ("", "")


TEXTS = st.text("Harbour News|-–:·_ ()ø日本 '’<&", max_size=40)


@given(TEXTS, TEXTS, TEXTS, st.text("abc-/._%2é", max_size=20))
def test_a_title_is_a_part_of_what_a_tag_says(one: str, two: str, three: str, path: str) -> None:
    tree = parse_html("<html><head><title></title></head><body><h1></h1><p>x</p></body></html>")
    head = read_head(tree)
    next(tree.iter("title")).text = one
    next(tree.iter("h1")).text = two
    head.metas["og:title"] = three
    found, tag = title_of(tree, head, signs_of(tree), f"https://harbour.example/{path}")
    texts = [" ".join(each.split()) for each in (one, two, three)]
    assert any(found in each for each in texts) or "&" in found + "".join(texts)
    assert bool(found) == bool(tag)
