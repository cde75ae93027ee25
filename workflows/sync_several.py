"""Several sources: each is a run of its own, a child of this one."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import (
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from activities.running import Running
    from atlas.contracts.activities import ResolvedSources, ResolveSources
    from atlas.contracts.models import Outcome
    from atlas.contracts.names import sync_workflow_id
    from atlas.contracts.sync_pipeline import (
        MAX_SOURCES_LISTED,
        SourceOutcome,
        SyncProgress,
        SyncRequest,
        SyncResult,
        SyncState,
    )
    from workflows.continuing import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.options import SHORT
    from workflows.telling import tell_begin, tell_end, tell_stage

AT_ONCE = 5
"""Children under way together."""

_FINE: tuple[Outcome, ...] = ("completed",)


class SeveralSources:
    """Works through sources by name, a part at a time, and adds up what the children say."""

    def __init__(self, request: SyncRequest, state: SyncState) -> None:
        self._request = request
        self._after = state.after
        self._totals = state.totals
        self._outcomes = list(state.outcomes)
        self._paused_since = state.paused_since
        self._events_before = state.events
        self._done = 0
        self._total = 0
        self._stage = "starting"
        self._children: dict[str, workflow.ChildWorkflowHandle[object, SyncResult]] = {}

    async def run(self) -> SyncResult:
        tell_begin(self._name, self._request.trigger)
        while True:
            part = await self._next_part()
            if not part.last:
                return self._result()
            for name in part.unknown:
                self._note(
                    SourceOutcome(source=name, outcome="unknown_source", message=part.message)
                )
            await self._sync(part.names)
            self._after = part.last
            if history_is_long(self._request):
                await self._continue_as_new()

    async def set_paused(self, paused: bool) -> None:
        """No further source is begun, and those under way pause too; or all go on."""
        if paused == (self._paused_since is not None):
            return
        self._paused_since = workflow.time() if paused else None
        signal = "pause" if paused else "resume"
        for child in list(self._children.values()):
            with suppress(FailureError):  # it may have ended in this moment
                await child.signal(signal)

    def progress(self) -> SyncProgress:
        return SyncProgress(
            source=self._name,
            stage="paused" if self._paused_since is not None else self._stage,
            counts=self._totals,
            paused=self._paused_since is not None,
            paused_since=self._paused_since,
            sources_done=self._done,
            sources_total=max(self._total, 1),
        )

    @property
    def _name(self) -> str:
        if self._request.all:
            return "all sources"
        return f"{len(set(self._request.sources))} sources"

    async def _next_part(self) -> ResolvedSources:
        return await workflow.execute_activity_method(
            Running.resolve_sources,
            ResolveSources(
                names=list(self._request.sources), all=self._request.all, after=self._after
            ),
            summary=f"sources after '{self._after}'" if self._after else "the first sources",
            **SHORT,
        )

    async def _sync(self, names: list[str]) -> None:
        """Run the children, a few at once; a cancellation of this run reaches each of them."""
        self._total += len(names)
        self._stage = "syncing"
        room = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> None:
            async with room:
                await workflow.wait_condition(lambda: self._paused_since is None)
                self._note(await self._child(name))

        tasks = [asyncio.create_task(one(name)) for name in names]
        if not tasks:  # a part of nothing but unknown names
            return
        try:
            await workflow.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:  # cancelled, or a child could not be told about: end with none under way
            for task in tasks:
                task.cancel()
            await workflow.wait(tasks)
        for task in tasks:
            task.result()

    async def _child(self, name: str) -> SourceOutcome:
        child_id = sync_workflow_id(name)
        request = self._request.model_copy(update={"sources": [name], "all": False, "state": None})
        try:
            # ABANDON: continuing as new would end the children otherwise. A cancellation reaches
            # them through the await below.
            child = await workflow.start_child_workflow(
                "sync_pipeline",
                request,
                id=child_id,
                result_type=SyncResult,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                static_summary=f"sync {name}",
            )
            self._children[name] = child
            result = await child
        except WorkflowAlreadyStartedError:
            return SourceOutcome(
                source=name,
                outcome="already_running",
                workflow_id=child_id,
                message=f"{child_id} works on it",
            )
        except ChildWorkflowError as error:
            return SourceOutcome(
                source=name,
                outcome="cancelled" if is_cancelled_exception(error) else "failed",
                workflow_id=child_id,
                message=str(error.cause or error)[:300],
            )
        finally:
            self._children.pop(name, None)
        return SourceOutcome(
            source=name,
            outcome=result.outcome,
            counts=result.counts,
            workflow_id=result.workflow_id,
            run_id=result.run_id,
            message=result.message[:300],
        )

    def _note(self, outcome: SourceOutcome) -> None:
        self._outcomes.append(outcome)
        self._outcomes.sort(key=lambda one: (one.outcome in _FINE, one.source))
        del self._outcomes[MAX_SOURCES_LISTED:]
        self._totals = self._totals + outcome.counts
        self._done += 1
        tell_stage(self.progress())

    async def _continue_as_new(self) -> None:
        await handlers_ended()
        state = SyncState(
            after=self._after,
            totals=self._totals,
            outcomes=self._outcomes,
            paused_since=self._paused_since,
            events=events_so_far(self._events_before),
        )
        continue_as_new(self._request, state)

    def _result(self) -> SyncResult:
        outcome = _together(self._outcomes)
        self._stage = outcome
        tell_end(self.progress(), outcome, "")
        return SyncResult(
            workflow_id=workflow.info().workflow_id,
            run_id=workflow.info().first_execution_run_id,
            outcome=outcome,
            counts=self._totals,
            sources=self._outcomes,
            events=events_so_far(self._events_before),
            message="" if self._outcomes else "no source is declared, or all are paused",
        )


def _together(outcomes: list[SourceOutcome]) -> Outcome:
    """One bad source harms no other: the whole completed, with or without failures."""
    if all(one.outcome in _FINE for one in outcomes):
        return "completed"
    kinds: set[Outcome] = {one.outcome for one in outcomes}
    return kinds.pop() if len(kinds) == 1 else "completed_with_failures"
