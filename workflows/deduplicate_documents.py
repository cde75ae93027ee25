"""`deduplicate_documents`: check the evidence, find groups, mark the duplicates in each."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.dedup import Deduplicating
    from atlas.contracts.deduplicate_documents import (
        STAGES,
        CheckPart,
        DecideGroups,
        DeduplicateRequest,
        DeduplicateResult,
        DedupOutcome,
        DedupState,
        DescribeScope,
        ForgetGroups,
        GroupsReported,
        PartDone,
        ReportGroups,
    )
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
    "sketches": ("checking sketches", "texts"),
    "buckets": ("checking buckets", "buckets"),
    "evidence": ("checking evidence", "texts"),
    "clusters": ("checking clusters", "clusters"),
    "decide": ("finding groups", "pages"),
}


@workflow.defn(name="deduplicate_documents")
class DeduplicateDocuments(RecordedJob):
    """Marks only ever say that a page could be left out; no document and no index entry goes."""

    def __init__(self) -> None:
        super().__init__()
        self._request = DeduplicateRequest()
        self._state = DedupState()

    @workflow.run
    async def run(self, request: DeduplicateRequest | None = None) -> DeduplicateResult:
        self._request = request or DeduplicateRequest()
        try:
            return ended(await self._deduplicate(), self._request.trigger)
        except BaseException as error:
            if is_cancelled_exception(error):
                await self._forget()
                await self.end("cancelled", self._marks_message(), self._summary())
            raise

    async def _deduplicate(self) -> DeduplicateResult:
        """What happens in which order."""
        if refused := await self._open():
            return await self._finish("unknown_source", GroupsReported(), refused)
        complete = await self._work_through()
        self.show("writing the report")
        reported = await self._report(complete)
        await self._forget()
        if not complete:
            return await self._finish("limit_reached", reported, self._limit_message())
        return await self._finish("completed", reported, self._drift_message())

    async def _open(self) -> str:
        """Record the run, or go on after continuing as new; returns which source is unknown."""
        if self._request.state is not None:
            self._state = self._request.state
            await self.carry_on(self._state.progress)
            return ""
        self._state = DedupState(started=workflow.time())
        await self.begin(self._request.trigger)
        scope = await workflow.execute_activity_method(
            Deduplicating.describe_scope, DescribeScope(sources=self._request.sources), **BULK
        )
        self._state = self._state.model_copy(update={"texts": scope.texts, "pages": scope.pages})
        return scope.message

    async def _work_through(self) -> bool:
        """Every stage, part by part; False when the time was up."""
        while self._state.stage < len(STAGES):
            await self.while_paused()
            if self._time_is_up():
                return False
            if history_is_long(self._request):
                await handlers_ended()
                continue_as_new(self._request, self._state_to_carry())
            self._advance(await self._part())
        return True

    async def _part(self) -> PartDone:
        stage, request = STAGES[self._state.stage], self._request
        if stage == "decide":
            return await workflow.execute_activity_method(
                Deduplicating.decide_groups,
                DecideGroups(
                    run_id=self.run_id,
                    cursor=self._state.cursor,
                    sources=request.sources,
                    kind=request.kind,
                    threshold=request.threshold,
                    winner=request.winner,
                    apply=request.apply,
                    chunk=request.chunk,
                ),
                **BULK,
            )
        return await workflow.execute_activity_method(
            Deduplicating.check_part,
            CheckPart(
                stage=stage,
                cursor=self._state.cursor,
                sources=request.sources,
                chunk=request.chunk,
                repair=request.apply,
            ),
            **BULK,
        )

    def _advance(self, part: PartDone) -> None:
        """Go to the next part, or to the next stage."""
        state = self._state
        name, of = _SHOWN[STAGES[state.stage]]
        total = {"texts": state.texts, "pages": state.pages}.get(of)
        over = part.cursor is None
        checked = state.checked + part.checked
        self.show(name, done=checked, total=total, of=of)
        self._state = state.model_copy(
            update={
                "stage": state.stage + over,
                "cursor": part.cursor or "",
                "checked": 0 if over else checked,
                "drifted": state.drifted + part.drifted,
                "repaired": state.repaired + part.repaired,
            }
        )

    def _time_is_up(self) -> bool:
        minutes = self._request.minutes
        return minutes is not None and workflow.time() - self._state.started >= minutes * 60

    def _state_to_carry(self) -> DedupState:
        events = events_so_far(self._state.events)
        return self._state.model_copy(update={"progress": self.progress(), "events": events})

    async def _report(self, complete: bool) -> GroupsReported:
        return await workflow.execute_activity_method(
            Deduplicating.report_groups,
            ReportGroups(
                run_id=self.run_id,
                sources=self._request.sources,
                apply=self._request.apply,
                complete=complete,
            ),
            **BULK,
        )

    async def _forget(self) -> None:
        await workflow.execute_activity_method(
            Deduplicating.forget_groups, ForgetGroups(run_id=self.run_id), **BULK
        )

    async def _finish(
        self, outcome: DedupOutcome, reported: GroupsReported, message: str
    ) -> DeduplicateResult:
        counts = reported.counts.model_copy(update=self._drift())
        await self.end(outcome, message, counts.model_dump())
        return DeduplicateResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            applied=self._request.apply,
            counts=counts,
            groups=reported.groups,
            manifest=reported.manifest,
            seconds=workflow.time() - self._state.started,
            events=events_so_far(self._state.events),
            message=message,
        )

    def _drift(self) -> dict[str, int]:
        return {"drifted": self._state.drifted, "repaired": self._state.repaired}

    def _summary(self) -> dict[str, int]:
        return {"pages": self._state.pages, "texts": self._state.texts, **self._drift()}

    def _drift_message(self) -> str:
        if not self._state.drifted or self._request.apply:
            return ""
        return (
            f"{self._state.drifted} sketches, buckets or clusters do not match the texts, so "
            "groups may be missing from the report; a run with apply repairs them"
        )

    def _marks_message(self) -> str:
        return "what is marked by now stays" if self._request.apply else "nothing was marked"

    def _limit_message(self) -> str:
        return f"{self._request.minutes:g} minutes were up; {self._marks_message()}"
