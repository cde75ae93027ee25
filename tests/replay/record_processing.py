"""Record histories of `process_document` and `batch_process`:

.venv/bin/python -m pytest tests/replay/record_processing.py
"""

import asyncio

import pytest
from temporalio.client import WorkflowFailureError

from tests.e2e.conftest import atlas_env, origin  # noqa: F401 (fixtures)
from tests.e2e.environments import until, until_pages
from tests.e2e.stack import AtlasEnv
from tests.replay.record import keep
from tests.stored import store

BASE = "https://stored.example"


async def stored(env: AtlasEnv, pages: int) -> None:
    bodies = {f"{BASE}/{number}": b"Log %d of the harbour." % number for number in range(pages)}
    await store(env.pool, env.blobs, {**bodies, f"{BASE}/empty": b" "})


async def test_process_document(atlas_env: AtlasEnv) -> None:  # noqa: F811
    await stored(atlas_env, 1)
    async with atlas_env.worker():
        run = atlas_env.client.execute_workflow
        for name, request in (
            ("process_added", {"url": f"{BASE}/0"}),
            ("process_failed", {"url": f"{BASE}/empty", "force": True}),
            ("process_unknown", {"url": f"{BASE}/nowhere"}),
        ):
            await run("process_document", request, id=name, task_queue="atlas")
            await keep(name, atlas_env, name)
        refused = {"url": f"{BASE}/0", "extractor": 99}
        with pytest.raises(WorkflowFailureError):
            await run("process_document", refused, id="process_refused", task_queue="atlas")
        await keep("process_refused", atlas_env, "process_refused")


async def test_batch_process(atlas_env: AtlasEnv) -> None:  # noqa: F811
    await stored(atlas_env, 40)
    async with atlas_env.worker():
        run = atlas_env.client.execute_workflow
        request = {"query": {}, "chunk": 3, "max_history_events": 50}
        await run("batch_process", request, id="batch_continued", task_queue="atlas")
        await keep("batch_continued", atlas_env, "batch_continued")
        with pytest.raises(WorkflowFailureError):
            request = {"failed_of": "nobody"}
            await run("batch_process", request, id="batch_refused", task_queue="atlas")
        await keep("batch_refused", atlas_env, "batch_refused")


async def test_batch_process_paused_and_cancelled(atlas_env: AtlasEnv) -> None:  # noqa: F811
    await stored(atlas_env, 40)
    async with atlas_env.worker():
        handle = await atlas_env.client.start_workflow(
            "batch_process", {"query": {}, "chunk": 2}, id="batch_cancelled", task_queue="atlas"
        )
        await until_pages(atlas_env, "done", 4)
        await handle.signal("pause")

        async def paused() -> bool:
            return bool(await atlas_env.value("select paused_since is not null from runs"))

        await until(paused)
        await handle.signal("resume")
        await asyncio.sleep(0)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        await keep("batch_cancelled", atlas_env, "batch_cancelled")
