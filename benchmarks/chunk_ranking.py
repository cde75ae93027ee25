"""Texts ranked as wholes, by their chunks, and by both: nDCG@10 and what each costs.

Whole texts are what is ranked (decision 36 has the figures). The scores are an exact BM25 computed
here, so that only what counts as one document of the index differs. Besides the collections
(`datasets.py`) there are longer texts: five paragraphs as one, with a section each; and real pages,
looked for by their titles. Sizes and times are those of tantivy, over the real pages.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import math
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.errors import PageError
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.domain.search.best_chunk import ShownDocument
from atlas.domain.search.index_parts import (
    IndexPart,
    field_of,
    index_part,
    index_parts,
    lexeme_query,
)
from atlas.domain.search.ranking import K1, B
from atlas.stores.search.port import IndexedText, IndexOrigin, TextChanges, TextScope
from atlas.stores.search.tantivy_engine import TantivyIndex
from benchmarks.datasets import DATA
from benchmarks.ranking import EVERY, FOLDER, ndcg, read

PARAGRAPHS = 5
PAGES_EVERY = 4


@dataclass(frozen=True)
class TitledDocument:
    """A document, and its title."""

    title: str
    shown: ShownDocument

    def whole(self) -> Sequence[IndexPart]:
        """As it is indexed."""
        return index_parts(self.title, self.shown.text)

    def chunked(self) -> Sequence[IndexPart]:
        """Each chunk as a document of the index, with the title."""
        said = self.shown
        found = document_chunks(said.url, said.text, said.markdown, said.outline)
        cut = [index_part(self.title, said.text, each.start, each.end) for each in found]
        return cut or self.whole()


@dataclass(frozen=True)
class JudgedDocuments:
    """Documents, and questions with what answers them."""

    name: str
    documents: Mapping[str, TitledDocument]
    queries: Mapping[str, str]
    relevance: Mapping[str, Mapping[str, float]]


def collections() -> Iterator[JudgedDocuments]:
    """All that there are."""
    for folder in sorted(FOLDER.iterdir()):
        found = read(folder)
        plain = {key: _plain(key, said) for key, said in found.documents.items()}
        yield JudgedDocuments(found.name, plain, found.queries, found.relevance)
        if found.name.startswith("xq_"):
            keys = list(found.documents)
            homes = {key: str(at // PARAGRAPHS) for at, key in enumerate(keys)}
            groups: dict[str, list[str]] = defaultdict(list)
            for key, home in homes.items():
                groups[home].append(found.documents[key])
            long = {home: _sections(home, said) for home, said in groups.items()}
            gains = {q: {homes[d]: g for d, g in of.items()} for q, of in found.relevance.items()}
            yield JudgedDocuments(f"{found.name} long", long, found.queries, gains)
    pages = real_pages()
    titles = {key: page.title for key, page in pages.items() if len(page.title) > 8}
    yield JudgedDocuments("titles", pages, titles, {key: {key: 1.0} for key in titles})


def _plain(key: str, text: str) -> TitledDocument:
    return TitledDocument("", ShownDocument(f"http://bench/{key}", text, text, None))


def _sections(key: str, paragraphs: Sequence[str]) -> TitledDocument:
    text, outline = "", []
    for number, said in enumerate(paragraphs):
        text += "\n\n" if text else ""
        outline.append(OutlineSection(len(text), 2, str(number), None))
        text += said
    return TitledDocument("", ShownDocument(f"http://bench/{key}", text, text, outline))


def real_pages() -> dict[str, TitledDocument]:
    """Some of the real pages; none if they are missing."""
    from atlas.text.extract import extract

    folder = DATA / "mixed"
    if not folder.is_dir():
        return {}
    gold = json.loads((folder / "ground-truth.json").read_text("utf-8"))
    found: dict[str, TitledDocument] = {}
    for key in sorted(gold)[::PAGES_EVERY]:
        body = gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())
        try:
            page = extract(body, "text/html", None, gold[key]["url"])
        except PageError:
            continue  # a page without text
        shown = ShownDocument(gold[key]["url"], page.text, page.markdown, page.outline)
        found[key] = TitledDocument(page.title, shown)
    return found


class Scored:
    """Parts of documents, and their exact BM25."""

    def __init__(self, found: Mapping[str, Sequence[IndexPart]]) -> None:
        self._owners: list[str] = []
        self._lengths: list[int] = []
        self._places: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for owner, said in found.items():
            for part in said:
                for name in ("body", "prefixes", "initials"):
                    for lexeme, count in Counter(getattr(part, name).split()).items():
                        self._places[name, lexeme].append((len(self._owners), count))
                self._owners.append(owner)
                self._lengths.append(part.length)
        self._average = sum(self._lengths) / max(len(self._lengths), 1)

    def best(self, query: str) -> dict[str, list[float]]:
        """The scores of each document's parts, the best first."""
        scores: dict[int, float] = defaultdict(float)
        for term in lexeme_query(query).terms:
            places = self._places.get(field_of(term), [])
            rare = (len(self._owners) - len(places) + 0.5) / (len(places) + 0.5)
            for at, count in places:
                norm = K1 * (1 - B + B * self._lengths[at] / self._average)
                scores[at] += term.weight * math.log1p(rare) * count * (K1 + 1) / (count + norm)
        found: dict[str, list[float]] = defaultdict(list)
        for at, score in scores.items():
            found[self._owners[at]].append(score)
        return {owner: sorted(each, reverse=True) for owner, each in found.items()}


