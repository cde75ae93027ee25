"""Learns the weights by which a page's title and date are chosen, and says how well others do.

A conditional logit: the weights under which the right answers of all pages are likeliest among
their candidates, held small. Folds are made by host, so that no site is in two of them.
`python -m benchmarks.weights` writes `atlas/text/metadata/learnt_weights.py` from all of the pages.
"""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from atlas.domain.errors import PageError
from atlas.text.markup.charset import decode
from atlas.text.markup.dom import parse_html
from atlas.text.markup.unclosed import close
from atlas.text.metadata import learnt_weights
from atlas.text.metadata.head import read_head
from atlas.text.metadata.page_signs import signs_of
from atlas.text.metadata.publication import date_answers
from atlas.text.metadata.site_names import key_of
from atlas.text.metadata.titles import title_answers
from benchmarks.datasets import DATA

MIXED = DATA / "mixed"
FOLDS = 5
_RARE = 10  # candidates that a mark needs, to have a weight
_STEPS = 250
_RATE = 0.1
_HELD = {"titles": 0.01, "dates": 0.003}
_LEAST = 0.05  # weight below which a mark is left out
NONE_BIAS = -0.4
"""Added to "this page has no date": as learnt, a wrong date and a missing one cost the same, and
the goals allow fewer to be missing."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgedPage:
    """One page with the candidates of both questions, and the truth."""

    html: str
    url: str
    kind: str
    title: str
    date: str | None
    titles: Sequence[Any]
    dates: Sequence[Any]

    @property
    def fold(self) -> int:
        """Which part of the pages its site belongs to."""
        site = ".".join((urlsplit(self.url).hostname or "").split(".")[-2:])
        return int(hashlib.md5(site.encode(), usedforsecurity=False).hexdigest(), 16) % FOLDS

    def title_holds(self, answer: Any) -> bool:
        """Whether a candidate is the title, but for its spelling."""
        return key_of(answer.value) == key_of(self.title)

    def date_holds(self, answer: Any) -> bool:
        """Whether a candidate is the day of publication, or rightly none."""
        return self.date == (answer.value and str(answer.value.date()))


def judged_pages() -> Iterator[JudgedPage]:
    """The pages of the mixed set, whose titles and dates are known."""
    for key, truth in json.loads((MIXED / "ground-truth.json").read_text()).items():
        html = decode(gzip.decompress((MIXED / "html" / f"{key}.html.gz").read_bytes()), None)
        try:
            tree = parse_html(close(html).html)
        except PageError:
            continue
        head, signs, url = read_head(tree), signs_of(tree), truth["url"]
        titles = title_answers(tree, head, signs, url)
        dates = date_answers(tree, head, signs, url)
        told = (truth["page_type"], truth["title"], truth["publish_date"])
        yield JudgedPage(html, url, *told, titles, dates)


class WeightLesson:
    """The candidates of all pages for one question, as the rows of one table."""

    def __init__(
        self, rows: list[Sequence[Any]], right: list[Callable[[Any], bool]], hold: float
    ) -> None:
        counts = Counter(mark for row in rows for answer in row for mark in answer.marks)
        self.marks = [mark for mark, count in counts.items() if count >= _RARE]
        self._hold = hold
        at = {mark: number for number, mark in enumerate(self.marks)}
        answers = [(page, answer) for page, row in enumerate(rows) for answer in row]
        self._page = np.array([page for page, _ in answers])
        self._right = np.array([right[page](answer) for page, answer in answers], float)
        self._features = np.zeros((len(answers), len(self.marks)))
        for number, (_, answer) in enumerate(answers):
            for mark, value in answer.marks.items():
                if mark in at:
                    self._features[number, at[mark]] = value

    def learn(self, pages: Sequence[int]) -> Floats:
        """The weights of all marks, from those of the pages that can be answered."""
        chosen = np.isin(self._page, np.array(pages))
        chosen &= np.isin(self._page, self._page[self._right > 0])
        features, right, page = self._features[chosen], self._right[chosen], self._page[chosen]
        starts = np.flatnonzero(np.diff(page, prepend=-1))
        sizes = np.diff(np.append(starts, len(page)))
        weights = np.zeros(len(self.marks))
        mean, square = np.zeros_like(weights), np.zeros_like(weights)
        for step in range(1, _STEPS + 1):  # Adam
            scores = features @ weights
            likely = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), sizes))
            wanted = likely * right
            likely /= np.repeat(np.add.reduceat(likely, starts), sizes)
            wanted /= np.repeat(np.maximum(np.add.reduceat(wanted, starts), 1e-12), sizes)
            slope = (likely - wanted) @ features / len(starts) + self._hold * weights
            mean = 0.9 * mean + 0.1 * slope
            square = 0.99 * square + 0.01 * slope * slope
            scaled = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
            weights = weights - _RATE * scaled
        return weights

    def table(self, weights: Floats) -> dict[str, float]:
        """The weights by name, without those that hardly count."""
        named = zip(self.marks, map(float, weights), strict=True)
        return {mark: round(value, 2) for mark, value in sorted(named) if abs(value) >= _LEAST}


def title_lesson(pages: Sequence[JudgedPage]) -> WeightLesson:
    """Which text is the title."""
    return WeightLesson([p.titles for p in pages], [p.title_holds for p in pages], _HELD["titles"])


def date_lesson(pages: Sequence[JudgedPage]) -> WeightLesson:
    """Which date is the page's own."""
    return WeightLesson([p.dates for p in pages], [p.date_holds for p in pages], _HELD["dates"])


def with_bias(weights: dict[str, float]) -> dict[str, float]:
    """The weights of dates, with no date as likely as the goals want it."""
    return {**weights, "none": round(weights.get("none", 0.0) + NONE_BIAS, 2)}


def write() -> None:
    """Learn from all pages and write the table."""
    pages = list(judged_pages())
    lessons = {"TITLES": title_lesson(pages), "DATES": date_lesson(pages)}
    everything = range(len(pages))
    tables = {name: each.table(each.learn(everything)) for name, each in lessons.items()}
    tables["DATES"] = with_bias(tables["DATES"])
    lines = [
        '"""What each mark of a title or a date weighs: from `python -m benchmarks.weights`."""',
        "",
    ]
    for name, table in tables.items():
        rows = (f'    "{mark}": {value},' for mark, value in table.items())
        lines += [f"{name} = {{", *rows, "}"]
    Path(learnt_weights.__file__).write_text("\n".join([*lines, ""]))
    print(
        f"{len(pages)} pages; " + ", ".join(f"{len(v)} weights of {k}" for k, v in tables.items())
    )


if __name__ == "__main__":
    write()
