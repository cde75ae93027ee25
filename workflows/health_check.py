"""`health_check`: a timed round trip through each part, all at once; then alert on what changed.

What was reported already travels in the result: the schedule hands the last one to the next run,
so that alerts need no database. A part that cannot be checked is failing; no finding fails the run.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.health import Checking
    from atlas.contracts.health import (
        CONCERNS,
        PROXY,
        Check,
        CheckConcern,
        Checked,
        HealthRequest,
        HealthResult,
        HealthTold,
        PartHealth,
        Status,
        TellHealth,
    )
    from atlas.contracts.jobs import Progress
    from workflows.options import ALERTING, CHECKING
    from workflows.web_ui import OUTCOME, TRIGGER


@workflow.defn(name="health_check")
class HealthCheck:
    """Checks every part, and reports what changed since the last check."""

    def __init__(self) -> None:
        self._stage = "starting"

    @workflow.query
    def progress(self) -> Progress:
        """The stage: looking, telling, then completed."""
        return Progress(stage=self._stage)

    @workflow.run
    async def run(self, request: HealthRequest | None = None) -> HealthResult:
        request = request or HealthRequest()
        workflow.upsert_search_attributes([TRIGGER.value_set(request.trigger)])
        last = _last_result()
        self._stage = "looking"
        concerns = (*CONCERNS, PROXY) if workflow.patched("proxy-checked") else CONCERNS
        found = await asyncio.gather(*(_check(each, last.figures) for each in concerns))
        checks = [check for one in found for check in one.checks]
        self._stage = "telling"
        reported = await _report(request, found, checks, last)
        result = HealthResult(
            status=_worst(checks),
            checked_at=workflow.time(),
            checks=reported.parts,
            transitions=reported.transitions,
            delivered=reported.delivered,
            pending=len(reported.transitions) if reported.delivered is False else 0,
            message=reported.message,
            figures={name: value for one in found for name, value in one.figures.items()},
        )
        workflow.upsert_search_attributes([OUTCOME.value_set(result.status)])
        workflow.set_current_details(_table(result))
        self._stage = "completed"
        return result


def _last_result() -> HealthResult:
    """The result of the check before; empty for a run that no schedule started."""
    try:
        last: HealthResult | None = workflow.get_last_completion_result(HealthResult)
    except Exception:  # of a version, or with a key, that this worker does not know: start afresh
        workflow.logger.warning("the last check's result cannot be read; starting afresh")
        last = None
    return last or HealthResult(status="ok")


async def _check(concern: str, before: dict[str, float]) -> Checked:
    try:
        return await workflow.execute_activity_method(
            Checking.check_concern,
            CheckConcern(concern=concern, before=before),
            summary=concern,
            **CHECKING,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return Checked(checks=[_unchecked(concern, error)], figures=_of(concern, before))


def _of(concern: str, figures: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if name.startswith(f"{concern}.")}


def _unchecked(concern: str, error: ActivityError) -> Check:
    return Check(
        part=concern,
        status="failing",
        detail=f"it could not be checked: {error.cause or error}",
        mend="See the workers' logs: they are overloaded, or this is a bug",
    )


async def _report(
    request: HealthRequest, found: list[Checked], checks: list[Check], last: HealthResult
) -> HealthTold:
    try:
        return await workflow.execute_activity_method(
            Checking.tell_health,
            TellHealth(
                key=workflow.info().run_id,
                at=workflow.time(),
                checks=checks,
                unknown=[part for one in found for part in one.unknown],
                before=last.checks,
                alert=request.alert,
            ),
            **ALERTING,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        # The next check compares with what was known before this one.
        return HealthTold(parts=_kept(checks, last), message=f"nothing was reported: {error.cause}")


def _kept(checks: list[Check], last: HealthResult) -> list[PartHealth]:
    before = {part.part: part for part in last.checks}
    return [before.get(check.part, PartHealth(part=check.part)) for check in checks]


def _worst(checks: list[Check]) -> Status:
    for status in ("failing", "degraded"):
        if any(check.status == status for check in checks):
            return status
    return "ok"


def _table(result: HealthResult) -> str:
    rows = "\n".join(
        f"| {each.part} | {each.status} | {each.milliseconds:.0f} | {each.detail[:200]} |"
        for each in result.checks
    )
    return f"**{result.status}**\n\n| part | status | ms | found |\n|---|---|---:|---|\n{rows}"
