"""`push_documents`: what was put becomes part of the corpus, what was withdrawn leaves it."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.pushes import Pushing
    from atlas.contracts.models import Counts
    from atlas.contracts.processing import ChunkDone, WorkChunk
    from atlas.contracts.push_documents import (
        AcceptPush,
        EndPush,
        PushAccepted,
        PushEnded,
        PushRequest,
        PushResult,
    )
    from atlas.contracts.refusal import invalid_input, missing_input
    from workflows.busy_pages import next_pause
    from workflows.continue_as_new import events_so_far, stop_if_cancelled
    from workflows.guards import ended
    from workflows.options import CLOSING, PROCESSING, SHORT
    from workflows.recorded_job import RecordedJob

_CHUNK = 50
_LONGEST_WAIT = 10.0
"""Seconds before it asks again for a page that another run holds: a person may be waiting."""


@workflow.defn(name="push_documents")
class PushDocuments(RecordedJob):
    """Accept all or nothing, take the bodies chunk by chunk, let go of what was withdrawn.

    Bodies are in the blob store, and the request names them. A document that fails is a result;
    only bad input fails the run. It waits for pages that another run holds, so that pushes of one
    address end in their order.
    """

    @workflow.run
    async def run(self, request: PushRequest | None = None) -> PushResult:
        if request is None:
            raise missing_input(
                "push_documents", '{"documents": [{"url": "https://…", "snapshot": "SHA-256"}]}'
            )
        self._source = request.source or ""
        self._confirmed = request.confirmed
        await self.begin(request.trigger)
        try:
            await self.while_paused()
            await self._accept(request)
            await self._work()
            wound = await self._end(cancelled=False)
        except BaseException as error:
            if is_cancelled_exception(error):
                wound = await self._end(cancelled=True)
                await self.end("cancelled", "", wound.counts.model_dump())
            raise
        return ended(await self._result(wound), request.trigger)

    async def _accept(self, request: PushRequest) -> None:
        self.show("accepting", of="documents")
        accepted: PushAccepted = await workflow.execute_activity_method(
            Pushing.accept_push,
            AcceptPush(
                run_id=self.run_id,
                documents=request.documents,
                withdraw=request.withdraw,
                source=request.source,
                place=request.place,
            ),
            **SHORT,
        )
        if accepted.refused:
            await self.end("failed", accepted.refused, {})
            raise invalid_input(f"push_documents: {accepted.refused}")
        stop_if_cancelled()
        self._source = accepted.source
        self._count(accepted.counts)

    async def _work(self) -> None:
        number, waited = 0, 0.0
        while self._progress.counts.done < self._progress.counts.seen:
            await self.while_paused()
            number += 1
            done: ChunkDone = await workflow.execute_activity_method(
                Pushing.push_chunk,
                WorkChunk(run_id=self.run_id, lane=0, number=number, size=_CHUNK, waited=waited),
                summary=f"chunk {number}",
                **PROCESSING,
            )
            stop_if_cancelled()
            self._count(done.counts)
            if done.pages:
                waited = 0.0
            elif done.wait is None:
                return
            else:  # less and less often
                pause = next_pause(done.wait, waited, _LONGEST_WAIT)
                waited += pause
                await workflow.sleep(pause, summary="another run holds the pages")

    def _count(self, counts: Counts) -> None:
        self.show("processing and indexing", done=counts.done, total=counts.seen, counts=counts)

    async def _end(self, *, cancelled: bool) -> PushEnded:
        return await workflow.execute_activity_method(
            Pushing.end_push,
            EndPush(run_id=self.run_id, cancelled=cancelled, confirmed=self._confirmed),
            **CLOSING,
        )

    async def _result(self, wound: PushEnded) -> PushResult:
        self.show("closing", done=wound.counts.done, counts=wound.counts)
        figures = {**wound.counts.model_dump(), "removed": wound.removed, "missing": wound.missing}
        await self.end(wound.outcome, wound.message, figures)
        return PushResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=wound.outcome,
            source=self._source,
            counts=wound.counts,
            removed=wound.removed,
            missing=wound.missing,
            pages=wound.pages,
            message=wound.message,
            events=events_so_far(0),
        )
