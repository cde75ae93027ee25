"""The title without the site's name, whichever tag says it best."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.text.markup.dom import parse_html
from atlas.text.metadata.head import read_head
from atlas.text.metadata.page_signs import signs_of
from atlas.text.metadata.titles import title_of

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


@pytest.mark.parametrize(
    "label",
    [
        "<span class='label label--primary'>Weather</span> ",
        "<span class=visually-hidden>Thread: </span>",
        "<button>Copy item path</button>",
        "<span class='badge'>12</span>",
    ],
)
def test_labels_and_buttons_in_a_heading_are_no_part_of_it(label: str) -> None:
    html = f"<title>Forum</title><main><h1>{label}Storm warning</h1>{PROSE}</main>"
    assert title(html, "https://forum.example/threads/storm-warning.7/")[0] == "Storm warning"


def test_a_heading_that_is_nothing_but_a_label_is_one() -> None:
    assert title(f"<h1><span class=label>Storm warning</span></h1>{PROSE}")[0] == "Storm warning"


@pytest.mark.parametrize("name", ["harbour.example", "Harbour", "Harbour.Example"])
def test_a_first_heading_that_is_the_site_is_not_the_title(name: str) -> None:
    headline = "Storm warning for the coast"
    html = f"<title>{headline} - {name}</title><h1>{name}</h1><h2>{headline}</h2>"
    url = "https://forums.harbour.example/viewtopic.php?t=112320"
    assert title(html, url)[0] == headline


def test_an_arrow_parts_nothing() -> None:
    html = f"<title>2.4 -> 2.5: stuck - Forum</title><h1>2.4 -> 2.5: stuck</h1>{PROSE}"
    assert title(html, "https://forum.example/t/2-4-2-5-stuck/7")[0] == "2.4 -> 2.5: stuck"


def test_a_name_in_json_ld_confirms_the_short_one() -> None:
    node = '{"@type": "Product", "name": "Storm lamp"}'
    html = (
        f'<script type="application/ld+json">{node}</script><h1>Storm lamp</h1>'
        "<title>Buy storm lamps for cheap in our sale | Harbour</title>"
    )
    assert title(html, "https://harbour.example/products/storm-lamp") == ("Storm lamp", "h1")


@pytest.mark.parametrize(
    ("headline", "site", "sign"),
    [
        ("تحذير من عاصفة على الساحل الشمالي", "أخبار الميناء", " | "),
        ("אזהרת סערה בחוף הצפוני", "חדשות הנמל", " - "),
        ("北海岸の暴風警報について", "港ニュース", "｜"),
        ("北部海岸发布风暴警报", "港口新闻", "_"),
        ("북부 해안 폭풍 경보", "항구 뉴스", " : "),
        ("Штормовое предупреждение на северном берегу", "Новости порта", " — "),
        ("คำเตือนพายุชายฝั่งทางเหนือ", "ข่าวท่าเรือ", " » "),
        ("उत्तरी तट पर तूफान की चेतावनी", "बंदरगाह समाचार", " ‹ "),
    ],
)
def test_the_name_of_the_site_is_left_off_in_every_script(
    headline: str, site: str, sign: str
) -> None:
    html = f"<title>{headline}{sign}{site}</title><meta property=og:site_name content='{site}'>"
    assert title(html + PROSE, "https://harbour.example/a/7")[0] == headline
    shown = f"<title>{headline}{sign}{site}</title><h1>{site}</h1><main><h1>{headline}</h1>{PROSE}"
    assert title(shown, "https://harbour.example/a/7")[0] == headline


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
