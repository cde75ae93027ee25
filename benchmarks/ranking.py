"""Ranking quality: nDCG@10 by collection.

ATLAS_BENCH_RETRIEVAL names a folder of collections, each with `docs.jsonl`, `queries.jsonl` and
`qrels.tsv`. Decision 26 has what the index in PostgreSQL reached.
"""

import asyncio
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.domain.search.index_parts import index_parts, lexeme_query
from atlas.stores.search.port import IndexedText, IndexOrigin, SearchIndex, TextChanges, TextScope
from atlas.stores.search.tantivy_engine import TantivyIndex
from benchmarks.datasets import DATA

FOLDER = Path(os.environ.get("ATLAS_BENCH_RETRIEVAL", DATA / "retrieval"))
TOP = 10
EVERY = int(os.environ.get("ATLAS_BENCH_EVERY", "1"))  # 10: every tenth query


@dataclass(frozen=True)
class Collection:
    """Documents, queries, and which document answers which query how well."""

    name: str
    documents: Mapping[str, str]
    queries: Mapping[str, str]
    relevance: Mapping[str, Mapping[str, float]]


def read(folder: Path) -> Collection:
    """Read a collection; queries without a relevant document are left out."""
    relevance: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines():
        query, document, gain = line.split("\t")
        relevance.setdefault(query, {})[document] = float(gain)
    queries = {q: text for q, text in _pairs(folder / "queries.jsonl") if q in relevance}
    kept = dict(list(queries.items())[::EVERY])
    return Collection(folder.name, dict(_pairs(folder / "docs.jsonl")), kept, relevance)


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        yield row["id"], row["text"]


def ndcg(ranked: Sequence[str], gains: Mapping[str, float]) -> float:
    """Normalised discounted cumulative gain of the first ten, gains taken as they are."""
    best = sorted(gains.values(), reverse=True)[:TOP]
    ideal = sum(gain / math.log2(place + 2) for place, gain in enumerate(best))
    found = [gains.get(document, 0.0) for document in ranked[:TOP]]
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(found)) / ideal


class Ranked:
    """A collection in an engine."""

    def __init__(self, engine: SearchIndex, collection: Collection) -> None:
        self.engine = engine
        self.collection = collection
        self.ids = {number.to_bytes(32): name for number, name in enumerate(collection.documents)}

    async def fill(self) -> None:
        """Put the documents into the index."""
        await self.engine.begin(1, IndexOrigin("benchmark", ANALYSER_VERSION), 0)
        await self.engine.apply(1, TextChanges([*map(self._indexed, self.ids)], [], 1))

    def _indexed(self, hash_: bytes) -> IndexedText:
        said = index_parts("", self.collection.documents[self.ids[hash_]])
        return IndexedText(hash_, said, [1], ["all"], ["en"], ["host"])

    async def best(self, query: str) -> list[str]:
        """The best documents: each by its best part."""
        found = await self.engine.search(lexeme_query(query), TextScope(), 10 * TOP, generation=1)
        return [self.ids[each] for each in dict.fromkeys(match.text_hash for match in found.best)]

    async def quality(self) -> float:
        """nDCG@10 over all queries."""
        gained = [
            ndcg(await self.best(query), self.collection.relevance[name])
            for name, query in self.collection.queries.items()
        ]
        return sum(gained) / len(gained)


async def _run() -> None:
    for folder in sorted(FOLDER.iterdir()):
        await _print(read(folder))


async def quality_of(collection: Collection) -> float:
    """nDCG@10 of a collection in an index of its own."""
    with tempfile.TemporaryDirectory(prefix="atlas-ranking-") as name:
        engine = TantivyIndex(Path(name))
        ranked = Ranked(engine, collection)
        await ranked.fill()
        quality = await ranked.quality()
        await engine.close()
    return quality


async def _print(collection: Collection) -> None:
    quality = await quality_of(collection)
    print(f"{collection.name:12} {quality:.4f}   ({len(collection.queries)} queries)", flush=True)


def main() -> None:
    """Print nDCG@10 of every collection."""
    if not FOLDER.is_dir():
        print(f"no collections in {FOLDER}; name a folder in ATLAS_BENCH_RETRIEVAL")
        return
    asyncio.run(_run())


if __name__ == "__main__":
    main()
