"""Starting a run, or joining the one of its id that is under way for the same request.

A request is checked here before it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority
from temporalio.exceptions import WorkflowAlreadyStartedError

from atlas.contracts.catalogue import WORKFLOWS, WorkflowType
from atlas.contracts.jobs import Trigger
from atlas.contracts.models import Request, explain
from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest
from atlas.telemetry import request_attributes
from starter.connection import Parts
from starter.errors import DifferentRequest, InvalidRequest
from starter.runs.handles import JobHandle, Started, handle_of

M = TypeVar("M", bound=BaseModel)

SUMMARY_BYTES = 180
"""Of the 200 that Temporal keeps of a static summary, JSON quotes included."""

_NOT_COMPARED = {"trigger", "state"}
_PAGES = {"full": "every page", "incremental": "what is due", "failed": "what failed"}


def kind_named(name: str) -> WorkflowType:
    """The workflow type of a name. Raises `InvalidRequest` that lists those there are."""
    if name not in WORKFLOWS:
        raise InvalidRequest(f"no workflow type '{name}'; known: {', '.join(sorted(WORKFLOWS))}")
    return WORKFLOWS[name]


def checked(model: type[M], values: Mapping[str, Any]) -> M:
    """The request, or `InvalidRequest` that names field, value and fix."""
    try:
        return model(**values)
    except ValidationError as error:
        raise InvalidRequest(explain(error, model)) from None


async def start_type(
    parts: Parts,
    kind: WorkflowType,
    fields: Mapping[str, Any],
    trigger: Trigger,
    workflow_id: str | None = None,
) -> JobHandle[Any]:
    """Start a workflow of any type by the fields of its request. Raises `InvalidRequest`, and as
    `start` does."""
    values = dict(fields)
    if "trigger" in kind.request.model_fields:
        values.setdefault("trigger", trigger)
    request = checked(kind.request, values)
    begun = await start(
        parts,
        kind,
        request,
        summary=f"{kind.purpose} ({trigger})",
        span=f"atlas {kind.name}",
        workflow_id=workflow_id,
    )
    return JobHandle(parts, kind, begun)


async def start(
    parts: Parts,
    kind: WorkflowType,
    request: Request,
    *,
    summary: str,
    span: str,
    workflow_id: str | None = None,
) -> Started[Any]:
    """Start a workflow, or join the run of its id (by default that of its request) with the same
    request. `summary` is shown in the Web UI; `span` names the first span of its trace, which lasts
    while its handle is waited for.

    Raises `DifferentRequest` when the run under way was asked for something else, `CannotConnect`,
    `Refused`.
    """
    workflow_id = workflow_id or kind.workflow_id(request)
    begins = parts.run_span(span)
    begins.set(request_attributes(request))
    with begins.starting():
        await parts.check()
        async with parts.temporal() as client:
            try:
                # FAIL (the default), then join: as USE_EXISTING, but showing which happened.
                handle: WorkflowHandle[Any, Any] = await client.start_workflow(
                    kind.name,
                    request,
                    id=workflow_id,
                    task_queue=QUEUE,
                    result_type=kind.result,
                    static_summary=shortened(summary),
                    priority=Priority(priority_key=kind.priority),
                )
            except WorkflowAlreadyStartedError as found:
                begun = await _join(client, kind, request, workflow_id, found)
                return replace(begun, span=begins)
    first = handle.first_execution_run_id or ""
    return Started(client, handle, first, joined=False, span=begins)


async def _join(
    client: Client,
    kind: WorkflowType,
    request: Request,
    workflow_id: str,
    found: WorkflowAlreadyStartedError,
) -> Started[Any]:
    theirs = await request_of(client, workflow_id, found.run_id or "", kind.request)
    if differing := differences(request, theirs):
        raise DifferentRequest(workflow_id, differing)
    first = found.first_run_id or found.run_id or ""
    return Started(client, handle_of(client, workflow_id, first, kind.result), first, joined=True)


async def request_of(
    client: Client, workflow_id: str, run_id: str, model: type[BaseModel]
) -> dict[str, Any]:
    """The request of a run, from the first event of its history. Raises RPCError."""
    history = client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history_events(
        page_size=1
    )
    async for event in history:
        started = event.workflow_execution_started_event_attributes
        found = await client.data_converter.decode(list(started.input.payloads), [dict])
        return _as_sent(model, found[0] if found else {})
    return {}


def _as_sent(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """With the defaults of this version filled in; as it is, where another version sent it."""
    try:
        return model.model_validate(values, strict=False).model_dump()
    except ValidationError:
        return values


def differences(ours: BaseModel, theirs: dict[str, Any]) -> dict[str, tuple[object, object]]:
    """Fields in which the two requests differ: (theirs, ours). What started them is ignored."""
    mine = ours.model_dump()
    names = (mine.keys() | theirs.keys()) - _NOT_COMPARED
    return {
        name: (theirs.get(name), mine.get(name))
        for name in sorted(names)
        if _plain(theirs.get(name)) != _plain(mine.get(name))
    }


def _plain(value: object) -> object:
    return sorted(set(value)) if isinstance(value, list) else value


def sync_summary(request: SyncRequest) -> str:
    """The summary of a sync in the Web UI."""
    names = sorted(set(request.sources)) + [f"tag {tag}" for tag in sorted(set(request.tags))]
    which = "all sources" if request.all else ", ".join(names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    pages = _PAGES[request.pages_wanted]
    return shortened(f"sync {which}{more}: {pages} ({request.trigger})")


def shortened(text: str) -> str:
    """The text within SUMMARY_BYTES of UTF-8, cut between characters."""
    raw = text.encode()
    if len(raw) <= SUMMARY_BYTES:
        return text
    return raw[: SUMMARY_BYTES - 3].decode(errors="ignore") + "…"
