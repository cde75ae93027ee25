"""The corpus as the activities see it: one method per thing they need, one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from atlas.contracts.activities import Batch, ClaimBatch, CloseRun, RunClosed
from atlas.contracts.models import Counts
from atlas.domain.batch import Claim, FetchRow, HeldPage, PreparedPage
from atlas.domain.circuit_breaker import Breaker
from atlas.domain.errors import ErrorClass, HostClosed, PageError
from atlas.domain.measures import UNMEASURED, Measures
from atlas.domain.versions import SettledWith
from atlas.stores.postgres.crawl import (
    blob_index,
    claims,
    documents,
    fetch_ledger,
    ledger_partitions,
    pages,
    quarantine,
    run_queue,
)
from atlas.stores.postgres.hosts import circuit_breaker, manual_limits
from atlas.stores.postgres.hosts.rate_limiter import HostSlots
from atlas.stores.postgres.services.run_lifecycle import Clock, IsOpen
from atlas.stores.postgres.services.run_listing import RunListings
from atlas.stores.postgres.settlement import held_changes, settle
from atlas.stores.postgres.sources.sources import Source

__all__ = ["Clock", "Corpus", "IsOpen"]

# What one page's own data can do to a transaction: a value that PostgreSQL refuses.
_PAGE_FAULTS = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
)

_SETTLED_AT_ONCE = 100


class Corpus(RunListings):
    """Every write that a run makes. Time comes from the injected clock."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        clock: Clock,
        current: SettledWith,
        breaker: Breaker | None = None,
        measures: Measures = UNMEASURED,
    ) -> None:
        super().__init__(pool, clock=clock, current=current)
        self._breaker = breaker or Breaker()
        self._measures = measures

    # Fetching

    async def claim(self, request: ClaimBatch) -> Claim:
        async with self.pool.acquire() as connection:
            return await claims.claim(
                connection,
                Batch(run_id=request.run_id, lane=request.lane, number=request.number),
                level=request.level,
                size=request.size,
                now=self._clock(),
                waited=request.waited,
                fetch=request.fetch,
                limits=request.limits,
            )

    async def counts(self, run_id: str) -> Counts:
        async with self.pool.acquire() as connection:
            return await run_queue.counts(connection, run_id)

    async def begin_attempt(self, batch: Batch) -> list[HeldPage]:
        async with self.pool.acquire() as connection:
            return await claims.begin_attempt(connection, batch, self._current)

    async def record_fetches(
        self,
        run_id: str,
        fences: dict[int, int],
        rows: Sequence[FetchRow],
        *,
        process: bool = True,
    ) -> int:
        """Write down a part of a batch's fetches; return how many pages go on to processing."""
        async with self.pool.acquire() as connection:
            moved = await fetch_ledger.record(
                connection,
                run_id=run_id,
                fences=fences,
                rows=rows,
                now=self._clock(),
                process=process,
            )
        self._measures.ended(moved.ended)
        return moved.onward

    async def give_back(
        self, run_id: str, fences: dict[int, int], not_before: dict[int, datetime | None]
    ) -> None:
        async with self.pool.acquire() as connection:
            await fetch_ledger.give_back(
                connection, run_id=run_id, fences=fences, not_before=not_before
            )

    async def announce_blob(self, digest: str, size: int) -> None:
        async with self.pool.acquire() as connection:
            await blob_index.announce(connection, digest, size, self._clock())

    def slots(
        self, *, delay: float, parallel: int, deadline: float | None, source: str | None = None
    ) -> HostSlots:
        """Turns at hosts, at the pace of a source, or of a request for no source."""
        return HostSlots(
            self.pool,
            delay=delay,
            parallel=parallel,
            source=source,
            deadline=deadline,
            breaker=self._breaker,
            measures=self._measures,
        )

    async def parallel_of(self, source: Source) -> int:
        """Requests to a host at once of a source's runs: its rule, or the limit set by hand."""
        async with self.pool.acquire() as connection:
            limited = await manual_limits.parallel_of(connection, source.spec.name)
        return source.spec.parallel if limited is None else limited

    async def closed_host(self, host: str) -> HostClosed | None:
        """Why nothing may be asked of a host now; None: it may."""
        async with self.pool.acquire() as connection:
            return await circuit_breaker.closed(connection, host)

    async def remember_listing_ttl(self, source: Source, ttl: float | None) -> None:
        """How long, in seconds, the source's feed wants not to be read again."""
        async with self.pool.acquire() as connection:
            await connection.execute(
                "update sources set listing_ttl = $2 "
                "where id = $1 and listing_ttl is distinct from $2",
                source.id,
                ttl,
            )

    async def known_page(self, url: str) -> HeldPage:
        """What is stored of one page, claimed or not (for a single fetch; nothing is locked)."""
        async with self.pool.acquire() as connection:
            return await pages.known(connection, url, self._clock())

    async def record_single(self, run_id: str, started: datetime, row: FetchRow) -> None:
        """One ledger row of a fetch outside any run of a source."""
        async with self.pool.acquire() as connection:
            await ledger_partitions.make_partitions(connection, started)
            await fetch_ledger.ledger(
                connection, run_id, started, [(row.page_id, row)], self._clock()
            )

    # Processing and settling

    async def held_back(self, pages: Sequence[int]) -> set[int]:
        """Those of the pages whose stored body is quarantined."""
        async with self.pool.acquire() as connection:
            return await quarantine.held_back(connection, pages, self._current.extractor)

    async def skip(self, run_id: str, fences: dict[int, int], code: str) -> None:
        """Leave pages of a batch out of the run, for the reason `code`."""
        if not fences:
            return
        async with self.pool.acquire() as connection, connection.transaction():
            held = sorted(await run_queue.lock(connection, fences))
            await run_queue.skip(connection, run_id, held, code)
        self._measures.ended({"skipped": len(held)})

    async def mark(self, run_id: str, *, begun: Sequence[int], ended: Sequence[int]) -> None:
        async with self.pool.acquire() as connection:
            await run_queue.mark(connection, run_id, begun, ended)

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
            moved = await documents.store(
                connection, run_id=run_id, fences=fences, pages=found, now=self._clock()
            )
        self._measures.ended(moved.ended)
        return moved.onward

    async def settle(self, batch: Batch, fences: dict[int, int], *, decided: bool = False) -> None:
        """Settle a batch's pages; one that PostgreSQL refuses fails alone. `decided`: changes that
        waited for the run's end are edits."""
        try:
            async with self.pool.acquire() as connection:
                settled = await settle.settle(
                    connection,
                    run_id=batch.run_id,
                    fences=fences,
                    now=self._clock(),
                    decided=decided,
                    force=batch.force,
                )
        except _PAGE_FAULTS as error:
            if len(fences) == 1:
                await self._fail(batch.run_id, fences, error)
                return
            for page, fence in fences.items():
                await self.settle(batch, {page: fence}, decided=decided)
            return
        self._measures.ended(settled.outcomes)
        self._measures.duplicates(settled.exact, settled.near)

    async def close_run(self, request: CloseRun) -> RunClosed:
        """Decide on the changes that waited for the run's end; then end it."""
        if request.outcome is None:
            await self._decide_on_waiting(request.run_id)
        return await super().close_run(request)

    async def _decide_on_waiting(self, run_id: str) -> None:
        """Hold what looks like a bad day of the site, all at once; settle the rest part by part. A
        repeated call, after a crash in between, goes on where the first one was."""
        async with self.pool.acquire() as connection:
            held, edits = await held_changes.decide(connection, run_id)
        self._measures.ended({"skipped": held})
        waiting = list(edits.items())
        batch = Batch(run_id=run_id, lane=run_queue.WAITING, number=0)
        for start in range(0, len(waiting), _SETTLED_AT_ONCE):
            part = dict(waiting[start : start + _SETTLED_AT_ONCE])
            await self.settle(batch, part, decided=True)

    async def end_batch(self, batch: Batch) -> Counts:
        """Let go of what the batch still claims; return the run's counts."""
        async with self.pool.acquire() as connection:
            await run_queue.release_batch(connection, batch)
            return await run_queue.counts(connection, batch.run_id)

    async def _fail(self, run_id: str, fences: dict[int, int], error: Exception) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            held = await run_queue.lock(connection, fences)
            ended = await run_queue.finish(
                connection, run_id, [(page, "failed", _refused(error)) for page in held]
            )
        self._measures.ended(ended)


def _refused(error: Exception) -> PageError:
    return PageError(ErrorClass.BUG, "store_refused", f"the database refused it: {error}"[:400])
