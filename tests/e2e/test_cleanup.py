"""`daily_cleanup` from start to result, on the real servers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from atlas.contracts.daily_cleanup import CleanupResult
from atlas.contracts.names import QUEUE
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin


def page(text: str) -> str:
    return f"<html><main><h1>{text}</h1><p>{text} says the keeper of the light.</p></main></html>"


async def clean(env: AtlasEnv, request: dict[str, Any], id: str = "daily_cleanup") -> CleanupResult:
    result: CleanupResult = await env.client.execute_workflow(
        "daily_cleanup", request, id=id, task_queue=QUEUE, result_type=CleanupResult
    )
    return result


async def test_nothing_to_do(atlas_env: AtlasEnv) -> None:
    async with atlas_env.worker():
        result = await clean(atlas_env, {})
    assert result.outcome == "completed"
    assert result.removed == {}
