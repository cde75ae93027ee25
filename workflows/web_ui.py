"""What the Web UI shows of a run: search attributes and current details.

The first line of the details is a sentence that stands by itself, since the Web UI runs the cells
of a table together: `docs: 3 added, 1 updated, 215 unchanged`.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from atlas.contracts.jobs import Progress
    from atlas.contracts.models import Counts
    from atlas.contracts.names import (
        ATTRIBUTE_CHANGED,
        ATTRIBUTE_OUTCOME,
        ATTRIBUTE_SOURCE,
        ATTRIBUTE_TRIGGER,
    )
    from atlas.contracts.sync_pipeline import SyncProgress

_SOURCE = SearchAttributeKey.for_keyword(ATTRIBUTE_SOURCE)
TRIGGER = SearchAttributeKey.for_keyword(ATTRIBUTE_TRIGGER)
OUTCOME = SearchAttributeKey.for_keyword(ATTRIBUTE_OUTCOME)
_CHANGED = SearchAttributeKey.for_int(ATTRIBUTE_CHANGED)


def show_begin(source: str, trigger: str) -> None:
    """Make the run findable by source and trigger."""
    workflow.upsert_search_attributes([_SOURCE.value_set(source), TRIGGER.value_set(trigger)])


def show_stage(progress: SyncProgress) -> None:
    """Show where the run is."""
    workflow.set_current_details(stage_details(progress))


def show_end(progress: SyncProgress, outcome: str, message: str) -> None:
    """Show how the run ended, and make it findable by that; a cancelled one is found by Temporal's
    own status."""
    if outcome != "cancelled":
        workflow.upsert_search_attributes(
            [OUTCOME.value_set(outcome), _CHANGED.value_set(progress.counts.changed)]
        )
    workflow.set_current_details(end_details(progress, outcome, message))


def show_outcome(outcome: str, counts: Counts) -> None:
    """Make a run that works on no single source findable by its end; one that counts no pages
    changed none."""
    changed = [_CHANGED.value_set(counts.changed)] if counts.seen else []
    workflow.upsert_search_attributes([OUTCOME.value_set(outcome), *changed])


def show_progress(progress: Progress) -> None:
    """Show where a run is that works on no single source."""
    workflow.set_current_details(progress_details(progress))


def stage_details(progress: SyncProgress) -> str:
    """`docs: 28 added, 2 failed`, and below it where the run is."""
    at = f"level {progress.level}"
    if progress.sources_total > 1:
        at = f"{progress.sources_done} of {progress.sources_total} sources"
    counts = progress.counts
    done = f", {counts.done} of {counts.seen} pages done" if counts.seen else ""
    where = f"{progress.stage}, {at}{done}"
    return f"**{progress.source}: {counted(counts)}**\n\n{where}{_robots(progress)}"


def end_details(progress: SyncProgress, outcome: str, message: str) -> str:
    """`docs: 3 added, 215 unchanged`; of a run that is not simply completed its outcome comes
    first: `docs: completed with failures: 3 added, 2 failed`."""
    ended = "" if outcome == "completed" else f"{_worded(outcome)}: "
    note = f"\n\n{message}" if message else ""
    return f"**{progress.source}: {ended}{counted(progress.counts)}**{note}{_robots(progress)}"


def _robots(progress: SyncProgress) -> str:
    ignored = progress.robots_ignored
    return "\n\nrobots.txt is ignored at the source's own hosts" if ignored else ""


def progress_details(progress: Progress) -> str:
    """`working: 3 of 7 sources`, the counts of pages, and the note."""
    of = f" of {progress.total}" if progress.total is not None else ""
    done = f": {progress.done}{of} {progress.of}" if progress.done or progress.total else ""
    paused = " (paused)" if progress.paused else ""
    pages = f"\n\n{counted(progress.counts)}" if progress.counts.seen else ""
    note = f"\n\n{progress.note}" if progress.note else ""
    return f"**{_worded(progress.stage)}{done}{paused}**{pages}{note}"


def counted(counts: Counts) -> str:
    """`3 added, 1 updated, 215 unchanged`: the outcomes that some page had."""
    numbers = counts.model_dump(exclude={"seen"})
    named = [f"{number} {outcome}" for outcome, number in numbers.items() if number]
    return ", ".join(named) or "no page done"


def _worded(outcome: str) -> str:
    return outcome.replace("_", " ")
