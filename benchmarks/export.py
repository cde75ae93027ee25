"""An export as JSON Lines: documents per second and memory, compared with a plain COPY.

The COPY is one statement over the same tables, whose text output this process throws away: no
frozen choice, no parts, no JSON, no hashes, no fsync. "run" is the activities of a run without
Temporal; "stream" is what `atlas export` writes to standard output.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from temporalio.testing import ActivityEnvironment

from activities.exporting import Exporting
from atlas.contracts.export_corpus import ChooseExport, DocumentFilter, ExportStep, FinishExport
from atlas.formats.export_formats import ExportFormats
from atlas.formats.json_lines import json_line
from atlas.stores.postgres.clock import DatabaseClock
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.exports.chosen_documents import stream
from atlas.stores.postgres.services.export_runs import ExportStore
from atlas.stores.targets.export_target import open_target
from benchmarks.pipeline import stack
from tests.e2e.bulk_documents import fill

_COPIED = """
    select p.url, d.title, d.text, d.markdown, d.lang, d.canonical, d.published, v.seq,
           d.text_hash, v.valid_from, p.created_at, ps.checked_at, ps.fetched_at, ps.fetched_type,
           d.media, d.snapshot, d.truncated
    from versions v join documents d on d.id = v.document_id join pages p on p.id = v.page_id
    join page_state ps on ps.page_id = v.page_id
    where v.valid_to is null order by v.page_id
"""


def main(documents: int = 50_000) -> None:
    """Print the rates, their ratios, and how much memory grew."""
    asyncio.run(_compare(documents))


async def _compare(documents: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        async with (
            stack(Path(home)) as (url, _),
            asyncpg.create_pool(url, min_size=1, max_size=4) as pool,
        ):
            await fill(pool, documents)
            await _copy(pool)  # warms the cache: every measured run reads from memory
            copied = documents / await _timed(_copy(pool))
            print(f"COPY            {copied:9.0f} documents/s")
            for name, work in (
                ("stream", _stream(pool)),
                ("run", _run(pool, Path(home) / "plain", "none")),
                ("run, zstd", _run(pool, Path(home) / "zstd", "zstd")),
            ):
                before = psutil.Process().memory_info().rss
                growth: list[int] = []
                watching = asyncio.create_task(_watch(before, growth))
                rate = documents / await _timed(work)
                watching.cancel()
                print(
                    f"{name:<15} {rate:9.0f} documents/s, {rate / copied:.2f} of COPY, "
                    f"memory +{max(growth) / 2**20:.0f} MiB"
                )


async def _timed(work: Any) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _watch(before: int, growth: list[int]) -> None:
    while True:
        growth.append(psutil.Process().memory_info().rss - before)
        await asyncio.sleep(0.02)


async def _copy(pool: asyncpg.Pool) -> None:
    async def forget(_: bytes) -> None:
        pass

    async with pool.acquire() as connection:
        await connection.copy_from_query(_COPIED, output=forget)


async def _stream(pool: asyncpg.Pool) -> None:
    with Path(os.devnull).open("wb") as nothing:
        async with pool.acquire() as connection:
            async for document in stream(connection, DocumentFilter()):
                nothing.write(json_line(document))


async def _run(pool: asyncpg.Pool, to: Path, compress: str) -> None:
    clock = DatabaseClock()
    step: dict[str, Any] = {"run_id": to.name, "to": str(to), "compress": compress}
    async with clock.following(pool):
        async with pool.acquire() as connection:
            await runs.open_run(
                connection,
                run_id=to.name,
                workflow_id=f"export_corpus:{to.name}",
                kind="export_corpus",
                trigger="cli",
                now=clock(),
            )
        export = Exporting(ExportStore(pool, clock), open_target, ExportFormats())
        perform = ActivityEnvironment().run
        await perform(export.choose_export, ChooseExport(**step))
        while (await perform(export.write_parts, ExportStep(**step))).more:
            pass
        await perform(export.finish_export, FinishExport(**step))
