"""A page whose digest is the same gives the same, whatever was changed in its source."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.errors import PageError
from atlas.domain.extraction.extraction_rules import NO_RULES, ExtractionRules
from atlas.domain.texts import Extracted
from atlas.text.extract import extract
from atlas.text.markup.read_digest import ReadBefore

URL = "https://harbour.example/notes/lamp"
PARAGRAPHS = "".join(
    f"<p>Paragraph {n} tells of the lamp at the end of the quay, <a href='/boats/{n}'>of boat"
    f" {n}</a> and of those who rowed it through the fog before there was an engine.</p>"
    for n in range(14)
)
PAGE = f"""<!doctype html>
<html lang="en"><head><title>The lamp of the quay</title>
<meta name="csrf-token" content="T0KEN-1"><meta name="author" content="Ada Keeper">
<meta name="description" content="A lamp and its keepers">
<link rel="stylesheet" href="/main.css?v=B17D-1" integrity="sha256-HASH">
<link rel=canonical href="{URL}">
<style nonce="N0NCE-1">.lamp {{ color: red }} /* ST7LE-1 */</style>
<script nonce="N0NCE-1" src="/app.B17D-1.js"></script>
<script>window.advert = {{"slot": "ADVERT-1", "at": 1700000000}};</script>
<script type="application/ld+json">{{"@type": "Article", "headline": "The lamp of the quay",
 "datePublished": "2026-03-04", "author": {{"name": "Ada Keeper"}}}}</script></head>
<body class="note"><nav><a href="/">Home</a> <a href="/boats">Boats</a></nav>
<main><h1 id="lamp">The lamp of the quay<script>track("ADVERT-1")</script></h1>
<!-- built COMMENT-1 --><div class="byline">By Ada Keeper,
<time datetime="2026-03-04">4 March</time>
<script>var seen = "ADVERT-1";</script></div>{PARAGRAPHS}
<table><tr><th>Boat</th><th>Oars</th></tr><tr><td>Heron</td><td>4</td></tr></table>
<form action="/comment"><input type="hidden" name="csrf" value="T0KEN-1"><input name="text"></form>
</main><footer hidden>Counted</footer></body></html>"""
UNREAD = ("T0KEN-1", "B17D-1", "sha256-HASH", "N0NCE-1", "ST7LE-1", "ADVERT-1", "COMMENT-1")
"""What stands only where nothing is read."""
RULES = (NO_RULES, ExtractionRules(content=("main",), remove=("table",)))

Outcome = dict[str, object] | tuple[str, str]


def read(html: str, known: str | None = None, rules: ExtractionRules = NO_RULES) -> Extracted:
    return extract(html.encode(), "text/html", "utf-8", URL, rules, None, known)


def outcome(html: str, rules: ExtractionRules = NO_RULES) -> Outcome:
    """Everything that would be stored."""
    try:
        found = read(html, None, rules)
    except PageError as error:
        return error.code, str(error)
    return {
        each.name: getattr(found, each.name)
        for each in dataclasses.fields(found)
        if each.name != "read_digest"
    }


def says_the_same(html: str, known: str | None, rules: ExtractionRules) -> bool:
    try:
        read(html, known, rules)
    except ReadBefore:
        return True
    except PageError:
        return False
    return False


@pytest.mark.parametrize("token", UNREAD)
def test_what_nothing_reads_does_not_count(token: str) -> None:
    assert token in PAGE
    known = read(PAGE).read_digest
    assert known is not None
    other = PAGE.replace(token, "entirely-else")
    assert outcome(other) == outcome(PAGE)
    with pytest.raises(ReadBefore):
        read(other, known)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Paragraph 3 tells", "Paragraph 3 told"),
        ("/boats/5", "/boats/55"),
        ('lang="en"', 'lang="de"'),
        ('content="Ada Keeper"', 'content="Ida Keeper"'),
        ("2026-03-04", "2026-03-05"),
        ('"headline": "The lamp', '"headline": "A lamp'),
        (f"canonical href={URL!r}".replace("'", '"'), 'canonical href="/other"'),
        ('id="lamp"', 'id="light"'),
        ("<td>4</td>", "<td>6</td>"),
        ("<title>The", "<title>Of the"),
        ("footer hidden", "footer"),
    ],
)
def test_what_is_read_counts(old: str, new: str) -> None:
    assert old in PAGE
    known = read(PAGE).read_digest
    assert read(PAGE.replace(old, new), known).read_digest != known


def test_it_is_of_one_address_and_of_one_set_of_rules() -> None:
    known = read(PAGE).read_digest
    assert read(PAGE, known, RULES[1]).read_digest not in (None, known)
    elsewhere = extract(PAGE.encode(), "text/html", "utf-8", f"{URL}/2", known=known)
    assert elsewhere.read_digest != known
    assert extract(PAGE.encode(), "text/html", "utf-8", URL, title="Given", known=known)


def test_a_rule_may_select_what_nothing_else_reads() -> None:
    rules = ExtractionRules(metadata=("author=meta[name=csrf-token]",))
    known = read(PAGE, None, rules).read_digest
    assert known is not None
    assert read(PAGE.replace("T0KEN-1", "else"), known, rules).read_digest != known


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace(PARAGRAPHS, "<p>A few words.</p>"),  # its scripts may be its text
        PAGE.replace("<head>", "<head><meta name=robots content=noindex>"),
        PAGE.replace("<head>", "<head><meta name=robots content='unavailable_after: 2099-01-01'>"),
    ],
)
def test_a_page_whose_outcome_depends_on_more_has_none(page: str) -> None:
    assert read(page).read_digest is None


PIECES = st.sampled_from(
    (
        *("<", ">", "</div>", "<div>", "<p>", "<script>", "</script>", "<!--", "-->", "<style>"),
        *('"', "'", " hidden", " nonce=x", "<noscript>", "<template>", "<svg>", "text", "&amp;"),
        *("/", "=", "<input type=hidden value='a<b'>", "<link rel=icon>"),
        "<meta name=_csrf content=y>",
    )
)


@st.composite
def edited_pages(draw: st.DrawFn) -> str:
    """The page with up to three runs of its source replaced, in scripts and tags as anywhere."""
    html = PAGE
    for _ in range(draw(st.integers(1, 3))):
        token = html.find(draw(st.sampled_from(UNREAD)))
        near = token + draw(st.integers(-2, 12)) if token >= 0 else 0
        start = draw(st.one_of(st.just(max(0, near)), st.integers(0, len(html))))
        html = html[:start] + draw(PIECES) + html[start + draw(st.integers(0, 20)) :]
    return html


@pytest.mark.parametrize("rules", RULES, ids=["no rules", "rules"])
def test_whatever_is_edited_the_same_digest_means_the_same_outcome(rules: ExtractionRules) -> None:
    before, known = outcome(PAGE, rules), read(PAGE, None, rules).read_digest
    assert known is not None
    same = []

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(edited_pages())
    def check(html: str) -> None:
        if says_the_same(html, known, rules):
            same.append(html)
            assert outcome(html, rules) == before

    check()
    assert same or rules is not NO_RULES, "none of the edits was one that does not count"