Way = Callable[[Sequence[float], Sequence[float]], float]
"""What a document scores, by its scores as a whole and by chunks."""


def _falling(chunks: Sequence[float], share: float) -> float:
    """The first, a share of the second, that share of it of the third."""
    return sum(score * share**place for place, score in enumerate(chunks))


WAYS: Mapping[str, Way] = {
    "whole": lambda whole, chunks: whole[0],
    "best chunk": lambda whole, chunks: chunks[0],
    "+ .1 of the next": lambda whole, chunks: _falling(chunks[:3], 0.1),
    "+ .3 of the next": lambda whole, chunks: _falling(chunks[:4], 0.3),
    "whole + .25 chunk": lambda whole, chunks: whole[0] + 0.25 * chunks[0],
    "whole + .5 chunk": lambda whole, chunks: whole[0] + 0.5 * chunks[0],
}


def quality(judged: JudgedDocuments) -> dict[str, float]:
    """nDCG@10 of each way."""
    whole = Scored({key: each.whole() for key, each in judged.documents.items()})
    chunks = Scored({key: each.chunked() for key, each in judged.documents.items()})
    gained: dict[str, float] = defaultdict(float)
    asked = list(judged.queries.items())[::EVERY]
    for name, query in asked:
        by_whole, by_chunk = whole.best(query), chunks.best(query)
        for way, score in WAYS.items():
            scores = {key: score(by_whole[key], by_chunk.get(key, [0.0])) for key in by_whole}
            ranked = sorted(scores, key=lambda key: (-scores[key], key))
            gained[way] += ndcg(ranked, judged.relevance[name]) / len(asked)
    return gained


async def cost(pages: Mapping[str, TitledDocument], ways: Sequence[str]) -> str:
    """Bytes a text, CPU for a text, and times of searches."""
    with tempfile.TemporaryDirectory(prefix="atlas-chunk-ranking-") as folder:
        index = TantivyIndex(Path(folder) / "index")
        await index.begin(1, IndexOrigin("benchmark", ANALYSER_VERSION), 0)
        began = time.process_time()
        put = [
            IndexedText(
                hashlib.sha256(key.encode()).digest(),
                [part for way in ways for part in getattr(page, way)()],
                *([1], ["all"], ["en"], ["host"]),
            )
            for key, page in pages.items()
        ]
        await index.apply(1, TextChanges(put, [], 1))
        await index.release(1)
        spent = time.process_time() - began
        times = sorted([await _timed(index, page.title) for page in pages.values()])
        (kept,) = await index.generations()
        await index.close()
    return (
        f"{kept.parts:6} documents of the index, {kept.size // len(pages):6} bytes a text, "
        f"{spent / len(pages) * 1000:5.1f} ms of CPU a text, search p50 "
        f"{times[len(times) // 2] * 1000:.2f} ms, p95 {times[int(len(times) * 0.95)] * 1000:.2f} ms"
    )


async def _timed(index: TantivyIndex, query: str) -> float:
    began = time.perf_counter()
    await index.search(lexeme_query(query), TextScope(), 200, generation=1)
    return time.perf_counter() - began


def main() -> None:
    """Print the quality of each way on each collection, and the cost of each kind of index."""
    if not FOLDER.is_dir():
        print(f"no collections in {FOLDER}; name a folder in ATLAS_BENCH_RETRIEVAL")
        return
    for judged in collections():
        said = "   ".join(f"{way} {value:.4f}" for way, value in quality(judged).items())
        print(f"{judged.name:12} {said}", flush=True)
    pages = real_pages()
    for ways in (["whole"], ["chunked"], ["whole", "chunked"]) if pages else ():
        print(f"{' and '.join(ways):18} {asyncio.run(cost(pages, ways))}", flush=True)


if __name__ == "__main__":
    main()
