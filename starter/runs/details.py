"""All that is known of one run: its record, and what Temporal says of it now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from atlas.contracts.models import Counts
from atlas.contracts.names import ATTRIBUTE_OUTCOME, ATTRIBUTE_SOURCE, ATTRIBUTE_TRIGGER
from atlas.contracts.sync_pipeline import Failure
from starter.connection import Parts
from starter.monitoring.overview import PendingActivity
from starter.runs.listing import LEFT_BEHIND, word
from starter.runs.lookup import Found, find

if TYPE_CHECKING:
    from temporalio.client import WorkflowExecutionDescription

Status = Literal["running", "paused", "ended"]


@dataclass(frozen=True, slots=True)
class RunDetails:
    """A run. What Temporal alone knows is empty when it does not answer (`temporal_down`)."""

    run_id: str
    """Of the first execution: it names the run in the corpus."""
    workflow_id: str
    workflow: str = field(metadata={"json": "type"})
    """The workflow type."""
    source: str
    """The source it works on, if one."""
    trigger: str
    """Who started it: `cli`, `schedule`, `client` …"""
    status: Status
    outcome: str | None
    """How it ended; None while it is under way."""
    started_at: datetime
    ended_at: datetime | None
    """None while it is under way."""
    paused_since: datetime | None
    message: str
    due: bool = False
    """Whether it checked only pages that were due."""
    complete: bool | None = None
    """Whether its listing was complete."""
    counts: Counts = field(default_factory=Counts)
    """Pages by outcome."""
    summary: Mapping[str, int] = field(default_factory=dict)
    """Figures of its own, of types other than a sync."""
    failures: list[Failure] = field(default_factory=list)
    """The first pages that failed; `runs show --failures` has all."""
    recorded: bool = True
    """Whether it is in the record of runs; single fetches and health checks are in Temporal alone,
    and so is a run that no worker has begun yet."""
    temporal_status: str | None = None
    """Temporal's word: `running`, `completed`, `failed`, `canceled`, `terminated`, `timed_out` …;
    None when it no longer knows the run, or does not answer."""
    temporal_down: bool = False
    """Whether Temporal did not answer: then there is the record alone."""
    stage: str = ""
    """The stage it is at, while it is under way; otherwise empty."""
    done: int | None = None
    """Pieces of work done, while it is under way."""
    total: int | None = None
    """Out of how many, as far as that is known."""
    of: str = ""
    """What `done` and `total` count."""
    per_minute: float | None = None
    """Requests of the last minute; of a run that makes none, what was done a minute since it
    began."""
    pending: list[PendingActivity] = field(default_factory=list)
    task_attempt: int = 1
    """Of its workflow task: above 1, the workflow's own code fails, or no worker takes it."""
    result: Mapping[str, Any] | None = None
    """Of a run that keeps no record and completed: the result of its type."""
    trace_id: str | None = None
    """The trace that began with its start, if it was started with tracing."""
    ui_url: str | None = None
    """Its page in Temporal's Web UI."""


async def details(parts: Parts, named: str, failures: int) -> RunDetails:
    """Everything about the run, with its first `failures` failures. Raises `NotFound`,
    `CannotConnect`."""
    found = await find(parts, named)
    base = await _base(parts, found, failures)
    if found.described is None:
        return RunDetails(**base)
    from starter.runs.temporal_view import how_it_goes, result_of, trace_id_of

    async with parts.temporal() as client:
        now, trace, result = await asyncio.gather(
            how_it_goes(parts, client, found, base),
            trace_id_of(client, found),
            result_of(parts, found),
        )
    return RunDetails(**{**base, **now, **result}, trace_id=trace)


async def _base(parts: Parts, found: Found, failures: int) -> dict[str, Any]:
    base: dict[str, Any] = {
        "workflow": found.workflow,
        "workflow_id": found.workflow_id,
        "run_id": found.run_id,
        "recorded": found.record is not None,
        "temporal_down": found.temporal_down,
        "ui_url": parts.locations.run_url(found.workflow_id, found.run_id),
    }
    base |= _from_temporal(found.described) if found.described else {}
    return base | (await _from_record(parts, found, failures) if found.record else {})


def _from_temporal(described: WorkflowExecutionDescription) -> dict[str, Any]:
    from starter.monitoring.temporal_runs import task_attempt

    attributes = described.search_attributes
    ended = described.close_time is not None
    status = described.status.name.lower() if described.status else ""
    outcome = word(attributes.get(ATTRIBUTE_OUTCOME)) or status
    return {
        "source": word(attributes.get(ATTRIBUTE_SOURCE)),
        "trigger": word(attributes.get(ATTRIBUTE_TRIGGER)),
        "started_at": described.start_time,
        "ended_at": described.close_time,
        "status": "ended" if ended else "running",
        "outcome": outcome if ended else None,
        "temporal_status": status,
        "paused_since": None,
        "message": "",
        "task_attempt": task_attempt(described),
    }


async def _from_record(parts: Parts, found: Found, failures: int) -> dict[str, Any]:
    from atlas.stores.postgres.crawl import run_queue, runs

    record = found.record
    assert record is not None
    async with parts.database() as connection:
        failed = await runs.failures(connection, record.run_id, failures)
        counts = await run_queue.counts(connection, record.run_id)
    base = {
        "source": record.source,
        "trigger": record.trigger,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "outcome": record.outcome,
        "paused_since": record.paused_since,
        "message": record.message or "",
        "due": record.due,
        "complete": record.complete,
        "counts": counts,
        "summary": record.summary,
        "failures": failed,
        "status": "paused" if record.paused_since else "running",
    }
    if record.ended_at is not None:
        base["status"] = "ended"
    elif not found.open:
        base |= _left_behind(found)
    return base


def _left_behind(found: Found) -> dict[str, Any]:
    """Of a run that executed no code at its end, so that its record is open still."""
    described = found.described
    how = described.status.name.lower() if described and described.status else "unknown"
    return {
        "status": "ended",
        "outcome": "failed",
        "ended_at": described.close_time if described else None,
        "paused_since": None,
        "message": f"{LEFT_BEHIND} (Temporal: {how})",
    }
