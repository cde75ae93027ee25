"""Search in tantivy over a generated corpus: times of keywords, questions, phrases and scopes, the
rate at which it is filled, bytes a text.

`python -m benchmarks.search 10000 100000 300000` names the sizes. Words are distributed as language
has them (Zipf), a tenth of the texts are Chinese. Only what ranks is measured: no titles, URLs or
snippets. Decision 26 has what the index in PostgreSQL took.
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
from functools import partial
from itertools import islice
from pathlib import Path

from atlas.domain.index_parts import index_parts, lexeme_query
from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.stores.search.port import IndexedText, IndexOrigin, TextChanges, TextScope
from atlas.stores.search.tantivy_engine import TantivyIndex

WORDS_PER_TEXT = 600
VOCABULARY = 50_000
BATCH = 100
QUERIES = 25

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


class _Tantivy:
    def __init__(self, folder: Path) -> None:
        self.index = TantivyIndex(folder)
        self.step = 0

    async def add(self, texts: Sequence[GeneratedText]) -> None:
        self.step += 1
        put = [
            IndexedText(text.hash, index_parts("", text.said), [1], text.sources, ["en"], ["host"])
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


async def _filled(engine: _Tantivy, count: int) -> float:
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


async def _measure(count: int) -> None:
    sample = list(islice(generated(count), 500))
    with tempfile.TemporaryDirectory(prefix="atlas-search-") as folder:
        engine = _Tantivy(Path(folder) / "index")
        await engine.index.begin(1, IndexOrigin("benchmark", ANALYSER_VERSION), 0)
        rate = await _filled(engine, count)
        size = await engine.size()
        print(
            f"{count:>8} filled at {rate:6.0f} texts/s, {size / count:7.0f} bytes each", flush=True
        )
        for kind in query_kinds(sample):
            times = sorted(
                [await _timed(partial(engine.search, query, kind.source)) for query in kind.queries]
            )
            print(
                f"{count:>8} {kind.kind:<12} p50 {statistics.median(times):7.1f} ms   "
                f"p95 {_p95(times):7.1f} ms",
                flush=True,
            )
        await engine.index.close()


def _p95(times: Sequence[float]) -> float:
    return times[min(len(times) - 1, int(len(times) * 0.95))]


def main(*sizes: int) -> None:
    """Measure at each size; by default at 10,000 texts."""
    for size in sizes or (10_000,):
        asyncio.run(_measure(size))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
