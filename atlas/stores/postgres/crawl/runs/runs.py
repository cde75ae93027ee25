"""Runs: the record of each piece of work that touched the corpus."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime

import asyncpg

from atlas.contracts.jobs import BeginJob, EndJob
from atlas.contracts.models import Counts
from atlas.contracts.sync_pipeline import MAX_FAILURES_LISTED, Failure
from atlas.domain.errors import HELD
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.sources import sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run as recorded."""

    run_id: str
    """Of the first execution: it names the run in the corpus."""
    workflow_id: str
    kind: str = field(metadata={"json": "type"})
    """The workflow type."""
    source: str
    """The source it works on, if one."""
    source_id: int | None = field(default=None, metadata={"json": None})
    trigger: str
    """Who started it: `cli`, `schedule`, `client` …"""
    due: bool = False
    """Whether it checked only pages that were due."""
    started_at: datetime
    ended_at: datetime | None
    """None while it is under way."""
    outcome: str | None
    """None while it is under way."""
    complete: bool | None = None
    """Whether its listing was complete."""
    paused_since: datetime | None = None
    message: str | None = None
    summary: dict[str, int] = field(default_factory=dict)
    """Figures of its own, of types other than a sync: what they count → how many."""
    trace_id: str | None = None
    """The trace that it belongs to; None: its worker exports none."""


class UnknownRun(Exception):
    """No run of that id is recorded."""


def run_of(row: asyncpg.Record) -> Run:
    """The run of a row of the table."""
    values = {"source": row["source_name"], **row, "summary": json.loads(row["summary"])}
    return Run(**{each.name: values[each.name] for each in fields(Run)})


async def open_run(
    connection: Connection,
    *,
    run_id: str,
    workflow_id: str,
    kind: str,
    trigger: str,
    now: datetime,
    source: sources.Source | None = None,
    due: bool = False,
    trace_id: str | None = None,
) -> None:
    """Record that a run of the workflow type `kind` began; a repeated call changes nothing."""
    await connection.execute(
        """
        insert into runs
            (run_id, workflow_id, source_id, source_name, trigger, due, started_at, kind, trace_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing
        """,
        run_id,
        workflow_id,
        source.id if source else None,
        source.spec.name if source else "",
        trigger,
        due,
        now,
        kind,
        trace_id,
    )


async def get(connection: Connection, run_id: str) -> Run:
    row = await connection.fetchrow("select * from runs where run_id = $1", run_id)
    if row is None:
        raise UnknownRun(f"no run '{run_id}' is recorded; `atlas runs` lists them")
    return run_of(row)


async def open_before(connection: Connection, before: datetime, limit: int) -> list[Run]:
    """Runs that began before a moment and have not ended, the oldest first."""
    rows = await connection.fetch(
        "select * from runs where ended_at is null and started_at < $1 "
        "order by started_at limit $2",
        before,
        limit,
    )
    return [run_of(row) for row in rows]


async def recent(
    connection: Connection,
    *,
    source: str | None = None,
    kind: str | None = None,
    outcome: str | None = None,
    open_only: bool = False,
    since: datetime | None = None,
    limit: int = 20,
) -> list[tuple[Run, Counts]]:
    """The latest runs with their counts, newest first; those that every filter lets through."""
    rows = await connection.fetch(
        """
        select * from runs
        where ($1::text is null or source_name = $1) and ($2::text is null or kind = $2)
          and ($3::text is null or outcome = $3) and (not $4 or ended_at is null)
          and ($5::timestamptz is null or started_at >= $5)
        order by started_at desc, run_id limit $6
        """,
        source,
        kind,
        outcome,
        open_only,
        since,
        limit,
    )
    return [(run_of(row), await run_queue.counts(connection, row["run_id"])) for row in rows]


async def failures(
    connection: Connection, run_id: str, limit: int = MAX_FAILURES_LISTED
) -> list[Failure]:
    """The run's failed pages by URL, the first `limit`; also those whose new text it held, and last
    those that stand for links it did not follow."""
    rows = await connection.fetch(
        "select url, error_class, error_code, error from run_pages "
        "where run_id = $1 and (outcome = 'failed' or error_code = any($3) "
        "or error_code like 'trap\\_%') order by error_code like 'trap\\_%', url limit $2",
        run_id,
        limit,
        list(HELD),
    )
    return [
        Failure(
            url=row["url"][:1500],
            error_class=row["error_class"] or "bug",
            code=row["error_code"] or "unknown",
            message=(row["error"] or "")[:300],
        )
        for row in rows
    ]


async def failure_codes(connection: Connection, run_id: str) -> dict[str, int]:
    """How many pages of the run failed with each code, the most frequent first."""
    rows = await connection.fetch(
        "select coalesce(error_code, 'unknown') as code, count(*) as pages from run_pages "
        "where run_id = $1 and outcome = 'failed' group by 1 order by 2 desc, 1",
        run_id,
    )
    return {row["code"]: row["pages"] for row in rows}


async def answers(connection: Connection, run_id: str) -> dict[int | None, int]:
    """How many requests of the run ended with each status; None: without an answer."""
    rows = await connection.fetch(
        "select status, count(*) from fetches where run_id = $1 "
        "and run_started = (select started_at from runs where run_id = $1) group by status",
        run_id,
    )
    return {row["status"]: row["count"] for row in rows}


async def robots_ignored(connection: Connection, run_id: str) -> int:
    """How many requests of the run were made without asking robots.txt."""
    found: int = await connection.fetchval(
        "select count(*) from fetches where run_id = $1 and robots_ignored "
        "and run_started = (select started_at from runs where run_id = $1)",
        run_id,
    )
    return found


