"""`restore_documents`: what left or was replaced comes back from its versions, chunk by chunk."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.restores import Restoring
    from atlas.contracts.models import Counts
    from atlas.contracts.processing import ChunkDone, ProcessOutcome, Selected, WindUp, WorkChunk
    from atlas.contracts.refusal import invalid_input, missing_input
    from atlas.contracts.restore_documents import (
        RestoreEnded,
        RestoreRequest,
        RestoreResult,
        RestoreState,
        SelectRestores,
    )
    from workflows.busy_pages import next_pause
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
        stop_if_cancelled,
    )
    from workflows.guards import ended
    from workflows.options import CLOSING, PROCESSING, SETTLING
    from workflows.recorded_job import RecordedJob

_LONGEST_WAIT = 30.0
"""Seconds before it asks again for pages that another run holds: a person may be waiting."""
_WORKING = "restoring"


@workflow.defn(name="restore_documents")
class RestoreDocuments(RecordedJob):
    """Choose a version of each page, bring them back chunk by chunk, keep a manifest.

    Nothing is fetched. What cannot be restored is named with its reason; only bad input fails the
    run. Which versions come back is written down first, so that a repeated chunk, or a run that
    continues, brings back the same.
    """

    @workflow.run
    async def run(self, request: RestoreRequest | None = None) -> RestoreResult:
        if request is None:
            raise missing_input("restore_documents", '{"run": "01890…"}')
        self._request = request
        state = request.state or RestoreState()
        self._number = state.number
        self._events_before = state.events
        self._selected, self._missing = state.selected, state.missing
        try:
            await self._open()
            await self._work()
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
        self.show("selecting", of="pages")
        selected: Selected = await workflow.execute_activity_method(
            Restoring.select_restores,
            SelectRestores(
                run_id=self.run_id,
                urls=request.urls,
                of_run=request.run,
                source=request.source,
                since=request.since,
                version=request.version,
                dry_run=request.dry_run,
            ),
            **SETTLING,
        )
        if selected.refused:
            await self.end("failed", selected.refused, {})
            raise invalid_input(f"restore_documents: {selected.refused}")
        stop_if_cancelled()
        self._selected, self._missing = selected.pages, selected.missing
        self._count(selected.counts)

    async def _work(self) -> None:
        waited = 0.0
        while self._progress.counts.done < self._selected:
            await self.while_paused()
            done = await self._chunk(waited)
            stop_if_cancelled()
            if done.pages:
                waited = 0.0
            elif done.wait is None:
                return
            else:  # less and less often
                pause = next_pause(done.wait, waited, _LONGEST_WAIT)
                waited += pause
                await workflow.sleep(pause, summary="other runs hold the pages")
            if history_is_long(self._request):
                await self._continue_as_new()

    async def _chunk(self, waited: float) -> ChunkDone:
        self._number += 1
        done: ChunkDone = await workflow.execute_activity_method(
            Restoring.restore_chunk,
            WorkChunk(
                run_id=self.run_id,
                lane=0,
                number=self._number,
                size=self._request.chunk,
                waited=waited,
            ),
            summary=f"chunk {self._number}",
            **PROCESSING,
        )
        self._count(done.counts)
        return done

    def _count(self, counts: Counts) -> None:
        self.show(_WORKING, done=counts.done, total=self._selected, counts=counts)

    async def _continue_as_new(self) -> None:
        await handlers_ended()
        state = RestoreState(
            selected=self._selected,
            missing=self._missing,
            number=self._number,
            progress=self.progress(),
            events=events_so_far(self._events_before),
        )
        continue_as_new(self._request, state)

    async def _wind_up(self, *, cancelled: bool) -> RestoreEnded:
        return await workflow.execute_activity_method(
            Restoring.end_restore,
            WindUp(run_id=self.run_id, cancelled=cancelled, outcomes=True),
            **CLOSING,
        )

    async def _result(self, wound: RestoreEnded) -> RestoreResult:
        outcome, message = _outcome(self._request, wound)
        self.show("closing", done=wound.counts.done, counts=wound.counts)
        await self.end(outcome, message, {**wound.counts.model_dump(), "missing": wound.missing})
        return RestoreResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            counts=wound.counts,
            missing=wound.missing,
            pages=wound.pages,
            dry_run=self._request.dry_run,
            manifest=wound.manifest,
            message=message,
            events=events_so_far(self._events_before),
        )


def _outcome(request: RestoreRequest, wound: RestoreEnded) -> tuple[ProcessOutcome, str]:
    """The outcome, and its message."""
    if wound.missing:
        return wound.outcome, (
            f"{wound.missing} of those asked for are not pages that Atlas knows; the manifest "
            "names them"
        )
    if wound.counts.seen or wound.outcome != "completed":
        return wound.outcome, ""
    if request.run is not None:
        return "nothing_selected", (
            f"run: {request.run} removed and replaced nothing that is still kept; `atlas runs` "
            "lists the others"
        )
    return "nothing_selected", (
        f"source: no page of {request.source} left or changed since {request.since}; "
        "`atlas docs history URL` shows when one did"
    )
