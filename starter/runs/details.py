"""All that is known of one run: its record, and Temporal's description of it now."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from atlas.contracts.models import Counts
from atlas.contracts.names import ATTRIBUTE_OUTCOME, ATTRIBUTE_SOURCE, ATTRIBUTE_TRIGGER
from atlas.contracts.sync_pipeline import Failure, SourceOutcome
from atlas.domain.texts import TruncatedPage
from starter.connection import Parts
from starter.errors import AtlasError
from starter.monitoring.overview import PendingActivity

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from temporalio.api.workflow.v1 import PendingActivityInfo
    from temporalio.client import Client, WorkflowExecution, WorkflowExecutionDescription

    from atlas.stores.postgres.crawl.runs.refusals import RefusedByRule
    from atlas.stores.postgres.crawl.runs.runs import Run

Status = Literal["running", "paused", "ended"]

_LATELY = timedelta(minutes=1)
_TRACEPARENT = re.compile(rb"\b00-([0-9a-f]{32})-[0-9a-f]{16}-")
_OF_SEVERAL = ("sync_pipeline", "collect_all_sources", "hourly_collection")
LEFT_BEHIND = (
    "ended without closing its record; the next run of its source, or the daily clean-up, does that"
)


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
    robots_ignored: int = 0
    """Requests for which robots.txt was not asked, as the source's rules say."""
    summary: Mapping[str, int] = field(default_factory=dict)
    """Figures of its own, of types other than a sync."""
    failures: list[Failure] = field(default_factory=list)
    """The first pages that failed; `runs show --failures` has all."""
    failed_with: Mapping[str, int] = field(default_factory=dict)
    """Failed pages by [code](errors.md), the most frequent first."""
    truncated_count: int = 0
    """Pages that the run settled or found unchanged and whose text lacks a part of the body."""
    truncated: list[TruncatedPage] = field(default_factory=list)
    """The first of these pages; `runs show --failures` has all."""
    refused: list[RefusedByRule] = field(default_factory=list)
    """What its listing names or its pages link to, and its source's rules refused."""
    sources: list[SourceOutcome] = field(default_factory=list)
    """Of a run of several sources that has ended: how that of each did, the worst first, as far as
    Temporal still has its result."""
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
    """The trace that it belongs to, if its starter or its worker exports traces."""
    ui_url: str | None = None
    """Its page in Temporal's Web UI."""


def of_record(
    parts: Parts,
    record: Run,
    described: WorkflowExecutionDescription | None,
    *,
    temporal_down: bool = False,
) -> RunDetails:
    """A recorded run, and the latest execution of it that Temporal knows."""
    run = RunDetails(
        run_id=record.run_id,
        workflow_id=record.workflow_id,
        workflow=record.kind,
        source=record.source,
        trigger=record.trigger,
        status="paused" if record.paused_since else "running",
        outcome=record.outcome,
        started_at=record.started_at,
        ended_at=record.ended_at,
        paused_since=record.paused_since,
        message=record.message or "",
        due=record.due,
        complete=record.complete,
        summary=record.summary,
        temporal_down=temporal_down,
        trace_id=record.trace_id,
        ui_url=parts.locations.run_url(record.workflow_id, record.run_id),
    )
    if described is not None:
        from starter.monitoring.temporal_runs import task_attempt

        run = replace(
            run, temporal_status=status_of(described), task_attempt=task_attempt(described)
        )
    if described is not None and described.close_time is None:
        return run  # also where its record is closed already: its last step is
    if record.ended_at is not None:
        return replace(run, status="ended")
    return run if temporal_down else _left_behind(run, described)


def _left_behind(run: RunDetails, described: WorkflowExecutionDescription | None) -> RunDetails:
    """A run that ended without executing any code, so that its record is still open."""
    return replace(
        run,
        status="ended",
        outcome="failed",
        ended_at=described.close_time if described else None,
        paused_since=None,
        message=f"{LEFT_BEHIND} (Temporal: {run.temporal_status or 'unknown'})",
    )


