"""The corpus as the activities see it: one method per thing they need, one transaction each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import asyncpg

from atlas.contracts.activities import (
    Batch,
    ClaimBatch,
    CloseRun,
    OpenRun,
    ResolvedSources,
    ResolveSources,
    RunClosed,
    RunOpened,
)
from atlas.contracts.models import Counts
from atlas.domain.batch import Claim, FetchRow, HeldPage, PreparedPage
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.versions import SettledWith
from atlas.stores.postgres import (
    blob_rows,
    documents,
    fetches,
    pages,
    queue,
    reconcile,
    runs,
    settle,
    sources,
)
from atlas.stores.postgres.hosts import HostSlots
from atlas.stores.postgres.pool import Connection
from atlas.stores.postgres.sources import Source

Clock = Callable[[], datetime]
IsOpen = Callable[[str, str], Awaitable[bool]]
"""Whether Temporal still has the run (workflow id, first run id) under way."""

# What one page's own data can do to a transaction: a value that PostgreSQL refuses.
_PAGE_FAULTS = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
)


class Corpus:
    """Every write that a run makes. Time comes from the injected clock."""

    def __init__(self, pool: asyncpg.Pool, *, clock: Clock, current: SettledWith) -> None:
        self.pool = pool
        self._clock = clock
        self._current = current

    # Runs and leases

    async def resolve(self, request: ResolveSources) -> ResolvedSources:
        """Which of the named sources are declared, or the next of all that are not paused."""
        async with self.pool.acquire() as connection:
            known = await sources.all_names(connection, active_only=request.all)
            wanted = known if request.all else sorted(set(request.names))
            chunk = [name for name in wanted if name > request.after][: request.limit]
            unknown = [name for name in chunk if name not in set(known)]
            message = str(await sources.unknown(connection, unknown[0])) if unknown else ""
        found = [name for name in chunk if name not in unknown]
        last = chunk[-1] if chunk else ""
        return ResolvedSources(names=found, unknown=unknown, message=message, last=last)

    async def open_run(self, request: OpenRun, is_open: IsOpen) -> RunOpened:
        """Take the source's lease and record the run; or say why there is nothing to do."""
        now = self._clock()
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
            holder = await self._take_lease(connection, source, request, is_open)
            if holder is not None:
                return RunOpened(
                    outcome="already_running",
                    message=f"{holder.workflow_id} (run {holder.run_id}) works on "
                    f"'{request.source}' since {holder.since:%Y-%m-%d %H:%M:%S}Z",
                )
            await runs.ensure_fetch_partitions(connection, now)
            await runs.open_run(
                connection,
                run_id=request.run_id,
                workflow_id=request.workflow_id,
                source=source,
                source_name=request.source,
                trigger=request.trigger,
                due=request.due,
                now=now,
            )
        return RunOpened(kind=source.spec.kind, levels=_levels(source))

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
                now=self._clock(),
                instead_of=taken_from,
            )
            if holder is None:
                return None
            if not holder.run_id:
                continue
            if await is_open(holder.workflow_id, holder.run_id):
                return holder
            # A terminated run executed no code: end its record and let go of its claims first.
            await self.end_dead_run(
                holder.run_id, "ended without closing; its lease was taken over"
            )
            taken_from = holder.run_id

    async def end_dead_run(self, run_id: str, why: str) -> None:
        """Close the record of a run that Temporal reports closed, or no longer knows."""
        async with self.pool.acquire() as connection, connection.transaction():
            await runs.close_run(
                connection,
                run_id=run_id,
                outcome="failed",
                complete=False,
                message=why,
                now=self._clock(),
            )
            await queue.release_run(connection, run_id)

    async def close_run(self, request: CloseRun) -> RunClosed:
        """Reconcile vanished pages (of a run that worked its source through) and end the run."""
        now = self._clock()
        async with self.pool.acquire() as connection:
            try:
                run = await runs.get(connection, request.run_id)
            except runs.UnknownRun:  # cancelled before it began; perhaps with the lease just taken
                await sources.release_lease(connection, request.run_id)
                return RunClosed(outcome=request.outcome or "failed")
            gone = reconcile.Reconciled()
            if request.outcome is None and run.ended_at is None:
                source = await sources.get(connection, run.source)
                gone = await reconcile.reconcile(
                    connection,
                    source=source,
                    run_id=request.run_id,
                    complete=request.complete,
                    now=now,
                )
            async with connection.transaction():
                outcome = await runs.close_run(
                    connection,
                    run_id=request.run_id,
                    outcome=request.outcome,
                    complete=request.complete,
                    message=request.message or _brake_message(gone),
                    now=now,
                )
            return RunClosed.model_validate(
                {
                    "outcome": outcome,
                    "counts": await queue.counts(connection, request.run_id),
                    "removed": gone.removed,
                    "failures": await runs.failures(connection, request.run_id),
                    "message": request.message or _brake_message(gone),
                }
            )

    async def set_paused(self, run_id: str, paused: bool) -> None:
        async with self.pool.acquire() as connection:
            await runs.set_paused(connection, run_id, self._clock() if paused else None)

    async def run_source(self, run_id: str) -> tuple[runs.Run, Source]:
        """A run under way and its source."""
        async with self.pool.acquire() as connection:
            run = await runs.get(connection, run_id)
            return run, await sources.get(connection, run.source)

    # Listing

    async def list_pages(
        self,
        run: runs.Run,
        source: Source,
        urls: Sequence[str],
        *,
        level: int,
        mode: pages.Mode | None = None,
        retry_failed: bool = False,
    ) -> int:
        """List pages at a level of a run, a few thousand a transaction; return how many the level
        has, those of an attempt that was cut off included. Without a `mode` the run's `due` says
        which are worked on."""
        mode = mode or ("incremental" if run.due else "full")
        for start in range(0, len(urls), 2000):
            async with self.pool.acquire() as connection, connection.transaction():
                await pages.list_for_run(
                    connection,
                    source_id=source.id,
                    run_id=run.run_id,
                    urls=urls[start : start + 2000],
                    level=level,
                    rule="link" if level else "listed",
                    now=self._clock(),
                    mode=mode,
                    retry_failed=retry_failed,
                    cadence=source.spec.cadence,
                    current=self._current,
                )
        async with self.pool.acquire() as connection:
            return await pages.listed_at(connection, source.id, run.run_id, level)

    async def listed_above(self, source: Source, run_id: str, level: int) -> int:
        async with self.pool.acquire() as connection:
            return await pages.listed_above(connection, source.id, run_id, level)

    async def link_targets(self, source: Source, run_id: str, level: int) -> list[str]:
        async with self.pool.acquire() as connection:
            return await pages.link_targets(
                connection, source_id=source.id, run_id=run_id, level=level
            )

    async def unfinished(self, run_id: str, level: int) -> int:
        async with self.pool.acquire() as connection:
            return await queue.unfinished(connection, run_id, level)

    async def listing_failed(self, run: runs.Run, row: FetchRow) -> None:
        """Record a source's listing that could not be read as a failed page of the run."""
        now = self._clock()
        async with self.pool.acquire() as connection, connection.transaction():
            page_id = await pages.record_done(connection, run.run_id, row, now)
            await fetches.ledger(connection, run.run_id, run.started_at, [(page_id, row)], now)

    # Fetching

    async def claim(self, request: ClaimBatch) -> Claim:
        async with self.pool.acquire() as connection:
            return await queue.claim(
                connection,
                Batch(run_id=request.run_id, lane=request.lane, number=request.number),
                level=request.level,
                size=request.size,
                now=self._clock(),
                waited=request.waited,
            )

    async def counts(self, run_id: str) -> Counts:
        async with self.pool.acquire() as connection:
            return await queue.counts(connection, run_id)

    async def begin_attempt(self, batch: Batch) -> list[HeldPage]:
        async with self.pool.acquire() as connection:
            return await queue.begin_attempt(connection, batch, self._current)

    async def record_fetches(
        self, run_id: str, fences: dict[int, int], rows: Sequence[FetchRow]
    ) -> int:
        async with self.pool.acquire() as connection:
            return await fetches.record(
                connection, run_id=run_id, fences=fences, rows=rows, now=self._clock()
            )

    async def give_back(
        self, run_id: str, fences: dict[int, int], not_before: dict[int, datetime | None]
    ) -> None:
        async with self.pool.acquire() as connection:
            await fetches.give_back(connection, run_id=run_id, fences=fences, not_before=not_before)

    async def announce_blob(self, digest: str, size: int) -> None:
        async with self.pool.acquire() as connection:
            await blob_rows.announce(connection, digest, size, self._clock())

    def slots(
        self, *, delay: float, parallel: int, deadline: float | None, ttl: float
    ) -> HostSlots:
        return HostSlots(self.pool, delay=delay, parallel=parallel, deadline=deadline, ttl=ttl)

    async def known_page(self, url: str) -> HeldPage:
        """What is stored of one page, claimed or not (for a single fetch; nothing is locked)."""
        async with self.pool.acquire() as connection:
            return await pages.known(connection, url, self._clock())

    async def record_single(self, run_id: str, started: datetime, row: FetchRow) -> None:
        """One ledger row of a fetch outside any run of a source."""
        async with self.pool.acquire() as connection:
            await runs.ensure_fetch_partitions(connection, started)
            await fetches.ledger(connection, run_id, started, [(row.page_id, row)], self._clock())

    # Processing and settling

    async def mark(self, run_id: str, *, begun: Sequence[int], ended: Sequence[int]) -> None:
        async with self.pool.acquire() as connection:
            await queue.mark(connection, run_id, begun, ended)

    async def store_prepared(
        self, run_id: str, fences: dict[int, int], found: Sequence[PreparedPage]
    ) -> int:
        """Keep processed pages; one that PostgreSQL refuses fails alone."""
        try:
            return await self._store(run_id, fences, found)
        except _PAGE_FAULTS as error:
            if len(found) > 1:
                return sum([await self.store_prepared(run_id, fences, [page]) for page in found])
            refused = PreparedPage(found[0].page_id, found[0].snapshot, None, _refused(error))
            return await self._store(run_id, fences, [refused])

    async def _store(
        self, run_id: str, fences: dict[int, int], found: Sequence[PreparedPage]
    ) -> int:
        async with self.pool.acquire() as connection:
            return await documents.store(
                connection, run_id=run_id, fences=fences, pages=found, now=self._clock()
            )

    async def settle(self, batch: Batch, fences: dict[int, int]) -> None:
        """Settle a batch's pages; one that PostgreSQL refuses fails alone."""
        try:
            async with self.pool.acquire() as connection:
                await settle.settle(
                    connection, run_id=batch.run_id, fences=fences, now=self._clock()
                )
        except _PAGE_FAULTS as error:
            if len(fences) == 1:
                await self._fail(batch.run_id, fences, error)
                return
            for page, fence in fences.items():
                await self.settle(batch, {page: fence})

    async def end_batch(self, batch: Batch) -> Counts:
        """Let go of what the batch still claims; return the run's counts."""
        async with self.pool.acquire() as connection:
            await queue.release_batch(connection, batch)
            return await queue.counts(connection, batch.run_id)

    async def _fail(self, run_id: str, fences: dict[int, int], error: Exception) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            held = await queue.lock(connection, fences)
            await queue.finish(
                connection, run_id, [(page, "failed", _refused(error)) for page in held]
            )


def _levels(source: Source) -> int:
    if source.spec.kind != "site":
        return 1
    return 10_000 if source.spec.max_depth is None else source.spec.max_depth + 1


def _brake_message(gone: reconcile.Reconciled) -> str:
    if not gone.braked:
        return ""
    return (
        f"{gone.braked} pages vanished at once, more than a careful run removes; "
        "they were kept. If they are meant to go, remove the source with --purge and add it again"
    )


def _refused(error: Exception) -> PageError:
    return PageError(ErrorClass.BUG, "store_refused", f"the database refused it: {error}"[:400])
