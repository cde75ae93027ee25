"""A rebuild of the index: its rate against a bare loop, and what searches notice of it.

The bare loop analyses the same texts in the same child processes and puts them into a folder of
tantivy's: no workflow, no lease, no feed, no gates. Two people search all the time,
first alone and then while the index is rebuilt and switched; the loop runs beside two as well.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from temporalio.client import Client, WorkflowHandle

from atlas.contracts.names import QUEUE
from atlas.contracts.rebuild_index import RebuildResult
from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.stores.postgres.index.engine_search import search_corpus
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.search.port import IndexedText, IndexOrigin, TextChanges
from atlas.stores.search.tantivy_engine import TantivyIndex
from atlas.text.children.pool import ExtractorPool
from benchmarks.pipeline import stack

WORDS_PER_TEXT = 400
_SYLLABLES = [f"{a}{b}" for a in "bdfghklmnprstvw" for b in "aeiou"]
_WORDS = ["".join(random.Random(n).choices(_SYLLABLES, k=3)) for n in range(20_000)]


def main(texts: int = 2000) -> None:
    """Print both rates and their ratio, and the searches' times."""
    asyncio.run(_compare(texts))


async def _compare(texts: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        async with stack(Path(home)) as (url, client), asyncpg.create_pool(url) as pool:
            corpus = _texts(texts)
            await _fill(pool, corpus)
            index = TantivyIndex(Path(home) / "index")
            await _until_built(pool)
            async with _searching(pool, index) as bare_searches:
                bare = await _bare_loop(Path(home) / "bare", corpus)
            async with _searching(pool, index) as quiet:
                await asyncio.sleep(5)
            async with _searching(pool, index) as busy:
                result, spent = await _rebuild(client)
            await index.close()
    assert result.outcome == "completed" and result.texts == texts, result
    copied = texts / spent["copy_texts"]
    print(f"bare loop  {bare:7.1f} texts/s")
    print(f"copying    {copied:7.1f} texts/s")
    print(f"ratio      {copied / bare:7.2f}")
    print(
        f"beside it  {spent['check_generation']:7.2f} s for the gates, "
        f"{spent['switch_generation']:.2f} s for the switch, of {result.seconds:.1f} s in all"
    )
    for name, times in (("alone", quiet), ("bare loop", bare_searches), ("rebuild", busy)):
        middle, worst = statistics.median(times) * 1000, max(times) * 1000
        print(
            f"search beside {name:<9} median {middle:6.1f} ms, worst of {len(times)} {worst:7.1f}"
        )


def _texts(count: int) -> list[tuple[str, str]]:
    dice = random.Random(4)
    return [(_said(dice, 5), f"{_said(dice, WORDS_PER_TEXT)} {number}q") for number in range(count)]


def _said(dice: random.Random, words: int) -> str:
    """Words as language has them: few of them often, most of them seldom (Zipf)."""
    ranks = (int(len(_WORDS) ** dice.random()) for _ in range(words))
    return " ".join(_WORDS[rank] for rank in ranks)


async def _fill(pool: asyncpg.Pool, corpus: list[tuple[str, str]]) -> None:
    """Live pages with these texts, which the feed tells of."""
    now = datetime.now(UTC)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into pages (url, created_at) "
            "select 'https://bench.example/' || n, $2 from generate_series(1, $1) n",
            *(len(corpus), now),
        )
        for start in range(0, len(corpus), 100):
            some = corpus[start : start + 100]
            hashes = [hashlib.sha256(f"{title}{text}".encode()).digest() for title, text in some]
            await connection.execute(_INSERT, start, hashes, *zip(*some, strict=True), now)
        await connection.execute(_TELL, now)


_INSERT = """
with d as (
    insert into documents (page_id, text_hash, extractor, snapshot, media, title, lang, text,
                           markdown, created_at)
    select p.id, o.hash, 1, o.hash, 'html', o.title, 'en', o.text, '', $5
      from unnest($2::bytea[], $3::text[], $4::text[]) with ordinality as o(hash, title, text, n)
      join pages p on p.url = 'https://bench.example/' || (o.n + $1)
    returning id, page_id)
insert into versions (page_id, seq, document_id, valid_from) select page_id, 1, id, $5 from d
"""


_TELL = """
with told as (
    insert into changes (number, at, kind, page_id, url, version, document_id, text_hash, reason)
    select row_number() over (order by p.id), $1, 'added', p.id, p.url, 1, v.document_id,
           d.text_hash, 'new'
      from versions v join pages p on p.id = v.page_id join documents d on d.id = v.document_id
    returning number)
update change_feed set last = (select max(number) from told)
"""


async def _until_built(pool: asyncpg.Pool) -> None:
    """Wait until the worker has read everything."""
    while not await pool.fetchval(
        "select coalesce(i.read_up_to = f.last, false) from search_index i, change_feed f"
    ):
        await asyncio.sleep(0.1)


async def _bare_loop(folder: Path, corpus: list[tuple[str, str]]) -> float:
    index = TantivyIndex(folder)
    await index.begin(1, IndexOrigin("bare", ANALYSER_VERSION), 0)
    async with ExtractorPool(children=2) as analysts:
        await asyncio.gather(*(analysts.index_parts(*each) for each in corpus[:8]))  # warm
        began = time.perf_counter()
        for start in range(0, len(corpus), 200):
            some = corpus[start : start + 200]
            found = await asyncio.gather(*(analysts.index_parts(*each) for each in some))
            put = [
                IndexedText(
                    hashlib.sha256(text.encode()).digest(), said, [1], ["all"], ["en"], ["host"]
                )
                for (_, text), said in zip(some, found, strict=True)
            ]
            await index.apply(1, TextChanges(put, (), 0))
        spent = time.perf_counter() - began
    await index.close()
    return len(corpus) / spent


async def _rebuild(client: Client) -> tuple[RebuildResult, dict[str, float]]:
    """The result, and the seconds that its activities ran, by type."""
    handle: WorkflowHandle[Any, RebuildResult] = await client.start_workflow(
        "rebuild_index", id="rebuild_index", task_queue=QUEUE, result_type=RebuildResult
    )
    result = await handle.result()
    began: dict[int, tuple[str, datetime]] = {}
    spent: dict[str, float] = defaultdict(float)
    async for event in handle.fetch_history_events():
        at = event.event_time.ToDatetime()
        scheduled = event.activity_task_scheduled_event_attributes
        started = event.activity_task_started_event_attributes
        completed = event.activity_task_completed_event_attributes
        if scheduled.activity_id:
            began[event.event_id] = (scheduled.activity_type.name, at)
        elif started.scheduled_event_id:
            began[started.scheduled_event_id] = (began[started.scheduled_event_id][0], at)
        elif completed.scheduled_event_id:
            name, since = began[completed.scheduled_event_id]
            spent[name] += (at - since).total_seconds()
    return result, spent


@asynccontextmanager
async def _searching(
    pool: asyncpg.Pool, index: TantivyIndex, people: int = 2
) -> AsyncIterator[list[float]]:
    """Seconds of each search that people made during the block."""
    times: list[float] = []
    over = asyncio.Event()

    async def person(seed: int) -> None:
        dice = random.Random(seed)
        async with pool.acquire() as connection:
            while not over.is_set():
                query = f"{_said(dice, 3)} {dice.randrange(1000)}q"
                began = time.perf_counter()
                found = await search_corpus(connection, index, SearchRequest(query))
                times.append(time.perf_counter() - began)
                assert found.total
                await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(person(seed)) for seed in range(people)]
    try:
        yield times
    finally:
        over.set()
        await asyncio.gather(*tasks)
