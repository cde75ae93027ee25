"""The frame of a run of one source: its lease, its pause, its end, and what is told of it."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.runs import Running
    from atlas.contracts.activities import CloseRun, OpenRun, PauseRun, RunClosed, RunOpened
    from atlas.contracts.models import Counts, Outcome, Request
    from atlas.contracts.sync_pipeline import SyncProgress, SyncRequest, SyncState
    from atlas.contracts.work import STAGES, RunLimits, Stage
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
    )
    from workflows.options import CLOSING, SHORT, ActivityOptions, of_source
    from workflows.web_ui import tell_stage

_LEASE_POLL = timedelta(seconds=5)
_LONGEST_LEASE_POLL = timedelta(minutes=5)


class SourceFrame:
    """What a run of one source is, from lease to close. Its state is what a continued run needs.

    `request` says what to do; `sent` is what was sent to start the run, and what it continues as
    new with. `deepens`: pages of a site are processed whatever the stages say, since their links
    lead deeper.
    """

    def __init__(
        self, request: SyncRequest, state: SyncState, sent: Request, *, deepens: bool = False
    ) -> None:
        self._request = request
        self._sent = sent
        self._deepens = deepens
        self._source = request.sources[0]
        self._run_id = workflow.info().first_execution_run_id
        self._level = state.level
        self._listed = state.listed
        self._complete = state.complete
        self._cut = state.cut
        self._message = state.message
        self._kind = state.kind
        self._limits = state.limits if state.limits is not None else _limits_of(request)
        self._paused_since = state.paused_since
        self._numbers = (state.lane_numbers + [0] * request.lanes)[: request.lanes]
        self._events_before = state.events
        self._opened = getattr(sent, "state", None) is not None and state.opened
        self._recorded_pause = self._opened and state.paused_since is not None
        self._recording = False
        self._over = False
        self._counts = Counts()
        self._stage = "starting"

    @property
    def _stages(self) -> list[Stage]:
        """What this run does; the failed are tried again without reading the listing."""
        stages = set(self._request.stages)
        if self._request.pages_wanted == "failed":
            stages.discard("discover")
        if self._deepens and self._kind == "site":
            stages.add("process")
        return [stage for stage in STAGES if stage in stages]

    def _with(self, options: ActivityOptions) -> ActivityOptions:
        scheduled = self._request.trigger == "schedule"
        return of_source(options, self._source, scheduled=scheduled)

    async def set_paused(self, paused: bool) -> None:
        """Lanes stop at their next batch boundary, or go on."""
        if paused == (self._paused_since is not None):
            return
        self._paused_since = workflow.time() if paused else None
        await self._record_pause()

    def progress(self) -> SyncProgress:
        return SyncProgress(
            source=self._source,
            stage="paused" if self._paused_since is not None else self._stage,
            level=self._level,
            counts=self._counts,
            paused=self._paused_since is not None,
            paused_since=self._paused_since,
        )

    async def _open(self) -> RunOpened | None:
        """Take the lease; the answer is None, or why there is nothing to do."""
        if not self._opened:
            opened = await self._take_lease()
            if opened.outcome is not None:
                return opened
            self._kind = opened.kind
            self._opened = True
        await self._record_pause()
        return None

    async def _take_lease(self) -> RunOpened:
        self._tell("taking the lease")
        pause = _LEASE_POLL
        while True:
            opened = await workflow.execute_activity_method(
                Running.open_run,
                OpenRun(
                    run_id=self._run_id,
                    workflow_id=workflow.info().workflow_id,
                    source=self._source,
                    trigger=self._request.trigger,
                    due=self._request.pages_wanted == "incremental",
                    type=workflow.info().workflow_type,
                ),
                summary=self._source,
                **self._with(SHORT),
            )
            if opened.outcome != "already_running" or not self._request.wait_for_lease:
                return opened
            self._tell(f"waiting: {opened.message}")
            await workflow.sleep(pause, summary=opened.message[:150])
            pause = min(pause * 2, _LONGEST_LEASE_POLL)
            if history_is_long(self._request):
                await self._continue_as_new()

    async def _record_pause(self) -> None:
        """Record the latest state, one after the other: two records under way could cross."""
        if self._recording or not self._opened:
            return
        self._recording = True
        while self._recorded_pause != (paused := self._paused_since is not None):
            await workflow.execute_activity_method(
                Running.pause_run, PauseRun(run_id=self._run_id, paused=paused), **self._with(SHORT)
            )
            self._recorded_pause = paused
        self._recording = False

    async def _close(self, outcome: Outcome | None) -> RunClosed:
        self._over = True
        self._tell("closing")
        closed = await workflow.execute_activity_method(
            Running.close_run,
            CloseRun(
                run_id=self._run_id,
                outcome=outcome,
                complete=self._complete and outcome is None,
                message=self._message,
                stages=self._stages,
                cut=self._cut,
            ),
            summary=self._source,
            **self._with(CLOSING),
        )
        await handlers_ended()
        return closed

    async def _continue_as_new(self) -> None:
        """With no lane, child or handler under way."""
        self._over = not self._opened  # updates that wait for the lease are told to come again
        await handlers_ended()
        state = SyncState(
            level=self._level,
            listed=self._listed,
            lane_numbers=self._numbers,
            paused_since=self._paused_since,
            complete=self._complete,
            message=self._message,
            events=events_so_far(self._events_before),
            opened=self._opened,
            kind=self._kind,
            limits=self._limits,
            cut=self._cut,
        )
        continue_as_new(self._sent, state)

    def _tell(self, stage: str) -> None:
        self._stage = stage
        tell_stage(self.progress())


def _limits_of(request: SyncRequest) -> RunLimits:
    asked = request.limits.model_dump() if request.limits else {}
    return RunLimits(**asked, deadline=request.deadline)
