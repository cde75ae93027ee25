"""What a sync does with one batch of pages: claim, fetch, process, render, settle."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.fetch_batch import Fetching
    from activities.processing import Processing
    from activities.rendering import BrowserLookout, Rendering
    from activities.settling import Indexing
    from atlas.contracts.activities import Batch, ClaimBatch, Claimed
    from atlas.contracts.models import Counts
    from atlas.contracts.work import RunLimits
    from workflows.lanes import Lanes
    from workflows.options import (
        FETCHING,
        PROCESSING,
        RENDERING,
        SETTLING,
        SHORT,
        ActivityOptions,
        never_began,
        of_source,
        queued_of_source,
    )


class BatchSteps:
    """The steps of a batch; each activity takes the batch's key and looks up the rest."""

    def __init__(self, lanes: Lanes, source: str, *, scheduled: bool) -> None:
        self._lanes = lanes
        self._source = source
        self._scheduled = scheduled
        self._browsers = True
        """False once no worker with a browser was found: later batches need not wait for one."""

    async def claim(
        self,
        batch: Batch,
        *,
        level: int,
        size: int,
        waited: float,
        fetches: bool,
        limits: RunLimits,
    ) -> Claimed:
        """Pages for the batch, or how long its lane must wait for some."""
        return await workflow.execute_activity_method(
            Fetching.claim_batch,
            ClaimBatch(
                run_id=batch.run_id,
                lane=batch.lane,
                number=batch.number,
                level=level,
                size=size,
                waited=waited,
                fetch=fetches,
                limits=limits,
                slow=batch.lane == self._lanes.slow,
            ),
            summary=_name(batch),
            **self._options(SHORT),
        )

    async def work(self, batch: Batch, *, fetches: bool) -> Counts | None:
        """All steps that there is work for; the run's counts, if pages were settled.

        No activity without work: each costs several of the few thousand events of a history.
        """
        if self._lanes.stopping:
            return None
        name = _name(batch)
        if fetches:
            fetched = await workflow.execute_activity_method(
                Fetching.fetch_batch, batch, summary=name, **self._options(FETCHING)
            )
            if fetched.set_aside:
                self._lanes.want_slow_lane()
            if self._lanes.stopping or not fetched.to_process:
                return None
        processed = await workflow.execute_activity_method(
            Processing.process_batch, batch, summary=name, **self._options(PROCESSING)
        )
        if processed.to_render and await self._render(batch):
            processed = await workflow.execute_activity_method(
                Processing.process_batch, batch, summary=name, **self._options(PROCESSING)
            )
        if self._lanes.stopping or not processed.to_settle:
            return None
        settled = await workflow.execute_activity_method(
            Indexing.settle_batch, batch, summary=name, **self._options(SETTLING)
        )
        return settled.counts

    async def _render(self, batch: Batch) -> bool:
        """Have a browser render the pages that wait for one; true when there is something to
        process. Without a worker that has a browser they fail by name, the first ones after the
        time that such a worker has to come."""
        while not self._lanes.stopping:
            if self._browsers:
                try:
                    rendered = await workflow.execute_activity_method(
                        Rendering.render_batch,
                        batch,
                        summary=_name(batch),
                        **queued_of_source(RENDERING, self._source, scheduled=self._scheduled),
                    )
                except ActivityError as error:
                    if not never_began(error):
                        raise
                else:
                    if not rendered.left:
                        return True
                    continue
            given_up = await workflow.execute_activity_method(
                BrowserLookout.give_up_without_browser,
                batch,
                summary=_name(batch),
                **self._options(SHORT),
            )
            self._browsers = given_up.served
            if not given_up.served:
                return True
        return False

    def _options(self, options: ActivityOptions) -> ActivityOptions:
        return of_source(options, self._source, scheduled=self._scheduled)


def _name(batch: Batch) -> str:
    return f"lane {batch.lane}, batch {batch.number}"
