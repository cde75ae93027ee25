"""`process_document`: one stored body to text and index, now."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.batches import Batches
    from atlas.contracts.processing import (
        ChunkDone,
        ProcessRequest,
        ProcessResult,
        Selected,
        SelectPages,
        WindUp,
        WorkChunk,
        WoundUp,
    )
    from atlas.contracts.refusal import invalid_input, missing_input
    from workflows.busy_pages import next_pause
    from workflows.continue_as_new import stop_if_cancelled
    from workflows.guards import ended
    from workflows.options import CLOSING, PROCESSING, SHORT
    from workflows.recorded_job import RecordedJob

_CHUNK = 100
_LONGEST_WAIT = 30.0
"""Seconds before it asks again for a page that another run holds: a person may be waiting."""


@workflow.defn(name="process_document")
class ProcessDocument(RecordedJob):
    """From the stored body, without fetching: extract, deduplicate, index.

    A document that fails is a result; its old version stays live. Only bad input fails the run.
    """

    @workflow.run
    async def run(self, request: ProcessRequest | None = None) -> ProcessResult:
        if request is None:
            raise missing_input("process_document", '{"url": "https://example.org/"}')
        await self.begin(request.trigger)
        try:
            await self._work(request)
            wound = await self._wind_up(cancelled=False)
        except BaseException as error:
            if is_cancelled_exception(error):
                await self._wind_up(cancelled=True)
                await self.end("cancelled", "", {})
            raise
        return ended(await self._result(wound), request.trigger)

    async def _work(self, request: ProcessRequest) -> None:
        self.show("selecting", of="documents")
        selected: Selected = await workflow.execute_activity_method(
            Batches.select_pages,
            SelectPages(
                run_id=self.run_id,
                url=request.url,
                page=request.page,
                snapshot=request.snapshot,
                extractor=request.extractor,
                force=request.force or request.accept,
                accept=request.accept,
            ),
            **SHORT,
        )
        if selected.refused:
            await self.end("failed", selected.refused, {})
            raise invalid_input(f"process_document: {selected.refused}")
        stop_if_cancelled()
        if selected.to_do:
            await self._work_chunks(request, selected.pages)

    async def _work_chunks(self, request: ProcessRequest, pages: int) -> None:
        self.show("processing and indexing", total=pages)
        number, waited = 0, 0.0
        while True:
            await self.while_paused()
            number += 1
            done: ChunkDone = await workflow.execute_activity_method(
                Batches.work_chunk,
                WorkChunk(
                    run_id=self.run_id,
                    lane=0,
                    number=number,
                    size=_CHUNK,
                    waited=waited,
                    force=request.force or request.accept,
                ),
                **PROCESSING,
            )
            self.show("processing and indexing", done=done.counts.done, counts=done.counts)
            if done.counts.done == done.counts.seen or (not done.pages and done.wait is None):
                return
            stop_if_cancelled()
            waited = 0.0 if done.pages else waited
            if done.wait is not None:  # less and less often
                pause = next_pause(done.wait, waited, _LONGEST_WAIT)
                waited += pause
                await workflow.sleep(pause, summary="another run holds the page")

    async def _wind_up(self, *, cancelled: bool) -> WoundUp:
        return await workflow.execute_activity_method(
            Batches.wind_up, WindUp(run_id=self.run_id, cancelled=cancelled), **CLOSING
        )

    async def _result(self, wound: WoundUp) -> ProcessResult:
        message = _message(wound)
        self.show("closing", done=wound.counts.done, counts=wound.counts)
        await self.end(wound.outcome, message, wound.counts.model_dump())
        return ProcessResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=wound.outcome,
            counts=wound.counts,
            documents=wound.documents,
            message=message,
        )


def _message(wound: WoundUp) -> str:
    if wound.outcome == "unknown_page":
        return (
            "Atlas knows no such page, or no page with that body; fetch it first, with fetch_url "
            "or a sync"
        )
    more = wound.counts.seen - len(wound.documents)
    said = (f"and {more} more documents" if more > 0 else "", wound.notes)
    return "; ".join(filter(None, said))