def of_execution(parts: Parts, described: WorkflowExecutionDescription) -> RunDetails:
    """A run that Temporal alone knows."""
    from starter.monitoring.temporal_runs import task_attempt

    run_id = first_run_id(described)
    ended = described.close_time is not None
    return RunDetails(
        run_id=run_id,
        workflow_id=described.id,
        workflow=described.workflow_type,
        source=word(described, ATTRIBUTE_SOURCE),
        trigger=word(described, ATTRIBUTE_TRIGGER),
        status="ended" if ended else "running",
        outcome=outcome_of(described),
        started_at=described.start_time,
        ended_at=described.close_time,
        paused_since=None,
        message="",
        recorded=False,
        temporal_status=status_of(described),
        task_attempt=task_attempt(described),
        ui_url=parts.locations.run_url(described.id, run_id),
    )


async def details(
    parts: Parts,
    run: RunDetails,
    described: WorkflowExecutionDescription | None,
    failures: int,
) -> RunDetails:
    """The run with its counts, first `failures` failures, trace, and progress or result. Raises
    `CannotConnect`."""
    if run.recorded:
        run = await _with_pages(parts, run, failures)
    if described is None:
        return run
    async with parts.temporal() as client:
        run, trace_id = await asyncio.gather(
            _at_its_end(parts, run)
            if run.status == "ended"
            else _with_progress(parts, client, run, described),
            _trace_id(client, run),
        )
    return replace(run, trace_id=trace_id or run.trace_id)


async def _with_pages(parts: Parts, run: RunDetails, failures: int) -> RunDetails:
    from atlas.stores.postgres.crawl import run_queue
    from atlas.stores.postgres.crawl.pages import documents
    from atlas.stores.postgres.crawl.runs import refusals, runs

    async with parts.database() as connection:
        count, truncated = await documents.truncated_of(connection, run.run_id, failures)
        failed = await runs.failures(connection, run.run_id, failures)
        counts = await run_queue.counts(connection, run.run_id)
        codes = await runs.failure_codes(connection, run.run_id) if counts.failed else {}
        ignored = await runs.robots_ignored(connection, run.run_id)
        refused = await refusals.of_run(connection, run.run_id)
    run = replace(run, truncated_count=count, truncated=truncated, robots_ignored=ignored)
    return replace(run, counts=counts, failures=failed, failed_with=codes, refused=refused)


async def _with_progress(
    parts: Parts, client: Client, run: RunDetails, described: WorkflowExecutionDescription
) -> RunDetails:
    """The stage, progress and activities of a run under way."""
    from atlas.contracts.catalogue import WORKFLOWS
    from starter.monitoring.temporal_runs import progress, stage_of

    raw = described.raw_description
    pending = [await _pending(client, each) for each in raw.pending_activities]
    # A brief type has no progress query, and that of a foreign type could not be read.
    brief = run.workflow not in WORKFLOWS or WORKFLOWS[run.workflow].brief
    said = None if brief else await progress(client, run.workflow_id)
    paused = run.status == "paused" or (said is not None and said.paused_since is not None)
    stage = "paused" if paused else stage_of(each.type for each in pending)
    run = replace(
        run,
        pending=pending,
        status="paused" if paused else "running",
        stage=(said.stage if said else "") or stage,
    )
    if run.counts.seen:
        run = replace(run, done=run.counts.done, total=run.counts.seen, of="pages")
    elif said is not None and said.total is not None:
        run = replace(run, done=said.done, total=said.total, of=said.of)
    return replace(run, per_minute=await _per_minute(parts, run))


async def _pending(client: Client, raw: PendingActivityInfo) -> PendingActivity:
    from temporalio.api.enums.v1 import PendingActivityState

    return PendingActivity(
        type=raw.activity_type.name,
        under_way=raw.state != PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED,
        attempt=max(raw.attempt, 1),
        failure=await _failure(client, raw) if raw.HasField("last_failure") else "",
        next_attempt_at=_moment(raw, "next_attempt_schedule_time"),
        heartbeat_at=_moment(raw, "last_heartbeat_time"),
    )


