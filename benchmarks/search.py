"""How long searches take over generated corpora: the whole path, from the query to the results with
their snippets, and of it the engine.

    python -m benchmarks.search 10000 100000 300000   # the sizes; default 10,000
    python -m benchmarks.search --old 10000           # the index of 0.3 to 0.6 beside, in turns
    python -m benchmarks.search --engine 1000000      # the engine alone: no rows, no snippets
    python -m benchmarks.search --keep FOLDER 300000  # keep the corpus there, or use it again

`ms` is what a person waits for, `CPU` what this process and PostgreSQL's spend on it: on a busy
machine only the second says something. `engine` is the part of the engine, without PostgreSQL. The
index of 0.3 is searched by the code with which it answers until an update is complete, in a corpus
that has both.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from atlas.domain.search.index_parts import lexeme_query
from atlas.stores.postgres.index.engine_search import search_corpus
from atlas.stores.postgres.index.old_index import Cut, search_old
from atlas.stores.postgres.index.page_scope import SearchScope
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.postgres.index.shown_hits import prepare as prepare_hits
from atlas.stores.search.port import TextScope
from atlas.stores.search.tantivy_engine import TantivyIndex
from benchmarks.datasets import DATA
from benchmarks.generated_texts import generated
from benchmarks.search_queries import QueryKind, query_kinds
from benchmarks.stored_corpus import fill, postgres, prepare

SAMPLE = 2_000
OLD_QUERIES = 5
"""Of each kind: at 10,000 texts a common word takes the index of 0.3 a second."""
Search = Callable[[str, str | None], Awaitable[object]]


@dataclass(frozen=True)
class Spent:
    """Milliseconds of one search, and of CPU."""

    waited: float
    cpu: float


class Clock:
    """Measures searches of this process and of one session of PostgreSQL."""

    def __init__(self, backend: int | None = None) -> None:
        self._schedstat = None if backend is None else Path(f"/proc/{backend}/schedstat")

    def _cpu(self) -> float:
        theirs = 0 if self._schedstat is None else int(self._schedstat.read_text().split()[0])
        return time.process_time() + theirs / 1e9

    async def spent(self, search: Callable[[], Awaitable[object]]) -> Spent:
        """What one search takes."""
        cpu, began = self._cpu(), time.perf_counter()
        await search()
        waited = time.perf_counter() - began
        return Spent(waited * 1000, (self._cpu() - cpu) * 1000)


async def _stored(size: int, folder: Path, *, old: bool) -> None:
    async with postgres(folder / "postgres") as url:
        connection = await asyncpg.connect(url)
        index = TantivyIndex(folder / "index")
        if not (folder / "index").exists():
            await prepare(connection, old_index=old)
        await _fill(size, index, connection, old=old)
        await _print_sizes(connection, index, size, old=old)
        clock = Clock(connection.get_server_pid())
        searches: dict[str, Search] = {
            "": lambda query, source: search_corpus(
                connection, index, SearchRequest(query, source=source)
            ),
            "engine": partial(_engine, index),
        }
        if old:
            searches["0.3"] = lambda query, source: search_old(
                connection, query, SearchScope(source, None), Cut(10, 0, collapse=True)
            )
        await _measure(size, clock, searches)
        await index.close()
        await connection.close()


async def _fill(
    size: int, index: TantivyIndex, connection: asyncpg.Connection | None, *, old: bool
) -> None:
    began = time.perf_counter()
    added = await fill(size, index, connection, old_index=old)
    spent = time.perf_counter() - began
    print(f"{size:>8} texts: {added} stored at {added / spent:.0f}/s", flush=True)


async def _engine_alone(size: int, folder: Path) -> None:
    index = TantivyIndex(folder / "index")
    await _fill(size, index, None, old=False)
    (found,) = await index.generations()
    print(f"{size:>8} texts, {found.parts} parts, {found.size / size:.0f} bytes a text")
    await _measure(size, Clock(), {"engine": partial(_engine, index)})
    await index.close()


async def _engine(index: TantivyIndex, query: str, source: str | None) -> object:
    """As `search_corpus` asks first; operators are left out."""
    return await index.search(lexeme_query(query), TextScope(source=source), 200)


async def _print_sizes(
    connection: asyncpg.Connection, index: TantivyIndex, size: int, *, old: bool
) -> None:
    (found,) = await index.generations()
    said = f"{size:>8} texts, {found.parts} parts; bytes a text: {found.size / size:.0f} index"
    rows = await connection.fetchval(
        "select sum(pg_total_relation_size(oid)) from pg_class "
        "where relname = any('{pages,documents,versions,source_pages,sketches}'::text[])"
    )
    said += f", {int(rows) / size:.0f} rows"
    if old:
        before = await connection.fetchval("select pg_total_relation_size('index_entries_1')")
        said += f"; {int(before) / size:.0f} the index of 0.3"
    print(said, flush=True)


async def _measure(size: int, clock: Clock, searches: dict[str, Search]) -> None:
    kinds = list(query_kinds(list(generated(0, SAMPLE))))
    # The words of the corpus are no part of a search: without this, collecting garbage goes through
    # them in the middle of one.
    gc.collect()
    gc.freeze()
    prepare_hits()  # as a client does when it opens the index
    for kind in kinds:
        spent: dict[str, list[Spent]] = {name: [] for name in searches}
        engine_only = "" not in searches
        if kind.operators and engine_only:
            continue
        for number, query in enumerate(kind.queries):
            for name, search in searches.items():  # in turns: all see the same machine
                old = name == "0.3"
                if old and (kind.operators or number >= OLD_QUERIES):
                    continue
                if name == "engine" and kind.operators:
                    continue
                spent[name].append(await clock.spent(partial(search, query, kind.source)))
        print(f"{size:>8} {_line(kind, spent)}", flush=True)


def _line(kind: QueryKind, spent: dict[str, list[Spent]]) -> str:
    said = f"{kind.name:<32}"
    for name, all_of_them in spent.items():
        if not all_of_them:
            continue
        waited, cpu = (
            sorted(values)
            for values in zip(*((each.waited, each.cpu) for each in all_of_them), strict=True)
        )
        said += (
            f" {name:>6} p50 {statistics.median(waited):7.1f} p95 {_p95(waited):7.1f} ms,"
            f" CPU {statistics.median(cpu):7.1f} {_p95(cpu):7.1f}"
        )
    return said


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
                asyncio.run(_engine_alone(size, folder))
            else:
                asyncio.run(_stored(size, folder, old=asked.old))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
