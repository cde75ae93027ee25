"""A source's run as the activities see it: the lease, the record, the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.activities import CloseRun, OpenRun, RunClosed, RunOpened
from atlas.domain.removal.bad_bodies.kinds import SAYS
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import ledger_partitions
from atlas.stores.postgres.crawl.pages import rule_findings
from atlas.stores.postgres.crawl.runs import empty_runs, run_limits, runs, traps
from atlas.stores.postgres.services.settlement import PageSettlement
from atlas.stores.postgres.settlement import held_bodies, held_changes, removal
from atlas.stores.postgres.sources import sources
from atlas.stores.postgres.sources.sources import Source

IsOpen = Callable[[str, str], Awaitable[bool]]
"""Whether Temporal still has the run (workflow id, first run id) under way."""

_LOOKED_AT = 1_000
"""Open runs that a clean-up asks Temporal about."""

_NOT_THROUGH = ("limit_reached", "all_failed", "held", "nothing_selected")
"""Outcomes after which a source is not in step with the web, though it was asked."""
_WORKED = ("completed", "completed_with_failures", *_NOT_THROUGH)
"""Outcomes after which a source is not due before its cadence is over."""


@dataclass(eq=False)
class RunLifecycle:
    """Opens and closes runs. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    settlement: PageSettlement

    async def open_run(
        self, request: OpenRun, is_open: IsOpen, *, trace_id: str | None = None
    ) -> RunOpened:
        """Take the source's lease and record the run; or return why there is nothing to do."""
        now = self.clock()
        async with self.pool.acquire() as connection:
            try:
                source = await sources.get(connection, request.source)
            except sources.UnknownSource as error:
                return RunOpened(outcome="unknown_source", message=str(error))
            if source.spec.paused:
                return RunOpened(
                    outcome="source_paused",
                    message=f"source '{request.source}' is paused; "
                    f"`atlas sources resume {request.source}` lets it run",
                )
            if source.spec.is_pushed:
                return RunOpened(
                    outcome="nothing_selected",
                    message=f"source '{request.source}' is of kind push: nothing is fetched for "
                    "it. `atlas docs put URL --file PATH` puts a document there",
                )
            holder = await self._take_lease(connection, source, request, is_open)
            if holder is not None:
                return RunOpened(
                    outcome="already_running",
                    message=f"{holder.workflow_id} (run {holder.run_id}) works on "
                    f"'{request.source}' since {holder.since:%Y-%m-%d %H:%M:%S}Z",
                )
            await ledger_partitions.make_partitions(connection, now)
            await runs.open_run(
                connection,
                run_id=request.run_id,
                workflow_id=request.workflow_id,
                source=source,
                trigger=request.trigger,
                due=request.due,
                kind=request.type,
                trace_id=trace_id,
                now=now,
            )
        return RunOpened(
            kind=source.spec.kind,
            levels=_levels(source),
            robots_ignored=source.spec.robots == "ignore",
        )

    async def _take_lease(
        self,
        connection: Connection,
        source: Source,
        request: OpenRun,
        is_open: IsOpen,
    ) -> sources.Lease | None:
        taken_from: str | None = None
        while True:
            holder = await sources.take_lease(
                connection,
                source.id,
                run_id=request.run_id,
                workflow_id=request.workflow_id,
                now=self.clock(),
                instead_of=taken_from,
            )
            if holder is None:
                return None
            if not holder.run_id:
                continue
            if await is_open(holder.workflow_id, holder.run_id):
                return holder
            # A terminated run executed no code: end its record and release its claims before
            # the lease changes hands, or its pages would wait for a run that never comes.
            await self.end_dead_run(
                holder.run_id, "ended without closing; its lease was taken over"
            )
            taken_from = holder.run_id

    async def end_dead_run(self, run_id: str, why: str) -> None:
        """Close the record of a run that Temporal reports closed, or no longer knows."""
        async with self.pool.acquire() as connection:
            await runs.end_dead(connection, run_id, why, self.clock())

    async def end_dead_runs(self, before: datetime, is_open: IsOpen) -> int:
        """End the records of runs that began before a moment and that Temporal no longer has under
        way: terminated, they executed no code. Returns how many."""
        async with self.pool.acquire() as connection:
            found = await runs.open_before(connection, before, _LOOKED_AT)
        dead = [run for run in found if not await is_open(run.workflow_id, run.run_id)]
        for run in dead:
            await self.end_dead_run(run.run_id, "ended without closing; found by a clean-up")
        return len(dead)

    async def close_run(self, request: CloseRun) -> RunClosed:
        """Settle or hold the changes that waited for the run's end, reconcile vanished pages (of a
        run that went through its whole source), and end the run."""
        if request.outcome is None:
            await self.settlement.decide_on_waiting(request.run_id)
        now = self.clock()
        async with self.pool.acquire() as connection:
            try:
                run = await runs.get(connection, request.run_id)
            except runs.UnknownRun:  # cancelled before it began; perhaps with the lease just taken
                await sources.release_lease(connection, request.run_id)
                return RunClosed(outcome=request.outcome or "failed")
            cut = request.cut or await run_limits.was_cut(connection, request.run_id)
            complete = request.complete and not cut
            gone = removal.Reconciled()
            if request.outcome is None and run.ended_at is None and "reconcile" in request.stages:
                gone = await removal.reconcile(
                    connection,
                    source=await sources.get(connection, run.source),
                    run_id=request.run_id,
                    complete=complete,
                    now=now,
                )
            held = await held_bodies.of_run(connection, request.run_id)
            bad_day = await held_changes.is_bad_day(connection, request.run_id)
            holds = bool(bad_day or gone.braked or gone.astray)
            message = request.message or run.message
            message = message or _held_message(run.run_id, run.source, held, gone)
            ended = request.outcome
            if ended is None and run.ended_at is None and not holds:
                ended, why = await empty_runs.judge(connection, run, request.stages)
                message = message or why
            if request.outcome is None and run.ended_at is None and "process" in request.stages:
                found = (await rule_findings.of_run(connection, request.run_id)).words
                message = "; ".join(filter(None, (message, found)))
            async with connection.transaction():
                outcome = await runs.close_run(
                    connection,
                    run_id=request.run_id,
                    outcome=ended,
                    cut=cut,
                    held=holds,
                    complete=complete,
                    message=message,
                    now=now,
                )
                await self._remember(connection, run, outcome, request.stages)
            return RunClosed.model_validate(
                {
                    "outcome": outcome,
                    "counts": await run_queue.counts(connection, request.run_id),
                    "removed": gone.removed,
                    "failures": await runs.failures(connection, request.run_id),
                    "message": message,
                    "complete": complete and request.outcome is None,
                    "skipped": await run_limits.reasons(connection, request.run_id),
                    "trapped": await traps.of_run(connection, request.run_id),
                    "bytes": await run_limits.bytes_received(connection, request.run_id),
                }
            )

    async def add_note(self, run_id: str, note: str) -> None:
        """Add to the message of a run that has ended."""
        async with self.pool.acquire() as connection:
            await runs.add_note(connection, run_id, note)

    async def _remember(
        self, connection: Connection, run: runs.Run, outcome: str, stages: Sequence[str]
    ) -> None:
        worked = outcome in _WORKED and "discover" in stages
        through = worked and outcome not in _NOT_THROUGH and {"fetch", "process"} <= set(stages)
        await sources.worked(
            connection,
            run.source,
            run.started_at,
            checked=worked,
            synced=through,
            now=self.clock(),
        )

    async def set_paused(self, run_id: str, paused: bool) -> None:
        async with self.pool.acquire() as connection:
            await runs.set_paused(connection, run_id, self.clock() if paused else None)

    async def run_source(self, run_id: str) -> tuple[runs.Run, Source]:
        """A run under way and its source."""
        async with self.pool.acquire() as connection:
            run = await runs.get(connection, run_id)
            return run, await sources.get(connection, run.source)


