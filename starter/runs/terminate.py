"""Ending a run from outside, at once, and its record with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from atlas.contracts.models import Message
from atlas.stores.postgres.crawl.runs import runs
from starter.connection import Parts
from starter.errors import NotFound
from starter.runs.handles import handle_of
from starter.runs.lookup import quoted


@dataclass(frozen=True, slots=True)
class TerminatedRun:
    """What a termination did."""

    was_open: bool
    """Whether Temporal had it under way."""
    record_ended: bool
    """Whether its record was open, and is ended now."""
    children: list[str] = field(default_factory=list)
    """Workflow ids of runs that it started and that go on."""


async def terminate(parts: Parts, workflow_id: str, run_id: str, reason: str) -> TerminatedRun:
    """End a run. It executes no more code, so its record is closed here: its pages are given up,
    its claims and lease released. Raises `CannotConnect`, `Refused`.

    Late writes of its activities are refused by the fences of its pages. Calling it again closes
    the record of a run that was terminated elsewhere.
    """
    was_open = await parts.run_is_open(workflow_id, run_id)
    async with parts.temporal() as client:
        children = await _children(parts, workflow_id) if was_open else []
        try:
            if was_open:
                handle = handle_of(client, workflow_id, run_id, Message)
                await handle.terminate(reason=reason or "terminated with `atlas runs terminate`")
        except NotFound:
            was_open = False
    return TerminatedRun(was_open, await _end_record(parts, run_id, reason), children)


async def _children(parts: Parts, workflow_id: str) -> list[str]:
    query = f"ParentWorkflowId = {quoted(workflow_id)} AND ExecutionStatus = 'Running'"
    async with parts.temporal() as client:
        return sorted([each.id async for each in client.list_workflows(query, limit=500)])


async def _end_record(parts: Parts, run_id: str, reason: str) -> bool:
    why = f"terminated: {reason}" if reason else "terminated"
    async with parts.database() as connection:
        try:
            record = await runs.get(connection, run_id)
        except runs.UnknownRun:
            return False
        if record.ended_at is not None:
            return False
        await runs.end_dead(connection, run_id, why, datetime.now(UTC))
    return True
