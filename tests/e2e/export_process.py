"""An export in a process of its own, without Temporal, which prints how much memory it took:
`python export_process.py DATABASE BLOBS REQUEST`, the last as JSON."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path

import asyncpg

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from temporalio.testing import ActivityEnvironment

from activities.exports import Exporting
from atlas.contracts.export_corpus import ChooseExport, ExportRequest, ExportStep, FinishExport
from atlas.formats.export_formats import ExportFormats
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.clock import DatabaseClock
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.services.export_runs import ExportStore
from atlas.stores.targets.export_target import open_target
from atlas.text.children.pool import ExtractorPool
from atlas.worker.chunk_cutter import ChunkCutter


async def export(database: str, folder: str, request: ExportRequest) -> dict[str, int]:
    """Documents, bytes, and the most memory of this process in bytes (its children apart)."""
    clock, perform = DatabaseClock(), ActivityEnvironment().run
    fields = request.model_dump(include=set(ExportStep.model_fields))
    name = Path(request.to).name
    async with (
        asyncpg.create_pool(database, min_size=1, max_size=4) as pool,
        clock.following(pool),
        open_blobs(folder) as blobs,
        ExtractorPool() as extractor,
    ):
        async with pool.acquire() as connection:
            await runs.open_run(
                connection, run_id=name, workflow_id=f"export_corpus:{name}",
                kind="export_corpus", trigger="cli", now=clock(),
            )  # fmt: skip
        work = Exporting(
            ExportStore(pool, clock), open_target, ExportFormats(), blobs.get,
            ChunkCutter(extractor),
        )  # fmt: skip
        step = fields | {"run_id": name, "one_file": request.one_file}
        only = request.only.model_dump()
        chosen = await perform(work.choose_export, ChooseExport(**step, only=only))
        step["as_of"] = chosen.as_of
        while (await perform(work.write_parts, ExportStep(**step))).more:
            pass
        done = await perform(work.finish_export, FinishExport(**step, only=only))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"documents": done.documents, "bytes": done.bytes, "memory": most}


if __name__ == "__main__":
    database, folder, request = sys.argv[1:]
    found = asyncio.run(export(database, folder, ExportRequest.model_validate_json(request)))
    print(json.dumps(found))
