"""Bodies that are not the page are recognised, in many languages; ordinary pages are not."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import PageError
from atlas.domain.removal.bad_bodies.kinds import BodyVerdict
from atlas.text.extract import extract
from tests.text.bad_pages.held_out import HELD_OUT
from tests.text.bad_pages.looks import BadPage, bare, pages_of
from tests.text.bad_pages.ordinary import ORDINARY
from tests.text.bad_pages.products import PRODUCTS
from tests.text.bad_pages.tuned import TUNED

RECOGNISED = 0.95
FALSE_ALARMS = 0.001
_DATA = Path("../shared/data").resolve()


def taken_for(html: str, url: str = "https://example.org/guides/tides") -> BodyVerdict | None:
    verdict = extract(html.encode(), "text/html", "utf-8", url).verdict
    return verdict if verdict is not None and verdict.certain else None


def missed(pages: list[BadPage]) -> list[str]:
    return [page.name for page in pages if not taken_for(page.html, page.url)]


@pytest.mark.parametrize(
    ("wordings", "least"), [(HELD_OUT, 100), (TUNED, 100)], ids=["held out", "tuned"]
)
def test_bad_pages_in_many_languages_are_recognised(wordings: tuple, least: int) -> None:
    """The first set was written before the table of phrases: its figure is the honest one."""
    pages = list(pages_of(wordings))
    missing = missed(pages)
    print(f"{len(pages) - len(missing)} of {len(pages)} recognised")
    assert len(pages) >= least
    assert len(missing) <= (1 - RECOGNISED) * len(pages), missing


def test_what_products_send_is_recognised_as_what_it_is() -> None:
    assert {name: _kind(html) for name, (_, html) in PRODUCTS.items()} == {
        name: kind for name, (kind, _) in PRODUCTS.items()
    }


def _kind(html: str) -> str:
    verdict = taken_for(html)
    return verdict.kind.value if verdict else "the page"


def test_the_kind_is_told_with_evidence_from_several_sides() -> None:
    pages = list(pages_of(TUNED))
    verdicts = [(page, taken_for(page.html)) for page in pages]
    wrong = [page.name for page, verdict in verdicts if verdict and verdict.kind != page.kind]
    assert len(wrong) <= 0.05 * len(pages), wrong
    assert all(len(verdict.evidence) >= 2 for _, verdict in verdicts if verdict)


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_pages_are_no_bad_ones(name: str) -> None:
    assert taken_for(ORDINARY[name]) is None


@pytest.mark.parametrize("page", list(pages_of(TUNED[:2])), ids=lambda page: page.name)
def test_no_phrase_makes_a_bad_page_of_an_article(page: BadPage) -> None:
    """All that a bad page says, at the top of an article with a title of its own."""
    body = page.html.partition("<body")[2].partition(">")[2].partition("</body>")[0]
    story = "".join(
        f"<p>On the {day}. day the fog lay upon the sound until noon, and those who had to cross "
        "took the bus around the bay, as their mothers had done before the ferry came.</p>"
        for day in range(1, 31)
    )
    html = bare(f"<h1>Thirty days of fog</h1>{body}{story}", lang="en", title="Thirty days of fog")
    assert taken_for(html) is None


@given(st.text(max_size=400), st.text(max_size=60))
def test_any_text_can_be_looked_at(text: str, title: str) -> None:
    try:
        found = extract(
            bare(text, lang="", title=title).encode("utf-8", "replace"),
            "text/html",
            None,
            "https://a.example/",
        )
    except PageError:
        return
    assert found.verdict is None or found.verdict.evidence


@pytest.mark.slow
@pytest.mark.skipif(not _DATA.is_dir(), reason="the extraction pages are not here")
def test_false_alarms_on_real_pages() -> None:
    pages, alarms = 0, Counter[str]()
    for folder in ("extraction", "mixed"):
        known = json.loads((_DATA / folder / "ground-truth.json").read_text())
        for file in sorted((_DATA / folder / "html").glob("*.gz")):
            url = known[file.name.partition(".")[0]].get("url") or "https://example.org/"
            pages += 1
            try:
                verdict = extract(gzip.decompress(file.read_bytes()), None, None, url).verdict
            except PageError:
                continue
            if verdict and verdict.certain:
                alarms[f"{url}: {verdict.says}"] += 1
    print(f"{len(alarms)} false alarms on {pages} pages")
    assert pages > 500
    assert len(alarms) <= FALSE_ALARMS * pages, list(alarms)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Bus {}", "Runs from the harbour to the quarry every ten minutes until midnight."),
        ("Zimmer {}", "Zwei Betten, Dusche, Blick auf den Hof; Frühstück ab sieben Uhr."),
        ("Chapitre {}", "Le capitaine revint à l'aube, et personne ne lui demanda rien."),
        ("Скважина {}", "Пробурена весной, глубина сорок метров, вода пресная."),
        ("第{}回", "港から石切場まで歩き、途中の茶屋で休んだ話。"),
    ],
)
@pytest.mark.parametrize("number", [401, 403, 404, 410, 429, 500, 503])
def test_a_number_in_a_name_is_no_status_code(name: str, says: str, number: int) -> None:
    """A series has a member of every number, and a short text may be all there is on it."""
    title = name.format(number)
    page = (
        f"<!doctype html><title>{title}</title><main><h1>{title}</h1><p>{says}</p></main>"
        "<script src=/app.js></script>"
    )
    verdict = extract(page.encode(), "text/html", "utf-8", f"https://example.org/{number}").verdict
    assert verdict is None, verdict
