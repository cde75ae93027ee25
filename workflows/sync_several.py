"""`sync_pipeline` of several sources: each is a run of its own, a child of this one."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.recorded_runs import Jobs
    from activities.runs import Running
    from atlas.contracts.activities import ResolvedSources, ResolveSources
    from atlas.contracts.jobs import BeginJob, EndJob, JobPaused
    from atlas.contracts.models import Outcome
    from atlas.contracts.names import sync_workflow_id
    from atlas.contracts.sync_pipeline import (
        SyncProgress,
        SyncRequest,
        SyncResult,
        SyncState,
        WaitingSource,
    )
    from workflows.children import Children, Family, unknown_source
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.options import SHORT
    from workflows.web_ui import tell_begin, tell_end, tell_stage

AT_ONCE = 5
"""Children under way together."""


class SeveralSources:
    """Works through sources by name, a part at a time, and adds up what the children say."""

    def __init__(self, request: SyncRequest, state: SyncState) -> None:
        self._request = request
        self._continued = request.state is not None
        self._after = state.after
        self._paused_since = state.paused_since
        self._events_before = state.events
        self._total = state.total
        self._nothing = self._unmatched = ""
        self._stage = "starting"
        self._recorded = False
        self._children = Children(
            Family(
                workflow="sync_pipeline",
                result=SyncResult,
                verb="sync",
                at_once=AT_ONCE,
                id_of=sync_workflow_id,
                request_of=self._request_of,
            ),
            state,
        )

    async def run(self) -> SyncResult:
        """Work the sources through."""
        tell_begin(self._name, self._request.trigger)
        self._recorded = workflow.patched("several-recorded")
        self._children.in_parts = not self._recorded
        try:
            await self._begin()
            self._stage = "syncing"
            while not await self._children.work(self._feed, self._is_long, self._tell):
                await self._continue_as_new()
        except BaseException as error:
            if is_cancelled_exception(error):
                await self._end("cancelled")
            raise
        result = self._result()
        await self._end(result.outcome, result.message)
        return result

    async def set_paused(self, paused: bool) -> None:
        """No further source is begun, and those under way pause too; or all go on."""
        if paused == (self._paused_since is not None):
            return
        self._paused_since = workflow.time() if paused else None
        await self._children.set_paused(paused)
        if self._recorded:
            await workflow.execute_activity_method(
                Jobs.record_pause,
                JobPaused(run_id=_run_id(), paused=self._paused_since is not None),
                **SHORT,
            )

    def wake(self) -> None:
        """Nothing: the runs of its sources are woken themselves."""

    def progress(self) -> SyncProgress:
        return SyncProgress(
            source=self._name,
            stage="paused" if self._paused_since is not None else self._stage,
            counts=self._children.totals,
            paused=self._paused_since is not None,
            paused_since=self._paused_since,
            sources_done=self._children.done,
            sources_total=max(self._total, 1),
        )

    @property
    def _name(self) -> str:
        if self._request.all:
            return "all sources"
        if self._request.tags:
            return f"sources tagged {', '.join(sorted(set(self._request.tags)))}"[:150]
        return f"{len(set(self._request.sources))} sources"

    def _request_of(self, name: str) -> SyncRequest:
        return self._request.model_copy(
            update={"sources": [name], "tags": [], "all": False, "state": None}
        )

    async def _feed(self) -> list[WaitingSource] | None:
        part: ResolvedSources = await workflow.execute_activity_method(
            Running.resolve_sources,
            ResolveSources(
                names=list(self._request.sources),
                tags=list(self._request.tags),
                all=self._request.all,
                after=self._after,
            ),
            summary=f"sources after '{self._after}'" if self._after else "the first sources",
            **SHORT,
        )
        self._nothing = self._nothing or part.nothing
        self._unmatched = self._unmatched or part.unmatched
        if not part.last:
            return None
        self._after = part.last
        self._total += len(part.names) + len(part.unknown)
        for name in part.unknown:
            self._children.note(unknown_source(name, part.message))
        self._tell()
        return [WaitingSource(source=name) for name in part.names]

    def _is_long(self) -> bool:
        return history_is_long(self._request)

    def _tell(self) -> None:
        tell_stage(self.progress())

    async def _begin(self) -> None:
        if self._recorded and not self._continued:
            await workflow.execute_activity_method(
                Jobs.begin_job,
                BeginJob(
                    run_id=_run_id(),
                    workflow_id=workflow.info().workflow_id,
                    kind="sync_pipeline",
                    trigger=self._request.trigger,
                ),
                **SHORT,
            )

    async def _end(self, outcome: str, message: str = "") -> None:
        if self._recorded:
            await workflow.execute_activity_method(
                Jobs.end_job,
                EndJob(
                    run_id=_run_id(),
                    outcome=outcome,
                    message=message,
                    summary=self._children.summary(),
                ),
                **SHORT,
            )
        await handlers_ended()

    async def _continue_as_new(self) -> None:
        await handlers_ended()
        state = SyncState(
            after=self._after,
            paused_since=self._paused_since,
            events=events_so_far(self._events_before),
            total=self._total,
        )
        continue_as_new(self._request, self._children.keep(state))

    def _outcome(self) -> tuple[Outcome, str]:
        """How the whole ended, and what is to be said of it."""
        if self._children.done:
            said = "; ".join(each for each in (self._children.said(), self._unmatched) if each)
            return self._children.together(), said
        message = self._nothing or "no source is meant, or all are paused"
        meant = not self._nothing or self._request.trigger == "schedule"
        return "completed" if meant else "nothing_selected", message

    def _result(self) -> SyncResult:
        outcome, message = self._outcome()
        self._stage = outcome
        tell_end(self.progress(), outcome, message)
        return SyncResult(
            workflow_id=workflow.info().workflow_id,
            run_id=_run_id(),
            outcome=outcome,
            counts=self._children.totals,
            bytes=self._children.bytes,
            sources=self._children.outcomes,
            events=events_so_far(self._events_before),
            message=message,
        )


def _run_id() -> str:
    """The first execution's run id: names the run in the corpus."""
    return workflow.info().first_execution_run_id
