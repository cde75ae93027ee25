"""Pages whose text scripts put there: read from the data they come with, put where a browser puts
it, or recognised as in need of a browser. Never is a notice the text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import PageError
from atlas.domain.extraction.extraction_rules import ExtractionRules
from atlas.domain.removal.bad_bodies.kinds import BodyKind
from atlas.domain.texts import Extracted
from atlas.text.extract import extract
from atlas.text.main_text.embedded_state import embedded_blocks
from atlas.text.markup.dom import parse_html
from atlas.text.metadata.head import read_head

SENTENCE = "The harbour was full of boats when the ferry came in at last, late in the evening."
STORY = " ".join(f"{number}. {SENTENCE}" for number in range(8))
OTHER = "Nobody on the quay had expected so many passengers, and all the hotels were closed."
BUNDLE = '<script src="/static/main.4f2a.js" defer></script>'
NOTICE = "<noscript>You need to enable JavaScript to run this app.</noscript>"
NAV = "<nav><a href=/a>Home</a> <a href=/b>News of the day</a> <a href=/c>Contact</a></nav>"


def read(body: str, head: str = BUNDLE, rules: ExtractionRules | None = None) -> Extracted:
    html = f"<!doctype html><html><head><title>Ferries</title>{head}</head><body>{body}"
    url = "https://site.example/page"
    return extract(
        f"{html}</body></html>".encode(), "text/html", "utf-8", url, rules or ExtractionRules()
    )


def state(data: Any, name: str = "__NEXT_DATA__") -> str:
    return f'<script id="{name}" type="application/json">{json.dumps(data)}</script>'


def props(**page: Any) -> dict[str, Any]:
    return {"props": {"pageProps": page, "footer": OTHER * 9}, "buildId": "x", "locale": "en"}


SHELLS = {
    "create-react-app": (f"{NOTICE}<div id=root></div>", "#root is empty"),
    "next": ("<div id=__next></div>", "#__next is empty"),
    "angular": ("<app-root></app-root>", "<app-root> is empty"),
    "waiting": ("<div id=app><div class=spinner>Loading…</div></div>", "it says 'Loading…'"),
    "waiting, German": ("<div id=app><p>Bitte warten</p></div>", "it says 'Bitte warten'"),
    "waiting, Japanese": ("<div id=app><p>読み込み中です</p></div>", "it says"),
    "navigation alone": (f"{NAV}<div id=app></div>", "#app is empty"),
    "visible request": ("<div id=root>Please enable JavaScript.</div>", "#root is still"),
    "unknown root": ("<div id=x7></div>", "nothing is shown"),
    "a title": (f"<h1>Ferries</h1><div id=x7></div>{NOTICE}", "<noscript> asks for JavaScript"),
    "Chinese notice": ("<i></i><noscript>请启用 JavaScript</noscript>", "<noscript>"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "said"), SHELLS.values(), ids=SHELLS)
def test_a_page_that_scripts_fill_needs_a_browser_and_says_why(body: str, said: str) -> None:
    with pytest.raises(PageError) as caught:
        read(body)
    assert (caught.value.error_class, caught.value.code) == ("invalid", "needs_browser")
    assert said in caught.value.message
    assert "1 script" in caught.value.message


def test_a_long_notice_to_turn_scripts_on_is_no_text() -> None:
    wall = "JavaScript is turned off. Open the settings of your browser and turn it on there. " * 12
    with pytest.raises(PageError) as caught:
        read(f"<div id=root></div><noscript><h1>Oops</h1><p>{wall}</p></noscript>")
    assert caught.value.code == "needs_browser"
    story = "".join(f"<p>{OTHER}</p>" for _ in range(4))
    assert "turned off" not in read(f"{story}<noscript><p>{wall}</p></noscript>").text


def test_a_thread_about_javascript_for_readers_without_it_is_a_text() -> None:
    posts = "".join(f"<p>How do I turn on JavaScript? {SENTENCE}</p>" for _ in range(9))
    thread = f"<noscript><article itemprop=text>{posts}</article></noscript>"
    assert "turn on JavaScript" in read(f"<div id=app></div>{thread}").text


ORDINARY = {
    "short page of an app": "<div id=app><h1>Contact</h1><p>Call us at noon.</p></div>",
    "about JavaScript": "<div id=root><h1>JavaScript</h1><p>A small language.</p></div>",
    "notice on a short page": f"<h1>Thank you</h1><p>Your order is on its way to you.</p>{NOTICE}",
    "empty widget on a page": f"<h1>Ferries</h1><p>{OTHER}</p><div id=app></div>",
    "page of links": "<div id=app></div><ul>"
    + "".join(f"<li><a href=/{n}>The ferry number {n}</a>" for n in range(20)),
    "loading as a word": f"<div id=app><h1>Loading of ferries</h1><p>{OTHER}</p></div>",
    "hidden until it runs": f"<div id=app style='visibility:hidden'><p>{OTHER}</p></div>",
}


@pytest.mark.parametrize("body", ORDINARY.values(), ids=ORDINARY)
def test_a_short_page_is_not_taken_for_an_empty_one(body: str) -> None:
    assert read(body).text


def test_without_scripts_nothing_could_fill_the_page() -> None:
    with pytest.raises(PageError, match="no visible text"):
        read("<div id=root></div>", head="")
    with pytest.raises(PageError, match="no visible text"):  # a picture is what there is to see
        read("<img src=a.jpg><video src=b.mp4></video>")


def test_a_page_that_hides_its_rest_says_that() -> None:
    with pytest.raises(PageError, match="left out") as caught:
        read(f"<div id=root></div><!-- never closed <p>{SENTENCE}</p>")
    assert caught.value.code == "no_text"


def test_a_check_for_humans_that_asks_for_scripts_stays_one() -> None:
    found = read(
        "<h1>Just a moment...</h1><p>Enable JavaScript and cookies to continue</p>",
        "<title>Just a moment...</title><script src=/cdn-cgi/challenge-platform/h/b/orchestrate/"
        "chl_page/v1></script><script>window._cf_chl_opt={};</script>",
    )
    assert found.verdict is not None
    assert found.verdict.kind == BodyKind.CHALLENGE


def test_what_a_source_declares_as_its_text_is_asked_of_no_browser() -> None:
    rules = ExtractionRules(content=("h1",))
    assert read("<h1>Ferries</h1><div id=app></div>", rules=rules).text == "Ferries"
    with pytest.raises(PageError, match="empty"):  # the rule selects nothing
        read("<div id=app></div>", rules=rules)


def test_the_article_of_next_js_is_read_from_its_data() -> None:
    post = {"title": "Ferries at night", "html": f"<p>{STORY}</p><h3>Later</h3><p>{OTHER}</p>"}
    more = [{"title": "More", "summary": f"{SENTENCE} And no more."}]
    data = props(post=post, teasers=more, messages={"a": OTHER * 9}, i18n={"b": SENTENCE * 9})
    found = read(f"<div id=__next></div>{state(data)}")
    assert found.text.split("\n\n") == ["Ferries at night", STORY, "Later", OTHER]
    assert found.markdown.startswith("## Ferries at night")


def test_a_list_in_the_data_is_all_of_it() -> None:
    posts = [{"title": f"Post {n}", "text": f"{n}: {SENTENCE}"} for n in range(9)]
    text = read(f"<div id=__next></div>{state(props(posts=posts))}").text
    assert text.split("\n\n") == [line for each in posts for line in (each["title"], each["text"])]


def _run(text: str) -> dict[str, Any]:
    return {"nodeType": "text", "value": text, "marks": []}


CONTENTFUL = {
    "nodeType": "document",
    "content": [
        {"nodeType": "heading-2", "content": [_run("At night")]},
        *(
            {
                "nodeType": "paragraph",
                "content": [
                    _run(f"{n}: {SENTENCE} "),
                    {"nodeType": "hyperlink", "data": {"uri": "/x"}, "content": [_run("More")]},
                    _run("."),
                ],
            }
            for n in range(6)
        ),
    ],
}
SANITY = [
    {"_type": "block", "style": "h2", "children": [{"_type": "span", "text": "At night"}]},
    *(
        {
            "_type": "block",
            "style": "normal",
            "children": [
                {"_type": "span", "text": f"{n}: {SENTENCE} "},
                {"_type": "span", "marks": ["em"], "text": "More"},
                {"_type": "span", "text": "."},
            ],
        }
        for n in range(6)
    ),
]


@pytest.mark.parametrize("body", [CONTENTFUL, SANITY], ids=["contentful", "sanity"])
def test_rich_text_is_read_run_by_run(body: Any) -> None:
    text = read(
        f"<div id=__next></div>{state(props(entry={'title': 'Ferries', 'body': body}))}"
    ).text
    paragraphs = [f"{n}: {SENTENCE} More." for n in range(6)]
    assert text.split("\n\n") == ["Ferries", "At night", *paragraphs]


PLACES = {
    "nuxt": state(
        [["Reactive", 1], {"data": 2}, {"post": 3}, {"title": 4, "body": 5}, "Ferries", STORY],
        "__NUXT_DATA__",
    ),
    "assigned": f"<script>window.__INITIAL_STATE__ = {json.dumps({'body': STORY})};run()</script>",
    "assigned as text": "<script>self['__PRELOADED_STATE__']=JSON.parse("
    f"{json.dumps(json.dumps({'body': STORY}))});</script>",
    "inertia": f"<div id=app data-page='{json.dumps({'props': {'post': {'body': STORY}}})}'></div>",
    "discourse": "<div id=data-preloaded data-preloaded='"
    + json.dumps({"topic_1": json.dumps({"posts": [{"cooked": f"<p>{STORY}</p>"}]})})
    + "'></div>",
    "json-ld": '<script type="application/ld+json">'
    + json.dumps({"@type": "JobPosting", "title": "Mate", "description": f"<p>{STORY}</p>"})
    + "</script>",
}


@pytest.mark.parametrize("data", PLACES.values(), ids=PLACES)
def test_the_text_is_found_wherever_a_page_keeps_its_data(data: str) -> None:
    assert STORY in read(f"<div id=root></div>{data}").text


def test_data_counts_for_nothing_on_a_page_that_shows_its_text() -> None:
    shown = "".join(f"<p>{number}: {OTHER}</p>" for number in range(9))
    text = read(f"<div id=__next>{shown}</div>{state(props(post={'body': STORY}))}").text
    assert SENTENCE not in text
    assert f"8: {OTHER}" in text


@pytest.mark.parametrize(
    "data",
    [
        props(settings={"words": STORY}, cookies={"banner": STORY}),  # no text of the page
        props(code="function a() {\n return '" + STORY + "';\n}"),
        props(labels=[f"Label {n}" for n in range(500)]),  # no sentences
        [1, 2, 3],
        "text",
    ],
)
def test_data_without_a_text_leaves_the_page_in_need_of_a_browser(data: Any) -> None:
    with pytest.raises(PageError) as caught:
        read(f"<div id=__next></div>{state(data)}")
    assert caught.value.code == "needs_browser"


JSON = st.recursive(
    st.none() | st.integers(-3, 9) | st.text(max_size=20) | st.just(STORY) | st.just("<p>a</p>"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["title", "content", "children", "text", "type", "value", "body"]),
            inner,
        )
    ),
    max_leaves=25,
)


@given(JSON, st.sampled_from(["__NEXT_DATA__", "__NUXT_DATA__"]))
def test_any_data_gives_a_text_or_none(data: Any, name: str) -> None:
    tree = parse_html(f"<div id=__next></div>{state(data, name)}")
    blocks = embedded_blocks(tree, read_head(tree))
    assert all(block.text.strip() for block in blocks)
    assert not blocks or sum(len(block.key) for block in blocks) >= 300


def test_data_that_leads_in_circles_or_deep_ends() -> None:
    circle = [{"a": 0, "b": 1, "c": 2}, {"a": 0, "b": 2}, {"a": 1, "text": 3}, STORY]
    assert STORY in read(f"<div id=__nuxt></div>{state(circle, '__NUXT_DATA__')}").text
    deep = '{"a":' * 50_000 + "1" + "}" * 50_000
    with pytest.raises(PageError, match="made by scripts"):
        read("<div id=__next></div>" + state("DEEP").replace('"DEEP"', deep))


def test_a_shadow_root_is_read_where_it_is_shown() -> None:
    card = (
        "<my-card><template shadowrootmode=open><style>p{}</style><h2><slot name=head>None</slot>"
        f"</h2><p>{OTHER}</p><slot></slot></template><b slot=head>Boats</b><p>Below it.</p>"
        "Last.<i slot=nowhere>Unseen.</i></my-card>"
    )
    text = read(f"<h1>Ferries</h1>{card}<p>The end.</p>").text
    assert text.split("\n\n") == ["Ferries", "Boats", OTHER, "Below it.", "Last.", "The end."]


def test_shadow_roots_within_each_other_keep_their_slots_apart() -> None:
    inner = "<in-ner><template shadowrootmode=closed><p>In: <slot></slot></p></template>{}</in-ner>"
    outer = (
        f"<out-er><template shadowrootmode=open>{inner.format('<slot name=a></slot>')}"
        "<p>Out: <slot>default</slot></p></template><b slot=a>light</b></out-er>"
    )
    assert read(outer).text.split("\n\n") == ["In: light", "Out: default"]


def test_a_plain_template_stays_unseen() -> None:
    text = read(f"<p>{OTHER}</p><template><p>{SENTENCE}</p></template>").text
    assert text == OTHER


def test_parts_that_are_streamed_stand_where_scripts_put_them() -> None:
    part = "<div hidden id=S:{}>{}</div><script>$RC('B:{}','S:{}')</script>"
    text = read(
        "<h1>Ferries</h1><main><template id=B:0></template></main><p>The end.</p>"
        + part.format(0, f"<p>{OTHER}</p><template id=P:1></template>", 0, 0)
        + part.format(1, f"<p>{SENTENCE}</p>", 1, 1)
        + part.format(2, "<p>Of no place.</p>", 2, 2)
    ).text
    assert text.split("\n\n") == ["Ferries", OTHER, SENTENCE, "The end."]


def test_a_page_that_is_too_deep_once_its_parts_are_placed_loses_no_word() -> None:
    hosts = "<x-a><template shadowrootmode=open><div><slot></slot></div></template>" * 90
    text = read(f"{hosts}<p>{SENTENCE}</p>{'</x-a>' * 90}<p>{OTHER}</p>").text
    assert SENTENCE in text
    assert OTHER in text
