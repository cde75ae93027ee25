"""The running runs as Temporal has them: types, stages by their activities, and progress."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.service import RPCError, RPCStatusCode

from atlas.contracts.names import ATTRIBUTE_SOURCE
from atlas.contracts.stages import stages_of
from starter.monitoring.overview import ActivitySeen, RunSeen

MOST = 100
"""Runs that are listed."""
_DESCRIBED = 40
"""Runs whose activities are listed: one small request each."""
_ACTIVITIES = 5
"""Activities listed for each run, those that failed most often first."""
_AT_ONCE = 8
_QUERY = timedelta(seconds=1)
_RUNNING = "ExecutionStatus = 'Running'"
_SINGLE = "WorkflowType = 'fetch_url'"  # hundreds at a time, each over in a second

WAITING = "waiting"
"""Nothing is under way."""


async def executions(client: Client) -> tuple[list[RunSeen], int]:
    """What runs, the latest first, the single fetches last; and how many run in all. Raises
    RPCError."""
    total = (await client.count_workflows(_RUNNING)).count
    found = await _listed(client, f"{_RUNNING} AND NOT {_SINGLE}", MOST) if total else []
    if len(found) < min(total, MOST):
        found += await _listed(client, f"{_RUNNING} AND {_SINGLE}", MOST - len(found))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def described(one: RunSeen) -> RunSeen | None:
        async with turn:
            return await _described(client, one)

    details = await asyncio.gather(*map(described, found[:_DESCRIBED]))
    return [*(each for each in details if each), *found[_DESCRIBED:]], total


async def _listed(client: Client, query: str, limit: int) -> list[RunSeen]:
    return [_execution(each) async for each in client.list_workflows(query, limit=limit)]


def _execution(listed: WorkflowExecution) -> RunSeen:
    source = listed.search_attributes.get(ATTRIBUTE_SOURCE) or [""]
    return RunSeen(
        type=listed.workflow_type,
        source=str(source[0]),
        workflow_id=listed.id,
        run_id=listed.raw_info.first_run_id or listed.run_id,
        started_at=listed.start_time,
    )


async def _described(client: Client, one: RunSeen) -> RunSeen | None:
    """With what is under way; None: it ended meanwhile."""
    try:
        detail = await client.get_workflow_handle(one.workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    if detail.close_time is not None:
        return None
    activities = list(map(_activity, detail.raw_description.pending_activities))
    activities.sort(key=lambda each: (-each.attempt, each.type))
    return replace(
        one,
        run_id=detail.raw_description.workflow_execution_info.first_run_id or one.run_id,
        stage=stage_of(each.type for each in activities),
        activities=tuple(activities[:_ACTIVITIES]),
        attempt=max([task_attempt(detail), *(each.attempt for each in activities)]),
    )


def _activity(pending: PendingActivityInfo) -> ActivitySeen:
    return ActivitySeen(
        type=pending.activity_type.name,
        attempt=max(pending.attempt, 1),
        started=pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
        failure=pending.last_failure.message[:300] if pending.HasField("last_failure") else "",
    )


def stage_of(activities: Iterable[str]) -> str:
    """What a run does by the types of its activities, in the order of a document's way; several
    when its lanes differ."""
    return ", ".join(stages_of(activities)) or WAITING


@dataclass(frozen=True, slots=True)
class Asked:
    """The progress that a run reports."""

    stage: str
    done: int | None
    total: int | None
    of: str
    paused_since: float | None


async def progress(client: Client, workflow_id: str) -> Asked | None:
    """What the run itself reports, if its work is not counted in pages; None: it does not answer.
    Costs its worker one workflow task."""
    handle = client.get_workflow_handle(workflow_id)
    try:
        answer = await handle.query("progress", result_type=dict[str, Any], rpc_timeout=_QUERY)
    except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return None
    return _asked(answer)


def _asked(answer: Mapping[str, Any]) -> Asked:
    """Of the models `Progress` and `SyncProgress`."""
    if "sources_total" in answer:
        done, total, of = answer["sources_done"], answer["sources_total"], "sources"
    else:
        done, total, of = answer.get("done"), answer.get("total"), str(answer.get("of", "steps"))
    if not done and not total:
        done = total = None
    return Asked(str(answer.get("stage", "")), done, total, of, answer.get("paused_since"))


def task_attempt(described: WorkflowExecutionDescription) -> int:
    """Of the workflow task that is under way; 1 when there is none."""
    raw = described.raw_description
    return raw.pending_workflow_task.attempt if raw.HasField("pending_workflow_task") else 1
