"""`weekly_report`: what happened to the corpus in one ISO week."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.reporting import Reporting
    from atlas.contracts.refusal import invalid_input
    from atlas.contracts.weekly_report import (
        ChooseWeek,
        FreezeDays,
        MakeReport,
        ReportMade,
        WeekChosen,
        WeeklyRequest,
        WeeklyResult,
    )
    from workflows.options import REPORTING, SHORT
    from workflows.recorded_job import RecordedJob

_SCHEDULED = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn(name="weekly_report")
class WeeklyReport(RecordedJob):
    """Choose the week, freeze what of it is not frozen yet, make the report, keep it.

    The week follows from the scheduled time, not from when the run started: two missed
    Mondays make two reports.
    """

    @workflow.run
    async def run(self, request: WeeklyRequest | None = None) -> WeeklyResult:
        request = request or WeeklyRequest()
        week = await workflow.execute_activity_method(
            Reporting.choose_week,
            ChooseWeek(week=request.week, scheduled=_scheduled()),
            summary=request.week or "the week before",
            **SHORT,
        )
        if week.refused:
            raise invalid_input(week.refused)
        try:
            await self.begin(request.trigger)
            await self._freeze(week)
            made = await self._make(week)
        except BaseException as error:
            if is_cancelled_exception(error):
                await self.end("cancelled", f"cancelled; week {week.week} was not reported on", {})
            raise
        await self.end(made.outcome, made.message, made.totals.model_dump())
        return self._result(week, made)

    async def _freeze(self, week: WeekChosen) -> None:
        """A few days at a time: after a long time off there may be many."""
        done, remaining = 0, 1
        while remaining:
            self.show("freezing days", done=done, of="days")
            await self.while_paused()
            frozen = await workflow.execute_activity_method(
                Reporting.freeze_days,
                FreezeDays(until=week.last_day),
                summary=f"up to {week.last_day}",
                **REPORTING,
            )
            done, remaining = done + frozen.frozen, frozen.remaining

    async def _make(self, week: WeekChosen) -> ReportMade:
        self.show("making the report")
        await self.while_paused()
        return await workflow.execute_activity_method(
            Reporting.make_report, MakeReport(week=week.week), summary=week.week, **REPORTING
        )

    def _result(self, week: WeekChosen, made: ReportMade) -> WeeklyResult:
        return WeeklyResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=made.outcome,
            week=week.week,
            first_day=week.first_day.isoformat(),
            last_day=week.last_day.isoformat(),
            days=made.days,
            hashes=made.hashes,
            totals=made.totals,
            message=made.message,
        )


def _scheduled() -> datetime:
    """When a schedule planned the run; else when it was started."""
    info = workflow.info()
    return info.typed_search_attributes.get(_SCHEDULED) or info.workflow_start_time
