"""Handles on runs: wait, watch, pause, resume, cancel.

Every handle has the same protocol: `await handle.result(timeout=…)`, `await handle.progress()`,
`async for progress in handle`. A type of run has its own result and progress.
"""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast

from pydantic import ValidationError
from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.exceptions import ApplicationError, CancelledError, TerminatedError
from temporalio.service import RPCError

from atlas.contracts.catalogue import WorkflowType
from atlas.contracts.empty_runs import MEANT_NOTHING
from atlas.contracts.fetch_url import FetchUrlResult
from atlas.contracts.jobs import Progress
from atlas.contracts.models import Counts, Message
from atlas.contracts.sync_pipeline import SyncProgress, SyncResult
from atlas.telemetry import RunSpan, outcome_attributes
from atlas.temporal.connection import PASSING
from atlas.temporal.keyring import EncryptionError
from starter.connection import Parts
from starter.errors import (
    Cancelled,
    CannotConnect,
    Failed,
    InvalidRequest,
    NoResult,
    NotFound,
    NoWorker,
    Refused,
    TemporalDown,
    Terminated,
    TimedOut,
)
from starter.monitoring.pollers import missing_workers, no_worker

if TYPE_CHECKING:
    from starter.monitoring.run_progress import Going

R = TypeVar("R", bound=Message)
P = TypeVar("P", Progress, SyncProgress)
Note = Callable[[str], None]

OUTAGE_SECONDS = 60.0
"""How long waiting outlasts a Temporal server that does not answer: runs survive a restart."""
_QUERY_TIMEOUT = timedelta(seconds=10)
_LOOK_FOR_WORKERS = (2.0, 15.0)  # seconds: before the first look, and between two

log = logging.getLogger("atlas.client")


@dataclass(frozen=True, slots=True)
class Started(Generic[R]):
    """A run under way; `run_id` is the first execution's."""

    client: Client
    handle: WorkflowHandle[Any, R]
    run_id: str
    joined: bool
    span: RunSpan = field(default_factory=RunSpan)


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


