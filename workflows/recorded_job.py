"""The record and the progress of a workflow that works on no single source.

The functions write the record; `RecordedJob` is the base of workflows whose progress is a
`Progress`. A `sync_pipeline` of several sources has a progress of its own, and the same record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.runs import Jobs
    from atlas.contracts.jobs import BeginJob, EndJob, JobPaused, Progress
    from workflows.continue_as_new import handlers_ended
    from workflows.options import SHORT
    from workflows.pause import Pausable
    from workflows.web_ui import TRIGGER, show_outcome, show_progress


def first_run_id() -> str:
    """The first execution's run id, which names the run in the corpus."""
    return workflow.info().first_execution_run_id


async def record_begin(trigger: str) -> None:
    """Record that the run began."""
    info = workflow.info()
    begin = BeginJob(
        run_id=first_run_id(),
        workflow_id=info.workflow_id,
        kind=info.workflow_type,
        trigger=trigger,
    )
    await workflow.execute_activity_method(Jobs.begin_job, begin, **SHORT)


async def record_pause(paused: bool) -> None:
    """Record since when the run is paused, or that it goes on."""
    change = JobPaused(run_id=first_run_id(), paused=paused)
    await workflow.execute_activity_method(Jobs.record_pause, change, **SHORT)


async def record_end(outcome: str, message: str, summary: Mapping[str, int]) -> None:
    """Record how the run ended. Returns with no signal handler under way: what one still
    records would be lost when the workflow completes."""
    end = EndJob(run_id=first_run_id(), outcome=outcome, message=message, summary=dict(summary))
    await workflow.execute_activity_method(Jobs.end_job, end, **SHORT)
    await handlers_ended()


class RecordedJob(Pausable):
    """Base of workflows that are recorded as runs but hold no source's lease: signals, query, and
    the record from `begin` to `end`.

    A pause takes hold where the workflow awaits `while_paused`, between two pieces of work. The
    state to carry over when a run continues as new is `progress()` and what the workflow adds.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pause.record = record_pause
        self._progress = Progress()

    @property
    def run_id(self) -> str:
        """The first execution's run id, which names the run in the corpus."""
        return first_run_id()

    @workflow.query
    def progress(self) -> Progress:
        """Stage and counts, now."""
        since = self._pause.since
        return self._progress.model_copy(
            update={"paused": since is not None, "paused_since": since}
        )

    async def while_paused(self) -> None:
        """Return at once, or when the run is resumed; raises `CancelledError` if cancelled."""
        await self._pause.over()

    async def begin(self, trigger: str) -> None:
        """Record the run. A run that continues as new calls `carry_on` instead."""
        workflow.upsert_search_attributes([TRIGGER.value_set(trigger)])
        await record_begin(trigger)
        await self._pause.open()

    async def carry_on(self, before: Progress) -> None:
        """Take over what the execution before had reached."""
        self._progress = before
        await self._pause.carry_on(before.paused_since, opened=True)

    async def end(self, outcome: str, message: str, summary: Mapping[str, int]) -> None:
        """Show and record how the run ended."""
        show_outcome(outcome, self._progress.counts)
        self.show(outcome, note=message)
        await record_end(outcome, message, summary)

    def show(self, stage: str, **changes: Any) -> None:
        """Show where the run is; `changes` are fields of `Progress`."""
        self._progress = self._progress.model_copy(update={"stage": stage, **changes})
        show_progress(self.progress())
