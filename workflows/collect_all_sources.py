"""`collect_all_sources`: collect several sources by a plan, as `hourly_collection` does, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.runs import Running
    from atlas.contracts.activities import NextSources, PlanSources
    from atlas.contracts.collect import (
        CollectAllRequest,
        CollectAllResult,
        CollectRequest,
        CollectResult,
    )
    from atlas.contracts.jobs import Progress
    from atlas.contracts.models import Outcome
    from atlas.contracts.names import collect_workflow_id
    from atlas.contracts.sync_pipeline import SyncState, WaitingSource
    from workflows.guards import ended
    from workflows.multi_source import Family, ManySources, MultiSource
    from workflows.options import SHORT
    from workflows.pause import Heard, Pause
    from workflows.recorded_job import RecordedJob


@workflow.defn(name="collect_all_sources")
class CollectAllSources(RecordedJob):
    """A `collect_from_source` for each source selected; one bad source harms no other."""

    def __init__(self) -> None:
        super().__init__()
        self._planned = PlannedSources(self, self._pause)

    @workflow.run
    async def run(self, request: CollectAllRequest | None = None) -> CollectAllResult:
        request = request or CollectAllRequest()
        plan = PlanSources(
            run_id=self.run_id,
            names=list(request.sources),
            tags=list(request.tags),
            due=request.due,
        )
        sources = self._planned.take_up(request, plan, _family(request))
        outcome, message = await sources.run(self._planned)
        tally = sources.tally
        result = CollectAllResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=outcome,
            selected=tally.done,
            counts=tally.totals,
            bytes=tally.bytes,
            outcomes=tally.by_outcome,
            sources=tally.outcomes,
            message=message,
            events=sources.events,
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


class PlannedSources:
    """The plan of a run over many sources: decided once, the most overdue first and hosts taking
    turns. `run` is the workflow that works it through."""

    nothing_message = "no source is due"
    _request: ManySources
    _plan: PlanSources
    _sources: MultiSource

    def __init__(self, run: RecordedJob, pause: Pause) -> None:
        self._run = run
        self._pause = pause
        self._signal_children: Heard | None = None  # a signal may come before `run` begins
        pause.on_signal = self._set_paused

    def take_up(self, request: ManySources, plan: PlanSources, family: Family) -> MultiSource:
        """The engine that works through `plan`."""
        self._request, self._plan = request, plan
        self._sources = MultiSource(request, family, request.state or SyncState(), self._pause)
        self._signal_children = self._sources.signal_children
        return self._sources

    async def begin(self) -> None:
        before = self._request.state
        if before is None:
            await self._decide()
            return
        paused = before.paused_since is not None
        await self._run.carry_on(
            Progress(of="sources", paused=paused, paused_since=before.paused_since)
        )

    async def next_part(self) -> list[WaitingSource] | None:
        sources = self._sources
        part = await workflow.execute_activity_method(
            Running.next_sources,
            NextSources(run_id=self._run.run_id, after=int(sources.place or 0)),
            summary=f"from place {int(sources.place or 0) + 1}",
            **SHORT,
        )
        sources.place = str(part.last) if part.last else sources.place
        return part.sources or None

    async def end(self, outcome: Outcome, message: str) -> None:
        await self._run.end(outcome, message, self._sources.tally.summary())

    def show(self) -> None:
        tally = self._sources.tally
        self._run.show(
            "working", done=tally.done, total=self._sources.total, of="sources", counts=tally.totals
        )

    async def _decide(self) -> None:
        await self._run.begin(self._request.trigger)
        self._run.show("planning", of="sources")
        planned = await workflow.execute_activity_method(Running.plan_sources, self._plan, **SHORT)
        sources = self._sources
        sources.nothing, sources.unmatched = planned.nothing, planned.unmatched
        sources.total = planned.sources + len(planned.unknown)
        for name in planned.unknown:
            sources.tally.add_unknown(name, planned.message)

    async def _set_paused(self, paused: bool) -> None:
        # Together: what is recorded must not wait for the children, nor they for it.
        both: list[Awaitable[None]] = [self._pause.set(paused)]
        if self._signal_children is not None and paused != self._pause.paused:
            both.append(self._signal_children(paused))
        await asyncio.gather(*both)