async def _failure(client: Client, raw: PendingActivityInfo) -> str:
    """The message of the last failure and of its cause, decrypted if we have the key."""
    try:
        error = await client.data_converter.decode_failure(raw.last_failure)
    except Exception:  # keys of another Atlas
        return raw.last_failure.message
    cause = error.__cause__
    return f"{error}: {cause}" if cause else str(error)


def _moment(
    raw: PendingActivityInfo,
    field: Literal["next_attempt_schedule_time", "last_heartbeat_time"],
) -> datetime | None:
    if not raw.HasField(field):
        return None
    stamp: Timestamp = getattr(raw, field)
    return stamp.ToDatetime(tzinfo=UTC)


async def _per_minute(parts: Parts, run: RunDetails) -> float | None:
    """Requests of the last minute for a run that fetches; else work done per minute so far."""
    from atlas.stores.postgres.crawl.runs import runs

    if not run.recorded or run.status == "paused":
        return None
    now = datetime.now(UTC)
    span = min(now - run.started_at, _LATELY)
    async with parts.database() as connection:
        record = await runs.get(connection, run.run_id)
        asked = await runs.requests_since(connection, record, now - span)
    if asked is None:
        asked, span = run.done or 0, now - run.started_at
    return round(asked * 60 / max(span.total_seconds(), 1.0), 1)


async def _trace_id(client: Client, run: RunDetails) -> str | None:
    """The trace that the run's starter began, from its first event; None: it began none."""
    from temporalio.service import RPCError

    handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
    with suppress(RPCError):  # past its retention
        async for event in handle.fetch_history_events(page_size=1):
            fields = event.workflow_execution_started_event_attributes.header.fields
            for payload in fields.values():
                if found := _TRACEPARENT.search(payload.data):
                    return found.group(1).decode()
            break
    return None


async def _at_its_end(parts: Parts, run: RunDetails) -> RunDetails:
    return await (_with_sources(parts, run) if run.recorded else _with_result(parts, run))


async def _with_sources(parts: Parts, run: RunDetails) -> RunDetails:
    """A run of several sources with how each ended: its record has only the sums."""
    from atlas.contracts.catalogue import WORKFLOWS
    from starter.runs.handles import handle_on

    if run.source or run.workflow not in _OF_SEVERAL:
        return run
    handle = await handle_on(parts, WORKFLOWS[run.workflow], run.workflow_id, run.run_id)
    with suppress(AtlasError):  # cancelled, terminated, or past its retention
        found = await handle.result(None)
        return replace(run, sources=list(getattr(found, "sources", ())))
    return run


async def _with_result(parts: Parts, run: RunDetails) -> RunDetails:
    """The result of a run that has ended and keeps no record, or why there is none."""
    from atlas.contracts.catalogue import WORKFLOWS
    from starter.runs.handles import handle_on

    if run.recorded or run.workflow not in WORKFLOWS:
        return run
    handle = await handle_on(parts, WORKFLOWS[run.workflow], run.workflow_id, run.run_id)
    try:
        return replace(run, result=(await handle.result(None)).model_dump(mode="json"))
    except AtlasError as error:
        return replace(run, message=str(error))


def first_run_id(described: WorkflowExecutionDescription) -> str:
    """The first execution's run id, which names the run."""
    info = described.raw_description.workflow_execution_info
    return info.first_run_id or described.run_id or ""


def word(execution: WorkflowExecution, attribute: str) -> str:
    """The first value of a search attribute; empty when there is none."""
    values = execution.search_attributes.get(attribute)
    return str(values[0]) if isinstance(values, list) and values else ""


def status_of(execution: WorkflowExecution) -> str:
    """Temporal's status in lower case; empty when it has none."""
    return execution.status.name.lower() if execution.status else ""


def outcome_of(execution: WorkflowExecution) -> str | None:
    """The outcome in Atlas's word, else Temporal's; None while it is under way."""
    if execution.close_time is None:
        return None
    return word(execution, ATTRIBUTE_OUTCOME) or status_of(execution)
