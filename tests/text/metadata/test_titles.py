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


@pytest.mark.parametrize(
    ("name", "headline", "url"),
    [
        (
            "The Harbour Book",
            "Reading the Tides by Night",
            "https://docs.example/book/ch10-02.html",
        ),
        ("The Harbour Book", "Reading the Tides", "https://docs.example/reading-the-tides.html"),
        ("港の本", "北海岸の暴風警報について", "https://docs.example/book/ch10-02.html"),
        ("Harbour", "Tide tables or charts? (for 2024)", "https://forum.harbour.example/t-22.html"),
    ],
)
def test_a_heading_that_names_where_the_page_belongs_is_not_its_title(
    name: str, headline: str, url: str
) -> None:
    page = f"<div id=menu-bar><h1>{name}</h1></div><main>{PROSE}</main>"
    assert title(f"<title>{headline} - {name}</title>{page}", url) == (headline, "title")
    if "harbour" in url:  # the address says so, too
        assert title(f"<title>{headline}</title>{page}", url) == (headline, "title")


@pytest.mark.parametrize("sign", [" | ", " - ", ": "])
@pytest.mark.parametrize("path", ["services", "a/77", "our-services", "index.php?id=3"])
@pytest.mark.parametrize("around", ["main", "article", "header"])
def test_a_title_may_begin_with_a_name_that_nothing_says_is_the_site(
    sign: str, path: str, around: str
) -> None:
    html = f"<title>Port of Bergen{sign}Our Services</title><{around}><h1>Our Services</h1>"
    html += f"</{around}>{PROSE}"
    assert title(html, f"https://harbour.example/{path}")[0] == "Our Services"


def test_a_page_about_what_has_a_name_of_its_own_is_called_that() -> None:
    node = '{"@type": "LocalBusiness", "name": "Harbour Café"}'
    html = (
        f'<script type="application/ld+json">{node}</script><h1>Harbour Café</h1>{PROSE}'
        "<title>Harbour Café, Bergen: opening hours and the way there | City Guide</title>"
    )
    assert title(html, "https://guide.example/places/harbour-café-77")[0] == "Harbour Café"


@pytest.mark.parametrize("head", ["title", "og:title", "both"])
def test_a_heading_that_the_head_adds_to_after_a_colon_is_the_title(head: str) -> None:
    told = "Storm Lamps: The Ultimate Lamp for Keepers and Sailors"
    html = "" if head == "og:title" else f"<title>{told} | Harbour</title>"
    html += "" if head == "title" else f"<meta property=og:title content='{told}'>"
    found = title(f"{html}<h1>Storm Lamps</h1>{PROSE}", "https://harbour.example/c/storm-lamps")
    assert found == ("Storm Lamps", "h1")


@pytest.mark.parametrize(
    ("shown", "head", "tag"),
    [
        ("STORM WARNING FOR THE COAST", "Storm Warning for the Coast", "meta og:title"),
        ("ШТОРМОВОЕ ПРЕДУПРЕЖДЕНИЕ", "Штормовое предупреждение", "meta og:title"),
        ("Storm warning for the coast", "Storm Warning for the Coast", "h1"),
        ("The coast’s storm warning", "The coast's storm warning", "h1"),
        ("STORM", "Storm", "h1"),  # it may be one
    ],
)
def test_a_spelling_is_that_of_the_page_unless_it_is_one_of_style(
    shown: str, head: str, tag: str
) -> None:
    html = f'<title>{head}</title><meta property=og:title content="{head}"><h1>{shown}</h1>'
    assert title(html + PROSE, "https://harbour.example/a/7") == ({"h1": shown}.get(tag, head), tag)


def test_what_three_kinds_of_tags_spell_alike_is_the_spelling() -> None:
    node = '{"@type": "NewsArticle", "headline": "Storm Warning for the Coast"}'
    html = (
        f'<script type="application/ld+json">{node}</script><h1>Storm warning for the coast</h1>'
        "<title>Storm Warning for the Coast | Harbour</title>"
        "<meta property=og:title content='Storm Warning for the Coast'>"
    )
    assert title(html + PROSE)[0] == "Storm Warning for the Coast"


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
