"""`purge_documents`: erase pages with every trace of them, keep them away, and prove it."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.purges import Purging
    from atlas.contracts.purge_documents import (
        PURGE_STAGES,
        EndPurge,
        PurgeEnded,
        PurgeOutcome,
        PurgeRequest,
        PurgeResult,
        PurgeState,
        PurgeStep,
        PurgeStepDone,
    )
    from atlas.contracts.refusal import missing_input
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.guards import ended
    from workflows.options import BULK
    from workflows.recorded_job import RecordedJob

_SHOWN = {
    "choose": "choosing pages",
    "keep_away": "keeping addresses away",
    "erase": "erasing pages",
    "scrub": "erasing mentions",
    "artifacts": "rewriting reports and lists",
    "bodies": "deleting bodies",
    "prove": "searching for traces",
}
_AGAIN = 3
"""Times that an erasure is gone through again when something is left."""
_HISTORIES = (
    "Temporal keeps the histories of runs that named these addresses, this run's among them, for "
    "its retention time; `temporal workflow delete` deletes one (docs/security.md, Erasure)"
)
_LONGEST_PAUSE = 15.0
"""Seconds between two looks whether a run has released a page."""


@workflow.defn(name="purge_documents")
class PurgeDocuments(RecordedJob):
    """Every step may be repeated; killed anywhere, the run goes on where it was."""

    def __init__(self) -> None:
        super().__init__()
        self._request = PurgeRequest.model_construct(urls=[])
        self._state = PurgeState()

    @workflow.run
    async def run(self, request: PurgeRequest | None = None) -> PurgeResult:
        if request is None:
            raise missing_input("purge_documents", '{"urls": ["https://example.org/"]}')
        self._request = request
        try:
            return ended(await self._purge(), request.trigger)
        except BaseException as error:
            if is_cancelled_exception(error):
                # What is kept away stays so; the list of what was chosen names it, and goes.
                await self._end(forget=False)
                await self.end("cancelled", "what was erased stays erased", {})
            raise

    async def _purge(self) -> PurgeResult:
        await self._open()
        while self._state.stage < len(PURGE_STAGES):
            await self.while_paused()
            if history_is_long(self._request):
                await handlers_ended()
                continue_as_new(self._request, self._state_to_carry())
            step = await self._step()
            if step.refused:
                return await self._close("unknown_source", step.refused)
            await self._advance(step)
            if self._request.dry_run and self._state.stage:
                return await self._close("completed", "nothing was changed")
        if self._state.traces:
            left = ", ".join(f"{rows} rows of {at}" for at, rows in self._state.traces.items())
            return await self._close("completed_with_failures", f"something is left: {left}")
        return await self._close("completed", _HISTORIES)

    async def _open(self) -> None:
        if self._request.state is not None:
            self._state = self._request.state
            await self.carry_on(self._state.progress)
            return
        await self.begin(self._request.trigger)

    async def _step(self) -> PurgeStepDone:
        request, stage = self._request, PURGE_STAGES[self._state.stage]
        self.show(_SHOWN[stage], done=self._state.erased, of="pages")
        choosing = stage == "choose"
        return await workflow.execute_activity_method(
            Purging.purge_part,
            PurgeStep(
                run_id=self.run_id,
                stage=stage,
                cursor=self._state.cursor,
                urls=request.urls if choosing else None,
                source=request.source if choosing else None,
                host=request.host if choosing else None,
                reason=request.reason,
                patient=self._state.waited < request.patience,
            ),
            summary=stage,
            **BULK,
        )

    async def _advance(self, step: PurgeStepDone) -> None:
        """Go to the next part, or to the next stage; wait for runs that hold pages."""
        state, stage = self._state, PURGE_STAGES[self._state.stage]
        changes: dict[str, object] = {"cursor": step.cursor or ""}
        if stage == "erase":
            changes["erased"] = state.erased + step.done
        if stage == "artifacts":
            changes["rewritten"] = state.rewritten + step.done
        if stage == "prove":
            found = dict(state.traces)
            for column, rows in step.traces.items():
                found[column] = found.get(column, 0) + rows
            changes["traces"] = found
        if step.cursor is None:
            changes["stage"] = state.stage + 1
        self._state = state.model_copy(update=changes)
        if stage == "erase" and step.held:
            pause = min(_LONGEST_PAUSE, 1.0 + self._state.waited / 4)
            await workflow.sleep(pause, summary=f"{step.held} pages are held by runs")
            self._state = self._state.model_copy(update={"waited": self._state.waited + pause})
        if stage == "prove" and step.cursor is None and self._state.traces:
            await self._erase_again()

    async def _erase_again(self) -> None:
        """Something was left, by a writer that had begun before: go through it all once more."""
        if self._state.again >= _AGAIN:
            return
        await workflow.execute_activity_method(
            Purging.erase_again, EndPurge(run_id=self.run_id), **BULK
        )
        self._state = self._state.model_copy(
            update={
                "stage": PURGE_STAGES.index("keep_away"),
                "cursor": "",
                "traces": {},
                "again": self._state.again + 1,
            }
        )

    async def _end(self, *, forget: bool) -> PurgeEnded:
        return await workflow.execute_activity_method(
            Purging.end_purge,
            EndPurge(run_id=self.run_id, source=self._request.source, forget=forget),
            **BULK,
        )

    async def _close(self, outcome: PurgeOutcome, message: str) -> PurgeResult:
        gone = await self._end(forget=not self._request.dry_run)
        if outcome == "completed" and not gone.addresses:
            outcome, message = "nothing_selected", self._nothing()
        figures = {
            "addresses": gone.addresses,
            "pages": gone.pages,
            "documents": gone.documents,
            "bodies": gone.bodies,
            "bodies waiting": gone.bodies_waiting,
        }
        await self.end(outcome, message, figures)
        return PurgeResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            dry_run=self._request.dry_run,
            addresses=gone.addresses,
            pages=gone.pages,
            documents=gone.documents,
            shared=gone.shared,
            bodies=gone.bodies,
            bodies_waiting=gone.bodies_waiting,
            rewritten=self._state.rewritten,
            hosts=gone.hosts,
            mentions=gone.mentions,
            traces=self._state.traces,
            message=message,
            events=events_so_far(self._state.events),
        )

    def _nothing(self) -> str:
        if self._request.source is not None:
            return f"source: '{self._request.source}' holds no page"
        return (
            f"host: no page is on '{self._request.host}'; give it as `atlas hosts list` spells it"
        )

    def _state_to_carry(self) -> PurgeState:
        events = events_so_far(self._state.events)
        return self._state.model_copy(update={"progress": self.progress(), "events": events})
