"""`collect_all_sources`: collect several sources, fairly."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.activities import PlanSources
    from atlas.contracts.collect import (
        CollectAllRequest,
        CollectAllResult,
        CollectRequest,
        CollectResult,
    )
    from atlas.contracts.names import collect_workflow_id
    from workflows.children import Family
    from workflows.empty_run import ended
    from workflows.planned_sources import PlannedSources


@workflow.defn(name="collect_all_sources")
class CollectAllSources(PlannedSources):
    """A `collect_from_source` for each source that is meant; one bad source harms no other."""

    @workflow.run
    async def run(self, request: CollectAllRequest | None = None) -> CollectAllResult:
        request = request or CollectAllRequest()
        plan = PlanSources(
            run_id=self.run_id,
            names=list(request.sources),
            tags=list(request.tags),
            due=request.due,
        )
        children, outcome = await self.work_through(
            "collect_all_sources", request, plan, _family(request)
        )
        result = CollectAllResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            selected=children.done,
            counts=children.totals,
            bytes=children.bytes,
            outcomes=children.by_outcome,
            sources=children.outcomes,
            message=self.note,
            events=self.events,
        )
        return ended(result, request.trigger)


def _family(request: CollectAllRequest) -> Family:
    def request_of(name: str) -> CollectRequest:
        return CollectRequest(
            source=name,
            mode=request.mode,
            limits=request.limits,
            trigger=request.trigger,
            lanes=request.lanes,
            batch=request.batch,
            max_history_events=request.max_history_events,
        )

    return Family(
        workflow="collect_from_source",
        result=CollectResult,
        verb="collect",
        at_once=request.parallel,
        id_of=collect_workflow_id,
        request_of=request_of,
    )
