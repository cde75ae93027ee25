"""Lists of runs: from the record, and from Temporal what no record is kept of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from atlas.contracts.models import Counts
from atlas.contracts.names import ATTRIBUTE_SOURCE, ATTRIBUTE_TRIGGER
from atlas.contracts.sync_pipeline import Failure
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.crawl.runs.runs import Run
from starter.connection import Parts
from starter.errors import InvalidRequest, NotFound, TemporalDown
from starter.runs.details import LEFT_BEHIND, Status, outcome_of, word
from starter.runs.lookup import quoted

if TYPE_CHECKING:
    from temporalio.client import WorkflowExecution

_MOST = 10_000


class RunFilter(TypedDict, total=False):
    """Which runs are listed; what is left out does not matter."""

    source: str
    workflow: str
    """The workflow type."""
    outcome: str
    open: bool
    """Only those under way."""
    since: datetime
    """Only those that began at this moment, with its time zone, or later."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run, from its record in PostgreSQL."""

    run: Run = field(metadata={"json": ""})
    counts: Counts = field(default_factory=Counts)
    """Pages by outcome."""
    failures: list[Failure] = field(default_factory=list)
    """Empty in a list; `runs show` has them."""
    recorded: bool = True
    """Whether it is in the record of runs; single fetches and health checks are in Temporal alone,
    and so is a run that no worker has begun yet."""
    ui_url: str | None = None
    """Its page in Temporal's Web UI."""
    status: Status = field(init=False)

    def __post_init__(self) -> None:
        ended = self.run.outcome is not None or self.run.ended_at is not None
        paused = "paused" if self.run.paused_since else "running"
        object.__setattr__(self, "status", "ended" if ended else paused)


async def recorded(parts: Parts, named: str, failures: int) -> RecordedRun:
    """A run as recorded, with its first `failures` failures. Raises `NotFound`."""
    from atlas.stores.postgres.crawl import run_queue
    from atlas.stores.postgres.services import catalogue

    try:
        async with parts.database() as connection:
            run = await catalogue.find_run(connection, named)
            failed = await runs.failures(connection, run.run_id, failures)
            counts = await run_queue.counts(connection, run.run_id)
    except runs.UnknownRun as error:
        raise NotFound(str(error)) from None
    return RecordedRun(run, counts, failed, ui_url=_url(parts, run))


async def listed(parts: Parts, limit: int, wanted: RunFilter) -> list[RecordedRun]:
    """The latest runs, newest first. Raises `InvalidRequest`, `CannotConnect`.

    Types that keep no record are asked of Temporal when they are asked for by name; so are runs
    under way that no worker has begun.
    """
    if not 1 <= limit <= _MOST:
        raise InvalidRequest(f"limit: {limit} is not between 1 and {_MOST}")
    brief = _is_brief(wanted.get("workflow"))
    found = await _recorded(parts, limit, wanted)
    if wanted.get("open") or brief:
        known = {each.run.run_id for each in found}
        more = await _known_to_temporal(parts, limit, wanted)
        found += [each for each in more if each.run.run_id not in known]
        found.sort(key=lambda each: each.run.started_at, reverse=True)
    return found[:limit]


def _is_brief(kind: str | None) -> bool:
    if kind is None:
        return False
    from atlas.contracts.catalogue import WORKFLOWS  # every contract: an eighth of a second

    if kind not in WORKFLOWS:
        raise InvalidRequest(f"no workflow type '{kind}'; known: {', '.join(sorted(WORKFLOWS))}")
    return WORKFLOWS[kind].brief


async def _recorded(parts: Parts, limit: int, wanted: RunFilter) -> list[RecordedRun]:
    async with parts.database() as connection:
        rows = await runs.recent(
            connection,
            source=wanted.get("source"),
            kind=wanted.get("workflow"),
            outcome=wanted.get("outcome"),
            open_only=wanted.get("open", False),
            since=wanted.get("since"),
            limit=limit,
        )
    found = [RecordedRun(run, counts, ui_url=_url(parts, run)) for run, counts in rows]
    found = list(await asyncio.gather(*(_checked(parts, each) for each in found)))
    return [each for each in found if each.status != "ended" or not wanted.get("open")]


async def _checked(parts: Parts, found: RecordedRun) -> RecordedRun:
    """A run whose record is open, as Temporal says: one that was terminated closed none."""
    run = found.run
    if run.ended_at is not None:
        return found
    try:
        if await parts.run_is_open(run.workflow_id, run.run_id):
            return found
    except TemporalDown:
        return found
    return replace(
        found, run=replace(run, outcome="failed", paused_since=None, message=LEFT_BEHIND)
    )


async def _known_to_temporal(parts: Parts, limit: int, wanted: RunFilter) -> list[RecordedRun]:
    async with parts.temporal() as client:
        listed = client.list_workflows(_query(wanted), limit=limit)
        found = [_of_execution(parts, each) async for each in listed]
    return [each for each in found if wanted.get("outcome") in (None, each.run.outcome)]


def _query(wanted: RunFilter) -> str:
    from atlas.contracts.catalogue import WORKFLOWS  # every contract: an eighth of a second

    kind, source, since = wanted.get("workflow"), wanted.get("source"), wanted.get("since")
    # A namespace may be shared with workflows of others.
    kinds = [kind] if kind else sorted(WORKFLOWS)
    terms = [f"WorkflowType IN ({', '.join(map(quoted, kinds))})"]
    terms += [f"{ATTRIBUTE_SOURCE} = {quoted(source)}"] if source else []
    terms += ["ExecutionStatus = 'Running'"] if wanted.get("open") else []
    terms += [f"StartTime >= '{since.astimezone(UTC).isoformat()}'"] if since else []
    return " AND ".join(terms)


def _of_execution(parts: Parts, execution: WorkflowExecution) -> RecordedRun:
    run = Run(
        run_id=execution.raw_info.first_run_id or execution.run_id,
        workflow_id=execution.id,
        kind=execution.workflow_type,
        source=word(execution, ATTRIBUTE_SOURCE),
        trigger=word(execution, ATTRIBUTE_TRIGGER),
        started_at=execution.start_time,
        ended_at=execution.close_time,
        outcome=outcome_of(execution),
    )
    return RecordedRun(run, recorded=False, ui_url=_url(parts, run))


def _url(parts: Parts, run: Run) -> str | None:
    return parts.locations.run_url(run.workflow_id, run.run_id)
