"""Record histories of `decide_deletions`:

.venv/bin/python -m pytest tests/replay/record_deletions.py
"""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowFailureError

from tests.e2e.conftest import atlas_env, origin  # noqa: F401 (fixtures)
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.replay.record import HISTORIES, keep


async def test_deciding(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        run = atlas_env.client.execute_workflow
        request = {"of": "docs", "decision": "approve"}
        await run("decide_deletions", request, id="deletions_decided", task_queue="atlas")
        await _kept("deletions_decided", atlas_env)
        with pytest.raises(WorkflowFailureError):
            request = {"of": "nobody", "decision": "reject"}
            await run("decide_deletions", request, id="deletions_refused", task_queue="atlas")
        await _kept("deletions_refused", atlas_env)


async def _kept(name: str, env: AtlasEnv) -> None:
    """The server lists a run a moment after it has ended."""

    async def written() -> bool:
        await keep(name, env, name)
        return (HISTORIES / f"{name}.json").exists()

    await until(written)
