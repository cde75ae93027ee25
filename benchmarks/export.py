"""An export in each format: documents per second and memory, compared with a plain COPY.

The COPY is one statement over the same tables, whose text output this process throws away: no
frozen choice, no parts, no JSON, no hashes, no fsync. "run" is the activities of a run without
Temporal; "stream" is what `atlas export` writes to standard output. Chunks are counted as the
documents that they are of. For WARC each document has a stored body of 20 KB, as pages have.
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

from activities.exports import Exporting
from atlas.contracts.export_corpus import (
    ChooseExport,
    DocumentFilter,
    ExportRequest,
    ExportStep,
    FinishExport,
)
from atlas.formats.export_formats import ExportFormats
from atlas.formats.json_lines import json_line
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.clock import DatabaseClock
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.exports.chosen_documents import stream
from atlas.stores.postgres.services.export_runs import ExportStore
from atlas.stores.targets.export_target import open_target
from atlas.text.children.pool import ExtractorPool
from atlas.worker.chunk_cutter import ChunkCutter
from benchmarks.pipeline import stack
from tests.e2e.bulk_documents import fill

_RUNS: dict[str, dict[str, Any]] = {
    "run": {},
    "run, zstd": {"compress": "zstd"},
    "run, chunks": {"what": "chunks"},
    "run, markdown": {"format": "markdown-folder"},
    "run, parquet": {"format": "parquet"},
    "run, parquet, chunks": {"format": "parquet", "what": "chunks"},
    "run, warc": {"format": "warc"},
    "run, warc, plain": {"format": "warc", "compress": "none"},
}
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
            print(f"COPY                 {copied:9.0f} documents/s")
            await _put_bodies(pool, Path(home) / "bodies")
            works = [("stream", _stream(pool))]
            for name, options in _RUNS.items():
                works.append((name, _run(pool, Path(home), name, options)))
            for name, work in works:
                before = psutil.Process().memory_info().rss
                growth: list[int] = []
                watching = asyncio.create_task(_watch(before, growth))
                rate = documents / await _timed(work)
                watching.cancel()
                print(
                    f"{name:<20} {rate:9.0f} documents/s, {rate / copied:.2f} of COPY, "
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


async def _put_bodies(pool: asyncpg.Pool, folder: Path) -> None:
    """Give each document a body of markup and text."""
    async with open_blobs(str(folder)) as blobs, pool.acquire() as connection:
        await connection.execute("create temp table bodies (page_id bigint, hash bytea)")
        rows = await connection.fetch("select page_id, text from documents order by page_id")
        names: list[tuple[int, bytes]] = []
        for start in range(0, len(rows), 200):
            part = rows[start : start + 200]
            refs = await asyncio.gather(*(blobs.put(_body(row["text"])) for row in part))
            names += [
                (row["page_id"], bytes.fromhex(ref.digest))
                for row, ref in zip(part, refs, strict=True)
            ]
        await connection.copy_records_to_table("bodies", records=names)
        for table, column in (("documents", "snapshot"), ("page_state", "fetched_snapshot")):
            await connection.execute(
                f"update {table} t set {column} = b.hash from bodies b where b.page_id = t.page_id"
            )
        await connection.execute("vacuum full documents, page_state")
        await connection.execute("analyze")


def _body(text: str) -> bytes:
    return (f"<p class='text'>{text}</p>" * 20)[:20_000].encode()


async def _run(pool: asyncpg.Pool, home: Path, name: str, options: dict[str, Any]) -> None:
    clock = DatabaseClock()
    to = home / name.replace(", ", "-")
    request = ExportRequest(to=str(to), **options)
    fields = request.model_dump(include=set(ExportStep.model_fields))
    step: dict[str, Any] = {**fields, "run_id": to.name}
    bodies = open_blobs(str(home / "bodies"))
    async with clock.following(pool), bodies as blobs, ExtractorPool() as extractor:
        async with pool.acquire() as connection:
            await runs.open_run(
                connection,
                run_id=to.name,
                workflow_id=f"export_corpus:{to.name}",
                kind="export_corpus",
                trigger="cli",
                now=clock(),
            )
        cutter = ChunkCutter(extractor)
        export = Exporting(
            ExportStore(pool, clock), open_target, ExportFormats(), blobs.get, cutter
        )
        perform = ActivityEnvironment().run
        chosen = await perform(export.choose_export, ChooseExport(**step))
        step["as_of"] = chosen.as_of
        while (await perform(export.write_parts, ExportStep(**step))).more:
            pass
        await perform(export.finish_export, FinishExport(**step))
