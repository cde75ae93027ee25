"""Record histories of `push_documents`:

.venv/bin/python -m pytest tests/replay/record_push.py
"""

import asyncio
from contextlib import suppress

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError

from atlas.contracts.jobs import Progress
from starter.client import AtlasClient
from tests.e2e.conftest import atlas_env  # noqa: F401 (a fixture)
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv
from tests.replay.record import has_event, keep

WIKI = "https://wiki.example.org/"


async def test_push(atlas_env: AtlasEnv) -> None:  # noqa: F811
    urls = [f"{WIKI}{number}" for number in range(4)]
    await atlas_env.add_source("wiki", "push", WIKI)
    async with atlas_env.worker(), AtlasClient.connect() as atlas:
        for url in urls:
            put = await atlas.put(url, f"<p>What {url} has to say about the harbour.</p>")
            await put.result()
        await keep("push_put", atlas_env, put.workflow_id)
        for name, gone in (("push_withdrawn", urls[:1]), ("push_held", urls[1:])):
            withdrawn = await atlas.withdraw(*gone)
            await withdrawn.result()
            await keep(name, atlas_env, withdrawn.workflow_id)
        start = atlas_env.client.start_workflow
        for name, request in (
            ("push_refused", {"withdraw": urls[:1], "source": "nobody"}),
            ("push_unknown", {"withdraw": [f"{WIKI}never"]}),
        ):
            handle = await start("push_documents", request, id=name, task_queue="atlas")
            with suppress(WorkflowFailureError):
                await handle.result()
            await keep(name, atlas_env, name)
        # Another run holds the page, for a while.
        claim = "update page_state set claim_run = $1, claim_lane = 0, claim_number = 1"
        await atlas_env.pool.execute(
            "insert into runs (run_id, workflow_id, source_name, trigger, due, started_at) "
            "values ('other', 'sync_pipeline:docs', 'docs', 'cli', false, now())"
        )
        await atlas_env.pool.execute(claim, "other")
        handle = await start(
            "push_documents", {"withdraw": urls[3:]}, id="push_waited", task_queue="atlas"
        )
        await until(lambda: has_event(handle, EventType.EVENT_TYPE_TIMER_STARTED))
        await atlas_env.pool.execute(
            "update page_state set claim_run = null, claim_lane = null, claim_number = null"
        )
        await handle.result()
        await keep("push_waited", atlas_env, "push_waited")


async def test_push_cancelled(atlas_env: AtlasEnv) -> None:  # noqa: F811
    await atlas_env.add_source("wiki", "push", WIKI)
    handle = await atlas_env.client.start_workflow(
        "push_documents",
        {"withdraw": [WIKI]},
        id="push_cancelled",
        task_queue="atlas",
        start_signal="pause",
    )
    async with atlas_env.worker():
        while not (await handle.query("progress", result_type=Progress)).paused:
            await asyncio.sleep(0.02)
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
        await keep("push_cancelled", atlas_env, "push_cancelled")
