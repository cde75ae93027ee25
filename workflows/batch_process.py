"""`batch_process`: any number of stored bodies to text and index, chunk by chunk."""

from __future__ import annotations

import json

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.batches import Batches
    from atlas.contracts.models import Counts
    from atlas.contracts.processing import (
        BatchRequest,
        BatchResult,
        BatchState,
        ChunkDone,
        ProcessOutcome,
        Selected,
        SelectPages,
        WindUp,
        WorkChunk,
        WoundUp,
    )
    from atlas.contracts.refusal import invalid_input, missing_input
    from workflows.busy_pages import next_pause
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
        stop_if_cancelled,
    )
    from workflows.guards import ended
    from workflows.lanes import Lanes
    from workflows.options import BULK, CLOSING
    from workflows.recorded_job import RecordedJob

_LONGEST_WAIT = 60.0
"""Seconds that a lane without pages waits before it asks again."""
_WORKING = "processing and indexing"
_MAY_PASS = {"quarantined", "unsettled", "extractor_below", "other_rules"}
"""Parts of a query that ask for a state; no document in that state is good news."""


@workflow.defn(name="batch_process")
class BatchProcess(RecordedJob):
    """Select, work chunk after chunk in a few lanes, keep a manifest of the outcomes.

    Nothing is fetched. A document that fails is counted by name; only bad input fails the run.
    """

    @workflow.run
    async def run(self, request: BatchRequest | None = None) -> BatchResult:
        if request is None:
            raise missing_input("batch_process", '{"query": {}}')
        self._request = request
        state = request.state or BatchState()
        self._lanes = Lanes(state.lane_numbers, request.concurrency)
        self._events_before = state.events
        self._selected, self._missing = state.selected, state.missing
        try:
            await self._open()
            await self._work_lanes()
            wound = await self._wind_up(cancelled=False)
        except BaseException as error:
            if is_cancelled_exception(error):
                wound = await self._wind_up(cancelled=True)
                await self.end("cancelled", "", wound.counts.model_dump())
            raise
        return ended(await self._result(wound), request.trigger)

    async def _open(self) -> None:
        """Begin and select, or go on where the execution before ended."""
        if self._request.state is not None:
            await self.carry_on(self._request.state.progress)
            return
        await self.begin(self._request.trigger)
        await self.while_paused()
        await self._select()

    async def _select(self) -> None:
        request = self._request
        self.show("selecting", of="documents")
        selected: Selected = await workflow.execute_activity_method(
            Batches.select_pages,
            SelectPages(
                run_id=self.run_id,
                pages=request.pages,
                urls=request.urls,
                query=request.query,
                manifest=request.manifest,
                failed_of=request.failed_of,
                force=request.force,
            ),
            **BULK,
        )
        if selected.refused:
            await self.end("failed", selected.refused, {})
            raise invalid_input(f"batch_process: {selected.refused}")
        stop_if_cancelled()
        self._selected, self._missing = selected.pages, selected.missing
        self._count(selected.counts)

    # Lanes

    async def _work_lanes(self) -> None:
        """A few chunks at once: the database's work of one overlaps the CPU of another."""
        to_do = self._selected - self._progress.counts.done
        lanes = min(self._request.concurrency, -(-to_do // self._request.chunk))
        if not await self._lanes.work(self._lane, lanes):
            await self._continue_as_new()

    async def _lane(self, lane: int) -> bool:
        """Work chunk after chunk; true once there is no more for this lane."""
        waited = 0.0
        while not self._lanes.stopping and not history_is_long(self._request):
            await self.while_paused()
            done = await self._chunk(lane, waited)
            if done.pages:
                waited = 0.0
            elif done.wait is None:
                return True
            else:  # less and less often
                pause = next_pause(done.wait, waited, _LONGEST_WAIT, shortest=1.0)
                waited += pause
                await workflow.sleep(pause, summary=f"lane {lane}: other runs hold the pages")
        return False

    async def _chunk(self, lane: int, waited: float) -> ChunkDone:
        number = self._lanes.next_number(lane)
        done: ChunkDone = await workflow.execute_activity_method(
            Batches.work_chunk,
            WorkChunk(
                run_id=self.run_id,
                lane=lane,
                number=number,
                size=self._request.chunk,
                waited=waited,
                force=self._request.force,
            ),
            summary=f"lane {lane}, chunk {number}",
            **BULK,
        )
        self._count(done.counts)
        return done

    # Continuing as new

    async def _continue_as_new(self) -> None:
        """With no lane or handler under way."""
        await handlers_ended()
        state = BatchState(
            selected=self._selected,
            missing=self._missing,
            lane_numbers=self._lanes.numbers,
            progress=self.progress(),
            events=events_so_far(self._events_before),
        )
        continue_as_new(self._request, state)

    # Progress and the end

    def _count(self, counts: Counts) -> None:
        if counts.done >= self._progress.counts.done:  # answers of lanes may overtake each other
            self.show(_WORKING, done=counts.done, total=self._selected, counts=counts)

    async def _wind_up(self, *, cancelled: bool) -> WoundUp:
        return await workflow.execute_activity_method(
            Batches.wind_up,
            WindUp(run_id=self.run_id, cancelled=cancelled, outcomes=True),
            **CLOSING,
        )

    async def _result(self, wound: WoundUp) -> BatchResult:
        outcome, message = _outcome(self._request, wound)
        self.show("closing", done=wound.counts.done, counts=wound.counts)
        await self.end(outcome, message, {**wound.counts.model_dump(), "missing": wound.missing})
        return BatchResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            counts=wound.counts,
            selected=wound.counts.seen,
            missing=wound.missing,
            manifest=wound.manifest,
            failures=wound.failures,
            message=message,
            events=events_so_far(self._events_before),
        )


def _outcome(request: BatchRequest, wound: WoundUp) -> tuple[ProcessOutcome, str]:
    """The outcome, and its message."""
    if wound.missing:
        return wound.outcome, (
            f"{wound.missing} of those asked for are not pages that Atlas knows; the manifest "
            "names them"
        )
    if wound.counts.seen or wound.outcome != "completed":
        return wound.outcome, wound.notes
    if request.failed_of is not None:
        return "completed", f"failed_of: no page of run {request.failed_of} failed"
    asked = request.query.model_dump(exclude_defaults=True) if request.query else {}
    found = f"query: no stored document fits {json.dumps(asked)}"
    if set(asked) & _MAY_PASS:
        return "completed", found
    fix = "`atlas docs list` lists what is stored; sync a source to fetch its pages first"
    return "nothing_selected", f"{found}; {fix}"