class RunHandle(Generic[R, P]):
    """A run that was started, or joined when one of its id was under way (`joined`).

    `run_id` is the first execution's, which names the run in the corpus.
    `async for progress in handle` yields its progress once a second until it has ended; the `stage`
    of the last one is the outcome.
    """

    workflow: str
    """The workflow type."""
    _result: type[R]
    _progress: type[P]
    _bulk = False  # whether its work is done on the queue for bulk
    _pausable = True

    def __init__(self, parts: Parts, begun: Started[R]) -> None:
        self._parts = parts
        self._client = begun.client
        self._handle = begun.handle
        self.workflow_id = begun.handle.id
        self.run_id = begun.run_id
        self.joined = begun.joined
        self._span = begun.span
        self._span.set({"atlas.first_run_id": self.run_id})
        # Once the handle is released nobody waits for the run any more: its span ends then.
        weakref.finalize(self, begun.span.end).atexit = False

    @property
    def ui_url(self) -> str | None:
        """The run's page in Temporal's Web UI; None when no address of a UI is known."""
        return self._parts.locations.run_url(self.workflow_id, self.run_id)

    async def result(
        self, on_note: Note | None = log.warning, *, timeout: float | None = None
    ) -> R:
        """The result of the run, once it has ended.

        After `timeout` seconds `TimedOut` is raised, and the run goes on. `on_note` is told why
        nothing moves (no worker, no Temporal): by default the log `atlas.client`; None: nobody, and
        workers are not checked. Raises `Failed`, `Cancelled`, `Terminated`,
        `TimedOut`, `CannotConnect`, `Refused`.
        """
        with self._span.waiting(NoResult):
            result = await self._result_within(timeout, on_note)
            self._span.set(outcome_attributes(result))
        return result

    async def progress(self) -> P:
        """Stage and counts, now. Raises `NoWorker` when no worker can answer, `Refused`,
        `CannotConnect`."""
        try:
            # Not sampled: asked once a second, it would fill the trace of the run.
            async with self._parts.temporal() as client:
                with self._parts.untraced("progress"):
                    handle = client.get_workflow_handle(self.workflow_id)
                    progress: P = await handle.query(
                        "progress", result_type=self._progress, rpc_timeout=_QUERY_TIMEOUT
                    )
                    return progress
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            raise Refused(f"{self.workflow_id}: {error}") from error
        except (Refused, TemporalDown):
            missing = await self.missing_workers()
            if missing:
                raise NoWorker(no_worker(missing)) from None
            raise

    async def __aiter__(self) -> AsyncIterator[P]:
        ended = asyncio.create_task(self._how_it_ended())
        ended.add_done_callback(_heard)
        last = self._progress()
        try:
            await asyncio.wait([ended], timeout=0.1)  # it may have ended already
            while not ended.done():
                with suppress(NoWorker, Refused, CannotConnect):
                    last = await self.progress()
                    yield last
                await asyncio.wait([ended], timeout=1.0)
            yield await self._at_the_end(last, await ended)
        finally:
            ended.cancel()

    def going(self, interval: float = 1.0) -> AsyncGenerator[Going]:
        """Its pages, its pace, and whether a worker is there: every `interval` seconds, for ever.
        Unlike `progress` it asks PostgreSQL and Temporal, not the run, so it also answers while
        there is no worker."""
        from starter.monitoring.rates import every
        from starter.monitoring.run_progress import RunWatch

        watch = RunWatch(self._parts, self.workflow_id, self.run_id, bulk=self._bulk)
        return every(interval, watch.look)

    async def cancel(self) -> None:
        """Ask the run to end: work under way is finished or given back, nothing is half-written.

        Raises `NotFound` when it has ended, as `pause` and `resume` do.
        """
        async with self._under_way():
            await self._handle.cancel()

    async def pause(self) -> None:
        """Stop at the next batch boundary; claims are kept. Raises `InvalidRequest` for a type
        that is too brief."""
        await self._signal("pause")

    async def resume(self) -> None:
        """Go on after a pause."""
        await self._signal("resume")

    async def missing_workers(self) -> list[str]:
        """The task queues that no worker polls now, so that nothing can move."""
        async with self._parts.temporal() as client:
            return await missing_workers(client, bulk=self._bulk)

    async def _signal(self, name: str) -> None:
        if not self._pausable:
            raise InvalidRequest(f"{self.workflow_id} is too brief to be paused; cancel it")
        async with self._under_way():
            await self._handle.signal(name)

    @asynccontextmanager
    async def _under_way(self) -> AsyncIterator[None]:
        """Raises `NotFound` when the run has ended; a later run of its id is another one."""
        ended = f"{self.workflow_id}, run {self.run_id}, is not under way"
        if not await self._parts.run_is_open(self.workflow_id, self.run_id):
            raise NotFound(ended)
        try:
            async with self._parts.temporal():
                yield
        except NotFound:
            raise NotFound(ended) from None

    async def _ended_early(self, error: WorkflowFailureError) -> R:
        """The result of a run that returned none, if its type has one for that; else raises."""
        cause, which = error.cause, self.workflow_id
        if (result := self._meant_nothing(error)) is not None:
            return result
        if isinstance(cause, CancelledError):
            raise Cancelled(f"{which} was cancelled") from error
        if isinstance(cause, TerminatedError):
            raise Terminated(f"{which} was terminated: {cause}") from error
        raise Failed(f"{which} failed: {reason_of(error)}") from error

    def _meant_nothing(self, error: WorkflowFailureError) -> R | None:
        """The result of a run that failed because its request selected nothing."""
        cause = error.cause
        if not isinstance(cause, ApplicationError) or cause.type not in MEANT_NOTHING:
            return None
        return self._result.model_validate(cause.details[0]) if cause.details else None

    async def _how_it_ended(self) -> R | NoResult:
        try:
            return await self.result(None)  # those who wait for the result get the notes
        except NoResult as error:
            return error

    async def _at_the_end(self, last: P, ended: R | NoResult) -> P:
        """The last progress: a run that ended between two looks has made more of it."""
        stage = getattr(ended, "outcome", "completed")
        with suppress(NoWorker, Refused, CannotConnect, NotFound):
            final = await self.progress()
            if final.stage == stage:  # else a later run of its id answered
                return final
        return last.model_copy(update={"stage": stage, "paused": False, "paused_since": None})

    async def _result_within(self, timeout: float | None, on_note: Note | None) -> R:
        try:
            async with asyncio.timeout(timeout):
                return await self._outcome(on_note)
        except TimeoutError:
            raise TimedOut(
                f"{self.workflow_id} did not end within {timeout:g} s; it goes on. "
                f"`atlas runs show {self.workflow_id}` shows its progress"
            ) from None
        except WorkflowFailureError as error:
            return await self._ended_early(error)

    async def _outcome(self, on_note: Note | None) -> R:
        """Wait for the end; note meanwhile why nothing moves. Raises WorkflowFailureError."""
        watching = asyncio.create_task(self._note_missing_workers(on_note)) if on_note else None
        try:
            while True:
                try:
                    return await self._handle.result()
                except (EncryptionError, ValidationError) as error:
                    raise Refused(
                        f"{self.workflow_id}: its result cannot be read: {error}"
                    ) from error
                except RPCError as error:
                    if await self._followed():
                        continue
                    if error.status not in PASSING:
                        raise self._parts.temporal_error(error, self._client.namespace) from error
                    await self._outlast(error, on_note)
        finally:
            if watching is not None:
                watching.cancel()

    async def _outlast(self, error: RPCError, on_note: Note | None) -> None:
        """Wait until Temporal answers again; raises `TemporalDown` after OUTAGE_SECONDS."""
        if on_note is not None:
            on_note(
                f"Temporal does not answer at {self._parts.temporal_address}; the run goes on when "
                f"it is back. Waiting up to {OUTAGE_SECONDS:.0f} s for it."
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
        raise self._parts.temporal_error(error, self._client.namespace) from error

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

    async def _note_missing_workers(self, on_note: Note) -> None:
        noted: list[str] = []
        await asyncio.sleep(_LOOK_FOR_WORKERS[0])
        while True:
            with suppress(CannotConnect, Refused, NotFound):
                missing = await self.missing_workers()
                if missing and missing != noted:
                    on_note(no_worker(missing))
                noted = missing
            await asyncio.sleep(_LOOK_FOR_WORKERS[1])


class SyncHandle(RunHandle[SyncResult, SyncProgress]):
    """A `sync_pipeline` run. One that was cancelled, terminated or failed has a result too: its
    `outcome` says so, with the counts so far."""

    workflow = "sync_pipeline"
    _result = SyncResult
    _progress = SyncProgress

    async def progress(self) -> SyncProgress:
        """Stage and counts, now: of one source counted page by page from its record, where the run
        itself counts batch by batch. Raises as `RunHandle.progress`."""
        found = await super().progress()
        counts = await self._recorded() if found.sources_total == 1 else Counts()
        return found.model_copy(update={"counts": counts}) if counts.seen else found

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
        """The counts of a run that returned none; those of several sources are not recorded."""
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
"""What `AtlasClient.run` returns; use `isinstance` to see which."""


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


def _heard(task: asyncio.Task[object]) -> None:
    """Fetch the error: asyncio would log it, since nobody awaits this task any more."""
    if not task.cancelled():
        task.exception()


def reason_of(error: BaseException) -> str:
    """The messages of an error and its causes, without repetitions."""
    said: list[str] = []
    cause: BaseException | None = getattr(error, "cause", None)
    while cause is not None:
        if (message := str(cause)) and message not in said:
            said.append(message)
        cause = getattr(cause, "cause", None)
    return ": ".join(said)