async def requests_since(connection: Connection, run: Run, since: datetime) -> int | None:
    """Requests of a run that fetches since a moment; None: it made none yet, or makes none."""
    row = await connection.fetchrow(
        "select count(*) as all, count(*) filter (where fetched_at > $3) as lately from fetches "
        "where run_started = $2 and run_id = $1",
        run.run_id,
        run.started_at,
        since,
    )
    return row["lately"] if row is not None and row["all"] else None


async def set_paused(connection: Connection, run_id: str, since: datetime | None) -> None:
    await connection.execute(
        "update runs set paused_since = $2 where run_id = $1 and ended_at is null", run_id, since
    )


async def close_run(
    connection: Connection,
    *,
    run_id: str,
    outcome: str | None,
    complete: bool,
    message: str,
    now: datetime,
    cut: bool = False,
    held: bool = False,
) -> str:
    """End a run: every page terminal, claims and lease released, the outcome recorded once. `cut`:
    a limit kept it from working its source through. `held`: it kept documents that seem to have
    vanished or changed only because the site has a bad day.

    Returns the outcome; a repeated call returns what was recorded first.
    """
    recorded = await connection.fetchrow(
        "select outcome, ended_at from runs where run_id = $1 for update", run_id
    )
    if recorded is None or recorded["ended_at"] is not None:
        return str(recorded["outcome"]) if recorded else "failed"
    await _end_pages(connection, run_id, ended="skipped" if outcome else "failed")
    await run_queue.release_run(connection, run_id)
    worked = "held" if held else "limit_reached" if cut else None
    final = outcome or worked or await _outcome_of(connection, run_id)
    await connection.execute(
        "update runs set ended_at = $2, outcome = $3, complete = $4, message = nullif($5, ''), "
        "paused_since = null where run_id = $1",
        run_id,
        now,
        final,
        complete,
        message[:1000],
    )
    await sources.release_lease(connection, run_id)
    return final


async def end_work(connection: Connection, run_id: str, *, cancelled: bool) -> str:
    """End every page of a run and release its claims; the record stays open, for the run to
    close. Returns the outcome that its pages make."""
    await connection.execute("select from runs where run_id = $1 for update", run_id)
    await _end_pages(connection, run_id, ended="skipped" if cancelled else "failed")
    await run_queue.release_run(connection, run_id)
    return "cancelled" if cancelled else await _outcome_of(connection, run_id)


async def end_dead(connection: Connection, run_id: str, why: str, now: datetime) -> None:
    """Close the record of a run that Temporal reports closed, or no longer knows, and release
    its claims, also of a run that was recorded as ended before."""
    async with connection.transaction():
        await close_run(
            connection, run_id=run_id, outcome="failed", complete=False, message=why, now=now
        )
        await run_queue.release_run(connection, run_id)


async def _end_pages(connection: Connection, run_id: str, *, ended: str) -> None:
    # Page rows first, as every writer does: a late write waits, then finds itself moved on.
    held = await connection.fetch(
        "select page_id from page_state where claim_run = $1 order by page_id for update", run_id
    )
    await connection.execute(
        "delete from prepared where page_id = any($1::bigint[])", [row["page_id"] for row in held]
    )
    # A cancelled run's pages are skipped; a page that a completed run left behind is a bug of ours.
    await connection.execute(
        """
        update run_pages set stage = 'done', outcome = $2, error_code = 'run_ended',
               error_class = case when $2 = 'failed' then 'bug' end
        where run_id = $1 and stage <> 'done'
        """,
        run_id,
        ended,
    )


async def _outcome_of(connection: Connection, run_id: str) -> str:
    failed = await connection.fetchval(
        "select exists (select from run_pages where run_id = $1 and outcome = 'failed')", run_id
    )
    return "completed_with_failures" if failed else "completed"


@dataclass(eq=False)
class JobRecords:
    """Records of runs that work on no single source, as the activities write them. Time comes from
    the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]

    async def begin(self, request: BeginJob, *, trace_id: str | None = None) -> None:
        """Record that a run began."""
        async with self.pool.acquire() as connection:
            await open_run(connection, **request.model_dump(), now=self.clock(), trace_id=trace_id)

    async def end(self, request: EndJob) -> None:
        """Record how a run ended."""
        async with self.pool.acquire() as connection:
            await end_job(connection, request, self.clock())

    async def add_note(self, run_id: str, note: str) -> None:
        """Add to the message of a run that has ended."""
        async with self.pool.acquire() as connection:
            await add_note(connection, run_id, note)

    async def set_paused(self, run_id: str, *, paused: bool) -> None:
        """Record since when a run is paused, or that it continues."""
        async with self.pool.acquire() as connection:
            await set_paused(connection, run_id, self.clock() if paused else None)


async def end_job(connection: Connection, request: EndJob, now: datetime) -> None:
    """Record how a run ended; what was recorded first stays."""
    await connection.execute(
        "update runs set ended_at = $2, outcome = $3, message = nullif($4, ''), summary = $5, "
        "paused_since = null where run_id = $1 and ended_at is null",
        request.run_id,
        now,
        request.outcome,
        request.message[:1000],
        json.dumps(request.summary),
    )


async def add_note(connection: Connection, run_id: str, note: str) -> None:
    """Add to the message of a run that has ended; what it says already is not repeated."""
    await connection.execute(
        "update runs set message = concat_ws('; ', message, $2::text) where run_id = $1 "
        "and ended_at is not null and position($2 in coalesce(message, '')) = 0",
        run_id,
        note,
    )
