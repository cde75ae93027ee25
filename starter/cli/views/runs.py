"""How commands print a run: as JSON, as a row, as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starter.cli.framework.output import Columns, emit, note, one_line, pairs, say, short

if TYPE_CHECKING:
    from atlas.contracts.models import Counts
    from atlas.contracts.sync_pipeline import SourceOutcome
    from starter.monitoring.overview import PendingActivity
    from starter.runs.details import RunDetails
    from starter.runs.listing import RecordedRun

_CODES = 5  # of failures that a line names
_MOMENTS = frozenset({"at", "checked_at", "paused_since", "since", "started"})
"""Fields of results that hold seconds since the epoch, after a prefix such as `quarantine.`."""


@dataclass(frozen=True)
class RunMessage:
    """A remark on a run."""

    message: str | None


@dataclass(frozen=True)
class PageOutcome:
    """The outcome of a page of a run; the lists of `daily_cleanup` and `deduplicate_documents` have
    other fields, and of a run of several sources `source` names that of each page."""

    url: str = ""
    """The canonical URL of the page."""
    page: int | None = None
    """Its number."""
    outcome: str = ""
    """`added`, `updated`, `unchanged`, `failed`, `skipped`, `removed` (it left the corpus with this
    run), or `missing` (no such page)."""
    error_class: str | None = None
    code: str | None = None
    """See [errors](errors.md); for a skipped page, the reason."""
    text_hash: str | None = None
    """SHA-256 of the text that the run brought, removed or left as it was."""
    truncated: str | None = None
    """What its text lacks of the body; null: nothing."""


def print_run(found: RunDetails, output: str) -> None:
    """Print a run as names and values followed by its failures, or as JSON."""
    if output == "text":
        _print(found)
    else:
        emit("run", found, RunMessage(found.message or None), output=output)


def _print(found: RunDetails) -> None:
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
        "failed with": _failed_with(found.failed_with),
        "robots.txt ignored": _ignored(found.robots_ignored),
        "truncated": found.truncated_count or "",
        **with_times(found.summary if not found.counts.seen else {}),
        **with_times(found.result or {}),
        "Web UI": found.ui_url,
        "trace": found.trace_id,
    }
    pairs(shown)
    for each in found.pending:
        say(one_line(f"  {_pending(each)}"))
    if found.task_attempt > 1:
        say(f"  the workflow task is at attempt {found.task_attempt}: see the Web UI")
    print_sources(found.sources)
    for failure in found.failures:
        line = f"  {failure.url}: {failure.error_class}, {failure.code}. {failure.message}"
        say(one_line(line))
    for page in found.truncated:
        say(one_line(f"  {page.url}: truncated; missing: {page.lacks}"))
    for rule in found.refused:
        said = f"  refused by {rule.rule}: {rule.addresses} addresses, such as {rule.example}"
        say(one_line(said))
    if found.counts.failed > len(found.failures):
        note(f"{found.counts.failed} pages failed; --failures shows them all")


def _failed_with(codes: Mapping[str, int]) -> str:
    """`needs_browser (12 pages), http_404 (1)`."""
    if not codes:
        return ""
    named = [f"{code} ({pages})" for code, pages in codes.items()]
    return ", ".join(named[:_CODES]) + (" …" if len(named) > _CODES else "")


def print_sources(sources: Sequence[SourceOutcome]) -> None:
    """How the run of each of several sources ended, a line each."""
    for one in sources:
        why = f". {one.message}" if one.message else ""
        say(one_line(f"  {one.source}: {one.outcome}; {worded(one.counts)}{why}"))


def worded(counts: Counts) -> str:
    """Pages by outcome, in a line."""
    return ", ".join(f"{number} {name}" for name, number in counts.model_dump().items())


def with_times(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a result, with times instead of seconds since the epoch."""
    return {name: _with_time(name, value) for name, value in values.items()}


def _with_time(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return with_times(value)
    if isinstance(value, list):
        return [_with_time(name, each) for each in value]
    if isinstance(value, float) and name.rpartition(".")[2] in _MOMENTS:
        return datetime.fromtimestamp(value, UTC) if value else None
    return value


def _ignored(requests: int) -> str:
    return f"for {requests} requests, as the source's rules say" if requests else ""


def _progress(found: RunDetails) -> str:
    if found.done is None:
        return ""
    of = "" if found.total is None else f" of {found.total}"
    pace = "" if found.per_minute is None else f", {found.per_minute:g} a minute"
    return f"{found.done}{of} {found.of}{pace}"


def _pending(each: PendingActivity) -> str:
    now = "in progress" if each.under_way else "waiting"
    if each.next_attempt_at and not each.under_way and each.attempt > 1:
        now = f"again at {each.next_attempt_at.astimezone():%H:%M:%S}"
    why = f": {each.failure}" if each.failure else ""
    return f"{each.type}: attempt {each.attempt}, {now}{why}"


def _counts(found: RecordedRun) -> Counts:
    """Its counts; a run of several sources has those of its children in its summary."""
    from atlas.contracts.models import Counts

    if found.counts.seen or "seen" not in found.run.summary:
        return found.counts
    return Counts.model_validate(found.run.summary)


COLUMNS: Columns[RecordedRun] = {
    "run": lambda found: short(found.run.run_id),
    "type": lambda found: found.run.kind,
    "source": lambda found: found.run.source,
    "started": lambda found: found.run.started_at,
    "outcome": lambda found: found.run.outcome or found.status,
    "seen": lambda found: _counts(found).seen,
    "added": lambda found: _counts(found).added,
    "updated": lambda found: _counts(found).updated,
    "failed": lambda found: _counts(found).failed,
}
"""Of `atlas runs list`."""
