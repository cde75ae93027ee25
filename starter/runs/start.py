"""Starting a run, or joining the one of its id that is under way for the same request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from temporalio.client import WorkflowHandle
from temporalio.common import Priority
from temporalio.exceptions import WorkflowAlreadyStartedError

from atlas.contracts.catalogue import WORKFLOWS
from atlas.contracts.models import Request
from atlas.contracts.names import QUEUE
from starter.connection import Parts
from starter.errors import DifferentRequest, NotFound
from starter.runs.requests import asked_before, differences

if TYPE_CHECKING:
    from temporalio.client import Client

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Started(Generic[R]):
    """A run under way; `run_id` is the first execution's."""

    client: Client
    handle: WorkflowHandle[Any, R]
    run_id: str
    joined: bool


async def start(
    parts: Parts, workflow: str, request: Request, workflow_id: str, summary: str, result: type[R]
) -> Started[R]:
    """Start `workflow`. Raises `DifferentRequest` when what is under way was asked for something
    else, and `TemporalDown`."""
    async with parts.temporal() as client:
        try:
            # FAIL (the default), then join: what USE_EXISTING does, but it tells which happened.
            handle: WorkflowHandle[Any, R] = await client.start_workflow(
                workflow,
                request,
                id=workflow_id,
                task_queue=QUEUE,
                result_type=result,
                static_summary=summary,
                priority=Priority(priority_key=WORKFLOWS[workflow].priority),
            )
        except WorkflowAlreadyStartedError as found:
            return await _join(client, request, workflow_id, found, result)
    return Started(client, handle, handle.first_execution_run_id or "", joined=False)


async def _join(
    client: Client,
    request: Request,
    workflow_id: str,
    found: WorkflowAlreadyStartedError,
    result: type[R],
) -> Started[R]:
    theirs = await asked_before(client, workflow_id, found.run_id or "", type(request))
    if differing := differences(request, theirs):
        raise DifferentRequest(workflow_id, differing)
    first = found.first_run_id or found.run_id or ""
    return Started(client, handle_of(client, workflow_id, first, result), first, joined=True)


def handle_of(
    client: Client, workflow_id: str, first_run_id: str, result: type[R]
) -> WorkflowHandle[Any, R]:
    """A handle on one run and those it continued as, never on a later run of the same id."""
    return WorkflowHandle(
        client,
        workflow_id,
        result_run_id=first_run_id,
        first_execution_run_id=first_run_id,
        result_type=result,
    )


async def latest_run(parts: Parts, workflow_id: str) -> tuple[str, str]:
    """Workflow type and first run id of the latest run of an id, as Temporal has it. Raises
    `NotFound`."""
    async with parts.temporal() as client:
        described = await client.get_workflow_handle(workflow_id).describe()
    first = described.raw_description.workflow_execution_info.first_run_id
    if not first:
        raise NotFound(f"no run '{workflow_id}' is known to Temporal")
    return described.workflow_type, first