def _levels(source: Source) -> int:
    if source.spec.kind != "site":
        return 1
    return 10_000 if source.spec.max_depth is None else source.spec.max_depth + 1


_NAMED = 3
"""URLs in a message; the others are in the record."""


def _held_message(
    run_id: str, source: str, held: Mapping[str, Sequence[str]], gone: removal.Reconciled
) -> str:
    """What the run kept, of which pages, and what to do about it."""
    said = [f"{len(urls)} pages {_HELD[code]}: {_named(urls)}" for code, urls in held.items()]
    if any(len(urls) > _NAMED for urls in held.values()):
        said[-1] += f" (`atlas runs show {run_id} --failures` names all)"
    if held:
        said[-1] += "; `atlas docs held` shows the bodies, `atlas docs accept URL` makes one real"
    if gone.astray:
        said.append(
            f"{len(gone.astray)} of {gone.live} live pages lead elsewhere, which is no move (a "
            f"login, the home page, one page for many): {_named(gone.astray)}"
        )
    if gone.braked:
        said.append(
            f"{len(gone.braked)} of {gone.live} live pages vanished at once, more than a careful "
            f"run removes: {_named(gone.braked)}. `atlas deletions list --source {source}` shows "
            f"the {gone.held} that would leave now: approve or reject them"
        )
    if not said:
        return ""
    return f"{'; '.join(said)}. All were kept as they were, and are looked at again by the next run"


_HELD = {
    "suspicious_body": "answered with a text that several share (a login, block or error page?)",
    "cut_body": "answered with bodies that end in the middle",
    "undone_body": "answered with a text that a restore undid",
} | {kind.value: f"answered with {says}" for kind, says in SAYS.items()}


def _named(urls: Sequence[str]) -> str:
    named = ", ".join(url[:150] for url in urls[:_NAMED])
    rest = len(urls) - _NAMED
    return f"{named} and {rest} more" if rest > 0 else named
