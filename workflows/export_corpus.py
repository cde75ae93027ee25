"""`export_corpus`: write the documents of one moment to a file, a folder or a bucket."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.exports import Exporting
    from atlas.contracts.export_corpus import (
        ChooseExport,
        ChosenFilter,
        ExportFinished,
        ExportOutcome,
        ExportRequest,
        ExportResult,
        ExportState,
        ExportStep,
        FinishExport,
        ForgetExport,
        PartsWritten,
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


@workflow.defn(name="export_corpus")
class ExportCorpus(RecordedJob):
    """Chooses the documents once and writes them part by part. After a crash the run continues
    behind the last finished part; when cancelled, it removes what it wrote."""

    def __init__(self) -> None:
        super().__init__()
        self._request = ExportRequest.model_construct(to="")
        self._state = ExportState()

    @workflow.run
    async def run(self, request: ExportRequest | None = None) -> ExportResult:
        if request is None:
            raise missing_input("export_corpus", '{"to": "s3://bucket/corpus"}')
        self._request = request
        try:
            return ended(await self._export(), request.trigger)
        except BaseException as error:
            if is_cancelled_exception(error):
                await self._forget(discard=True)
                await self.end("cancelled", "what was written was removed", {})
            raise

    async def _export(self) -> ExportResult:
        refusal = await self._open()
        if refusal is not None:
            return await self._close(*refusal)
        while not self._state.finished:
            await self.while_paused()
            if history_is_long(self._request):
                await handlers_ended()
                continue_as_new(self._request, self._state_to_carry())
            await self._write()
        await self.while_paused()
        finished = await self._finish()
        await self._forget(discard=False)
        return await self._close("completed", self._remark(finished), finished)

    async def _open(self) -> tuple[ExportOutcome, str] | None:
        """Choose the documents, or pick up a continued run; the outcome and its message if the
        request was refused."""
        if self._request.state is not None:
            self._state = self._request.state
            await self.carry_on(self._state.progress)
            return None
        self._state = ExportState(started=workflow.time())
        await self.begin(self._request.trigger)
        await self.while_paused()
        self.show("choosing documents")
        chosen = await workflow.execute_activity_method(
            Exporting.choose_export,
            ChooseExport(**self._step(), only=self._only()),
            summary="choose",
            **BULK,
        )
        if chosen.unknown:
            return "unknown_source", chosen.unknown
        if chosen.refused:
            return "target_refused", chosen.refused
        self._state = self._state.model_copy(
            update={"as_of": chosen.as_of, "chosen": chosen.documents}
        )
        return None

    async def _write(self) -> None:
        self._show_written()
        done: PartsWritten = await workflow.execute_activity_method(
            Exporting.write_parts,
            ExportStep(**self._step()),
            summary=f"after {self._state.written} documents",
            **BULK,
        )
        self._state = self._state.model_copy(
            update={"written": done.documents, "finished": not done.more}
        )
        self._show_written()

    async def _finish(self) -> ExportFinished:
        return await workflow.execute_activity_method(
            Exporting.finish_export,
            FinishExport(**self._step(), only=self._only()),
            summary="finish",
            **BULK,
        )

    async def _forget(self, *, discard: bool) -> None:
        await workflow.execute_activity_method(
            Exporting.forget_export,
            ForgetExport(**self._step(), discard=discard),
            summary="discard" if discard else "tidy up",
            **BULK,
        )

    def _step(self) -> dict[str, Any]:
        request = self._request
        return {
            "run_id": self.run_id,
            "to": request.to,
            "format": request.format,
            "compress": request.compress,
            "what": request.what,
            "chunk_size": request.chunk_size,
            "one_file": request.one_file,
            "part_documents": request.part_documents,
            "as_of": self._state.as_of,
        }

    def _only(self) -> ChosenFilter:
        return ChosenFilter(**self._request.only.model_dump())

    def _show_written(self) -> None:
        state = self._state
        self.show("writing", done=state.written, total=state.chosen, of="documents")

    def _remark(self, finished: ExportFinished) -> str:
        if not finished.missing:
            return ""
        if self._request.format == "warc":
            return (
                f"{finished.missing} documents are left out: their bodies are not stored any more"
            )
        return f"{finished.missing} documents were deleted by a clean-up before they were written"

    async def _close(
        self, outcome: ExportOutcome, message: str, finished: ExportFinished | None = None
    ) -> ExportResult:
        found = finished or ExportFinished()
        await self.end(outcome, message, found.model_dump() if finished else {})
        return ExportResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            to=self._request.to,
            format=self._request.format,
            what=self._request.what,
            as_of=self._state.as_of,
            documents=found.documents,
            records=found.records,
            parts=found.parts,
            bytes=found.bytes,
            missing=found.missing,
            message=message,
            seconds=workflow.time() - self._state.started,
            events=events_so_far(self._state.events),
        )

    def _state_to_carry(self) -> ExportState:
        events = events_so_far(self._state.events)
        return self._state.model_copy(update={"progress": self.progress(), "events": events})
