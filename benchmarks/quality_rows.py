"""The figures of `quality.py`, one function a subject."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from atlas.domain.errors import PageError
from atlas.domain.prepared import PrepareJob
from atlas.domain.similarity.near_duplicates import sketch
from atlas.domain.texts import Extracted
from atlas.text.languages.language import language_of
from atlas.text.metadata.site_names import key_of
from atlas.text.prepare import prepare, warm_up
from benchmarks import generated_pages
from benchmarks.datasets import DATA
from benchmarks.language import LabelledText, passages
from benchmarks.near_duplicates import (
    COLLECTIONS,
    EDITED,
    joined_pairs,
    long_texts,
    manual_copies,
    recall,
    with_edits,
)
from benchmarks.page_sets import (
    KnownPage,
    PageScore,
    articles,
    f1_in_set_mix,
    mean_f1,
    mixed,
    score,
    snippet_f1,
)
from benchmarks.ranking import FOLDER, Collection, ndcg, quality_of, read
from benchmarks.snippets import COLLECTIONS as SNIPPETS
from benchmarks.snippets import densest, figures, today
from benchmarks.tantivy_alone import TantivyAlone

_UNSPACED = {"th": r".{1,4}", "zh": r".{1,2}", "ja": r".{1,2}"}
"""Without spaces, pieces as long as words are on average stand for them."""
_DECIDED = ("el", "he", "th", "zh", "ja", "ko")
"""Languages of scripts that hardly any other is written in."""


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One figure. `others` says what others reach, in words; `held`: it may not drop."""

    name: str
    value: float
    others: str = ""
    goal: str = ""
    more_is_better: bool = True
    held: bool = True

    @property
    def made(self) -> bool:
        """Whether it was measured on what generators make, and so without any data."""
        return "made" in self.name or self.name.startswith(("near-duplicates", "pages of a manual"))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one extractor says of a page."""

    score: PageScore
    title: str
    date: str | None
    lang: str


def real_texts() -> Iterator[QualityRow]:
    """Text, titles and dates of the real pages."""
    pages = articles() + mixed()
    if not pages:
        return
    warm_up()
    truths = {}
    for name in ("extraction", "mixed"):
        path = DATA / name / "ground-truth.json"
        truths |= json.loads(path.read_text()) if path.is_file() else {}
    (ours, cpu), (theirs, their_cpu) = _read_all(pages, _atlas), _read_all(pages, _trafilatura)
    goals = {"article set": "0.965"}
    for kind in sorted({page.kind for page in pages}):
        yield _f1(f"F1, {kind}", ours, theirs, kind, goals.get(kind, ""))
    yield _f1("F1, mixed pages", ours, theirs, None)
    mixes = [f1_in_set_mix([each.score for each in some]) for some in (ours, theirs)]
    if mixes[0] is not None:
        name = "F1, mixed pages, in the mix of the whole set"
        yield QualityRow(name, mixes[0], f"trafilatura {mixes[1]:.3f}", "0.865")
    value, other = (snippet_f1([each.score for each in some]) for some in (ours, theirs))
    yield QualityRow("F1, snippets of mixed pages", value, f"trafilatura {other:.3f}", "0.930")
    truth = [(truths[p.key].get("title"), truths[p.key].get("publish_date")) for p in pages]
    yield from _metadata("", truth, ours, theirs)
    ratio = cpu / their_cpu
    yield QualityRow("CPU of all preparing", ratio, "trafilatura 1", "0.5", False, held=False)


def generated_texts() -> Iterator[QualityRow]:
    """The same for pages made from seeds, and the language of each without its declaration."""
    warm_up()
    known = list(generated_pages.pages())
    pages = [each.page for each in known]
    (ours, _), (theirs, _) = _read_all(pages, _atlas), _read_all(pages, _trafilatura)
    for shape in sorted({page.kind for page in pages}):
        yield _f1(f"F1, made: {shape}", ours, theirs, shape)
    for language in generated_pages.languages():
        chosen = [at for at, each in enumerate(known) if each.language == language]
        value, other = (fmean(some[at].score.f1 for at in chosen) for some in (ours, theirs))
        yield QualityRow(f"F1, made: {language}", value, f"trafilatura {other:.3f}")
    yield from _metadata("made: ", [(each.title, each.date) for each in known], ours, theirs)


def languages_told() -> Iterator[QualityRow]:
    """How often the language of a made page, and of a few words, is told right."""
    whole: list[bool] = []
    decided: list[bool] = []
    others: list[bool] = []
    for language, words in generated_pages.languages().items():
        texts = generated_pages.passages(language, 20)
        whole += [language_of(text, None) == language for text in texts]
        short = [language_of(text, None) == language for text in words["short"]]
        (decided if language in _DECIDED else others).extend(short)
    for group, texts in _first_words().items():
        right = fmean(language_of(each.text, None) == each.truth for each in texts)
        goal = "0.95" if texts[0].truth in _DECIDED else "0.85"
        yield QualityRow(f"language of questions, {group}", right, "", goal)
    yield QualityRow("language of a made text, not declared", fmean(whole), "", "0.999")
    yield QualityRow(
        "language of made questions, scripts that decide it", fmean(decided), "", "0.95"
    )
    yield QualityRow("language of made questions, others", fmean(others), "", "0.85")


def rankings() -> Iterator[QualityRow]:
    """nDCG@10 of each collection, beside tantivy with its own analyser."""
    for folder in sorted(FOLDER.iterdir()) if FOLDER.is_dir() else []:
        yield asyncio.run(_ranking(read(folder)))
    for language in generated_pages.languages():
        yield asyncio.run(_ranking(_ranked_texts(language)))


def snippets() -> Iterator[QualityRow]:
    """Whether snippets show what answers, beside those of the version before."""
    there = [name for name in SNIPPETS if (FOLDER / name).is_dir()]
    for name in there:
        now, before = figures(name, today), figures(name, densest)
        told = f"0.6: {before.holds:.3f}"
        yield QualityRow(f"snippet holds the wanted passage, {name}", now.holds, told, "0.95")
        told = f"0.6: {before.empty:.3f}"
        yield QualityRow(f"marks on stop words alone, {name}", now.empty, told, "0", False)


def copies() -> Iterator[QualityRow]:
    """Near-duplicates found and imagined, and what a manual's readers would miss."""
    found = defaultdict(list)
    for language in generated_pages.languages():
        some = generated_pages.passages(language, 40)
        for share in EDITED:
            found[share].append(recall(sketch, some, list(_edited(some, language, share))))
    goals = {0.05: "1", 0.10: "1", 0.20: "0.95"}
    for share in EDITED:
        name = f"near-duplicates found, {share:.0%} of words edited"
        yield QualityRow(name, fmean(found[share]), "", goals.get(share, ""))
    real = [text for name in COLLECTIONS if (FOLDER / name).is_dir() for text in long_texts(name)]
    if real:
        _, false, _ = joined_pairs(sketch, real)
        yield QualityRow("false pairs of near-duplicates", false, "", "0", more_is_better=False)
    joined, hidden, before = manual_copies()
    yield QualityRow("pages of a manual joined", joined / 1000, f"words alone {before / 1000}",
                     "0.05", more_is_better=False)  # fmt: skip
    yield QualityRow("pages of a manual hidden", hidden / 1000, "", "0", more_is_better=False)


