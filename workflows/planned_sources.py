"""What the runs over a plan of sources have in common: `collect_all_sources` and
`hourly_collection`."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.runs import Running
    from atlas.contracts.activities import NextSources, PlanSources
    from atlas.contracts.collect import CollectAllRequest, HourlyRequest
    from atlas.contracts.jobs import Progress
    from atlas.contracts.models import Outcome
    from atlas.contracts.sync_pipeline import SyncState, WaitingSource
    from workflows.children import Children, Family, unknown_source
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.options import SHORT
    from workflows.recorded_run import Job


class PlannedSources(Job):
    """Decides once which sources to work through, the most overdue first and hosts taking turns,
    and lets a child work on each."""

    def __init__(self) -> None:
        super().__init__()
        self._children: Children | None = None
        self._place = 0
        self._total = 0
        self._events_before = 0
        self._nothing = self._unmatched = ""

    async def work_through(
        self,
        kind: str,
        request: CollectAllRequest | HourlyRequest,
        plan: PlanSources,
        family: Family,
    ) -> tuple[Children, Outcome]:
        """Work the plan through; returns its children and the outcome, which is recorded."""
        children = Children(family, request.state or SyncState())
        try:
            if request.state is None:
                await self._decide(kind, request.trigger, plan, children)
            else:
                await self._go_on(request.state, children)
            self._children = children
            children.paused = self._progress.paused
            self._told(children)
            while not await children.work(
                self._feed, lambda: history_is_long(request), lambda: self._told(children)
            ):
                await self._continue_as_new(request, children)
        except BaseException as error:
            if is_cancelled_exception(error):
                await self.end("cancelled", "", children.summary())
            raise
        outcome: Outcome = (
            "nothing_selected" if self._is_mistake(request, children) else children.together()
        )
        await self.end(outcome, self._message(children), children.summary())
        return children, outcome

    @property
    def events(self) -> int:
        """History events so far, over all executions."""
        return events_so_far(self._events_before)

    @property
    def note(self) -> str:
        """What the run's end has to say beside the figures."""
        return self._progress.note

    def _is_mistake(self, request: CollectAllRequest | HourlyRequest, children: Children) -> bool:
        """Whether a person meant no source at all. A schedule may find all of them paused."""
        return bool(self._nothing) and not children.done and request.trigger != "schedule"

    def _message(self, children: Children) -> str:
        if not children.done:
            return self._nothing or "no source is due"
        return "; ".join(each for each in (children.said(), self._unmatched) if each)

    async def _decide(self, kind: str, trigger: str, plan: PlanSources, children: Children) -> None:
        await self.begin(kind, trigger)
        self.tell("planning", of="sources")
        planned = await workflow.execute_activity_method(Running.plan_sources, plan, **SHORT)
        self._nothing, self._unmatched = planned.nothing, planned.unmatched
        self._total = planned.sources + len(planned.unknown)
        for name in planned.unknown:
            children.note(unknown_source(name, planned.message))

    async def _go_on(self, state: SyncState, children: Children) -> None:
        self._place, self._total = int(state.after or 0), state.total
        self._events_before = state.events
        paused = state.paused_since is not None
        await self.carry_on(Progress(of="sources", paused=paused, paused_since=state.paused_since))

    async def _set_paused(self, paused: bool) -> None:
        # Together: what is recorded must not wait for the children, nor they for it.
        both = [super()._set_paused(paused)]
        if self._children is not None and paused != self._children.paused:
            both.append(self._children.set_paused(paused))
        await asyncio.gather(*both)

    async def _feed(self) -> list[WaitingSource] | None:
        part = await workflow.execute_activity_method(
            Running.next_sources,
            NextSources(run_id=self.run_id, after=self._place),
            summary=f"from place {self._place + 1}",
            **SHORT,
        )
        self._place = part.last or self._place
        return part.sources or None

    def _told(self, children: Children) -> None:
        self.tell(
            "working",
            done=children.done,
            total=self._total,
            of="sources",
            counts=children.totals,
        )

    async def _continue_as_new(
        self, request: CollectAllRequest | HourlyRequest, children: Children
    ) -> None:
        await handlers_ended()
        state = SyncState(
            after=str(self._place),
            paused_since=self._progress.paused_since,
            events=self.events,
            total=self._total,
        )
        continue_as_new(request, children.keep(state))
