"""What Temporal says of one run beside its status: stage, what it retries, trace, result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from atlas.contracts.catalogue import WORKFLOWS
from starter.connection import Parts
from starter.errors import AtlasError
from starter.monitoring.overview import ActivitySeen, PendingActivity
from starter.monitoring.temporal_runs import progress, stage_of
from starter.runs.lookup import Found

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from temporalio.api.workflow.v1 import PendingActivityInfo
    from temporalio.client import Client

_LATELY = timedelta(minutes=1)
_TRACEPARENT = re.compile(rb"\b00-([0-9a-f]{32})-[0-9a-f]{16}-")


async def how_it_goes(
    parts: Parts, client: Client, found: Found, base: Mapping[str, Any]
) -> dict[str, Any]:
    """Where a run under way is; nothing of one that has ended. `base`: what is known of it."""
    described = found.described
    if described is None or not found.open:
        return {}
    raw = described.raw_description
    pending = [await _pending(client, each) for each in raw.pending_activities]
    seen = [ActivitySeen(e.type, e.attempt, e.under_way, e.failure) for e in pending]
    brief = found.workflow not in WORKFLOWS or WORKFLOWS[found.workflow].brief
    told = None if brief else await progress(client, found.workflow_id)
    paused = base["status"] == "paused" or (told is not None and told.paused_since is not None)
    now: dict[str, Any] = {
        "pending": pending,
        "status": "paused" if paused else "running",
        "stage": (told.stage if told else "") or stage_of(seen, paused=paused),
    }
    if told is not None and told.total is not None:
        now |= {"done": told.done, "total": told.total, "of": told.of}
    counts = base.get("counts")
    if counts is not None and counts.seen:
        now |= {"done": counts.done, "total": counts.seen, "of": "pages"}
    return now | {"per_minute": await _per_minute(parts, found, now.get("done"), paused=paused)}


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
    """The message of the last failure and its cause, decrypted if we have the key."""
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


async def _per_minute(
    parts: Parts, found: Found, done: int | None, *, paused: bool
) -> float | None:
    """Requests of the last minute for a run that fetches; else what was done since it began."""
    from atlas.stores.postgres.crawl import runs

    record = found.record
    if record is None or paused:
        return None
    now = datetime.now(UTC)
    span = min(now - record.started_at, _LATELY)
    async with parts.database() as connection:
        asked = await runs.requests_since(connection, record, now - span)
    if asked is None:
        asked, span = done or 0, now - record.started_at
    return round(asked * 60 / max(span.total_seconds(), 1.0), 1)


async def trace_id_of(client: Client, found: Found) -> str | None:
    """The trace that the run's starter began, from its first event; None: it began none."""
    from temporalio.service import RPCError

    handle = client.get_workflow_handle(found.workflow_id, run_id=found.run_id)
    with suppress(RPCError):  # past its retention
        async for event in handle.fetch_history_events(page_size=1):
            fields = event.workflow_execution_started_event_attributes.header.fields
            for payload in fields.values():
                if told := _TRACEPARENT.search(payload.data):
                    return told.group(1).decode()
            break
    return None


async def result_of(parts: Parts, found: Found) -> dict[str, Any]:
    """Result, or why there is none, of a run that has ended and is not recorded."""
    from starter.runs.kinds import handle_on
    from starter.runs.typed_runs import kind_named

    if found.record is not None or found.open or found.workflow not in WORKFLOWS:
        return {}
    kind = kind_named(found.workflow)
    handle = await handle_on(parts, kind, found.workflow_id, found.run_id)
    try:
        return {"result": (await handle.result(None)).model_dump(mode="json")}
    except AtlasError as error:
        return {"message": str(error)}
