"""What of a page is its text, by kinds of page: threads with their replies, articles without their
comments, lists with their items, and what scripts would show."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml.html import HtmlElement

from atlas.text.blocks.blocks import Block
from atlas.text.extract import extract
from atlas.text.languages.scripts import letters_of
from atlas.text.main_text import main_blocks

SENTENCES = [
    "The harbour was full of boats when the ferry came in at last, late in the evening.",
    "Nobody on the quay had expected so many passengers, and the hotels were closed.",
    "Some of them slept in the waiting room, others walked to the village on the hill.",
    "In the morning the wind had turned, and the sea was calm enough for the small boats.",
    "The captain said that he would wait for another hour, but not for a minute more.",
    "At noon everyone was on board again, and the town went back to its quiet life.",
]
NAV = "<nav class=menu><ul>" + "".join(
    f"<li><a href=/{n}>{n.title()}</a></li>" for n in ("home", "news", "sports", "contact")
) + "</ul></nav>"  # fmt: skip
FOOTER = (
    "<footer class=footer><ul><li><a href=/privacy>Privacy policy</a></li><li><a href=/terms>Terms "
    "of use</a></li></ul><p>© 2024 The Harbour Company. All rights reserved.</p></footer>"
)
RELATED = "<div class='related-posts'><h3>Related posts</h3><ul>" + "".join(
    f"<li><a href=/r{n}>Another story about the islands, number {n}</a></li>" for n in range(6)
) + "</ul></div>"  # fmt: skip
SHARE = "<div class='share-buttons'>" + "".join(
    f"<a href=/share/{n}>{n}</a> " for n in ("Facebook", "Twitter", "Pinterest")
) + "</div>"  # fmt: skip


def text_of(body: str, head: str = "") -> str:
    html = (
        f"<!doctype html><html><head><title>Ferries</title>{head}</head><body>{body}</body></html>"
    )
    return extract(html.encode(), "text/html", "utf-8", "https://site.example/dir/page").text


def told(number: int) -> str:
    pairs = zip(SENTENCES, SENTENCES[1:] + SENTENCES[:1], strict=True)
    return "".join(f"<p>Part {number}.{at}: {a} {b}</p>" for at, (a, b) in enumerate(pairs))


def test_what_stands_in_the_main_element_may_be_chrome_all_the_same() -> None:
    text = text_of(
        f"{NAV}<main><article><h1>Ferries</h1>{SHARE}<div class='entry-content'>{told(1)}{told(2)}"
        f"</div>{SHARE}</article>{RELATED}</main>{FOOTER}"
    )
    assert all(each in text for each in SENTENCES)
    for chrome in ("Another story", "Pinterest", "Privacy policy", "Contact", "rights reserved"):
        assert chrome not in text


def test_replies_are_the_text_of_a_forum() -> None:
    posts = "".join(
        f"<div class='post comment' id=post{n}><div class='post-author username'><a href=/u/{n}>"
        f"member{n}</a></div><div class='post-body message-content'>{told(n)}</div>"
        "<div class=post-buttons><a href=#>Reply</a> <a href=#>Quote</a> <a href=#>Report</a></div>"
        "</div>"
        for n in range(5)
    )
    text = text_of(f"{NAV}<div class='thread comments'><h1>Ferries</h1>{posts}</div>{FOOTER}")
    assert all(
        f"Part {n}.{at}: {each}" in text for n in range(5) for at, each in enumerate(SENTENCES)
    )
    assert "Privacy policy" not in text


def test_a_thread_for_readers_without_scripts_is_the_text() -> None:
    posts = "".join(
        f"<div class=topic-body><div class=crawler-post-meta><a href=/u/{n}>member{n}</a></div>"
        f"<div class=post itemprop=text>{told(n)}</div></div>"
        for n in range(4)
    )
    text = text_of(f"<div id=app></div><noscript><div id=main-outlet>{posts}</div></noscript>")
    assert all(f"Part {n}.5" in text for n in range(4))


def test_a_list_keeps_its_items() -> None:
    items = "".join(
        f"<div class='item listing-row'><h3><a href=/boats/{n}>Boat number {n} of all</a></h3>"
        f"<p class=excerpt>{SENTENCES[n % 6]} It has {n} seats, and it is painted blue.</p></div>"
        for n in range(20)
    )
    text = text_of(f"{NAV}<main><h1>All boats</h1><div class=results>{items}</div></main>{FOOTER}")
    assert all(f"It has {n} seats" in text for n in range(20))
    assert "Terms of use" not in text


@pytest.mark.parametrize("marked", [False, True], ids=["plain", "with tags"])
def test_an_article_that_json_ld_alone_holds_is_the_text(marked: bool) -> None:
    story = " ".join(f"Sentence {n} of the story that scripts show later." for n in range(60))
    body = f"<p>{story}</p><p>Last &amp; least.</p>" if marked else f"{story}\\nLast &amp; least."
    teasers = "".join(f"<p>Teaser {n} leads to one more page about the sea.</p>" for n in range(40))
    text = text_of(
        f"<div>{teasers}</div>",
        '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "H", '
        f'"articleBody": "{body}"}}</script>',
    )
    assert text.startswith("Sentence 0 of the story")
    assert text.endswith("Last & least.")


def test_an_article_that_the_page_shows_is_read_from_the_page() -> None:
    story = " ".join(SENTENCES)
    text = text_of(
        f"<article><h2>Told by the page</h2>{told(1)}</article>",
        '<script type="application/ld+json">{"@type": "Article", "articleBody": '
        f'"{story}"}}</script>',
    )
    assert "Part 1.5" in text


ARTICLE = '<meta property="og:type" content="article">'
PLAIN = f"{NAV}<main><article><h1>Ferries</h1>{told(1)}{told(2)}{told(3)}</article></main>{FOOTER}"


@pytest.mark.parametrize(("sure", "asked"), [(0.0, 0), (2.0, 1)], ids=["sure", "unsure"])
@pytest.mark.parametrize(("head", "article"), [(ARTICLE, 1), ("", 0)], ids=["article", "page"])
def test_trafilatura_is_asked_where_the_forest_is_unsure_of_an_article(
    head: str, article: int, sure: float, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[HtmlElement] = []

    def opinion(tree: HtmlElement, _: HtmlElement, blocks: list[Block]) -> list[Block]:
        seen.append(tree)
        return [each for each in blocks if "captain" in each.text]

    monkeypatch.setattr(main_blocks, "_SURE", sure)
    monkeypatch.setattr(main_blocks, "article_blocks", opinion)
    lines = text_of(PLAIN, head).split("\n\n")
    assert len(seen) == asked * article
    assert all("captain" in line for line in lines) == bool(seen)


def test_a_list_that_calls_itself_an_article_is_left_to_the_forest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(main_blocks, "_SURE", 2.0)
    monkeypatch.setattr(main_blocks, "article_blocks", lambda *_: pytest.fail("asked"))
    items = "".join(f"<li>Boat number {n} of the harbour, with {n} seats</li>" for n in range(40))
    assert "Boat number 39" in text_of(f"<main><h1>Boats</h1><ul>{items}</ul></main>", ARTICLE)


@pytest.mark.parametrize("taken", [lambda _: [], list], ids=["nothing", "everything"])
def test_an_opinion_is_followed_only_in_leaving_out(
    taken: Callable[[list[Block]], list[Block]], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = text_of(PLAIN, ARTICLE)
    monkeypatch.setattr(main_blocks, "_SURE", 2.0)
    monkeypatch.setattr(main_blocks, "article_blocks", lambda _, __, blocks: taken(blocks))
    assert "Part 3.5" in alone
    assert text_of(PLAIN, ARTICLE) == alone


def test_a_manual_keeps_what_may_be_a_definition_but_no_code_makes_one_of_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = '<script type="application/ld+json">{"@type": "QAPage"}</script>'
    page = f"{told(1)}{told(2)}{RELATED.replace('related-posts', 'x')}"
    code = "<pre>boat = Boat()</pre>" * 9
    monkeypatch.setattr(main_blocks, "_NO_DEFINITION", 0)
    assert "Another story" in text_of(f"{page}{code}")
    for text in (text_of(page), text_of(f"{page}{code}", thread)):
        assert "Part 1.5" in text
        assert "Another story" not in text


def test_a_manual_keeps_what_names_something_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_blocks, "_NO_DEFINITION", 2_000)  # nothing is likely enough
    monkeypatch.setattr(main_blocks, "_NAMES", ())
    rows = "".join(f"<tr><td><code>rope{n}</code><td>{each}" for n, each in enumerate(SENTENCES))
    text = text_of(f"<main>{told(1)}<table>{rows}</table><pre>pull()</pre><dl><dt>Knot</dl></main>")
    assert [f"rope{n}" in text for n in range(6)] == [True] * 6
    assert "pull()" in text
    assert "Knot" in text
    assert "Part 1.5" not in text
    assert SENTENCES[0] not in text


def test_definitions_keep_their_terms() -> None:
    terms = "".join(f"<dt>Rope {n}</dt><dd>{each} {each}</dd>" for n, each in enumerate(SENTENCES))
    text = text_of(f"{NAV}<main><h2>Ropes</h2><p>{SENTENCES[0] * 3}</p><dl>{terms}</dl></main>")
    assert [f"Rope {n}" in text for n in range(6)] == [True] * 6


def test_a_text_without_spaces_is_as_long_as_its_translation() -> None:
    """What is counted in characters counts three for one of Chinese: else its articles look like
    menus, and what a menu says is kept."""
    assert letters_of("灯塔黑了三个小时") == 3 * 8
    assert letters_of("ประภาคาร") == 2 * 8
    assert letters_of("маяк") == letters_of("lamp") == 4
    related = RELATED.replace("Another story about the islands, number", "关于海岛的另一个故事第")
    paragraphs = "".join(f"<p>{each * 2}</p>" for each in (
        "这座老港口建于很久以前，从那以后扩建过两次。", "渔民们说，海水比三十年前更冷了。",
        "暴风雨来临时，灯塔黑了五个小时。",
    ))  # fmt: skip
    text = text_of(f"{NAV}<main><h1>港口</h1>{paragraphs}</main>{related}<div>阅读全文</div>")
    assert "灯塔黑了" in text and "另一个故事" not in text and "阅读全文" not in text


def test_code_beside_what_is_kept_is_kept() -> None:
    paragraphs = "".join(
        f"<p>The command number {at} prints the height of the lamp, and ends with an error if the "
        "lamp is not there, which is seldom so in winter.</p>" for at in range(6)
    )  # fmt: skip
    page = f"<div><h1>The command lamp</h1>{paragraphs}<pre>lamp --height 7</pre></div>"
    assert "lamp --height 7" in text_of(page + "<footer><a href=/>Start</a></footer>")
