"""Requests for runs, checked before they are sent, and what a run under way was asked for."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from temporalio.client import Client

from atlas.contracts.models import explain
from atlas.contracts.sync_pipeline import SyncRequest
from starter.errors import InvalidRequest

M = TypeVar("M", bound=BaseModel)

SUMMARY_BYTES = 180
"""Of the 200 that Temporal keeps of a static summary, JSON quotes included."""

_NOT_COMPARED = {"trigger", "state"}


def checked(model: type[M], values: dict[str, Any]) -> M:
    """The request, or `InvalidRequest` that names field, value and mend."""
    try:
        return model(**values)
    except ValidationError as error:
        raise InvalidRequest(explain(error, model)) from None


_PAGES = {"full": "every page", "incremental": "what is due", "failed": "what failed"}


def sync_summary(request: SyncRequest) -> str:
    """What the Web UI says of the run."""
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


async def asked_before(
    client: Client, workflow_id: str, run_id: str, model: type[BaseModel]
) -> dict[str, Any]:
    """The input of a run, from the first event of its history. Raises RPCError."""
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
    """Fields in which the two requests differ: (theirs, ours). Who asked makes no difference."""
    mine = ours.model_dump()
    names = (mine.keys() | theirs.keys()) - _NOT_COMPARED
    return {
        name: (theirs.get(name), mine.get(name))
        for name in sorted(names)
        if _plain(theirs.get(name)) != _plain(mine.get(name))
    }


def _plain(value: object) -> object:
    return sorted(set(value)) if isinstance(value, list) else value
