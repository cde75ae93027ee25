"""One source, from lease to close."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.discovery import Discovery
    from activities.fetching import Fetching
    from activities.indexing import Indexing
    from activities.processing import Processing
    from activities.running import Running
    from atlas.contracts.activities import (
        Batch,
        ClaimBatch,
        CloseRun,
        ListLevel,
        OpenRun,
        PauseRun,
        RunClosed,
        RunOpened,
    )
    from atlas.contracts.models import Counts, Outcome
    from atlas.contracts.sync_pipeline import SyncProgress, SyncRequest, SyncResult, SyncState
    from workflows.continuing import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.options import CLOSING, FETCHING, LISTING, PROCESSING, SETTLING, SHORT
    from workflows.telling import tell_begin, tell_end, tell_stage

_LEASE_POLL = timedelta(seconds=5)
_LONGEST_LEASE_POLL = timedelta(minutes=5)
_LONGEST_WAIT = 60.0


class SourceRun:
    """The run of one source. Its state is what a continued run needs, and nothing else."""

    def __init__(self, request: SyncRequest, state: SyncState) -> None:
        self._request = request
        self._source = request.sources[0]
        self._run_id = workflow.info().first_execution_run_id
        self._level = state.level
        self._listed = state.listed
        self._complete = state.complete
        self._message = state.message
        self._paused_since = state.paused_since
        self._recorded_pause = state.paused_since is not None
        self._recording = False
        self._numbers = (state.lane_numbers + [0] * request.lanes)[: request.lanes]
        self._events_before = state.events
        self._continued = request.state is not None
        self._counts = Counts()
        self._stage = "starting"
        self._opened = False
        self._stopping = False

    async def run(self) -> SyncResult:
        """Work the source through; what happens in which order."""
        tell_begin(self._source, self._request.trigger)
        try:
            refused = await self._open()
            if refused is not None:
                return self._result(refused.outcome or "failed", message=refused.message)
            outcome = await self._work_levels()
            closed = await self._close(outcome)
        except BaseException as error:
            if is_cancelled_exception(error):  # an activity's error, too, when it was cancelled
                await self._close("cancelled")
            raise
        return self._result(closed.outcome, closed=closed)

    async def set_paused(self, paused: bool) -> None:
        """Lanes stop at their next batch boundary, or go on."""
        if paused == (self._paused_since is not None):
            return
        self._paused_since = workflow.time() if paused else None
        await self._record_pause()

    def progress(self) -> SyncProgress:
        return SyncProgress(
            source=self._source,
            stage="paused" if self._paused_since is not None else self._stage,
            level=self._level,
            counts=self._counts,
            paused=self._paused_since is not None,
            paused_since=self._paused_since,
        )

    # Lease and end

    async def _open(self) -> RunOpened | None:
        """Take the lease; the answer is None, or why there is nothing to do."""
        if self._continued:
            self._opened = True
            await self._record_pause()
            return None
        self._tell("taking the lease")
        pause = _LEASE_POLL
        while True:
            opened = await workflow.execute_activity_method(
                Running.open_run,
                OpenRun(
                    run_id=self._run_id,
                    workflow_id=workflow.info().workflow_id,
                    source=self._source,
                    trigger=self._request.trigger,
                    due=self._request.due,
                ),
                summary=self._source,
                **SHORT,
            )
            waits = opened.outcome == "already_running" and self._request.wait_for_lease
            if not waits:
                break
            self._tell(f"waiting: {opened.message}")
            await workflow.sleep(pause, summary=opened.message[:150])
            pause = min(pause * 2, _LONGEST_LEASE_POLL)
            if history_is_long(self._request):
                workflow.continue_as_new(self._request)
        if opened.outcome is not None:
            return opened
        self._opened = True
        await self._record_pause()
        return None

    async def _record_pause(self) -> None:
        """Record the latest state, one after the other: two records under way could cross."""
        if self._recording or not self._opened:
            return
        self._recording = True
        while self._recorded_pause != (paused := self._paused_since is not None):
            await workflow.execute_activity_method(
                Running.pause_run, PauseRun(run_id=self._run_id, paused=paused), **SHORT
            )
            self._recorded_pause = paused
        self._recording = False

    async def _close(self, outcome: Outcome | None) -> RunClosed:
        self._tell("closing")
        closed = await workflow.execute_activity_method(
            Running.close_run,
            CloseRun(
                run_id=self._run_id,
                outcome=outcome,
                complete=self._complete and outcome is None,
                message=self._message,
            ),
            summary=self._source,
            **CLOSING,
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        return closed

    # Levels and lanes

    async def _work_levels(self) -> Outcome | None:
        """Depth d is settled or given up before d + 1 is listed. None: the outcome follows from
        the counts."""
        while True:
            lanes = self._request.lanes
            if not self._listed:
                self._tell("discovering")
                listed = await workflow.execute_activity_method(
                    Discovery.list_level,
                    ListLevel(run_id=self._run_id, level=self._level),
                    summary=f"{self._source}, level {self._level}",
                    **LISTING,
                )
                if workflow.cancellation_reason() is not None:  # the activity ended well before it
                    raise asyncio.CancelledError
                if listed.unfinished:
                    await self._work_lanes(self._level - 1, 1)
                    continue
                self._complete = self._complete and listed.complete
                if listed.failed:
                    self._message = listed.message
                    return "listing_failed"
                if not listed.pages:
                    return None
                self._listed = True
                self._counts = listed.counts
                lanes = min(lanes, -(-listed.pages // self._request.batch))
            await self._work_lanes(self._level, lanes)
            self._level += 1
            self._listed = False

    async def _work_lanes(self, level: int, lanes: int) -> None:
        """A few batches at once: the network of one overlaps the CPU of another."""
        self._tell("fetching, processing and indexing")
        tasks = [asyncio.create_task(self._lane(level, lane)) for lane in range(lanes)]
        try:
            await workflow.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            await self._stop(tasks)
        if not all(task.result() for task in tasks):
            await self._continue_as_new()

    async def _stop(self, tasks: list[asyncio.Task[bool]]) -> None:
        """Return with no lane under way. An activity that ends well although it was cancelled
        swallows the cancellation, so the lanes look for `_stopping`, too."""
        self._stopping = not all(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await workflow.wait(tasks)

    async def _lane(self, level: int, lane: int) -> bool:
        """Work batch after batch; true once the level has no more for this lane."""
        waited = 0.0
        while not self._stopping and not history_is_long(self._request):
            await workflow.wait_condition(lambda: self._paused_since is None)
            self._numbers[lane] += 1
            batch = Batch(run_id=self._run_id, lane=lane, number=self._numbers[lane])
            claimed = await workflow.execute_activity_method(
                Fetching.claim_batch,
                ClaimBatch(
                    **batch.model_dump(),
                    level=level,
                    size=self._request.batch,
                    waited=waited,
                ),
                summary=_name(batch),
                **SHORT,
            )
            self._count(claimed.counts)
            if claimed.pages:
                waited = 0.0
                await self._work_batch(batch)
            elif claimed.wait is None:
                return True
            else:
                pause = min(max(claimed.wait, 1.0), _LONGEST_WAIT)
                waited += pause
                await workflow.sleep(pause, summary=f"lane {lane}: pages to be tried again")
        return False

    async def _work_batch(self, batch: Batch) -> None:
        """Fetch, process, settle; each activity takes the batch's key and looks up the rest."""
        if self._stopping:
            return
        name = _name(batch)
        fetched = await workflow.execute_activity_method(
            Fetching.fetch_batch, batch, summary=name, **FETCHING
        )
        if self._stopping or not fetched.to_process:
            return
        processed = await workflow.execute_activity_method(
            Processing.process_batch, batch, summary=name, **PROCESSING
        )
        if self._stopping or not processed.to_settle:
            return
        settled = await workflow.execute_activity_method(
            Indexing.settle_batch, batch, summary=name, **SETTLING
        )
        self._count(settled.counts)

    # Continuing as new

    async def _continue_as_new(self) -> None:
        """With no lane, child or handler under way."""
        await handlers_ended()
        state = SyncState(
            level=self._level,
            listed=self._listed,
            lane_numbers=self._numbers,
            paused_since=self._paused_since,
            complete=self._complete,
            message=self._message,
            events=events_so_far(self._events_before),
        )
        continue_as_new(self._request, state)

    # Telling

    def _count(self, counts: Counts) -> None:
        if counts.done >= self._counts.done:  # answers of lanes may cross
            self._counts = counts
        self._tell(self._stage)

    def _tell(self, stage: str) -> None:
        self._stage = stage
        tell_stage(self.progress())

    def _result(
        self, outcome: Outcome, *, closed: RunClosed | None = None, message: str = ""
    ) -> SyncResult:
        counts = closed.counts if closed else Counts()
        self._counts, self._stage = counts, outcome
        tell_end(self.progress(), outcome, closed.message if closed else message)
        return SyncResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self._run_id,
            outcome=outcome,
            counts=counts,
            complete=self._complete and closed is not None,
            removed=closed.removed if closed else 0,
            levels=self._level,
            failures=closed.failures if closed else [],
            message=(closed.message if closed else message),
            events=events_so_far(self._events_before),
        )


def _name(batch: Batch) -> str:
    return f"lane {batch.lane}, batch {batch.number}"
