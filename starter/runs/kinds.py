"""One handle for each kind of run: what its result and its progress are."""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, cast

from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from atlas.contracts.catalogue import WorkflowType
from atlas.contracts.fetch_url import FetchUrlResult
from atlas.contracts.jobs import Progress
from atlas.contracts.models import Counts, Message
from atlas.contracts.sync_pipeline import SyncProgress, SyncResult
from starter.connection import Parts
from starter.errors import CannotConnect, NoResult, Refused
from starter.runs.handles import R, RunHandle, reason_of
from starter.runs.start import Started, handle_of


class SyncHandle(RunHandle[SyncResult, SyncProgress]):
    """A `sync_pipeline` run. A run that was cancelled, terminated or failed has a result too: its
    `outcome` says so, with the counts of what it came to."""

    workflow = "sync_pipeline"
    _result = SyncResult
    _progress = SyncProgress

    async def _at_the_end(self, last: SyncProgress, ended: SyncResult | NoResult) -> SyncProgress:
        assert isinstance(ended, SyncResult)  # see above
        return SyncProgress(stage=ended.outcome, counts=ended.counts)

    async def _ended_early(self, error: WorkflowFailureError) -> SyncResult:
        if (result := self._meant_nothing(error)) is not None:
            return result
        return SyncResult(
            workflow_id=self.workflow_id,
            run_id=self.run_id,
            outcome="cancelled" if isinstance(error.cause, CancelledError) else "failed",
            counts=await self._recorded(),
            message=reason_of(error),
        )

    async def _recorded(self) -> Counts:
        """The counts of a run that returned none; of several sources none are recorded."""
        from atlas.stores.postgres.crawl import run_queue

        try:
            async with self._parts.database() as connection:
                return await run_queue.counts(connection, self.run_id)
        except (CannotConnect, Refused):
            return Counts()


class JobHandle(RunHandle[R, Progress], Generic[R]):
    """A run of any other type."""

    _progress = Progress

    def __init__(self, parts: Parts, kind: WorkflowType, begun: Started[R]) -> None:
        self._result, self._bulk = cast("type[R]", kind.result), kind.bulk
        self._pausable = not kind.brief
        self.workflow = kind.name
        super().__init__(parts, begun)


FetchHandle: TypeAlias = JobHandle[FetchUrlResult]
"""A `fetch_url` run. A page that fails is a result."""

AnyHandle: TypeAlias = SyncHandle | JobHandle[Message]
"""What `AtlasClient.run` gives; `isinstance` tells which."""


async def handle_on(parts: Parts, kind: WorkflowType, workflow_id: str, run_id: str) -> AnyHandle:
    """The handle on a run of which the type is known. Raises `TemporalDown`."""
    async with parts.temporal() as client:
        run = handle_of(client, workflow_id, run_id, kind.result)
        return handle_for(parts, kind, Started(client, run, run_id, joined=True))


def handle_for(parts: Parts, kind: WorkflowType, begun: Started[Any]) -> AnyHandle:
    """The handle of its type on a run that was started or found."""
    if kind.result is SyncResult:
        return SyncHandle(parts, begun)
    return JobHandle(parts, kind, begun)
