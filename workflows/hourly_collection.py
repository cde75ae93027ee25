"""`hourly_collection`: bring in what is due."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.activities import PlanSources
    from atlas.contracts.collect import HourlyRequest, HourlyResult
    from atlas.contracts.names import sync_workflow_id
    from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
    from workflows.collect_all_sources import PlannedSources
    from workflows.guards import ended
    from workflows.multi_source import Family, Tally
    from workflows.recorded_job import RecordedJob

_NOT_STARTED = ("already_running", "source_paused", "unknown_source")


@workflow.defn(name="hourly_collection")
class HourlyCollection(RecordedJob):
    """A `sync_pipeline` for each source that is due and has no schedule of its own: what the hour
    collects must be searchable. Due is a state, not a count of hours: after downtime each source
    is synced once."""

    def __init__(self) -> None:
        super().__init__()
        self._planned = PlannedSources(self, self._pause)

    @workflow.run
    async def run(self, request: HourlyRequest | None = None) -> HourlyResult:
        request = request or HourlyRequest()
        plan = PlanSources(run_id=self.run_id, due=True, own_schedules=False)
        sources = self._planned.take_up(request, plan, _family(request))
        outcome, message = await sources.run(self._planned)
        tally = sources.tally
        result = HourlyResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            due=tally.done,
            started=_started(tally),
            counts=tally.totals,
            bytes=tally.bytes,
            outcomes=tally.by_outcome,
            sources=tally.outcomes,
            message=message,
            events=sources.events,
        )
        return ended(result, request.trigger)


def _started(tally: Tally) -> int:
    return tally.done - sum(tally.by_outcome.get(kind, 0) for kind in _NOT_STARTED)


def _family(request: HourlyRequest) -> Family:
    def request_of(name: str) -> SyncRequest:
        return SyncRequest(
            sources=[name], mode="incremental", limits=request.limits, trigger=request.trigger
        )

    return Family(
        workflow="sync_pipeline",
        result=SyncResult,
        verb="sync",
        at_once=request.parallel,
        id_of=sync_workflow_id,
        request_of=request_of,
        fine=("completed", "already_running"),
    )
