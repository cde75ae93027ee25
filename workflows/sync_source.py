"""One source, from lease to close."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.discovery import Discovery
    from activities.runs import Running
    from atlas.contracts.activities import (
        ApplyLimits,
        EnlistUrls,
        LevelListed,
        ListLevel,
        RunClosed,
    )
    from atlas.contracts.collect import UrlsAdded
    from atlas.contracts.models import Counts, Outcome
    from atlas.contracts.refusal import too_late
    from atlas.contracts.sync_pipeline import SyncResult
    from atlas.contracts.work import Limits, RunLimits
    from workflows.continue_as_new import events_so_far
    from workflows.options import LISTING, SHORT
    from workflows.recorded_run import stop_if_cancelled
    from workflows.source_lanes import LanedRun
    from workflows.web_ui import tell_begin, tell_end


class SourceRun(LanedRun):
    """The run of one source: what happens in which order, and what may change meanwhile."""

    _changes = 0
    """Beginnings and ends of changes from outside (URLs, limits) in this execution; `_changing` are
    being made."""
    _changing = 0

    async def run(self) -> SyncResult:
        """Work the source through."""
        tell_begin(self._source, self._request.trigger)
        try:
            refused = await self._open()
            if refused is not None:
                return await self._refused(refused.outcome or "failed", refused.message)
            outcome = await self._work_levels()
            closed = await self._close(outcome)
        except BaseException as error:
            if is_cancelled_exception(error):  # an activity's error, too, when it was cancelled
                await self._close("cancelled")
            raise
        return self._result(closed.outcome, closed=closed)

    async def add_urls(self, urls: list[str]) -> UrlsAdded:
        """Add pages to the level that is worked on, whether the listing has them or not."""
        await self._until_open()
        with self._change():
            return await workflow.execute_activity_method(
                Discovery.enlist_urls,
                EnlistUrls(
                    run_id=self._run_id, urls=urls, level=self._open_level, limits=self._limits
                ),
                summary=f"{len(urls)} URLs",
                **self._with(SHORT),
            )

    async def set_limits(self, limits: Limits) -> RunLimits:
        """Put new limits in place of the old; a deadline stays."""
        await self._until_open()
        with self._change():
            self._limits = RunLimits(**limits.model_dump(), deadline=self._limits.deadline)
            await self._apply_limits()
        return self._limits

    def check_open(self) -> None:
        """Raises when it is too late to change the run."""
        if self._over:
            raise too_late(
                f"the run of '{self._source}' is ending, or waits for its lease; start another"
            )

    # Levels

    async def _work_levels(self) -> Outcome | None:
        """Depth d is settled or given up before d + 1 is listed. None: the outcome follows from
        the counts."""
        while True:
            lanes = self._request.lanes
            if not self._listed:
                changes = self._changes
                listed = await self._list_level()
                if listed.unfinished:
                    await self._work_lanes(self._level - 1, self._lanes_for(listed.unfinished))
                    continue
                if await self._changed_since(changes):
                    continue  # listed under other limits, or without URLs added meanwhile
                self._complete = self._complete and listed.complete
                self._cut = self._cut or listed.cut
                if listed.failed:
                    self._message = listed.message
                    return "listing_failed"
                if listed.out_of_scope:
                    self._message = listed.message
                    return "nothing_selected"
                if not listed.pages:
                    self._over = True
                    return None
                self._listed = True
                self._counts = listed.counts
                lanes = min(lanes, -(-listed.pages // self._request.batch))
            await self._work_lanes(self._level, lanes)
            self._level += 1
            self._listed = False

    async def _list_level(self) -> LevelListed:
        self._tell("discovering")
        listed = await workflow.execute_activity_method(
            Discovery.list_level,
            ListLevel(
                run_id=self._run_id,
                level=self._level,
                discover="discover" in self._stages,
                fetch=self._fetches,
                process=self._processes,
                mode=self._request.pages_wanted,
                retry_failed=self._request.retry_failed,
                limits=self._limits,
                changed=self._changes > 0,
            ),
            summary=f"{self._source}, level {self._level}",
            **self._with(LISTING),
        )
        stop_if_cancelled()
        return listed

    def _lanes_for(self, pages: int) -> int:
        # One, as ever, for what superseded attempts left; more for what was added.
        return min(self._request.lanes, -(-pages // self._request.batch)) if self._changes else 1

    # Changes from outside

    @property
    def _open_level(self) -> int:
        """The level whose pages are worked on, or will be before the next one is listed."""
        return self._level if self._listed else max(0, self._level - 1)

    async def _until_open(self) -> None:
        await workflow.wait_condition(lambda: self._opened or self._over)
        self.check_open()

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Count a change when it begins and when it is made: a listing under way knows nothing."""
        self._changes += 1
        self._changing += 1
        try:
            yield
        finally:
            self._changing -= 1
            self._changes += 1

    async def _changed_since(self, changes: int) -> bool:
        """Whether the run was changed since, once no change is being made."""
        if self._changing:
            await workflow.wait_condition(lambda: not self._changing)
        return self._changes != changes

    async def _apply_limits(self) -> None:
        await workflow.execute_activity_method(
            Running.apply_limits,
            ApplyLimits(run_id=self._run_id, level=self._open_level, limits=self._limits),
            **self._with(SHORT),
        )

    # The result

    async def _refused(self, outcome: Outcome, message: str) -> SyncResult:
        self._over = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._result(outcome, message=message)

    def _result(
        self, outcome: Outcome, *, closed: RunClosed | None = None, message: str = ""
    ) -> SyncResult:
        counts = closed.counts if closed else Counts()
        self._counts, self._stage = counts, outcome
        message = closed.message if closed else message
        tell_end(self.progress(), outcome, message)
        complete = self._complete if closed else False
        return SyncResult(
            workflow_id=workflow.info().workflow_id,
            run_id=self._run_id,
            outcome=outcome,
            counts=counts,
            complete=complete if closed is None or closed.complete is None else closed.complete,
            removed=closed.removed if closed else 0,
            levels=self._level,
            failures=closed.failures if closed else [],
            message=message,
            events=events_so_far(self._events_before),
            skipped=closed.skipped if closed else {},
            bytes=closed.bytes if closed else 0,
        )
