"""`audit_corpus`: look whether rows, bodies and index agree; repair what does not, if asked."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.audits import Auditing
    from atlas.contracts.audit_corpus import (
        AUDIT_STAGES,
        MAX_RESETTLED,
        AuditEnded,
        AuditOutcome,
        AuditRequest,
        AuditResult,
        AuditState,
        AuditStep,
        AuditStepDone,
        EndAudit,
        RecheckFindings,
    )
    from atlas.contracts.processing import BatchRequest
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.options import BULK
    from workflows.recorded_job import RecordedJob

_SHOWN = {
    "corpus": ("checking sources and index", "steps"),
    "pages": ("checking pages", "pages"),
    "documents": ("making texts again", "pages"),
    "texts": ("checking the index", "texts"),
    "sketches": ("checking sketches", "texts"),
    "buckets": ("checking buckets", "buckets"),
    "evidence": ("checking evidence", "texts"),
    "clusters": ("checking clusters", "clusters"),
    "runs": ("checking runs", "runs"),
    "bodies": ("reading bodies", "bodies"),
}


@workflow.defn(name="audit_corpus")
class AuditCorpus(RecordedJob):
    """Looks at one part after the other; without `repair` it changes nothing but its record."""

    def __init__(self) -> None:
        super().__init__()
        self._request = AuditRequest()
        self._state = AuditState()

    @workflow.run
    async def run(self, request: AuditRequest | None = None) -> AuditResult:
        self._request = request or AuditRequest()
        try:
            await self._open()
            while self._state.stage < len(AUDIT_STAGES):
                await self.while_paused()
                if history_is_long(self._request):
                    await handlers_ended()
                    continue_as_new(self._request, self._state_to_carry())
                self._advance(await self._step())
            await self._process_again()
            return await self._close()
        except BaseException as error:
            if is_cancelled_exception(error):
                await self.end("cancelled", "", {})
            raise

    async def _open(self) -> None:
        if self._request.state is not None:
            self._state = self._request.state
            await self.carry_on(self._state.progress)
            return
        self._state = AuditState(started=workflow.time())
        await self.begin(self._request.trigger)

    async def _step(self) -> AuditStepDone:
        request = self._request
        return await workflow.execute_activity_method(
            Auditing.audit_part,
            AuditStep(
                run_id=self.run_id,
                stage=AUDIT_STAGES[self._state.stage],
                cursor=self._state.cursor,
                sample=None if request.full else request.sample,
                repair=request.repair,
            ),
            summary=AUDIT_STAGES[self._state.stage],
            **BULK,
        )

    def _advance(self, done: AuditStepDone) -> None:
        """Go to the next part, or to the next stage."""
        state, stage = self._state, AUDIT_STAGES[self._state.stage]
        checked = state.checked.get(stage, 0) + done.checked
        wanted = sorted({*state.resettle, *done.resettle})
        name, of = _SHOWN[stage]
        self.show(name, done=checked, of=of)
        self._state = state.model_copy(
            update={
                "stage": state.stage + (done.cursor is None),
                "cursor": done.cursor or "",
                "checked": {**state.checked, stage: checked},
                "resettle": wanted[:MAX_RESETTLED],
                "left_over": state.left_over + len(wanted[MAX_RESETTLED:]),
            }
        )

    async def _process_again(self) -> None:
        """Settle what has to be from its stored body, as any batch does."""
        pages = self._state.resettle
        if not pages:
            return
        self.show("processing again", done=0, total=len(pages), of="pages")
        try:
            await workflow.execute_child_workflow(
                "batch_process",
                BatchRequest(pages=pages, force=True),
                id=f"batch_process:{self.run_id}",
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                static_summary=f"audit: process {len(pages)} pages again",
            )
        except ChildWorkflowError as error:
            # Its own record says why; the pages stay findings.
            workflow.logger.warning("pages were not processed again: %s", error.cause)
        await workflow.execute_activity_method(
            Auditing.recheck_findings, RecheckFindings(run_id=self.run_id), **BULK
        )

    async def _close(self) -> AuditResult:
        ended: AuditEnded = await workflow.execute_activity_method(
            Auditing.end_audit, EndAudit(run_id=self.run_id), **BULK
        )
        open_ = ended.findings - ended.repaired
        outcome: AuditOutcome = "completed_with_failures" if open_ else "completed"
        message = self._message(ended)
        summary = {
            **self._state.checked,
            "findings": ended.findings,
            "repaired": ended.repaired,
            "full": int(self._request.full),
        }
        await self.end(outcome, message, summary)
        return AuditResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            full=self._request.full,
            checked=self._state.checked,
            findings=ended.findings,
            repaired=ended.repaired,
            by_check=ended.by_check,
            listed=ended.listed,
            manifest=ended.manifest,
            message=message,
            seconds=workflow.time() - self._state.started,
            events=events_so_far(self._state.events),
        )

    def _message(self, ended: AuditEnded) -> str:
        said, left_over = [], self._state.left_over
        if ended.findings > ended.repaired and not self._request.repair:
            said.append("`atlas audit --full --repair` repairs what can be repaired")
        if left_over:
            said.append(f"{left_over} pages are left for the next audit to process again")
        return "; ".join(said)

    def _state_to_carry(self) -> AuditState:
        events = events_so_far(self._state.events)
        return self._state.model_copy(update={"progress": self.progress(), "events": events})
