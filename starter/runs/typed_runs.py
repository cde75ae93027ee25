"""Any workflow type by its name: start it, or join it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atlas.contracts.catalogue import WORKFLOWS, WorkflowType
from atlas.contracts.jobs import Trigger
from starter.connection import Parts
from starter.errors import InvalidRequest
from starter.runs.kinds import JobHandle
from starter.runs.requests import checked, shortened
from starter.runs.start import start


def kind_named(name: str) -> WorkflowType:
    """The workflow type of a name. Raises `InvalidRequest` that lists those there are."""
    if name not in WORKFLOWS:
        raise InvalidRequest(f"no workflow type '{name}'; known: {', '.join(sorted(WORKFLOWS))}")
    return WORKFLOWS[name]


async def start_job(
    parts: Parts,
    kind: WorkflowType,
    fields: Mapping[str, Any],
    trigger: Trigger,
    workflow_id: str | None = None,
) -> JobHandle[Any]:
    """Start a workflow, or join the run of its id that was asked for the same.

    Raises `InvalidRequest`, `DifferentRequest`, `CannotConnect`.
    """
    values = dict(fields)
    if "trigger" in kind.request.model_fields:
        values.setdefault("trigger", trigger)
    request = checked(kind.request, values)
    with parts.span(f"atlas {kind.name}"):
        await parts.check()
        begun = await start(
            parts,
            kind.name,
            request,
            workflow_id or kind.workflow_id(request),
            shortened(f"{kind.purpose} ({trigger})"),
            kind.result,
        )
    return JobHandle(parts, kind, begun)
