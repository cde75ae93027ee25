"""The frame of a run that works on no single source: its record, from begin to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from activities.heartbeat import beating
from atlas.contracts.jobs import BeginJob, EndJob, JobPaused

if TYPE_CHECKING:
    from atlas.stores.postgres.crawl.recorded_runs import JobRecords


class Jobs:
    """Records runs, so that `atlas runs` and the reports know of them."""

    def __init__(self, records: JobRecords) -> None:
        self._records = records

    @activity.defn
    async def begin_job(self, request: BeginJob) -> None:
        """Record that the run began. Idempotent."""
        async with beating():
            await self._records.begin(request)

    @activity.defn
    async def end_job(self, request: EndJob) -> None:
        """Record how the run ended. Idempotent: the first end stays."""
        async with beating():
            await self._records.end(request)

    @activity.defn
    async def record_pause(self, request: JobPaused) -> None:
        """Record since when the run is paused, or that it goes on."""
        async with beating():
            await self._records.set_paused(request.run_id, paused=request.paused)
