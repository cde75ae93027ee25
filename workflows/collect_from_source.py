"""`collect_from_source`: find a source's pages and fetch them."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.collect import AddUrls, CollectRequest, CollectResult, UrlsAdded
    from atlas.contracts.models import Counts
    from atlas.contracts.refusal import missing_input
    from atlas.contracts.sync_pipeline import SyncProgress, SyncRequest, SyncResult, SyncState
    from atlas.contracts.work import COLLECTING, Limits, RunLimits
    from workflows.sync_source import SourceRun


@workflow.defn(name="collect_from_source")
class CollectFromSource:
    """Discovery and fetch of one source. What was fetched stays unsettled, for `sync_pipeline` or
    `batch_process` to take from the stored body; of a site, pages are processed here, since their
    links lead deeper."""

    def __init__(self) -> None:
        self._run: SourceRun | None = None
        self._signalled: bool | None = None  # a signal may come before `run` begins

    @workflow.run
    async def run(self, request: CollectRequest | None = None) -> CollectResult:
        if request is None:
            raise missing_input("collect_from_source", '{"source": "docs"}')
        run = SourceRun(_as_sync(request), request.state or SyncState(), request, deepens=True)
        self._run = run
        if self._signalled is not None:
            await run.set_paused(self._signalled)
        return _as_collection(request, await run.run())

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

    @workflow.signal
    async def pause(self) -> None:
        """Stop at the next batch boundary; claims are kept."""
        await self._set_paused(True)

    @workflow.signal
    async def resume(self) -> None:
        """Go on."""
        await self._set_paused(False)

    @workflow.query
    def progress(self) -> SyncProgress:
        """Stage and counts, now."""
        return self._run.progress() if self._run else SyncProgress(counts=Counts())

    async def _set_paused(self, paused: bool) -> None:
        if self._run is None:
            self._signalled = paused
        else:
            await self._run.set_paused(paused)

    async def _begun(self) -> SourceRun:
        await workflow.wait_condition(lambda: self._run is not None)
        assert self._run is not None
        return self._run

    def _check_open(self) -> None:
        if self._run is not None:
            self._run.check_open()


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
