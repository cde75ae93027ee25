"""Record histories of paused runs, as 0.3.1 ran them:

    .venv/bin/python -m pytest tests/replay/record_pauses.py

A pause arrives before `run` begins, while children work, and again while the first is recorded.
"""

import asyncio
from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowFailureError

from tests.e2e.conftest import atlas_env, origin  # noqa: F401 (fixtures)
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.replay.record import keep, page


async def declare(env: AtlasEnv, origin: Origin, gate: asyncio.Event) -> None:  # noqa: F811
    for name in ("one", "two", "three"):
        origin.page(f"/{name}", page(name), gate=gate if name == "one" else None)
        await env.add_source(name, "urls", origin.url(f"/{name}"))


async def test_pauses_of_many_sources(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    gate = asyncio.Event()
    await declare(atlas_env, origin, gate)
    start: Any = atlas_env.client.start_workflow

    async def recorded(name: str, kind: str, request: dict[str, Any]) -> None:
        """Paused from the start, resumed, paused and resumed in the middle, resumed at once."""
        gate.clear()
        before = len(origin.requests("/one"))
        handle = await start(kind, request, id=name, task_queue="atlas", start_signal="pause")
        while not (await handle.query("progress"))["paused"]:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        await handle.signal("resume")
        await origin.arrived("/one", before + 1)
        await handle.signal("pause")
        await handle.signal("resume")
        await handle.signal("pause")
        await asyncio.sleep(1)
        gate.set()
        await handle.signal("resume")
        await handle.result()
        await keep(name, atlas_env, name)

    async with atlas_env.worker():
        await recorded("several_paused", "sync_pipeline", {"all": True})
        full = {"mode": "full", "parallel": 1}
        await recorded("collect_all_paused", "collect_all_sources", full)
        gate.clear()
        before = len(origin.requests("/one"))
        handle = await start(
            "sync_pipeline", {"all": True}, id="several_paused_cancelled", task_queue="atlas"
        )
        await origin.arrived("/one", before + 1)
        await handle.signal("pause")
        await asyncio.sleep(1)
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
        await keep("several_paused_cancelled", atlas_env, "several_paused_cancelled")
        await keep("sync_paused_cancelled", atlas_env, "sync_pipeline:one")
        handle = await start(
            "sync_pipeline",
            {"sources": ["two"]},
            id="sync_paused",
            task_queue="atlas",
            start_signal="pause",
        )
        await asyncio.sleep(1)
        await handle.signal("resume")
        await handle.result()
        await keep("sync_paused", atlas_env, "sync_paused")
