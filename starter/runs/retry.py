"""Starting the failed part of a run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from atlas.contracts.catalogue import WORKFLOWS, WorkflowType
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from starter.connection import Parts
from starter.errors import AtlasError, NotFound, Refused
from starter.runs.details import RunDetails
from starter.runs.handles import handle_for, handle_on
from starter.runs.lookup import find
from starter.runs.start import checked, kind_named, request_of, start, sync_summary

if TYPE_CHECKING:
    from atlas.contracts.jobs import Trigger
    from starter.runs.handles import AnyHandle

What = Literal["failed pages", "failed sources", "the same again", "nothing"]

_WELL = ("completed", "ok", "no_data")
_FAILED_PAGES = ("completed_with_failures", "all_failed")
_NOT_ASKED_AGAIN = ("trigger", "state")


@dataclass(frozen=True, slots=True)
class RetriedRun:
    """What was started again."""

    workflow: str
    """The workflow type."""
    workflow_id: str
    """Of the run that was retried."""
    run_id: str
    what: What
    handle: AnyHandle | None
    """The new run, or the one that did the same already; None: nothing of it had failed."""


async def retry(parts: Parts, named: str, trigger: Trigger) -> RetriedRun:
    """Start the failed part of an ended run again. Raises `NotFound`, `Refused` when it is
    under way or what it was asked for is no longer known, `DifferentRequest`, `CannotConnect`."""
    found = await find(parts, named)
    if found.status != "ended":
        raise Refused(f"{found.workflow_id} is under way; retry what failed once it has ended")
    kind = kind_named(found.workflow)
    outcome = (found.outcome if found.recorded else None) or "failed"
    if outcome in _WELL and not kind.brief:
        return RetriedRun(kind.name, found.workflow_id, found.run_id, "nothing", None)
    asked = await _asked(parts, kind, found)
    what, fields = await _again(parts, kind, found, outcome, asked)
    handle = await _start(parts, kind, found, {**fields, "trigger": trigger}, asked)
    return RetriedRun(kind.name, found.workflow_id, found.run_id, what, handle)


async def _asked(parts: Parts, kind: WorkflowType, found: RunDetails) -> dict[str, Any] | None:
    """The request of the run, from its history; None: it is no longer kept."""
    try:
        async with parts.temporal() as client:
            asked = await request_of(client, found.workflow_id, found.run_id, kind.request)
    except NotFound:
        return None
    fields = {name: value for name, value in asked.items() if name not in _NOT_ASKED_AGAIN}
    deadline = fields.get("deadline")
    if deadline is not None and datetime.fromisoformat(str(deadline)) <= datetime.now(UTC):
        del fields["deadline"]  # nothing could be claimed
    return fields


async def _again(
    parts: Parts,
    kind: WorkflowType,
    found: RunDetails,
    outcome: str,
    asked: Mapping[str, Any] | None,
) -> tuple[What, dict[str, Any]]:
    if kind.name == "batch_process" and outcome in _FAILED_PAGES:
        kept = {name: asked[name] for name in ("force", "chunk", "concurrency")} if asked else {}
        return "failed pages", {**kept, "failed_of": found.run_id}
    if kind.name == "sync_pipeline" and found.recorded and found.source:
        sources = [found.source]
        if outcome in _FAILED_PAGES:
            return "failed pages", _failed_of(sources, asked)
        return "the same again", {**(asked or {}), "sources": sources}
    if asked is None:
        raise Refused(
            f"{found.workflow_id}: what it was asked for is no longer known, since Temporal keeps "
            f"it for 30 days. Start it again: `atlas start {kind.name} …`"
        )
    if kind.name == "sync_pipeline" and outcome in _FAILED_PAGES:
        return await _failed_sources(parts, found, dict(asked))
    return "the same again", dict(asked)


def _failed_of(sources: list[str], asked: Mapping[str, Any] | None) -> dict[str, Any]:
    kept = {name: asked[name] for name in ("lanes", "batch", "wait_for_lease")} if asked else {}
    return {**kept, "sources": sources, "mode": "failed"}


async def _failed_sources(
    parts: Parts, found: RunDetails, asked: dict[str, Any]
) -> tuple[What, dict[str, Any]]:
    """The sources of a sync of several that did not complete; only their failed pages, if nothing
    worse happened to any of them."""
    handle = await handle_on(parts, WORKFLOWS[found.workflow], found.workflow_id, found.run_id)
    try:
        result = await handle.result(None)
    except AtlasError:
        return "the same again", asked
    assert isinstance(result, SyncResult)
    bad = [one for one in result.sources if one.outcome != "completed"]
    names = sorted(one.source for one in bad)
    if not bad or len(result.sources) == len(bad) >= 100:  # there may be more than are listed
        return "the same again", asked
    if all(one.outcome in _FAILED_PAGES for one in bad):
        return "failed pages", _failed_of(names, asked)
    return "failed sources", {**asked, "sources": names, "tags": [], "all": False}


async def _start(
    parts: Parts,
    kind: WorkflowType,
    found: RunDetails,
    fields: dict[str, Any],
    asked: Mapping[str, Any] | None,
) -> AnyHandle:
    if "trigger" not in kind.request.model_fields:
        del fields["trigger"]
    request = checked(kind.request, fields)
    if isinstance(request, SyncRequest):
        summary = sync_summary(request)
    else:
        summary = f"{kind.purpose} (retry)"
    chosen = asked is not None and _own_id(kind, found, asked)
    begun = await start(
        parts,
        kind,
        request,
        summary=summary,
        span=f"atlas retry {kind.name}",
        workflow_id=found.workflow_id if chosen else None,
    )
    return handle_for(parts, kind, begun)


def _own_id(kind: WorkflowType, found: RunDetails, asked: Mapping[str, Any]) -> bool:
    """Whether a person chose the run's id. A schedule's runs only have a time added to theirs."""
    if not found.recorded or found.trigger == "schedule":
        return False
    try:
        return kind.workflow_id(checked(kind.request, dict(asked))) != found.workflow_id
    except AtlasError:
        return False
