"""Lanes: a few batches of one level at once, so that the network of one overlaps the CPU of
another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.fetch_batch import Fetching
    from activities.processing import Processing
    from activities.settling import Indexing
    from atlas.contracts.activities import Batch, ClaimBatch, Claimed
    from atlas.contracts.models import Counts
    from workflows.continue_as_new import history_is_long
    from workflows.lanes import Lane, cancel_lanes, run_lanes
    from workflows.options import FETCHING, PROCESSING, SETTLING, SHORT
    from workflows.source_frame import SourceFrame

_LONGEST_WAIT = 60.0


class LanedRun(SourceFrame):
    """A run of one source that works its levels through in lanes."""

    _stopping = False
    _wakes = 0

    @property
    def _fetches(self) -> bool:
        return "fetch" in self._stages

    @property
    def _processes(self) -> bool:
        return "process" in self._stages

    async def _work_lanes(self, level: int, lanes: int) -> None:
        """Work a level until no lane finds more; then, or when the history is long, go on."""
        self._tell("fetching, processing and indexing" if self._processes else "fetching")
        tasks = [asyncio.create_task(self._lane(level, lane)) for lane in range(lanes)]
        if not await run_lanes(tasks, self._stop):
            await self._continue_as_new()

    async def _stop(self, lanes: Sequence[Lane]) -> None:
        """An activity that ends well although it was cancelled swallows the cancellation, so the
        lanes look for `_stopping`, too."""
        self._stopping = not all(lane.done() for lane in lanes)
        await cancel_lanes(lanes)

    async def _lane(self, level: int, lane: int) -> bool:
        """Work batch after batch; true once the level has no more for this lane."""
        waited = 0.0
        while not self._stopping and not history_is_long(self._request):
            await workflow.wait_condition(lambda: self._paused_since is None)
            self._numbers[lane] += 1
            batch = Batch(
                run_id=self._run_id,
                lane=lane,
                number=self._numbers[lane],
                process=self._processes,
            )
            claimed = await self._claim(batch, level, waited)
            self._count(claimed.counts)
            if claimed.pages:
                waited = 0.0
                await self._work_batch(batch)
            elif claimed.wait is None:
                return True
            else:
                pause = min(max(claimed.wait, 1.0), _LONGEST_WAIT)
                began = workflow.time()
                await self._rest(pause, f"lane {lane}: pages to be tried again")
                # What a wake cuts short is not taken off the run's patience.
                waited += min(pause, workflow.time() - began)
        return False

    def wake(self) -> None:
        """Let lanes that wait for a moment ask again at once."""
        self._wakes += 1

    async def _rest(self, seconds: float, why: str) -> None:
        wakes = self._wakes
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: self._wakes != wakes, timeout=seconds, timeout_summary=why
            )

    async def _claim(self, batch: Batch, level: int, waited: float) -> Claimed:
        return await workflow.execute_activity_method(
            Fetching.claim_batch,
            ClaimBatch(
                run_id=batch.run_id,
                lane=batch.lane,
                number=batch.number,
                level=level,
                size=self._request.batch,
                waited=waited,
                fetch=self._fetches,
                limits=self._limits,
            ),
            summary=_name(batch),
            **self._with(SHORT),
        )

    async def _work_batch(self, batch: Batch) -> None:
        """Fetch, process, settle; each activity takes the batch's key and looks up the rest."""
        if self._stopping:
            return
        name = _name(batch)
        if self._fetches:
            fetched = await workflow.execute_activity_method(
                Fetching.fetch_batch, batch, summary=name, **self._with(FETCHING)
            )
            if self._stopping or not fetched.to_process:
                return
        processed = await workflow.execute_activity_method(
            Processing.process_batch, batch, summary=name, **self._with(PROCESSING)
        )
        if self._stopping or not processed.to_settle:
            return
        settled = await workflow.execute_activity_method(
            Indexing.settle_batch, batch, summary=name, **self._with(SETTLING)
        )
        self._count(settled.counts)

    def _count(self, counts: Counts) -> None:
        if counts.done >= self._counts.done:  # answers of lanes may cross
            self._counts = counts
        self._tell(self._stage)


def _name(batch: Batch) -> str:
    return f"lane {batch.lane}, batch {batch.number}"