def _first_words() -> dict[str, list[LabelledText]]:
    found = defaultdict(list)
    for each in passages():
        if each.group.endswith(" words"):
            found[each.group].append(each)
    return found


def _atlas(page: KnownPage) -> _Reading:
    job = PrepareJob(page.html.encode(), "text/html", "utf-8", page.url)
    try:
        found: Extracted = prepare(job).extracted
    except PageError:
        return _Reading(score(page, ""), "", None, "")
    day = str(found.published.date()) if found.published else None
    return _Reading(score(page, found.text), found.title, day, found.lang)


def _trafilatura(page: KnownPage) -> _Reading:
    from trafilatura import bare_extraction

    found: Any = bare_extraction(
        page.html, url=page.url, include_comments=False, with_metadata=True
    )
    if found is None:
        return _Reading(score(page, ""), "", None, "")
    return _Reading(score(page, str(found.text or "")), found.title or "", found.date, "")


def _read_all(
    pages: Sequence[KnownPage], read_page: Callable[[KnownPage], _Reading]
) -> tuple[list[_Reading], float]:
    """What is read, and the seconds of CPU time that it takes."""
    read_page(pages[0])  # models and patterns load once
    began = time.process_time()
    return [read_page(page) for page in pages], time.process_time() - began


def _f1(
    name: str, ours: list[_Reading], theirs: list[_Reading], kind: str | None, goal: str = ""
) -> QualityRow:
    """Of one kind of page, or of all but the articles."""
    values = []
    for some in (ours, theirs):
        scores = [each.score for each in some if kind or each.score.kind != "article set"]
        values.append(mean_f1(scores, kind))
    return QualityRow(name, values[0], f"trafilatura {values[1]:.3f}", goal)


