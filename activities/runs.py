"""Beginning and end of runs: which sources, the lease, the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.activities import (
    ApplyLimits,
    CloseRun,
    NextSources,
    OpenRun,
    PauseRun,
    PlannedPart,
    PlanSources,
    ResolvedSources,
    ResolveSources,
    RunClosed,
    RunOpened,
    SourcesPlanned,
)
from atlas.contracts.jobs import BeginJob, EndJob, JobPaused
from atlas.telemetry import current_trace

if TYPE_CHECKING:
    from atlas.stores.postgres.crawl.runs.runs import JobRecords
    from atlas.stores.postgres.services.index_follower import UntilFound
    from atlas.stores.postgres.services.run_lifecycle import IsOpen, RunLifecycle
    from atlas.stores.postgres.services.run_listing import RunListing
    from atlas.stores.postgres.sources.plans import SourcePlans

INDEX_BEHIND = "searches do not find all of it yet: the index is behind (`atlas doctor` says why)"
"""Said of a run that ends before the search index has read what it changed."""


class Running:
    """Opens and closes runs. `is_open` asks Temporal whether a lease's holder still works;
    `until_found` waits until the search index has read what was committed, and gives up in time."""

    def __init__(
        self,
        plans: SourcePlans,
        runs: RunLifecycle,
        listing: RunListing,
        is_open: IsOpen,
        until_found: UntilFound,
    ) -> None:
        self._plans = plans
        self._runs = runs
        self._listing = listing
        self._is_open = is_open
        self._until_found = until_found

    @activity.defn
    async def resolve_sources(self, request: ResolveSources) -> ResolvedSources:
        """Which sources a request means."""
        return await self._plans.resolve(request)

    @activity.defn
    async def plan_sources(self, request: PlanSources) -> SourcesPlanned:
        """Decide which sources a run of several works through; a repeated call changes nothing."""
        return await self._plans.make(request)

    @activity.defn
    async def next_sources(self, request: NextSources) -> PlannedPart:
        """The next part of a run's plan."""
        return await self._plans.part(request)

    @activity.defn
    async def apply_limits(self, request: ApplyLimits) -> None:
        """Decide again which pages of a level are within a run's limits."""
        await self._listing.apply_limits(request.run_id, request.level, request.limits)

    @activity.defn
    async def open_run(self, request: OpenRun) -> RunOpened:
        """Take the source's lease and begin the record, or say why not."""
        return await self._runs.open_run(request, self._is_open, trace_id=current_trace())

    @activity.defn
    async def pause_run(self, request: PauseRun) -> None:
        """Record since when a run is paused: its claims have no clock."""
        await self._runs.set_paused(request.run_id, request.paused)

    @activity.defn
    async def close_run(self, request: CloseRun) -> RunClosed:
        """Reconcile vanished pages, end every page, release claims and lease; then wait, for a
        while, until searches find what the run changed."""
        closed = await self._runs.close_run(request)
        if await self._until_found(request.run_id):
            return closed
        activity.logger.warning(INDEX_BEHIND)
        await self._runs.add_note(request.run_id, INDEX_BEHIND)
        said = "; ".join(filter(None, (closed.message, INDEX_BEHIND)))
        return closed.model_copy(update={"message": said})


class Jobs:
    """Records runs that work on no single source: `atlas runs` and the reports show them.
    `until_found` as of `Running`."""

    def __init__(self, records: JobRecords, until_found: UntilFound) -> None:
        self._records = records
        self._until_found = until_found

    @activity.defn
    async def begin_job(self, request: BeginJob) -> None:
        """Record that the run began. Idempotent."""
        await self._records.begin(request, trace_id=current_trace())

    @activity.defn
    async def end_job(self, request: EndJob) -> None:
        """Record the result. Idempotent: the first end stays. Then wait, for a while, until
        searches find what the run changed."""
        await self._records.end(request)
        if not await self._until_found(request.run_id):
            activity.logger.warning(INDEX_BEHIND)
            await self._records.add_note(request.run_id, INDEX_BEHIND)

    @activity.defn
    async def record_pause(self, request: JobPaused) -> None:
        """Record since when the run is paused, or that it continues."""
        await self._records.set_paused(request.run_id, paused=request.paused)
