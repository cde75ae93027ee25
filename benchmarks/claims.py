"""Milliseconds of a claim in a run that PostgreSQL's statistics lack, by the size of the run.

The baseline marks as many pages as claimed, by key: the least that a claim can do. Between two
claims the batch is ended as unchanged, so that the run goes on; what is measured beside it are the
run's counts, which a claim's activity asks for once. A claim whose time grows with the run makes
the run's time grow with its square.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from atlas.contracts.activities import Batch, ClaimBatch
from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.runs import claims, run_membership, runs
from atlas.stores.postgres.sources import sources
from benchmarks.pipeline import stack

SIZES = (1_000, 10_000, 50_000)
BATCH = 100
CLAIMS = 10
RUNS = 4
"""Earlier ones, of the same pages."""
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def main() -> None:
    """Print a line for each size: claim, counts, baseline, and the claim's ratio to it."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        asyncio.run(_measure(Path(home)))


async def _measure(home: Path) -> None:
    async with stack(home) as (url, _):
        connection = await asyncpg.connect(url, server_settings={"jit": "off"})
        # Whether autovacuum analyses in time is chance; the run must do without.
        await connection.execute("alter table run_pages set (autovacuum_enabled = off)")
        for size in SIZES:
            await connection.execute("truncate pages, runs, sources cascade")
            await _fill(connection, size)
            await _one(connection, size)
        await connection.close()


async def _fill(connection: asyncpg.Connection, count: int) -> None:
    """Pages, and earlier runs of all of them that the statistics know."""
    await connection.execute(
        "insert into pages (url, created_at) "
        "select 'https://bench.example/' || to_char(n, 'FM000000'), $2 "
        "from generate_series(0, $1::int - 1) n",
        *(count, NOW),
    )
    await connection.execute("insert into page_state (page_id) select id from pages")
    source = await _source(connection, "old")
    for _ in range(RUNS):
        await _open(connection, str(uuid.uuid4()), source)
    await connection.execute(
        "insert into run_pages (run_id, page_id, level, url, stage, outcome) "
        "select run_id, id, 0, url, 'done', 'added' from pages, runs"
    )
    for table in ("pages", "page_state", "run_pages", "runs", "sources"):
        await connection.execute(f"analyze {table}")


async def _source(connection: asyncpg.Connection, name: str) -> sources.Source:
    spec = SourceSpec(name=name, kind="urls", urls=("https://bench.example/",))
    await sources.add(connection, spec, NOW)
    return await sources.get(connection, name)


async def _open(connection: asyncpg.Connection, run_id: str, source: sources.Source) -> None:
    await runs.open_run(
        connection,
        run_id=run_id,
        workflow_id=run_id,
        source=source,
        trigger="bench",
        due=False,
        kind="sync_pipeline",
        now=NOW,
    )


async def _one(connection: asyncpg.Connection, size: int) -> None:
    run_id = str(uuid.uuid4())
    source = await _source(connection, f"run-{size}")
    await _open(connection, run_id, source)
    began = time.perf_counter()
    for start in range(0, size, 2000):
        await run_membership.list_for_run(
            connection,
            source_id=source.id,
            run_id=run_id,
            urls=[f"https://bench.example/{n:06}" for n in range(start, min(size, start + 2000))],
            level=0,
            now=NOW,
            wanted=run_membership.WantedPages("full", timedelta(days=1), 1),
        )
    listed = time.perf_counter() - began
    took, counted, marked = await _claims(connection, run_id)
    print(
        f"{size:6,} pages: claim {took:8.2f} ms, counts {counted:6.2f} ms, "
        f"baseline {marked:5.2f} ms, ratio {took / marked:7.2f} (listed in {listed:.1f} s)"
    )


async def _claims(connection: asyncpg.Connection, run_id: str) -> tuple[float, float, float]:
    """Medians of a claim, of the counts and of the baseline, in milliseconds."""
    spent: list[tuple[float, float, float]] = []
    for number in range(CLAIMS):
        batch = Batch(run_id=run_id, lane=0, number=number)
        wanted = ClaimBatch(run_id=run_id, lane=0, number=number, size=BATCH)
        claimed = await _timed(lambda wanted=wanted: claims.claim(connection, wanted, NOW))
        counted = await _timed(lambda: run_queue.counts(connection, run_id))
        held = await claims.begin_attempt(connection, batch, 1)
        assert len(held) == BATCH
        ids = [page.page_id for page in held]
        marked = await _timed(lambda ids=ids: _mark(connection, ids))
        async with connection.transaction():
            await run_queue.lock(connection, {page.page_id: page.fence + 1 for page in held})
            await run_queue.finish(connection, run_id, [(page, "unchanged", None) for page in ids])
        spent.append((claimed, counted, marked))
    first, second, third = (statistics.median(column) for column in zip(*spent, strict=True))
    return first, second, third


async def _mark(connection: asyncpg.Connection, page_ids: list[int]) -> None:
    async with connection.transaction():
        await connection.execute(
            "update page_state set fence = fence + 1 where page_id = any($1::bigint[])", page_ids
        )


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000
