"""Search in PostgreSQL and in tantivy, side by side over one generated corpus: CPU and wall time of
keywords, questions, phrases and scopes, filling rates, bytes a document.

`python -m benchmarks.search 10000 100000` names the sizes; the third that matters, 300000, takes
PostgreSQL more than an hour to fill on two cores. Words are distributed as language has them
(Zipf), a tenth of the texts are Chinese. Only what ranks is compared: no titles, URLs or snippets.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import asyncpg

from atlas.domain.passages import lexeme_query, passages
from atlas.domain.search import ranking
from atlas.domain.search.analysis import ANALYSER_VERSION, index_parts, query_phrases, query_terms
from atlas.stores.postgres.index import bm25
from atlas.stores.postgres.index import entries as index
from atlas.stores.postgres.index.bm25 import Cut, SearchScope
from atlas.stores.search.port import IndexedText, IndexOrigin, TextChanges, TextScope
from atlas.stores.search.tantivy_engine import TantivyIndex
from benchmarks.ranking import database

WORDS_PER_TEXT = 600
VOCABULARY = 50_000
BATCH = 100
QUERIES = 25
NOW = datetime(2026, 1, 1, tzinfo=UTC)

_SYLLABLES = [f"{a}{b}" for a in "bdfghklmnprstvwz" for b in "aeiou"]
_LATIN = ["".join(random.Random(n).choices(_SYLLABLES, k=2 + n % 3)) for n in range(VOCABULARY)]
_HAN = [
    "".join(map(chr, random.Random(n).choices(range(0x4E00, 0x5A00), k=2)))
    for n in range(VOCABULARY)
]


@dataclass(frozen=True)
class GeneratedText:
    """One text of the corpus; one in 50 belongs to the small source."""

    number: int
    said: str
    chinese: bool

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(str(self.number).encode()).digest()

    @property
    def sources(self) -> list[str]:
        return ["all", "small"] if self.number % 50 == 0 else ["all"]


def generated(count: int) -> Iterator[GeneratedText]:
    """Always the same texts."""
    dice = random.Random(4)
    for number in range(count):
        chinese = number % 10 == 9
        words = _HAN if chinese else _LATIN
        said = [words[_rank(dice)] for _ in range(WORDS_PER_TEXT)]
        yield GeneratedText(number, ("" if chinese else " ").join(said), chinese)


def _rank(dice: random.Random) -> int:
    """A rank with the frequency that Zipf gives it."""
    return int(VOCABULARY ** dice.random()) - 1


@dataclass(frozen=True)
class QueryKind:
    """A kind of query, and the queries."""

    kind: str
    queries: Sequence[str]
    source: str | None = None


def query_kinds(texts: Sequence[GeneratedText]) -> list[QueryKind]:
    """Queries over the corpus; phrases are such as occur."""
    dice = random.Random(8)
    latin = [text.said.split() for text in texts if not text.chinese]
    han = [text.said for text in texts if text.chinese]

    def some(make: Callable[[], str]) -> list[str]:
        return [make() for _ in range(QUERIES)]

    def phrase() -> str:
        words = dice.choice(latin)
        at = dice.randrange(len(words) - 3)
        return f'"{" ".join(words[at : at + 3])}"'

    def spoken(words: int) -> str:
        return " ".join(_LATIN[_rank(dice)] for _ in range(words))

    def chinese() -> str:
        said = dice.choice(han)
        at = dice.randrange(len(said) - 8)
        return said[at : at + 8]

    return [
        QueryKind("common word", some(lambda: _LATIN[dice.randrange(3)])),
        QueryKind("two words", some(lambda: spoken(2))),
        QueryKind("question", some(lambda: spoken(8))),
        QueryKind("phrase", some(phrase)),
        QueryKind("in a source", some(lambda: spoken(2)), "small"),
        QueryKind("Chinese", some(chinese)),
    ]


class _Postgres:
    name = "PostgreSQL"

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def add(self, texts: Sequence[GeneratedText]) -> None:
        async with self.connection.transaction():
            analysed = [index.IndexText(text.hash, index_parts("", text.said)) for text in texts]
            await index.add(self.connection, analysed)
            await self.connection.execute(_DOCUMENTS, *_columns(texts), NOW)

    async def ready(self) -> None:
        await self.connection.execute("vacuum analyze", timeout=3600)
        self.generation = await index.active_generation(self.connection)

    async def search(self, query: str, source: str | None) -> int:
        async with self.connection.transaction():
            await bm25.use_the_index(self.connection)
            terms = query_terms(query)
            counted = await bm25.count_terms(self.connection, self.generation, terms)
            scope, entries = SearchScope(source, None), self.generation.entries
            budget = ranking.BUDGET if scope.everything else 10 * ranking.BUDGET
            chosen = ranking.candidates(counted, query_phrases(query), entries, budget)
            weights = {one.term: ranking.weight(one, entries) for one in counted}
            cut = Cut(10, 0, collapse=False)
            rows = await bm25.score(
                self.connection, self.generation, chosen.tsquery, weights, scope, cut
            )
        return len([row for row in rows if row["text_hash"]])

    async def size(self) -> int:
        return int(
            await self.connection.fetchval("select pg_total_relation_size('index_entries_1')")
        )


class _Tantivy:
    name = "tantivy"

    def __init__(self, folder: Path) -> None:
        self.index = TantivyIndex(folder)
        self.step = 0

    async def add(self, texts: Sequence[GeneratedText]) -> None:
        self.step += 1
        put = [
            IndexedText(text.hash, passages("", text.said), [1], text.sources, ["en"], ["host"])
            for text in texts
        ]
        await self.index.apply(1, TextChanges(put, [], self.step))

    async def ready(self) -> None:
        await self.index.release(1)

    async def search(self, query: str, source: str | None) -> int:
        scope = TextScope(source=source)
        found = await self.index.search(lexeme_query(query), scope, 10, generation=1)
        return len(found.best)

    async def size(self) -> int:
        (found,) = await self.index.generations()
        return found.size


Engine = _Postgres | _Tantivy

_DOCUMENTS = """
with p as (
    insert into pages (url, created_at)
    select 'https://bench.example/' || o.number, $4
      from unnest($1::int[], $2::bytea[], $3::boolean[]) as o(number, hash, small)
    returning id, url),