def _metadata(
    prefix: str,
    truth: Sequence[tuple[str | None, str | None]],
    ours: Sequence[_Reading],
    theirs: Sequence[_Reading],
) -> Iterator[QualityRow]:
    """Titles of pages whose title is known, and dates of these."""
    for name, goal, more in (("title exact", "0.85", True), ("date right", "0.88", True),
                             ("date missing", "0.05", False), ("date wrong", "0.07", False),
                             ("date invented", "0.05", False)):  # fmt: skip
        value, other = (_share(name, truth, some) for some in (ours, theirs))
        if value is not None:
            told = "" if other is None else f"trafilatura {other:.3f}"
            yield QualityRow(prefix + name, value, told, goal, more)


def _share(
    name: str, truth: Sequence[tuple[str | None, str | None]], read: Sequence[_Reading]
) -> float | None:
    pages = [(title, day, r) for (title, day), r in zip(truth, read, strict=True) if title]
    tested: dict[str, list[bool]] = {
        "title exact": [key_of(title) == key_of(r.title) and
                        " ".join(title.split()) == " ".join(r.title.split())
                        for title, _, r in pages],
        "date right": [day == r.date for _, day, r in pages if day],
        "date missing": [r.date is None for _, day, r in pages if day],
        "date wrong": [r.date not in (None, day) for _, day, r in pages if day],
        "date invented": [r.date is not None for _, day, r in pages if not day],
    }  # fmt: skip
    return fmean(tested[name]) if tested[name] else None


async def _ranking(collection: Collection) -> QualityRow:
    quality = await quality_of(collection)
    alone = TantivyAlone(collection.documents)
    other = fmean(
        ndcg(alone.best(query), collection.relevance[name])
        for name, query in collection.queries.items()
    )
    return QualityRow(f"nDCG@10, {collection.name}", quality, f"tantivy {other:.3f}")


def _ranked_texts(language: str) -> Collection:
    """Texts of a few sentences of ten; a query has the longer halves of two, and the texts that
    have both are meant, those that have one less so."""
    words = generated_pages.languages()[language]
    texts = generated_pages.passages(language, 60, paragraphs=1)
    halves = [max(each.split("{n}"), key=len) for each in words["sentences"]]
    queries, relevance = {}, {}
    for one, other in combinations(range(len(halves)), 2):
        name = f"{one}-{other}"
        queries[name] = f"{halves[one]} {halves[other]}"
        relevance[name] = {
            str(number): float((halves[one] in text) + (halves[other] in text))
            for number, text in enumerate(texts)
        }
    return Collection(
        f"made: {language}", dict(zip(map(str, range(60)), texts, strict=True)), queries, relevance
    )


def _edited(texts: Sequence[str], language: str, share: float) -> Iterator[str]:
    rng = random.Random(f"{language} {share}")
    cut = [re.findall(_UNSPACED.get(language, r"\S+\s*"), text) for text in texts]
    vocabulary = sorted({word for some in cut for word in some})
    return (with_edits(rng, some, vocabulary, share) for some in cut)
