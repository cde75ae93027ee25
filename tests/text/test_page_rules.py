"""A source's rules on a page: what is shown, what counts as a change, that no rule loses text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.extraction.extraction_rules import ExtractionRules, RuledText
from atlas.domain.texts import UNSEEN, Extracted
from atlas.text.extract import extract

PAGE = """<html lang=en><head><title>Ferries ({unread})</title></head><body>
<nav><a href=/start>Start</a> <a href=/more>More</a></nav>
<main><script>let tide = 1</script><h1>The ferry of Lantern Harbour</h1>
<p class=by data-name="Ada Quay">By <b>Ada</b> on <time datetime=2026-03-04>the fourth</time></p>
<p>The ferry leaves the quay at six, and comes back when the tide has turned again.</p>
<p>In winter it leaves at seven. <span class=views>{views} views</span> so far this week.</p>
<div class=offer>{ad} <a href="/buy?t={token}">Buy now</a></div>
<p>Rendered on {date}. The harbour master keeps the bell and the book of tides.</p>
</main><footer>Imprint</footer></body></html>"""
FIRST = {"unread": 1, "views": "1,234", "ad": "Cheap nets", "token": "aa", "date": "2 May 2026"}
SECOND = {"unread": 7, "views": "99,001", "ad": "Old ropes", "token": "bb", "date": "3 May 2026"}


def read(body: str, **rules: tuple[str, ...]) -> Extracted:
    return extract(
        body.encode(), "text/html", "utf-8", "https://example.org/a", ExtractionRules(**rules)
    )


def ruled(found: Extracted) -> RuledText:
    assert found.ruled is not None
    return found.ruled


def test_without_rules_nothing_is_said_of_rules() -> None:
    found = read(PAGE.format(**FIRST))
    assert found.ruled is None
    assert found.author is None


def test_only_content_is_the_text_and_links_still_lead_a_crawl() -> None:
    plain, found = read(PAGE.format(**FIRST)), read(PAGE.format(**FIRST), content=("main > p",))
    assert found.text.startswith("By Ada on the fourth")
    assert "Cheap nets" not in found.text
    assert "ferry of Lantern" not in found.text
    assert {link.url for link in plain.links} == {link.url for link in found.links}
    assert not any(link.nofollow or link.rel for link in plain.links)
    unseen = {link.url.partition("?")[0] for link in found.links if link.rel == UNSEEN}
    assert unseen == {f"https://example.org/{name}" for name in ("start", "more", "buy")}
    assert ruled(found) == RuledText((4,), None, None)


def test_nested_content_is_taken_once_and_in_the_order_of_the_page() -> None:
    whole = read(PAGE.format(**FIRST), content=("p b", "main", "h1")).text
    assert whole == read(PAGE.format(**FIRST), content=("main",)).text
    assert whole.count("ferry leaves") == 1


def test_sections_keep_their_anchors() -> None:
    body = """<html><body><main><h1 id=top>Tides</h1><p>The tide turns twice a day.</p>
    <div class=offer><h2 id=buy>Buy</h2><p>Cheap nets and old ropes.</p></div>
    <h2 id=low>Low water</h2><p>At low water the ferry waits.</p></main></body></html>"""
    found = read(body, content=("main",), remove=(".offer",), ignore=("#top",))
    assert [(each.title, each.anchor) for each in found.outline] == [
        ("Tides", "top"),
        ("Low water", "low"),
    ]
    assert [found.text[each.start :][:4] for each in found.outline] == ["Tide", "Low "]


def test_what_is_removed_is_gone_and_its_neighbours_are_no_one_word() -> None:
    body = "<body><p>Before<span class=offer>bought words</span>after, and more words.</p></body>"
    assert read(body, remove=(".offer",)).text == "Beforeafter, and more words."
    body = body.replace("span", "div")
    assert read(body, remove=(".offer",)).text.split() == "Before after, and more words.".split()
    found = read(PAGE.format(**FIRST), remove=(".offer", "footer"))
    assert "Cheap nets" not in found.text
    assert "Cheap nets" not in found.markdown
    assert "ferry leaves" in found.text


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"content": (".article-body",)}, "content .article-body: it selects nothing"),
        ({"content": ("script",)}, "content script: nothing of what it selects is visible"),
        ({"remove": ("body",)}, "remove body: nothing would be left"),
        ({"remove": ("*",)}, "remove *: nothing would be left"),
        ({"content": ("main",), "remove": ("main *",)}, "remove main *: nothing of the content"),
    ],
)
def test_a_rule_that_leaves_nothing_is_not_followed_and_named(
    rules: dict[str, tuple[str, ...]], said: str
) -> None:
    found = read(PAGE.format(**FIRST), **rules)
    assert (ruled(found).fell_back or "").startswith(said)
    assert "ferry leaves" in found.text


@pytest.mark.parametrize("ignore", [("body",), ("*",), (r"/(?s).*/",), (r"/\S/",)])
def test_what_ignores_everything_ignores_nothing(ignore: tuple[str, ...]) -> None:
    one, other = (read(PAGE.format(**each), ignore=ignore) for each in (FIRST, SECOND))
    assert "nothing would be left to compare" in (ruled(one).fell_back or "")
    assert ruled(one).compared != ruled(other).compared


def test_ignored_parts_are_shown_and_make_no_difference() -> None:
    ignore = (".views", ".offer", r"/Rendered on .*?\./", r"/\([0-9]+\)/")
    title = ("title=title",)
    one, other = (
        read(PAGE.format(**each), ignore=ignore, metadata=title) for each in (FIRST, SECOND)
    )
    assert "1,234 views" in one.text and "Cheap nets" in one.text
    assert one.text_hash != other.text_hash
    assert ruled(one).compared == ruled(other).compared is not None
    assert ruled(one).counts == (1, 1, 1, 1, 1)
    late = PAGE.format(**SECOND).replace("at seven", "at eight")
    edited = read(late, ignore=ignore, metadata=title)
    assert ruled(edited).compared != ruled(one).compared
    # Each of the rules is needed.
    for left in range(4):
        rest = ignore[:left] + ignore[left + 1 :]
        a, b = (read(PAGE.format(**each), ignore=rest, metadata=title) for each in (FIRST, SECOND))
        assert ruled(a).compared != ruled(b).compared


def test_an_advert_that_is_there_only_sometimes_is_no_difference() -> None:
    body = PAGE.format(**FIRST)
    advert = body[body.index("<div class=offer>") : body.index("</div>") + 6]
    one, other = read(body, ignore=(".offer",)), read(body.replace(advert, ""), ignore=(".offer",))
    assert ruled(one).compared == ruled(other).compared


def test_metadata_comes_from_where_the_rules_point() -> None:
    mapping = (
        "title=title",
        "author=.by@data-name",
        "published=.by time@datetime",
        "language=html@lang",
    )
    found = read(PAGE.format(**FIRST), metadata=mapping)
    assert found.title == "Ferries (1)"
    assert found.author == "Ada Quay"
    assert found.published == datetime(2026, 3, 4, tzinfo=UTC)
    assert ruled(found).counts == (1, 1, 1, 1)
    plain = read(PAGE.format(**FIRST))
    missing = read(
        PAGE.format(**FIRST),
        metadata=("title=h4", "author=.none", "published=h1", "language=.none@lang"),
    )
    assert (missing.title, missing.author, missing.lang) == (plain.title, None, plain.lang)
    assert missing.published == plain.published
    assert found.text_hash != plain.text_hash, "the title is a part of what a page says"


def test_a_plain_text_knows_patterns_only() -> None:
    rules = ExtractionRules(remove=("p",), ignore=(r"/seen \d+ times/", ".x"))
    one, other = (
        extract(
            f"A text seen {n} times.".encode(),
            "text/plain",
            None,
            "https://example.org/a.txt",
            rules,
        )
        for n in (4, 5)
    )
    assert ruled(one) == ruled(other) == RuledText((0, 2, 0), None, ruled(one).compared)


def test_a_rule_that_would_take_minutes_on_a_page_is_not_followed_and_named() -> None:
    body = "<main><p>The first words of a page.</p>" + "<p class=x>more</p>" * 8_000 + "</main>"
    found = read(body, remove=(".x ~ .x", "p:first-child"), ignore=("p:nth-child(2n)",))
    assert (ruled(found).fell_back or "").split("; ") == [
        "remove .x ~ .x: there are too many siblings on this page for it",
        "ignore p:nth-child(2n): there are too many siblings on this page for it",
    ]
    assert ruled(found).counts == (0, 1, 0)
    assert "first words" not in found.text and found.text.count("more") == 8_000


@pytest.mark.parametrize("few", [0, 1, 2, 3])
def test_positions_are_those_of_css(few: int) -> None:
    body = "<main>" + "".join(f"<p>word{n}</p>" for n in range(6)) + "</main>"
    for selector, wanted in {
        f"p:nth-child({few + 1})": [few],
        f"p:nth-last-child({few + 1})": [5 - few],
        f"p:nth-child(-n+{few})": list(range(few)),
        "p:first-child": [0],
        "p:last-of-type": [5],
        "p:not(:last-child)": [0, 1, 2, 3, 4],
    }.items():
        found = read(body, metadata=(f"author={selector}",), ignore=(selector,))
        assert ruled(found).counts == (len(wanted), len(wanted)), selector
        assert found.author == (f"word{wanted[0]}" if wanted else None), selector


SELECTORS = st.sampled_from(
    ["html", "body", "*", "p", "main", "main *", ".offer", ".views", "h1", "head", "p:first-child",
     "div, p", ":not(p)", "nav ~ *", "a[href]"]
)  # fmt: skip
LISTS = st.lists(SELECTORS, max_size=3).map(tuple)


@given(LISTS, LISTS, LISTS)
def test_no_rules_lose_the_text_of_a_page(
    content: tuple[str, ...], remove: tuple[str, ...], ignore: tuple[str, ...]
) -> None:
    found = read(PAGE.format(**FIRST), content=content, remove=remove, ignore=ignore)
    assert found.text.strip()
    assert {link.url for link in found.links} >= {"https://example.org/start"}
    if found.ruled:
        assert (ruled(found).compared is None) == (not ignore)
        again = read(PAGE.format(**FIRST), content=content, remove=remove, ignore=ignore)
        assert again == found, "the same bytes by the same rules are the same page"
