"""What the workflows that run long have in common: pause, resume, progress, and the record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.recorded_runs import Jobs
    from atlas.contracts.jobs import BeginJob, EndJob, JobPaused, Progress
    from workflows.continue_as_new import handlers_ended
    from workflows.options import SHORT
    from workflows.web_ui import OUTCOME, TRIGGER


class Job:
    """Base of workflows that work on no single source.

    A pause takes hold where the workflow awaits `while_paused`, between two pieces of work. The
    state to carry over when a run continues as new is `progress()` and what the workflow adds.
    """

    def __init__(self) -> None:
        self._progress = Progress()
        self._signalled: bool | None = None  # a signal may come before `run` begins
        self._recorded_pause = False
        self._recording = False
        self._opened = False

    @property
    def run_id(self) -> str:
        """The first execution's run id: names the run in the corpus."""
        return workflow.info().first_execution_run_id

    @workflow.signal
    async def pause(self) -> None:
        """Stop at the next boundary."""
        await self._set_paused(True)

    @workflow.signal
    async def resume(self) -> None:
        """Go on."""
        await self._set_paused(False)

    @workflow.query
    def progress(self) -> Progress:
        """Stage and counts, now."""
        return self._progress

    async def while_paused(self) -> None:
        """Return at once, or when the run is resumed. Raises `CancelledError` if it was cancelled:
        a paused run would wait for ever."""
        await workflow.wait_condition(
            lambda: not self._progress.paused or workflow.cancellation_reason() is not None
        )
        stop_if_cancelled()

    async def begin(self, kind: str, trigger: str) -> None:
        """Record the run. A run that continues as new calls `carry_on` instead."""
        workflow.upsert_search_attributes([TRIGGER.value_set(trigger)])
        await workflow.execute_activity_method(
            Jobs.begin_job,
            BeginJob(
                run_id=self.run_id,
                workflow_id=workflow.info().workflow_id,
                kind=kind,
                trigger=trigger,
            ),
            **SHORT,
        )
        self._opened = True
        await self._record_pause()

    async def carry_on(self, before: Progress) -> None:
        """Take over what the execution before had come to; a signal since then is newer."""
        self._progress = before
        if self._signalled is not None and self._signalled != before.paused:
            self._pause(self._signalled)
        self._recorded_pause = before.paused
        self._opened = True
        await self._record_pause()

    async def end(self, outcome: str, message: str, summary: Mapping[str, int]) -> None:
        """Record how the run ended; then nothing of it is under way."""
        workflow.upsert_search_attributes([OUTCOME.value_set(outcome)])
        self.tell(outcome, note=message)
        await workflow.execute_activity_method(
            Jobs.end_job,
            EndJob(run_id=self.run_id, outcome=outcome, message=message, summary=dict(summary)),
            **SHORT,
        )
        await handlers_ended()

    def tell(self, stage: str, **changes: Any) -> None:
        """Show where the run is; `changes` are fields of `Progress`."""
        self._change(stage=stage, **changes)
        now = self._progress
        of = f" of {now.total}" if now.total is not None else ""
        done = f" · {now.done}{of} {now.of}" if now.done or now.total else ""
        note = f"\n\n{now.note}" if now.note else ""
        paused = " · **paused**" if now.paused else ""
        workflow.set_current_details(f"**{stage}**{done}{paused}{note}")

    async def _set_paused(self, paused: bool) -> None:
        self._signalled = paused
        if paused != self._progress.paused:
            self._pause(paused)
            await self._record_pause()

    def _pause(self, paused: bool) -> None:
        self._change(paused=paused, paused_since=workflow.time() if paused else None)

    def _change(self, **changes: Any) -> None:
        self._progress = self._progress.model_copy(update=changes)

    async def _record_pause(self) -> None:
        """Record the latest state, one after the other: two records under way could cross."""
        if self._recording or not self._opened:
            return
        self._recording = True
        while self._recorded_pause != (paused := self._progress.paused):
            await workflow.execute_activity_method(
                Jobs.record_pause, JobPaused(run_id=self.run_id, paused=paused), **SHORT
            )
            self._recorded_pause = paused
        self._recording = False


def stop_if_cancelled() -> None:
    """Raise `CancelledError` if the run was cancelled: an activity that ended well although it was
    cancelled has swallowed that."""
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError
