"""Handles on runs: wait, watch, pause, resume, cancel."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.client import (
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError, RPCStatusCode

from atlas.contracts.fetch_url import FetchUrlResult
from atlas.contracts.models import Counts
from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING
from atlas.contracts.sync_pipeline import SyncProgress, SyncResult
from atlas.keyring import EncryptionError
from starter.connection import Parts
from starter.errors import CannotConnect, NotFound, NoWorker, Refused, TemporalDown
from starter.starting import Started, handle_of

if TYPE_CHECKING:
    from temporalio.client import Client

R = TypeVar("R")
P = TypeVar("P")
Note = Callable[[str], None]

OUTAGE_SECONDS = 60.0
"""How long waiting outlasts a Temporal server that does not answer: runs survive a restart."""
_QUERY_TIMEOUT = timedelta(seconds=10)
_LOOK_FOR_WORKERS = (2.0, 15.0)  # seconds: before the first look, and between two
_OUTAGES = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED)
_SERVED = (
    (QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    (QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    (QUEUE_PROCESSING, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
)
_SERVED_FOR_BULK = (*_SERVED[:2], (QUEUE_BULK, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY))

log = logging.getLogger("atlas.client")


class RunHandle(Generic[R]):
    """A run that was started, or joined when one of its id was under way (`joined`).

    `run_id` is the first execution's, which names the run in the corpus.
    """

    _result: type[R]
    _bulk = False  # whether its work is done on the queue for bulk

    def __init__(self, parts: Parts, begun: Started[R]) -> None:
        self._parts = parts
        self._client = begun.client
        self._handle = begun.handle
        self.workflow_id = begun.handle.id
        self.run_id = begun.run_id
        self.joined = begun.joined

    @property
    def ui_url(self) -> str | None:
        """The run's page in Temporal's Web UI; None when no address of a UI is known."""
        return self._parts.locations.run_url(self.workflow_id, self.run_id)

    async def cancel(self) -> None:
        """Ask the run to end: what is under way is finished or given back, nothing half-written."""
        async with self._under_way():
            await self._handle.cancel()

    async def pause(self) -> None:
        """Stop at the next batch boundary; claims are kept."""
        async with self._under_way():
            await self._handle.signal("pause")

    async def resume(self) -> None:
        """Go on after a pause."""
        async with self._under_way():
            await self._handle.signal("resume")

    async def missing_workers(self) -> list[str]:
        """The task queues that no worker polls at the moment, so that nothing can move."""
        async with self._parts.temporal() as client:
            return await missing_workers(client, bulk=self._bulk)

    @asynccontextmanager
    async def _under_way(self) -> AsyncIterator[None]:
        """Raises `NotFound` when the run has ended; a later run of its id is none of ours."""
        ended = f"{self.workflow_id}, run {self.run_id}, is not under way"
        if not await self._parts.run_is_open(self.workflow_id, self.run_id):
            raise NotFound(ended)
        try:
            async with self._parts.temporal():
                yield
        except NotFound:
            raise NotFound(ended) from None

    async def _outcome(self, on_note: Note) -> R:
        """Wait for the end; say on the way why nothing moves. Raises WorkflowFailureError."""
        watching = asyncio.create_task(self._tell_of_missing_workers(on_note))
        try:
            while True:
                try:
                    return await self._handle.result()
                except EncryptionError as error:
                    raise Refused(str(error)) from None
                except RPCError as error:
                    if await self._followed():
                        continue
                    if error.status not in _OUTAGES:
                        raise self._parts.temporal_error(error, "") from error
                    await self._outlast(error, on_note)
        finally:
            watching.cancel()

    async def _ask_progress(self, model: type[P]) -> P:
        try:
            # Not sampled: asked once a second, it would fill the trace of the run.
            async with self._parts.temporal() as client:
                with self._parts.span("progress", sampled=False):
                    handle = client.get_workflow_handle(self.workflow_id)
                    progress: P = await handle.query(
                        "progress", result_type=model, rpc_timeout=_QUERY_TIMEOUT
                    )
                    return progress
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            raise Refused(f"{self.workflow_id}: {error}") from error
        except (Refused, TemporalDown):
            missing = await self.missing_workers()
            if missing:
                raise NoWorker(_no_worker(missing)) from None
            raise

    async def _until_ended(
        self, ended: asyncio.Task[Any], ask: Callable[[], Awaitable[P]]
    ) -> AsyncIterator[P]:
        """What `ask` answers, once a second until the run has ended."""
        try:
            while not ended.done():
                with suppress(NoWorker, Refused, CannotConnect):
                    yield await ask()
                await asyncio.wait([ended], timeout=1.0)
        finally:
            ended.cancel()

    async def _outlast(self, error: RPCError, on_note: Note) -> None:
        """Wait until Temporal answers again; raises `TemporalDown` after OUTAGE_SECONDS."""
        on_note(
            f"Temporal does not answer at {self._parts.temporal_address}; the run goes on when it "
            f"is back. Waiting up to {OUTAGE_SECONDS:.0f} s for it."
        )
        until = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < until:
            if await self._followed():
                return
            try:
                await self._handle.describe(rpc_timeout=_QUERY_TIMEOUT)
                return
            except RPCError as again:
                error = again
            await asyncio.sleep(1)
        raise self._parts.temporal_error(error, "") from error

    async def _followed(self) -> bool:
        """Whether Temporal moved to another port, and this handle with it."""
        self._parts.look_again()
        with suppress(TemporalDown):
            async with self._parts.temporal() as client:
                if client is self._client:
                    return False
                self._client = client
                self._handle = handle_of(client, self.workflow_id, self.run_id, self._result)
                return True
        return False

    async def _tell_of_missing_workers(self, on_note: Note) -> None:
        told: list[str] = []
        await asyncio.sleep(_LOOK_FOR_WORKERS[0])
        while True:
            with suppress(CannotConnect, Refused, NotFound):
                missing = await self.missing_workers()
                if missing and missing != told:
                    on_note(_no_worker(missing))
                told = missing
            await asyncio.sleep(_LOOK_FOR_WORKERS[1])


class FetchHandle(RunHandle[FetchUrlResult]):
    """A `fetch_url` run."""

    _result = FetchUrlResult

    async def result(self, on_note: Note = log.warning) -> FetchUrlResult:
        """What came back; a page that fails is a result. Raises `Refused` if the run failed."""
        try:
            return await self._outcome(on_note)
        except WorkflowFailureError as error:
            raise Refused(f"{self.workflow_id}: {error.cause}") from error


class SyncHandle(RunHandle[SyncResult]):
    """A `sync_pipeline` run.

    `async for progress in handle` tells how it goes, once a second until it has ended.
    """

    _result = SyncResult

    async def result(self, on_note: Note = log.warning) -> SyncResult:
        """How the run ended. A run that was cancelled, terminated or failed has a result too:
        its `outcome` says so. `on_note` hears why nothing moves (no worker, no Temporal)."""
        try:
            return await self._outcome(on_note)
        except WorkflowFailureError as error:
            return await self._ended_early(error.cause)

    async def progress(self) -> SyncProgress:
        """Stage and counts, now. Raises `NoWorker` when there is nobody to answer."""
        return await self._ask_progress(SyncProgress)

    async def __aiter__(self) -> AsyncIterator[SyncProgress]:
        ended = asyncio.create_task(self.result(lambda _: None))
        async for progress in self._until_ended(ended, self.progress):
            yield progress
        result = ended.result()
        yield SyncProgress(stage=result.outcome, counts=result.counts)

    async def _ended_early(self, cause: BaseException) -> SyncResult:
        return SyncResult(
            workflow_id=self.workflow_id,
            run_id=self.run_id,
            outcome="cancelled" if isinstance(cause, CancelledError) else "failed",
            counts=await self._recorded(),
            message=str(cause),
        )

    async def _recorded(self) -> Counts:
        """The counts of a run that returned none; of several sources none are recorded."""
        from atlas.stores.postgres import queue

        try:
            async with self._parts.database() as connection:
                return await queue.counts(connection, self.run_id)
        except (CannotConnect, Refused):
            return Counts()


async def missing_workers(client: Client, *, bulk: bool = False) -> list[str]:
    """The task queues that nobody polled of late, of those that a run needs: for bulk work, or
    for any other. Raises RPCError."""
    from atlas.checks.queues import state_of

    needed = _SERVED_FOR_BULK if bulk else _SERVED
    missing = [queue for queue, kind in needed if not (await state_of(client, queue, kind)).pollers]
    return sorted(set(missing))


def _no_worker(queues: list[str]) -> str:
    named = " and ".join(f"'{queue}'" for queue in queues)
    return (
        f"No worker polls the task queue {named}: nothing moves until one does. Start the "
        "embedded stack with `atlas up -d`, or a worker with `atlas worker`."
    )
