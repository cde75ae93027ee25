"""A run as it is printed: as JSON, as a row, as lines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starter.cli.framework.output import note, one_line, pairs, say, short

if TYPE_CHECKING:
    from starter.monitoring.overview import PendingActivity
    from starter.runs.details import RunDetails
    from starter.runs.listing import RecordedRun


def recorded_json(found: RecordedRun) -> dict[str, Any]:
    """The run as lists print it as JSON."""
    run = found.run
    return {
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "type": run.kind,
        "source": run.source,
        "trigger": run.trigger,
        "due": run.due,
        "status": found.status,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "outcome": run.outcome,
        "complete": run.complete,
        "paused_since": run.paused_since,
        "message": run.message,
        "counts": found.counts.model_dump(),
        "summary": run.summary,
        "failures": [failure.model_dump() for failure in found.failures],
        "recorded": found.recorded,
        "ui_url": found.ui_url,
    }


def details_json(found: RunDetails) -> dict[str, Any]:
    """The run as `runs show -o json` prints it."""
    values: dict[str, Any] = {
        "run_id": found.run_id,
        "workflow_id": found.workflow_id,
        "type": found.workflow,
    }
    values |= {name: getattr(found, name) for name in found.__slots__ if name != "workflow"}
    values["message"] = found.message or None
    values["counts"] = found.counts.model_dump()
    values["failures"] = [failure.model_dump() for failure in found.failures]
    values["pending"] = [asdict(each) for each in found.pending]
    return values


def listed_row(found: RecordedRun) -> tuple[object, ...]:
    """The run as a row: run, type, source, started, outcome, counts; those of a run of several
    sources are its children's, as its summary has them."""
    from atlas.contracts.models import Counts

    run, counts = found.run, found.counts
    if not counts.seen and "seen" in run.summary:
        counts = Counts.model_validate(run.summary)
    return (
        short(run.run_id),
        run.kind,
        run.source,
        run.started_at,
        run.outcome or found.status,
        counts.seen,
        counts.added,
        counts.updated,
        counts.failed,
    )


def print_details(found: RunDetails) -> None:
    """The run in names and values, then its failures."""
    ended = found.outcome or found.status
    shown: dict[str, object] = {
        "run": found.run_id,
        "workflow id": found.workflow_id,
        "type": found.workflow,
        "source": found.source,
        "trigger": found.trigger,
        "status": found.status if found.outcome is None else f"{found.status}: {ended}",
        "in Temporal": found.temporal_status or ("does not answer" if found.temporal_down else ""),
        "started": found.started_at,
        "ended": found.ended_at,
        "paused since": found.paused_since,
        "stage": found.stage,
        "progress": _progress(found),
        "message": found.message,
        **{name: value for name, value in found.counts.model_dump().items() if found.counts.seen},
        **(found.summary if not found.counts.seen else {}),
        **(found.result or {}),
        "Web UI": found.ui_url,
        "trace": found.trace_id,
    }
    pairs(shown)
    for each in found.pending:
        say(one_line(f"  {_pending(each)}"))
    if found.task_attempt > 1:
        say(f"  the workflow itself is tried for the {found.task_attempt}th time: see the Web UI")
    for failure in found.failures:
        line = f"  {failure.url}: {failure.error_class}, {failure.code}. {failure.message}"
        say(one_line(line))
    if found.counts.failed > len(found.failures):
        note(f"{found.counts.failed} failed; --failures lists them all")


def _progress(found: RunDetails) -> str:
    if found.done is None:
        return ""
    of = "" if found.total is None else f" of {found.total}"
    pace = "" if found.per_minute is None else f", {found.per_minute:g} a minute"
    return f"{found.done}{of} {found.of}{pace}"


def _pending(each: PendingActivity) -> str:
    now = "under way" if each.under_way else "waiting"
    if each.next_attempt_at and not each.under_way and each.attempt > 1:
        now = f"again at {each.next_attempt_at.astimezone():%H:%M:%S}"
    why = f": {each.failure}" if each.failure else ""
    return f"{each.type}: attempt {each.attempt}, {now}{why}"
