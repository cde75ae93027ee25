"""`collect_from_source`: find a source's pages and fetch them."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.collect import AddUrls, CollectRequest, CollectResult, UrlsAdded
    from atlas.contracts.refusal import missing_input
    from atlas.contracts.sync_pipeline import SyncRequest, SyncResult, SyncState
    from atlas.contracts.work import COLLECTING, Limits, RunLimits
    from workflows.empty_run import ended
    from workflows.pause import PausableRun
    from workflows.sync_source import SourceRun


@workflow.defn(name="collect_from_source")
class CollectFromSource(PausableRun[SourceRun]):
    """Discovery and fetch of one source. What was fetched stays unsettled, for `sync_pipeline` or
    `batch_process` to take from the stored body; of a site, pages are processed here, since their
    links lead deeper."""

    @workflow.run
    async def run(self, request: CollectRequest | None = None) -> CollectResult:
        if request is None:
            raise missing_input("collect_from_source", '{"source": "docs"}')
        run = SourceRun(_as_sync(request), request.state or SyncState(), request, deepens=True)
        return ended(
            _as_collection(request, await (await self._take_up(run)).run()), request.trigger
        )

    @workflow.update
    async def add_urls(self, request: AddUrls) -> UrlsAdded:
        """Fetch these pages, too."""
        return await (await self._begun()).add_urls(request.urls)

    @add_urls.validator
    def _check_add_urls(self, request: AddUrls) -> None:
        self._check_open()

    @workflow.update
    async def set_limits(self, limits: Limits) -> RunLimits:
        """Put these limits in place of those in force; pages cut by the old are taken back."""
        return await (await self._begun()).set_limits(limits)

    @set_limits.validator
    def _check_set_limits(self, limits: Limits) -> None:
        self._check_open()

    async def _begun(self) -> SourceRun:
        await workflow.wait_condition(lambda: self._work is not None)
        assert self._work is not None
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
