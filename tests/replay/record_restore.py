"""Record histories of `restore_documents`:

.venv/bin/python -m pytest tests/replay/record_restore.py
"""

import asyncio

import pytest
from temporalio.client import WorkflowFailureError

from tests.e2e.conftest import atlas_env, origin  # noqa: F401 (fixtures)
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_bad_days import document
from tests.origin import Origin
from tests.replay.record import keep


async def removed(env: AtlasEnv, origin: Origin, pages: int) -> str:  # noqa: F811
    """A source whose pages left one and all but one; the run that took them."""
    paths = [f"/{number}.html" for number in range(pages)]
    for number, path in enumerate(paths):
        origin.page(path, document(number))
    await env.add_source("docs", "urls", *map(origin.url, paths))
    await env.sync("docs")
    await env.pool.execute("update versions set valid_to = now(), closed_by = 'bad'")
    await env.pool.execute("update page_state set lifecycle = 'tombstoned'")
    await env.pool.execute(
        "insert into runs (run_id, workflow_id, source_name, trigger, due, started_at, ended_at, "
        "outcome) values ('bad', 'sync_pipeline:docs', 'docs', 'cli', false, now(), now(), 'held')"
    )
    return "bad"


async def test_restore(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    run = atlas_env.client.execute_workflow
    async with atlas_env.worker():
        bad = await removed(atlas_env, origin, 30)
        dry = {"run": bad, "dry_run": True}
        await run("restore_documents", dry, id="restore_dry", task_queue="atlas")
        await keep("restore_dry", atlas_env, "restore_dry")
        request = {"run": bad, "chunk": 2, "max_history_events": 50}
        await run("restore_documents", request, id="restore_continued", task_queue="atlas")
        await keep("restore_continued", atlas_env, "restore_continued")
        for name, asked in (
            ("restore_refused", {"run": "nobody"}),
            ("restore_unknown", {"urls": ["https://stored.example/nowhere"]}),
        ):
            with pytest.raises(WorkflowFailureError):
                await run("restore_documents", asked, id=name, task_queue="atlas")
            await keep(name, atlas_env, name)


async def test_restore_cancelled(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    async with atlas_env.worker():
        bad = await removed(atlas_env, origin, 30)
        handle = await atlas_env.client.start_workflow(
            "restore_documents",
            {"run": bad, "chunk": 1},
            id="restore_cancelled",
            task_queue="atlas",
        )
        await handle.signal("pause")

        async def paused() -> bool:
            return bool(
                await atlas_env.value(
                    "select paused_since is not null from runs where kind = 'restore_documents'"
                )
            )

        await until(paused)
        await handle.signal("resume")
        await asyncio.sleep(0)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        await keep("restore_cancelled", atlas_env, "restore_cancelled")