o as (
    select p.id, o.* from unnest($1::int[], $2::bytea[], $3::boolean[]) as o(number, hash, small)
      join p on p.url = 'https://bench.example/' || o.number),
d as (
    insert into documents (page_id, text_hash, extractor, snapshot, media, title, lang, text,
                           markdown, created_at)
    select id, hash, 1, hash, 'html', '', 'en', '', '', $4 from o returning id, page_id),
v as (
    insert into versions (page_id, seq, document_id, valid_from) select page_id, 1, id, $4 from d)
insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
select s.id, o.id, 0, 'listed', 'run', $4 from o
  join sources s on s.name = 'all' or (s.name = 'small' and o.small)
"""


def _columns(texts: Sequence[GeneratedText]) -> tuple[list[int], list[bytes], list[bool]]:
    return (
        [text.number for text in texts],
        [text.hash for text in texts],
        [len(text.sources) > 1 for text in texts],
    )


async def _filled(engine: Engine, count: int) -> float:
    """Texts a second, analysing included."""
    texts = generated(count)
    spent = 0.0
    while some := list(islice(texts, BATCH)):
        began = time.perf_counter()
        await engine.add(some)
        spent += time.perf_counter() - began
    await engine.ready()
    return count / spent


async def _timed(work: Callable[[], Awaitable[int]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


async def _compare(count: int) -> None:
    sample = list(islice(generated(count), 500))
    async with database() as connection:
        with tempfile.TemporaryDirectory(prefix="atlas-search-") as folder:
            await connection.execute(
                "insert into sources (name, kind, urls, created_at) "
                "select name, 'urls', '{}', $1 from unnest(array['all', 'small']) name",
                NOW,
            )
            tantivy = _Tantivy(Path(folder) / "index")
            await tantivy.index.begin(1, IndexOrigin("benchmark", ANALYSER_VERSION), 0)
            engines: list[Engine] = [_Postgres(connection), tantivy]
            for engine in engines:
                rate = await _filled(engine, count)
                size = await engine.size()
                print(f"{count:>8} {engine.name:<11} filled at {rate:6.0f} texts/s, "
                      f"{size / count:7.0f} bytes each", flush=True)  # fmt: skip
            for kind in query_kinds(sample):
                await _print(count, kind, engines)
            await tantivy.index.close()


async def _print(count: int, kind: QueryKind, engines: Sequence[Engine]) -> None:
    times: dict[str, list[float]] = {engine.name: [] for engine in engines}
    for query in kind.queries:  # in turns, so that both meet the same load
        for engine in engines:
            times[engine.name].append(
                await _timed(lambda e=engine, q=query: e.search(q, kind.source))  # type: ignore[misc]
            )
    old, new = (sorted(times[engine.name]) for engine in engines)
    print(
        f"{count:>8} {kind.kind:<12} PostgreSQL p50 {statistics.median(old):8.1f} "
        f"p95 {_p95(old):8.1f} ms   tantivy p50 {statistics.median(new):7.1f} "
        f"p95 {_p95(new):7.1f} ms   ratio {statistics.median(new) / statistics.median(old):.3f}",
        flush=True,
    )


def _p95(times: Sequence[float]) -> float:
    return times[min(len(times) - 1, int(len(times) * 0.95))]


def main(*sizes: int) -> None:
    """Compare both at each size; by default at 10,000 texts."""
    for size in sizes or (10_000,):
        asyncio.run(_compare(size))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
