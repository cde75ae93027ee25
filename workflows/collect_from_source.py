"""`collect_from_source`: find a source's pages and fetch them."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.discovery import Discovery
    from activities.runs import Running
    from atlas.contracts.activities import ApplyLimits, EnlistUrls
    from atlas.contracts.collect import AddUrls, CollectRequest, CollectResult, UrlsAdded
    from atlas.contracts.refusal import missing_input
    from atlas.contracts.sync_pipeline import SyncProgress, SyncRequest, SyncResult, SyncState
    from atlas.contracts.work import COLLECTING, Limits, RunLimits
    from workflows.guards import ended
    from workflows.options import SHORT
    from workflows.pause import Pausable
    from workflows.sync_pipeline import SourceRun


@workflow.defn(name="collect_from_source")
class CollectFromSource(Pausable):
    """Discovery and fetch of one source. What was fetched stays unsettled, for `sync_pipeline` or
    `batch_process` to take from the stored body; of a site, pages are processed here, since their
    links lead deeper."""

    def __init__(self) -> None:
        super().__init__()
        self._work: SourceRun | None = None

    @workflow.run
    async def run(self, request: CollectRequest | None = None) -> CollectResult:
        if request is None:
            raise missing_input("collect_from_source", '{"source": "docs"}')
        state = request.state or SyncState()
        self._work = SourceRun(_as_sync(request), state, self._pause, sent=request, deepens=True)
        return ended(_as_collection(request, await self._work.run()), request.trigger)

    @workflow.signal
    async def wake(self) -> None:
        """Look again now: a host that was waited for was reset, or a limit lifted."""
        if self._work is not None:
            self._work.wake()

    @workflow.query
    def progress(self) -> SyncProgress:
        """Stage and counts, now."""
        return self._work.progress() if self._work else SyncProgress()

    # Changes while it runs

    @workflow.update
    async def add_urls(self, request: AddUrls) -> UrlsAdded:
        """Fetch these pages, too: they join the level that is worked on, listed or not."""
        run = await self._open_run()
        with run.changes.one():
            return await workflow.execute_activity_method(
                Discovery.enlist_urls,
                EnlistUrls(
                    run_id=run.run_id, urls=request.urls, level=run.open_level, limits=run.limits
                ),
                summary=f"{len(request.urls)} URLs",
                **run.options(SHORT),
            )

    @add_urls.validator
    def _check_add_urls(self, request: AddUrls) -> None:
        self._check_open()

    @workflow.update
    async def set_limits(self, limits: Limits) -> RunLimits:
        """Replace the limits in force, except the deadline; pages that the old ones cut are taken
        back."""
        run = await self._open_run()
        with run.changes.one():
            run.limits = RunLimits(**limits.model_dump(), deadline=run.limits.deadline)
            await workflow.execute_activity_method(
                Running.apply_limits,
                ApplyLimits(run_id=run.run_id, level=run.open_level, limits=run.limits),
                **run.options(SHORT),
            )
        return run.limits

    @set_limits.validator
    def _check_set_limits(self, limits: Limits) -> None:
        self._check_open()

    async def _open_run(self) -> SourceRun:
        await workflow.wait_condition(lambda: self._work is not None)
        assert self._work is not None
        await self._work.until_open()
        return self._work

    def _check_open(self) -> None:
        if self._work is not None:
            self._work.check_open()


def _as_sync(request: CollectRequest) -> SyncRequest:
    return SyncRequest(
        sources=[request.source],
        mode=request.mode,
        stages=list(COLLECTING),
        limits=request.limits,
        wait_for_lease=request.wait_for_lease,
        trigger=request.trigger,
        lanes=request.lanes,
        batch=request.batch,
        max_history_events=request.max_history_events,
    )


def _as_collection(request: CollectRequest, result: SyncResult) -> CollectResult:
    return CollectResult(source=request.source, **result.model_dump(exclude={"levels", "sources"}))
