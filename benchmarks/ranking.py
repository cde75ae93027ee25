"""Ranking quality: nDCG@10 by collection, of the index in PostgreSQL (exact BM25), of tantivy over
the same lexemes, and of ts_rank on the same tsvectors.

ATLAS_BENCH_RETRIEVAL names a folder of collections, each with `docs.jsonl`, `queries.jsonl` and
`qrels.tsv`. The ratios are tantivy's figure over PostgreSQL's, and PostgreSQL's over that of
ts_rank with its best normalisation.
"""

import asyncio
import json
import math
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from atlas.domain.passages import lexeme_query, passages
from atlas.domain.search import ranking
from atlas.domain.search.analysis import ANALYSER_VERSION, index_parts, query_terms
from atlas.stores.postgres.index import bm25
from atlas.stores.postgres.index import entries as index
from atlas.stores.postgres.index.bm25 import Cut, SearchScope
from atlas.stores.postgres.migrate import migrate
from atlas.stores.search.port import IndexedText, IndexOrigin, SearchIndex, TextChanges, TextScope
from atlas.stores.search.tantivy_engine import TantivyIndex
from benchmarks.datasets import DATA

FOLDER = Path(os.environ.get("ATLAS_BENCH_RETRIEVAL", DATA / "retrieval"))
TOP = 10
TS_RANK_FLAGS = (0, 1, 2)  # no normalisation, by log length, by length
EVERY = int(os.environ.get("ATLAS_BENCH_EVERY", "1"))  # 10: every tenth query

_TS_RANK = """
select text_hash from (
    select text_hash, ts_rank('{1,1,1,1}', tsv, $1::tsquery, $2) as rank
      from index_entries_1 where tsv @@ $1::tsquery) as ranked
 order by rank desc, text_hash limit 10
"""


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
    """A collection in the index of one database, and in an engine."""

    def __init__(
        self, connection: asyncpg.Connection, engine: SearchIndex, collection: Collection
    ) -> None:
        self.connection = connection
        self.engine = engine
        self.collection = collection
        self.ids = {number.to_bytes(32): name for number, name in enumerate(collection.documents)}

    async def fill(self) -> None:
        """Put the documents into the index."""
        texts = [
            index.IndexText(hash_, index_parts("", self.collection.documents[name]))
            for hash_, name in self.ids.items()
        ]
        for start in range(0, len(texts), 100):
            await index.add(self.connection, texts[start : start + 100])
        self.generation = await index.active_generation(self.connection)
        await self.engine.begin(1, IndexOrigin("benchmark", ANALYSER_VERSION), 0)
        await self.engine.apply(1, TextChanges([*map(self._indexed, self.ids)], [], 1))

    def _indexed(self, hash_: bytes) -> IndexedText:
        said = passages("", self.collection.documents[self.ids[hash_]])
        return IndexedText(hash_, said, [1], ["all"], ["en"], ["host"])

    async def bm25(self, query: str) -> list[str]:
        """The best documents by our ranking."""
        terms = query_terms(query)
        if not terms:
            return []
        entries = self.generation.entries
        counted = await bm25.count_terms(self.connection, self.generation, terms)
        chosen = ranking.candidates(counted, [], entries)
        weights = {one.term: ranking.weight(one, entries) for one in counted}
        rows = await bm25.score(
            *(self.connection, self.generation, chosen.tsquery, weights),
            *(SearchScope(None, None), Cut(TOP, 0, collapse=False)),
        )
        return [self.ids[row["text_hash"]] for row in rows if row["text_hash"]]

    async def by_engine(self, query: str) -> list[str]:
        """The best documents by the engine: each by its best passage."""
        found = await self.engine.search(lexeme_query(query), TextScope(), 10 * TOP, generation=1)
        return [self.ids[each] for each in dict.fromkeys(match.text_hash for match in found.best)]

    async def ts_rank(self, query: str, flag: int) -> list[str]:
        """The best documents by PostgreSQL's own ranking."""
        either = " | ".join(term.tsquery for term in query_terms(query))
        rows = await self.connection.fetch(_TS_RANK, either, flag)
        return [self.ids[row["text_hash"]] for row in rows]

    async def compare(self) -> tuple[float, float, float]:
        """nDCG@10 of BM25, of the engine, and of ts_rank with its best flag."""
        ours, engine, theirs = 0.0, 0.0, dict.fromkeys(TS_RANK_FLAGS, 0.0)
        for name, query in self.collection.queries.items():
            gains = self.collection.relevance[name]
            ours += ndcg(await self.bm25(query), gains)
            engine += ndcg(await self.by_engine(query), gains)
            for flag in TS_RANK_FLAGS:
                theirs[flag] += ndcg(await self.ts_rank(query, flag), gains)
        count = len(self.collection.queries)
        return ours / count, engine / count, max(theirs.values()) / count


@asynccontextmanager
async def database() -> AsyncIterator[asyncpg.Connection]:
    """A connection to an empty migrated database of a PostgreSQL that lives as long."""
    from atlas.embedded.postgres import Postgres
    from atlas.embedded.postgres_binaries import find_installation
    from tests.conftest import halt, launch, until_ready

    with tempfile.TemporaryDirectory(prefix="atlas-ranking-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = Postgres(folder, find_installation(), {"fsync": "off"})
        cluster.prepare()
        process = launch(cluster, folder / "postgres.log")
        try:
            await until_ready(cluster, process)
            await cluster.settle()
            connection = await asyncpg.connect(cluster.address)
            await migrate(connection)
            yield connection
            await connection.close()
        finally:
            halt(cluster, process)


async def _run() -> None:
    async with database() as connection:
        for folder in sorted(FOLDER.iterdir()):
            await _print(connection, read(folder))


async def _print(connection: asyncpg.Connection, collection: Collection) -> None:
    with tempfile.TemporaryDirectory(prefix="atlas-ranking-") as name:
        engine = TantivyIndex(Path(name))
        transaction = connection.transaction()
        await transaction.start()
        await bm25.use_the_index(connection)
        ranked = Ranked(connection, engine, collection)
        await ranked.fill()
        ours, by_engine, theirs = await ranked.compare()
        await transaction.rollback()
        await engine.close()
    print(
        f"{collection.name:12} PostgreSQL {ours:.4f}   tantivy {by_engine:.4f}   "
        f"ratio {by_engine / ours:.4f}   ts_rank {theirs:.4f}   ratio {ours / theirs:.3f}   "
        f"({len(collection.queries)} queries)",
        flush=True,
    )


def main() -> None:
    """Print nDCG@10 of every collection and the ratios."""
    if not FOLDER.is_dir():
        print(f"no collections in {FOLDER}; name a folder in ATLAS_BENCH_RETRIEVAL")
        return
    asyncio.run(_run())


if __name__ == "__main__":
    main()
