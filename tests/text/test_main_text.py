"""What of a page is its text, by kinds of page: threads with their replies, articles without their
comments, lists with their items, and what scripts would show."""

from __future__ import annotations

import pytest

from atlas.text.extract import extract

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
    return "".join(f"<p>Part {number}.{at}: {each}</p>" for at, each in enumerate(SENTENCES))


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
