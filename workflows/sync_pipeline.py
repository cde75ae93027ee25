"""`sync_pipeline`: keep the corpus in step with a source.

One source, from top to bottom: take the lease; level by level, list the pages, then claim, fetch,
process and settle them batch by batch in a few lanes; at last reconcile and close. Several sources
are children of this same type (`several_sources`).
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.discovery import Discovery
    from activities.runs import Running
    from atlas.contracts.activities import (
        Batch,
        CloseRun,
        LevelListed,
        ListLevel,
        OpenRun,
        PauseRun,
        RunClosed,
        RunOpened,
    )
    from atlas.contracts.models import Counts, Outcome, Request
    from atlas.contracts.refusal import missing_input, too_late
    from atlas.contracts.sync_pipeline import SyncProgress, SyncRequest, SyncResult, SyncState
    from atlas.contracts.work import STAGES, RunLimits, Stage
    from workflows.batch_steps import BatchSteps
    from workflows.continue_as_new import (
        continue_as_new,
        events_so_far,
        handlers_ended,
        history_is_long,
        stop_if_cancelled,
    )
    from workflows.guards import ended
    from workflows.lanes import Lanes
    from workflows.options import CLOSING, LISTING, SHORT, ActivityOptions, of_source
    from workflows.pause import Pausable, Pause
    from workflows.run_changes import RunChanges
    from workflows.several_sources import SeveralSources
    from workflows.web_ui import show_begin, show_end, show_stage

_LEASE_POLL = timedelta(seconds=5)
_LONGEST_LEASE_POLL = timedelta(minutes=5)
"""A run waits at most this long after the lease is free: the other run does not wake it."""
_LONGEST_WAIT = 60.0
"""Seconds that a lane without pages waits before it asks again."""


@workflow.defn(name="sync_pipeline")
class SyncPipeline(Pausable):
    """Keeps the corpus in step with one source, several, or all."""

    def __init__(self) -> None:
        super().__init__()
        self._work: SourceRun | SeveralSources | None = None

    @workflow.run
    async def run(self, request: SyncRequest | None = None) -> SyncResult:
        if request is None:
            raise missing_input("sync_pipeline", '{"sources": ["docs"]}')
        state = request.state or SyncState()
        one = not request.all and not request.tags and len(set(request.sources)) == 1
        if one:
            self._work = SourceRun(request, state, self._pause, sent=request)
        else:
            self._work = SeveralSources(request, state, self._pause)
        return ended(await self._work.run(), request.trigger)

    @workflow.signal
    async def wake(self) -> None:
        """Look again now: a host that was waited for was reset, or a limit lifted. The runs of
        several sources are woken themselves."""
        if isinstance(self._work, SourceRun):
            self._work.wake()

    @workflow.query
    def progress(self) -> SyncProgress:
        """Stage and counts, now."""
        return self._work.progress() if self._work else SyncProgress()


class SourceRun:
    """One source's run, from lease to close; what it knows is what it carries over when it
    continues as new.

    `request` says what to do; `sent` is what was sent to start the run, and what it continues as
    new with. `deepens`: pages of a site are processed whatever the stages say, since their links
    lead deeper.
    """

    def __init__(
        self,
        request: SyncRequest,
        state: SyncState,
        pause: Pause,
        *,
        sent: Request,
        deepens: bool = False,
    ) -> None:
        self.run_id = workflow.info().first_execution_run_id
        self.limits = state.limits if state.limits is not None else _limits_of(request)
        self.changes = RunChanges()
        self._request = request
        self._sent = sent
        self._deepens = deepens
        self._source = request.sources[0]
        self._level = state.level
        self._listed = state.listed
        self._complete = state.complete
        self._cut = state.cut
        self._message = state.message
        self._kind = state.kind
        self._robots_ignored = state.robots_ignored
        self._lanes = Lanes(state.lane_numbers, request.lanes)
        self._steps = BatchSteps(self._lanes, self._source, scheduled=self._scheduled)
        self._events_before = state.events
        self._opened = getattr(sent, "state", None) is not None and state.opened
        self._over = False
        self._counts = Counts()
        self._stage = "starting"
        self._paused_before = state.paused_since
        self._pause = pause
        pause.record = self._record_pause

    async def run(self) -> SyncResult:
        """Lease, levels, close. However it ends, the record is closed and the lease given back."""
        await self._pause.carry_on(self._paused_before, opened=self._opened)
        show_begin(self._source, self._request.trigger)
        try:
            refused = await self._open()
            if refused is not None:
                return await self._refused(refused)
            outcome = await self._work_levels()
            closed = await self._close(outcome)
        except BaseException as error:
            if is_cancelled_exception(error):  # an activity's error, too, when it was cancelled
                closed = await self._close("cancelled")
                self._show_end(closed.counts, "cancelled", closed.message)
            raise
        return self._result(closed)

    # The lease

    async def _open(self) -> RunOpened | None:
        """Take the lease; the answer is None, or why there is nothing to do."""
        if not self._opened:
            opened = await self._take_lease()
            if opened.outcome is not None:
                return opened
            self._kind = opened.kind
            self._robots_ignored = opened.robots_ignored
            self._opened = True
        await self._pause.open()
        return None

    async def _take_lease(self) -> RunOpened:
        """Ask until the source is free, if the request says to wait, less and less often: the
        other run may take hours, and each question is a piece of history."""
        self._show("taking the lease")
        pause = _LEASE_POLL
        while True:
            opened = await workflow.execute_activity_method(
                Running.open_run,
                OpenRun(
                    run_id=self.run_id,
                    workflow_id=workflow.info().workflow_id,
                    source=self._source,
                    trigger=self._request.trigger,
                    due=self._request.pages_wanted == "incremental",
                    type=workflow.info().workflow_type,
                ),
                summary=self._source,
                **self.options(SHORT),
            )
            if opened.outcome != "already_running" or not self._request.wait_for_lease:
                return opened
            self._show(f"waiting: {opened.message}")
            await workflow.sleep(pause, summary=opened.message[:150])
            pause = min(pause * 2, _LONGEST_LEASE_POLL)
            if history_is_long(self._request):
                await self._continue_as_new()

    # Levels

    async def _work_levels(self) -> Outcome | None:
        """Depth d is settled or given up before d + 1 is listed: its links are known only then.
        None: the outcome follows from the counts."""
        while True:
            lanes = self._request.lanes
            if not self._listed:
                changes = self.changes.number
                listed = await self._list_level()
                if listed.unfinished:  # of the level above, whose links are not all known yet
                    await self._work_level(self._level - 1, self._lanes_for(listed.unfinished))
                    continue
                if await self.changes.since(changes):
                    continue  # listed under other limits, or without URLs added meanwhile
                self._complete = self._complete and listed.complete
                self._cut = self._cut or listed.cut
                if listed.failed or listed.out_of_scope or not listed.pages:
                    return self._no_further_level(listed)
                self._listed = True
                self._counts = listed.counts
                lanes = min(lanes, -(-listed.pages // self._request.batch))
            await self._work_level(self._level, lanes)
            self._level += 1
            self._listed = False

    def _no_further_level(self, listed: LevelListed) -> Outcome | None:
        if listed.failed or listed.out_of_scope:
            self._message = listed.message
            return "listing_failed" if listed.failed else "nothing_selected"
        self._over = True  # at once: an update that adds pages now would find no level for them
        return None

    async def _list_level(self) -> LevelListed:
        self._show("discovering")
        listed = await workflow.execute_activity_method(
            Discovery.list_level,
            ListLevel(
                run_id=self.run_id,
                level=self._level,
                discover="discover" in self._stages,
                fetch=self._fetches,
                process=self._processes,
                mode=self._request.pages_wanted,
                retry_failed=self._request.retry_failed,
                limits=self.limits,
                changed=self.changes.number > 0,
                complete=self._complete,
            ),
            summary=f"{self._source}, level {self._level}",
            **self.options(LISTING),
        )
        stop_if_cancelled()
        return listed

    def _lanes_for(self, pages: int) -> int:
        """One for what superseded attempts left; more when pages were added."""
        if not self.changes.number:
            return 1
        return min(self._request.lanes, -(-pages // self._request.batch))

    async def _work_level(self, level: int, lanes: int) -> None:
        """Work a level until no lane finds more; or continue as new when the history is long."""
        self._show("fetching, processing and indexing" if self._processes else "fetching")
        if not await self._lanes.work(lambda lane: self._lane(level, lane), lanes, slow=True):
            await self._continue_as_new()

    # Lanes

    async def _lane(self, level: int, lane: int) -> bool:
        """Work batch after batch; true once the level has no more for this lane."""
        waited = 0.0
        while not self._lanes.stopping and not history_is_long(self._request):
            # Not `over()`: a cancelled run cancels its lanes itself, and must reach them all.
            await workflow.wait_condition(lambda: not self._pause.paused)
            batch = Batch(
                run_id=self.run_id,
                lane=lane,
                number=self._lanes.next_number(lane),
                process=self._processes,
                offline=not self._fetches,
            )
            claimed = await self._steps.claim(
                batch,
                level=level,
                size=self._request.batch,
                waited=waited,
                fetches=self._fetches,
                limits=self.limits,
            )
            self._count(claimed.counts)
            if claimed.set_aside:
                self._lanes.want_slow_lane()
            if claimed.pages:
                waited = 0.0
                settled = await self._steps.work(batch, fetches=self._fetches)
                if settled is not None:
                    self._count(settled)
            elif claimed.wait is None:
                return True
            else:
                pause = min(max(claimed.wait, 1.0), _LONGEST_WAIT)
                began = workflow.time()
                await self._lanes.rest(pause, f"lane {lane}: pages to be tried again")
                # What a wake cuts short is not taken off the run's patience.
                waited += min(pause, workflow.time() - began)
        return False

    # The end

    async def _close(self, outcome: Outcome | None) -> RunClosed:
        """Reconcile and give back the lease; None: the outcome follows from the counts."""
        self._over = True  # first: an update accepted from here on would change a closed run
        self._show("closing")
        closed = await workflow.execute_activity_method(
            Running.close_run,
            CloseRun(
                run_id=self.run_id,
                outcome=outcome,
                complete=self._complete and outcome is None,
                message=self._message,
                stages=self._stages,
                cut=self._cut,
            ),
            summary=self._source,
            **self.options(CLOSING),
        )
        await handlers_ended()  # a handler that is cut off leaves its client without an answer
        return closed

    async def _refused(self, refused: RunOpened) -> SyncResult:
        """The run has no lease and no record, so there is nothing to close."""
        self._over = True
        await handlers_ended()
        outcome = refused.outcome or "failed"
        return self._result(RunClosed(outcome=outcome, message=refused.message, complete=False))

    def _result(self, closed: RunClosed) -> SyncResult:
        self._show_end(closed.counts, closed.outcome, closed.message)
        return SyncResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self.run_id,
            outcome=closed.outcome,
            counts=closed.counts,
            complete=self._complete if closed.complete is None else closed.complete,
            removed=closed.removed,
            levels=self._level,
            failures=closed.failures,
            message=closed.message,
            events=events_so_far(self._events_before),
            skipped=closed.skipped,
            bytes=closed.bytes,
            trapped=closed.trapped,
        )

    async def _continue_as_new(self) -> None:
        """With no lane, child or handler under way."""
        self._over = not self._opened  # updates that wait for the lease are refused, or hold us up
        await handlers_ended()
        state = SyncState(
            level=self._level,
            listed=self._listed,
            lane_numbers=self._lanes.numbers,
            paused_since=self._pause.since,
            complete=self._complete,
            message=self._message,
            events=events_so_far(self._events_before),
            opened=self._opened,
            kind=self._kind,
            robots_ignored=self._robots_ignored,
            limits=self.limits,
            cut=self._cut,
        )
        continue_as_new(self._sent, state)

    # From outside

    def wake(self) -> None:
        """Let lanes that wait for a moment ask again at once."""
        self._lanes.wake()

    def progress(self) -> SyncProgress:
        return SyncProgress(
            source=self._source,
            stage="paused" if self._pause.paused else self._stage,
            level=self._level,
            counts=self._counts,
            paused=self._pause.paused,
            paused_since=self._pause.since,
            robots_ignored=self._robots_ignored,
        )

    def check_open(self) -> None:
        """Raises when it is too late to change the run."""
        if self._over:
            raise too_late(
                f"the run of '{self._source}' is ending, or waits for its lease; start another"
            )

    async def until_open(self) -> None:
        """Wait for the lease: only then are there a listing and limits to change."""
        await workflow.wait_condition(lambda: self._opened or self._over)
        self.check_open()

    @property
    def open_level(self) -> int:
        """The level whose pages are worked on, or will be before the next one is listed."""
        return self._level if self._listed else max(0, self._level - 1)

    def options(self, options: ActivityOptions) -> ActivityOptions:
        """The options with the source's turn and the run's priority."""
        return of_source(options, self._source, scheduled=self._scheduled)

    @property
    def _scheduled(self) -> bool:
        return self._request.trigger == "schedule"

    async def _record_pause(self, paused: bool) -> None:
        await workflow.execute_activity_method(
            Running.pause_run, PauseRun(run_id=self.run_id, paused=paused), **self.options(SHORT)
        )

    # What it does, and how far it is

    @property
    def _stages(self) -> list[Stage]:
        """What this run does; the failed are tried again without reading the listing."""
        stages = set(self._request.stages)
        if self._request.pages_wanted == "failed":
            stages.discard("discover")
        if self._deepens and self._kind == "site":
            stages.add("process")
        return [stage for stage in STAGES if stage in stages]

    @property
    def _fetches(self) -> bool:
        return "fetch" in self._stages

    @property
    def _processes(self) -> bool:
        return "process" in self._stages

    def _count(self, counts: Counts) -> None:
        if counts.done >= self._counts.done:  # answers of lanes may overtake each other
            self._counts = counts
        self._show(self._stage)

    def _show_end(self, counts: Counts, outcome: Outcome, message: str) -> None:
        self._counts, self._stage = counts, outcome
        show_end(self.progress(), outcome, message)

    def _show(self, stage: str) -> None:
        self._stage = stage
        show_stage(self.progress())


def _limits_of(request: SyncRequest) -> RunLimits:
    asked = request.limits.model_dump() if request.limits else {}
    return RunLimits(**asked, deadline=request.deadline)
