"""Two fetches of one real page: what sites put into every answer anew makes no update, by itself or
by a rule; an edit does, by the same rules.

The pages are real, the second fetch is made of the first as sites make it: other tokens, counters,
dates and adverts at places where they stand on real sites.
"""

from __future__ import annotations

import gzip
import random
import re
from pathlib import Path

import pytest

from atlas.domain.errors import PageError
from atlas.domain.extraction.extraction_rules import NO_RULES, ExtractionRules
from atlas.domain.texts import Extracted
from atlas.text.extract import extract

_DATA = Path("../shared/data/mixed/html").resolve()
_PAGES = sorted(_DATA.glob("*.html.gz"))
_FEW, _MANY = 6, 100

pages = pytest.mark.skipif(not _PAGES, reason=f"no pages in {_DATA}")

IGNORE = ExtractionRules(
    ignore=(
        ".view-count", ".ad-slot", r"/Today is \w+, [0-9]{1,2} \w+ 20[0-9]{2}/", "time.rendered",
        r"/\([0-9]+\) /",
    )
)  # fmt: skip
_VIEWS = '<span class="view-count">{:,} views</span>'
_AD = (
    '<div class="ad-slot"><p>{}</p><a href="https://ads.example/{}">Learn more about this offer</a>'
    "</div>"
)
_OFFERS = ("Save on nets and ropes this season only", "A boat of your own, from a harbour near you")


def tokens(body: str, seed: int) -> str:
    """What no reader sees: a nonce, a token for forms, the moment of the answer, a release."""
    value = f"{random.Random(seed).getrandbits(128):032x}"
    head = (
        f'<meta name="csrf-token" content="{value}"><script nonce="{value}">var at={seed};</script>'
        f'<link rel="stylesheet" href="/site.css?v={seed}">'
    )
    foot = (
        f'<form><input type="hidden" name="authenticity_token" value="{value}"></form>'
        f"<!-- served by web{seed % 9} in {seed % 97} ms -->"
    )
    body = re.sub(r"(?i)</head>", lambda found: head + found[0], body, count=1)
    return re.sub(r"(?i)</body>", lambda found: foot + found[0], body, count=1)


def paragraphs(body: str, text: str) -> list[str]:
    """Paragraphs whose words are in the text, up to their end. With their tags: the words alone may
    stand in an attribute first."""
    found = re.findall(r"(?is)(<p[^>]*>([^<]{60,400}))</p>", body)
    return [each for each, words in found if " ".join(words.split()) in " ".join(text.split())]


def dressed(body: str, place: str, seed: int) -> str:
    """The page with a counter, a date, an advert and a count of messages, as at one fetch."""
    chance = random.Random(seed)
    counter = _VIEWS.format(chance.randrange(10, 10**6))
    day = f"Today is {chance.choice(['Monday', 'Friday'])}, {chance.randrange(1, 29)} May 2026"
    offer = _AD.format(_OFFERS[seed % 2], seed) if seed % 3 else ""
    stamp = f'<time class="rendered">{chance.randrange(24)}:{chance.randrange(10, 60)}</time>'
    inside = f"{place} {counter}</p>{offer}<p>{day}, and it is {stamp} here.</p><p>"
    body = body.replace(place, inside, 1)
    return re.sub(r"(?i)<title[^>]*>", lambda found: f"{found[0]}({seed}) ", body, count=1)


def read(body: str, rules: ExtractionRules = NO_RULES) -> Extracted:
    return extract(body.encode(), "text/html", "utf-8", "https://example.org/page", rules)


def compared(body: str) -> str | None:
    found = read(body, IGNORE)
    assert found.ruled is not None and found.ruled.fell_back is None
    return found.ruled.compared


def usable(many: int) -> list[tuple[str, str, str]]:
    """Name, body, and a paragraph of its text, of pages that have one."""
    found = []
    for path in _PAGES[:: max(1, len(_PAGES) // (2 * many))]:
        body = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        try:
            places = paragraphs(body, read(body).text)
        except PageError:
            continue
        if places:
            found.append((path.name, body, places[len(places) // 2]))
        if len(found) == many:
            break
    return found


def alone(each: tuple[str, str, str]) -> str | None:
    """The name of a page on which tokens alone are an update, or what is ignored is, or an edit is
    none; None: all is as it should be."""
    name, body, place = each
    if read(tokens(body, 1)).text_hash != read(tokens(body, 2)).text_hash:
        return f"{name}: tokens"
    one, other = (tokens(dressed(body, place, seed), seed) for seed in (4, 9))
    if read(one).text_hash == read(other).text_hash:
        return f"{name}: nothing of it is in the text, so it proves nothing"
    before = compared(one)
    if before != compared(other):
        return f"{name}: ignored"
    edited = other.replace(place, f"{place[:-30]} altogether {place[-30:]}", 1)
    return f"{name}: edit" if before == compared(edited) else None


def _check(many: int) -> None:
    chosen = usable(many)
    found = [said for each in chosen if (said := alone(each))]
    wrong = [said for said in found if "proves nothing" not in said]
    print(f"{len(chosen)} pages, {len(found) - len(wrong)} prove nothing, wrong: {wrong}")
    assert len(chosen) == many
    assert len(found) - len(wrong) <= many // 4
    assert not wrong


@pages
def test_what_comes_anew_with_each_answer_is_no_update_and_an_edit_is() -> None:
    _check(_FEW)


@pages
@pytest.mark.slow
def test_so_it_is_on_a_hundred_pages() -> None:
    _check(_MANY)
