"""A corpus as large as wanted, in five scripts, with the words of real texts.

Each script takes its words from real texts (`datasets.py`) in the order of how often they occur
there, and behind them made ones, up to `VOCABULARY`; how often a word is drawn follows Zipf's law.
Chinese and Thai are cut into short pieces and written without blanks. There are no Arabic texts
among the data: the commonest words are listed here, the others are made of roots and patterns, as
Arabic words are. Lengths are distributed as those of pages: most are short, a few are long.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any

import numpy as np

from benchmarks.datasets import DATA

VOCABULARY = 200_000
WORDS_PER_TEXT = 600
SMALL = 50
"""One text in so many belongs to the small source."""
HOSTS = 400
DAYS = 2_000
"""Over which the dates of publication are spread."""


@dataclass(frozen=True)
class ScriptWords:
    """A script: the language, its part of the corpus, and its words, the commonest first."""

    name: str
    lang: str
    share: int
    """Of 20 texts."""
    words: tuple[str, ...]
    joint: str = " "
    questions: tuple[str, ...] = ()

    @cached_property
    def chances(self) -> Any:
        """For each word, how likely it or a commoner one is drawn (Zipf and Mandelbrot)."""
        weights = 1 / (np.arange(len(self.words)) + 2.7)
        return np.cumsum(weights) / weights.sum()

    def said(self, dice: Any, words: int) -> str:
        """So many words, in sentences, which begin with a capital: without one, a text has no place
        where a sentence ends."""
        ranks = np.searchsorted(self.chances, dice.random(words))
        drawn = [self.words[rank] for rank in ranks]
        sentences = (drawn[at : at + 12] for at in range(0, words, 12))
        return ". ".join(self.joint.join(each).capitalize() for each in sentences) + "."


@dataclass(frozen=True)
class GeneratedText:
    """One text of the corpus, with what searches filter by."""

    number: int
    script: ScriptWords
    title: str
    text: str

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(str(self.number).encode()).digest()

    @property
    def sources(self) -> list[str]:
        return ["all", "small"] if self.number % SMALL == 0 else ["all"]

    @property
    def host(self) -> str:
        return f"h{self.number % HOSTS}.example"

    @property
    def day(self) -> int:
        """Of publication, counted from the first."""
        return (self.number * 7919) % DAYS


def generated(start: int, end: int) -> Iterator[GeneratedText]:
    """The texts of these numbers, always the same."""
    dealt = [script for script in scripts() for _ in range(script.share)]
    random.Random(3).shuffle(dealt)
    for number in range(start, end):
        dice = np.random.default_rng(number)
        script = dealt[number % len(dealt)]
        # A median of .83 of the mean, and a tail.
        words = int(np.clip(WORDS_PER_TEXT * 0.83 * np.exp(dice.normal(0, 0.6)), 40, 4_000))
        title = script.said(dice, 5).rstrip(".")
        yield GeneratedText(number, script, title, script.said(dice, words))


@cache
def scripts() -> tuple[ScriptWords, ...]:
    """The scripts, from the data."""
    cranfield = _retrieval("cranfield", "docs")
    latin = _words([*_articles(), *cranfield], "[a-zß-öø-ÿ]+")
    russian = _words(_retrieval("xq_ru", "docs"), "[а-яё]+")
    return (
        ScriptWords("Latin", "en", 10, _filled(latin), " ", _retrieval("cranfield", "queries")),
        ScriptWords("Cyrillic", "ru", 3, _filled(russian), " ", _retrieval("xq_ru", "queries")),
        ScriptWords("Chinese", "zh", 3, _pieces("xq_zh", 1, 3), "", _retrieval("xq_zh", "queries")),
        ScriptWords("Thai", "th", 2, _pieces("xq_th", 3, 7), "", _retrieval("xq_th", "queries")),
        ScriptWords("Arabic", "ar", 2, _arabic()),
    )


def _articles() -> list[str]:
    said = []
    for folder, name in (("mixed", "main_content"), ("extraction", "articleBody")):
        truth = json.loads((DATA / folder / "ground-truth.json").read_text("utf-8"))
        said += [str(page.get(name) or "") for page in truth.values()]
    return said


def _retrieval(name: str, part: str) -> tuple[str, ...]:
    lines = (DATA / "retrieval" / name / f"{part}.jsonl").read_text("utf-8").splitlines()
    return tuple(str(json.loads(line)["text"]) for line in lines)


def _words(texts: Sequence[str], letters: str) -> list[str]:
    """The words, the commonest first; they are letters only, so that each is one wherever it
    stands."""
    found = Counter(word for text in texts for word in re.findall(letters, text.lower()))
    return [word for word, _ in found.most_common()]


def _filled(words: list[str]) -> tuple[str, ...]:
    """Up to the size of the vocabulary, with the beginning of one word and the end of another."""
    dice = random.Random(5)
    known = dict.fromkeys(words)
    while len(known) < VOCABULARY:
        one, other = dice.choice(words), dice.choice(words)
        known.setdefault(one[: dice.randint(2, 6)] + other[-dice.randint(2, 6) :])
    return tuple(known)[:VOCABULARY]


def _pieces(name: str, least: int, most: int) -> tuple[str, ...]:
    """Pieces of a text that has no blanks between words, the commonest first."""
    dice = random.Random(6)
    found: Counter[str] = Counter()
    for _ in range(5):
        for text in _retrieval(name, "docs"):
            # Marks of vowels and tones are no letters, and belong to them.
            for run in re.findall(r"[一-鿿]+|[฀-๿]+", text):
                at = 0
                while at < len(run):
                    size = dice.randint(least, most)
                    found[run[at : at + size]] += 1
                    at += size
    return tuple(piece for piece, _ in found.most_common(VOCABULARY))


_COMMON_ARABIC = (
    "في من على إلى أن هذا التي الذي عن مع هذه كان بين كل بعد ذلك كما أو قد لا ما هو هي لم أكثر "
    "عام قبل حيث خلال غير عند بن منذ ثم وقد حتى يمكن العالم دولة المدينة أيضا كانت وهو لها بها"
)
_PATTERNS = (
    "{}{}{}",
    "{}ا{}{}",
    "م{}{}و{}",
    "{}{}ي{}",
    "ت{}{}{}",
    "ي{}{}{}",
    "ا{}ت{}ا{}",
    "{}{}{}ة",
)


def _arabic() -> tuple[str, ...]:
    made = [
        before + pattern.format(*root)
        for root, pattern, before in product(
            product("بتحدرسعفقكلمن", "جخدرزسطعفقلم", "بتدرسعقلمنه"), _PATTERNS, ("", "ال", "و")
        )
    ]
    random.Random(7).shuffle(made)
    return tuple(dict.fromkeys([*_COMMON_ARABIC.split(), *made]))[:VOCABULARY]
