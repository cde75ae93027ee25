"""How long searches take over generated corpora: the whole path, from the query to the results with
their snippets, and of it the engine.

    python -m benchmarks.search 10000 100000 300000   # the sizes; default 10,000
    python -m benchmarks.search --old 10000           # the index of 0.3 to 0.6 beside, in turns
    python -m benchmarks.search --engine 1000000      # the engine alone: no rows, no snippets
    python -m benchmarks.search --keep FOLDER 300000  # keep the corpus there, or use it again

Measured is tantivy, and where OPENSEARCH_START names a program that starts one (docs/testing.md)
OpenSearch in turns with it, after a search of every kind that warms its virtual machine up.

`ms` is what a person waits for, `CPU` what this process, PostgreSQL's and OpenSearch's spend on it:
on a busy machine only the second says something. `engine` is the part of the engine, without
PostgreSQL. The index of 0.3 is searched by the code with which it answers until an update is
complete, in a corpus that has both.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from atlas.domain.search.index_parts import lexeme_query, parts_query
from atlas.domain.search.query_language import parse_query
from atlas.stores.postgres.index.engine_search import search_corpus
from atlas.stores.postgres.index.old_index import Cut, search_old
from atlas.stores.postgres.index.page_scope import SearchScope
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.postgres.index.shown_hits import prepare as prepare_hits
from atlas.stores.search.opensearch_engine import OpenSearchIndex
from atlas.stores.search.port import SearchIndex, TextScope
from atlas.stores.search.tantivy_engine import TantivyIndex
from benchmarks.datasets import DATA
from benchmarks.generated_texts import generated
from benchmarks.search_queries import QUERIES, QueryKind, query_kinds
from benchmarks.stored_corpus import fill, postgres, prepare
from tests.stores.search.engines import opensearch_node

SAMPLE = 2_000
OLD_QUERIES = 5
"""Of each kind: at 10,000 texts a common word takes the index of 0.3 a second."""


@dataclass(frozen=True)
class Engine:
    """An engine that is measured; `process` is its own, if it has one."""

    name: str
    index: SearchIndex
    process: int | None = None

    async def search(self, query: str, source: str | None) -> object:
        """As `search_corpus` asks first; operators are left out."""
        return await self.index.search(lexeme_query(query), TextScope(source=source), 200)


@dataclass(frozen=True)
class Spent:
    """Milliseconds of one search, and of CPU."""

    waited: float
    cpu: float


@dataclass(frozen=True)
class Search:
    """One way to search, and the processes that work on it beside this one."""

    name: str
    ask: Callable[[str, str | None], Awaitable[object]]
    processes: Sequence[int | None] = ()
    operators: bool = True
    """Whether it knows them."""
    queries: int = QUERIES

    def takes(self, kind: QueryKind) -> bool:
        """Whether it can be asked for these."""
        return self.operators or not kind.operators

    async def spent(self, query: str, source: str | None) -> Spent:
        """What one search takes."""
        cpu, began = self._cpu(), time.perf_counter()
        await self.ask(query, source)
        waited = time.perf_counter() - began
        return Spent(waited * 1000, (self._cpu() - cpu) * 1000)

    def _cpu(self) -> float:
        others = (time.clock_gettime(_cpu_clock(each)) for each in self.processes if each)
        return time.process_time() + sum(others)


def _cpu_clock(process: int) -> int:
    """The clock of what all threads of a process spend (clock_getcpuclockid(3))."""
    return (~process << 3) | 2


@asynccontextmanager
async def _engines(folder: Path) -> AsyncIterator[list[Engine]]:
    """Those that run here, with their data in the folder."""
    with (
        opensearch_node(folder / "opensearch")
        if "OPENSEARCH_START" in os.environ
        else nullcontext()
    ) as node:
        engines = [Engine("tantivy", TantivyIndex(folder / "index"))]
        if node is not None:
            engines.append(Engine("opensearch", OpenSearchIndex(node.url), node.process))
        yield engines
        for engine in engines:
            await engine.index.close()


async def _stored(size: int, folder: Path, *, old: bool) -> None:
    async with postgres(folder / "postgres") as url, _engines(folder) as engines:
        connection = await asyncpg.connect(url)
        if not await connection.fetchval("select to_regclass('pages')"):
            await prepare(connection, old_index=old)
        await _fill(size, engines, connection, old=old)
        await _print_sizes(connection, engines, size, old=old)
        backend = connection.get_server_pid()
        rows = [
            [
                Search(
                    engine.name,
                    partial(_whole_path, connection, engine.index),
                    (backend, engine.process),
                ),
                Search("engine", engine.search, (engine.process,), operators=False),
            ]
            for engine in engines
        ]
        if old:
            rows[0].append(Search("0.3", partial(_old, connection), (backend,), False, OLD_QUERIES))
        await _measure(size, engines, rows)
        await connection.close()


async def _whole_path(
    connection: asyncpg.Connection, index: SearchIndex, query: str, source: str | None
) -> object:
    return await search_corpus(connection, index, SearchRequest(query, source=source))


async def _old(connection: asyncpg.Connection, query: str, source: str | None) -> object:
    return await search_old(connection, query, SearchScope(source, None), Cut(10, 0, collapse=True))


async def _fill(
    size: int, engines: Sequence[Engine], connection: asyncpg.Connection | None, *, old: bool
) -> None:
    began = time.perf_counter()
    added = await fill(size, [each.index for each in engines], connection, old_index=old)
    spent = time.perf_counter() - began
    print(f"{size:>8} texts: {added} stored at {added / spent:.0f}/s", flush=True)


async def _engines_alone(size: int, folder: Path) -> None:
    async with _engines(folder) as engines:
        await _fill(size, engines, None, old=False)
        print(f"{size:>8} texts, {await _index_sizes(engines, size)}", flush=True)
        rows = [
            [Search(each.name, each.search, (each.process,), operators=False)] for each in engines
        ]
        await _measure(size, engines, rows)


async def _index_sizes(engines: Sequence[Engine], size: int) -> str:
    said = []
    for engine in engines:
        (found,) = await engine.index.generations()
        said.append(f"{engine.name}: {found.parts} parts, {found.size / size:.0f} bytes a text")
    return "; ".join(said)


async def _print_sizes(
    connection: asyncpg.Connection, engines: Sequence[Engine], size: int, *, old: bool
) -> None:
    said = f"{size:>8} texts, {await _index_sizes(engines, size)}"
    rows = await connection.fetchval(
        "select sum(pg_total_relation_size(oid)) from pg_class "
        "where relname = any('{pages,documents,versions,source_pages,sketches}'::text[])"
    )
    said += f"; rows: {int(rows) / size:.0f}"
    if old:
        before = await connection.fetchval("select pg_total_relation_size('index_entries_1')")
        said += f"; the index of 0.3: {int(before) / size:.0f}"
    print(said, flush=True)


async def _measure(size: int, engines: Sequence[Engine], rows: Sequence[Sequence[Search]]) -> None:
    kinds = list(query_kinds(list(generated(0, SAMPLE))))
    # The words of the corpus are no part of a search: without this, collecting garbage goes through
    # them in the middle of one.
    gc.collect()
    gc.freeze()
    prepare_hits()  # as a client does when it opens the index
    await _warm_up(engines, kinds)
    for kind in kinds:
        asked = [[search for search in row if search.takes(kind)] for row in rows]
        spent: dict[Search, list[Spent]] = {search: [] for row in asked for search in row}
        for number, query in enumerate(kind.queries):
            for search, found in spent.items():  # in turns: all see the same machine
                if number < search.queries:
                    found.append(await search.spent(query, kind.source))
        for row in filter(None, asked):
            said = " ".join(f"{search.name:>10} {_figures(spent[search])}" for search in row)
            print(f"{size:>8} {kind.name:<32} {said}", flush=True)


async def _warm_up(engines: Sequence[Engine], kinds: Sequence[QueryKind]) -> None:
    """A virtual machine compiles what it has run often: OpenSearch's first searches say nothing of
    those of a day."""
    for kind in kinds:
        for query in kind.queries:
            for engine in engines:
                if engine.process is not None:
                    asked = parts_query(parse_query(query))
                    await engine.index.search(asked, TextScope(source=kind.source), 200)


def _figures(spent: Sequence[Spent]) -> str:
    waited, cpu = (
        sorted(values) for values in zip(*((each.waited, each.cpu) for each in spent), strict=True)
    )
    return (
        f"p50 {statistics.median(waited):7.1f} p95 {_p95(waited):7.1f} ms,"
        f" CPU {statistics.median(cpu):7.1f} {_p95(cpu):7.1f}"
    )


def _p95(ordered: Sequence[float]) -> float:
    """By rank: 95 of 100 take as long or less."""
    return ordered[math.ceil(len(ordered) * 0.95) - 1]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure at each size; by default at 10,000 texts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000])
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args(arguments)
    if not (DATA / "retrieval").is_dir():
        print(f"no texts in {DATA}; name a folder in ATLAS_BENCH_DATA")
        return
    for size in asked.sizes:
        place = (
            tempfile.TemporaryDirectory(prefix="atlas-search-")
            if asked.keep is None
            else nullcontext(str(asked.keep / str(size)))
        )
        with place as name:
            folder = Path(name)
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)  # PostgreSQL may run as another user
            if asked.engine:
                asyncio.run(_engines_alone(size, folder))
            else:
                asyncio.run(_stored(size, folder, old=asked.old))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
