"""Any workflow type by its name: start it or join it, watch it, wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from atlas.contracts.catalogue import WORKFLOWS, WorkflowType
from atlas.contracts.jobs import Progress, Trigger
from atlas.contracts.models import Message
from starter.connection import Parts
from starter.errors import AtlasError, Cancelled, InvalidRequest, Refused
from starter.handles import Note, RunHandle, log
from starter.requests import checked, shortened
from starter.starting import Started, start


class JobHandle(RunHandle[Any]):
    """A run of any workflow type.

    `async for progress in handle` tells how it goes, once a second until it has ended; types that
    take moments (`fetch_url`) have nothing to tell.
    """

    def __init__(self, parts: Parts, kind: WorkflowType, begun: Started[Any]) -> None:
        self._result, self._bulk = kind.result, kind.bulk
        super().__init__(parts, begun)

    async def result(self, on_note: Note = log.warning) -> Message:
        """The result of the type. Raises `Cancelled`, or `Refused` with the reason of a failure."""
        try:
            result: Message = await self._outcome(on_note)
        except WorkflowFailureError as error:
            if isinstance(error.cause, CancelledError):
                raise Cancelled(f"{self.workflow_id} was cancelled") from error
            raise Refused(f"{self.workflow_id}: {error.cause}") from error
        return result

    async def progress(self) -> Progress:
        """Stage and counts, now. Raises `NoWorker` when there is nobody to answer."""
        return await self._ask_progress(Progress)

    async def __aiter__(self) -> AsyncIterator[Progress]:
        ended = asyncio.create_task(self._silent_end())
        async for progress in self._until_ended(ended, self.progress):
            yield progress

    async def _silent_end(self) -> None:
        with suppress(AtlasError):  # `result` tells of it
            await self.result(lambda _: None)


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
) -> JobHandle:
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
