"""`daily_cleanup`: freeze the figures, then delete data past its retention."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ChildWorkflowError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.cleanup import Upkeep
    from activities.reporting import Reporting
    from atlas.contracts.audit_corpus import AuditRequest, AuditResult
    from atlas.contracts.daily_cleanup import (
        CLASSES,
        CleanupEnded,
        CleanupRequest,
        CleanupResult,
        CleanupRun,
        CleanupState,
        EndCleanup,
        MendMissing,
        ShardsWorked,
        Sweep,
        WorkShards,
    )
    from atlas.contracts.models import Outcome
    from atlas.contracts.names import CleanupClass
    from atlas.contracts.weekly_report import FreezeDays
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.options import BULK, REPORTING
    from workflows.recorded_job import RecordedJob

_SCHEDULED = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
_MOST_NOTES = 10
_PATCHES: dict[CleanupClass, str] = {
    "changes": "changes-expire",
    "freshness": "samples-of-freshness",
}
"""Classes that runs which began before them leave out."""

Step = Callable[[], Awaitable[None]]
ShardWork = Callable[[Upkeep, WorkShards], Awaitable[ShardsWorked]]


@workflow.defn(name="daily_cleanup")
class DailyCleanup(RecordedJob):
    """One step after the other, each in parts; killed anywhere, the next run goes on.

    A step changes nothing that a later one selects, so that a dry run lists what a real one
    deletes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._request = CleanupRequest()
        self._state = CleanupState(now=workflow.now())

    @workflow.run
    async def run(self, request: CleanupRequest | None = None) -> CleanupResult:
        self._request = request or CleanupRequest()
        try:
            await self._open()
            steps = self._steps()
            for name, step in steps[self._state.steps_done :]:
                self.show(name, done=self._state.steps_done, total=len(steps), of="steps")
                await step()
                self._keep(steps_done=self._state.steps_done + 1, place="")
            return await self._close("completed")
        except BaseException as error:
            if is_cancelled_exception(error):
                await self._close("cancelled")
            raise

    def _steps(self) -> list[tuple[str, Step]]:
        """What happens in which order: nothing goes before its figures are frozen; blobs are
        condemned when all that may refer to them has gone."""
        request = self._request
        kinds = [kind for kind in CLASSES if self._asked_for(kind)]
        steps: list[tuple[str, Step]] = [
            ("freezing figures", self._freeze),
            ("making partitions", self._begin),
        ]
        blobs = "snapshots" in kinds
        if blobs:
            scan = partial(self._through_shards, Upkeep.scan_blobs)
            steps += [("comparing blobs", scan), ("missing blobs", self._handle_missing)]
        steps += [(f"removing {kind}", self._sweeping(kind)) for kind in kinds]
        if blobs and not request.dry_run:
            condemn = partial(self._through_shards, Upkeep.condemn_blobs)
            steps.append(("condemning blobs", condemn))
        # A run that is asked for a class does that and no more.
        if not request.dry_run and not request.classes and workflow.patched("audit-of-a-sample"):
            steps.append(("auditing a sample", self._audit))
        return steps

    def _asked_for(self, kind: CleanupClass) -> bool:
        if self._request.classes:
            return kind in self._request.classes
        # Histories that are older than a class do not have it.
        return kind not in _PATCHES or workflow.patched(_PATCHES[kind])

    async def _open(self) -> None:
        if self._request.state is not None:
            self._state = self._request.state
            await self.carry_on(self._state.progress)
            return
        # A run that catches up works as of the moment it was meant for.
        scheduled = workflow.info().typed_search_attributes.get(_SCHEDULED)
        self._state = CleanupState(now=scheduled or workflow.now())
        await self.begin(self._request.trigger)

    # The steps; each piece of work begins at a boundary

    async def _freeze(self) -> None:
        remaining = 1
        while remaining:
            await self._boundary()
            frozen = await workflow.execute_activity_method(
                Reporting.freeze_days, FreezeDays(), **REPORTING
            )
            remaining = frozen.remaining

    async def _begin(self) -> None:
        await self._boundary()
        begun = await workflow.execute_activity_method(
            Upkeep.begin_cleanup, CleanupRun(**self._run()), **BULK
        )
        self._keep(partitions_made=begun.partitions_made)
        if begun.runs_ended:
            self._note([f"{begun.runs_ended} runs had ended without closing their record"])

    async def _through_shards(self, work: ShardWork) -> None:
        """Go through the blobs shard by shard, from where the execution before this one stopped."""
        shard: int | None = int(self._state.place or 0)
        while shard is not None:
            await self._boundary(str(shard))
            worked = await workflow.execute_activity_method(
                work, WorkShards(**self._run(), shard=shard), **BULK
            )
            self._keep(
                adopted=self._state.adopted + worked.adopted,
                condemned=self._state.condemned + worked.condemned,
            )
            shard = worked.following

    async def _handle_missing(self) -> None:
        await self._boundary()
        handled = await workflow.execute_activity_method(
            Upkeep.mend_missing, MendMissing(**self._run()), **BULK
        )
        self._keep(missing=handled.missing)
        self._note([handled.message] if handled.message else [])

    def _sweeping(self, kind: str) -> Step:
        async def sweep() -> None:
            after: str | None = self._state.place
            while after is not None:
                await self._boundary(after)
                swept = await workflow.execute_activity_method(
                    Upkeep.sweep,
                    Sweep(
                        **self._run(),
                        kind=kind,
                        after=after,
                        max_deletions=self._request.max_deletions,
                    ),
                    summary=kind,
                    **BULK,
                )
                after = swept.after
                self._note(swept.notes)
                if swept.capped:
                    self._keep(capped=[*self._state.capped, kind])

        return sweep

    async def _audit(self) -> None:
        """Look at a sample of the corpus, last: of what is left, and with bodies and rows compared.
        What is found, or that the audit failed, ends no clean-up."""
        await self._boundary()
        try:
            audit: AuditResult = await workflow.execute_child_workflow(
                "audit_corpus",
                AuditRequest(trigger=self._request.trigger),
                id=f"audit_corpus:{self.run_id}",
                result_type=AuditResult,
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                static_summary="audit of a sample",
            )
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                raise
            self._note([f"the audit of a sample failed: {error.cause or error}"])
            return
        if audit.findings:
            self._note(
                [
                    f"the audit of a sample has {audit.findings} findings: "
                    f"`atlas runs outcomes {audit.run_id}`"
                ]
            )

    async def _close(self, outcome: Outcome) -> CleanupResult:
        ended = await workflow.execute_activity_method(
            Upkeep.end_cleanup, EndCleanup(**self._run(), capped=self._state.capped), **BULK
        )
        message = "; ".join([*self._state.notes, *_capped(ended)])
        await self.end(outcome, message, {**ended.removed, "bytes freed": ended.bytes_freed})
        return self._result(outcome, ended, message)

    # Between two pieces of work

    async def _boundary(self, place: str = "") -> None:
        """Where a run is paused, cancelled, or continues as new; `place` is where the step is."""
        self._keep(place=place)
        await self.while_paused()
        if history_is_long(self._request):
            await handlers_ended()
            events = events_so_far(self._state.events)
            self._keep(progress=self.progress(), events=events)
            continue_as_new(self._request, self._state)

    def _run(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "now": self._state.now,
            "dry_run": self._request.dry_run,
        }

    def _keep(self, **changes: Any) -> None:
        self._state = self._state.model_copy(update=changes)

    def _note(self, notes: Sequence[str]) -> None:
        self._keep(notes=[*self._state.notes, *notes][:_MOST_NOTES])

    def _result(self, outcome: Outcome, ended: CleanupEnded, message: str) -> CleanupResult:
        return CleanupResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            dry_run=self._request.dry_run,
            removed=ended.removed,
            bytes_freed=ended.bytes_freed,
            kept_by_cap=ended.kept_by_cap,
            condemned=self._state.condemned,
            adopted=self._state.adopted,
            missing=self._state.missing,
            missing_blobs=ended.missing_blobs,
            manifest=ended.manifest,
            partitions_made=self._state.partitions_made,
            partitions_dropped=ended.partitions_dropped,
            message=message,
            events=events_so_far(self._state.events),
        )


def _capped(ended: CleanupEnded) -> list[str]:
    """What the cap on deletions left for the next run."""
    if not ended.kept_by_cap:
        return []
    left = ", ".join(f"{count} {kind}" for kind, count in ended.kept_by_cap.items())
    return [f"the cap on deletions leaves {left} for the next run"]
