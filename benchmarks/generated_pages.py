"""Pages in 17 languages and four shapes whose text, title, date and language are known: made from
seeds, for whoever has no real pages, and so that no language goes unmeasured. `generated/` has the
sentences and the templates; every figure in them differs, so that no two pages say the same."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from benchmarks.page_sets import KnownPage

_FOLDER = Path(__file__).with_name("generated")
_SHAPES = ("article", "forum", "manual", "product")
_DATED = ("article",)
_NAMES = ("Kalvarin", "Ostrel", "Mirnava", "Toledun", "Baskir", "Velmora", "Junapo", "Sarkond")
_UNSPACED = ("th", "zh", "ja")


@dataclass(frozen=True, slots=True)
class GeneratedPage:
    """A page and what is true of it; `date` is an ISO date, or None where the page has none."""

    page: KnownPage
    language: str
    title: str
    date: str | None


@cache
def languages() -> dict[str, dict[str, Any]]:
    """The sentences and the words around them, by language."""
    return tomllib.loads((_FOLDER / "languages.toml").read_text("utf-8"))


def pages(each: int = 8, seed: int = 1) -> Iterator[GeneratedPage]:
    """So many pages of every shape in every language."""
    for language in languages():
        for shape in _SHAPES:
            for number in range(each):
                yield _page(
                    language, shape, number, random.Random(f"{language}{shape}{number}{seed}")
                )


def passages(language: str, count: int, paragraphs: int | None = None) -> list[str]:
    """So many texts of a language, no two alike, of so many paragraphs; None: of three to six."""
    rng = random.Random(language)
    words = languages()[language]
    return [" ".join(_paragraphs(words, language, rng)[:paragraphs]) for _ in range(count)]


def _page(language: str, shape: str, number: int, rng: random.Random) -> GeneratedPage:
    words = languages()[language]
    paragraphs = _paragraphs(words, language, rng)
    title, *others = _headlines(words, rng)
    day = str(date(2018, 1, 1) + timedelta(days=rng.randrange(2_500))) if shape in _DATED else None
    site = f"{rng.choice(_NAMES)} {rng.choice(('Times', 'Post', 'Wiki'))}"
    code = f"lamp --height {rng.randrange(900)}"
    html = _templates().get_template(f"{shape}.html").render(
        lang=language, title=title, others=others, chrome=words["chrome"], site=site,
        paragraphs=paragraphs, date=day, meta_date=day and number % 2, code=code,
        by=words["by"].format(author="Ada Lind"), published=words["published"].format(date=day),
        nick=rng.choice(_NAMES).lower(), price=rng.randrange(9, 900),
    )  # fmt: skip
    wanted = "\n".join([title, *paragraphs, *([code] if shape == "manual" else [])])
    url = f"https://{site.split()[0].lower()}{number}.example.org/{shape}/{rng.randrange(10**6)}"
    left_out = (words["chrome"][3], words["chrome"][4], words["chrome"][7])
    known = KnownPage(url, shape, url, html, wanted, tuple(paragraphs), left_out)
    return GeneratedPage(known, language, title, day)


def _paragraphs(words: dict[str, Any], language: str, rng: random.Random) -> list[str]:
    blank = "" if language in _UNSPACED else " "
    return [
        blank.join(
            sentence.format(n=rng.randrange(1_001, 9_999))
            for sentence in rng.sample(words["sentences"], 3)
        )
        for _ in range(rng.randint(3, 6))
    ]


def _headlines(words: dict[str, Any], rng: random.Random) -> list[str]:
    return [
        rng.choice(words["headlines"]).format(
            name=rng.choice(_NAMES), n=rng.randrange(1_001, 9_999)
        )
        for _ in range(6)
    ]


@cache
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(_FOLDER / "templates"), autoescape=True)
