"""What the Web UI shows of a run: search attributes and current details."""

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
    workflow.set_current_details(
        f"**{progress.source}** · {progress.stage} · level {progress.level}"
        f"\n\n{_table(progress.counts)}"
    )


def show_end(progress: SyncProgress, outcome: str, message: str) -> None:
    """Show how the run ended, and make it findable by that."""
    workflow.upsert_search_attributes(
        [OUTCOME.value_set(outcome), _CHANGED.value_set(progress.counts.changed)]
    )
    note = f"\n\n{message}" if message else ""
    workflow.set_current_details(
        f"**{progress.source}** · **{outcome}**\n\n{_table(progress.counts)}{note}"
    )


def show(progress: Progress) -> None:
    """Show where a run is that works on no single source."""
    of = f" of {progress.total}" if progress.total is not None else ""
    done = f" · {progress.done}{of} {progress.of}" if progress.done or progress.total else ""
    note = f"\n\n{progress.note}" if progress.note else ""
    paused = " · **paused**" if progress.paused else ""
    workflow.set_current_details(f"**{progress.stage}**{done}{paused}{note}")


def _table(counts: Counts) -> str:
    values = counts.model_dump()
    head = " | ".join(values)
    rule = " | ".join("---:" for _ in values)
    return f"| {head} |\n| {rule} |\n| {' | '.join(str(value) for value in values.values())} |"
