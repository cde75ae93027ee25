"""Fetches as the activities record them, and whether a host may be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.domain.batch import FetchRow, HeldPage
from atlas.domain.measures import UNMEASURED, Measures
from atlas.domain.politeness.circuit_breaker import Breaker
from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.crawl.bodies import blob_index, fetch_ledger, ledger_partitions
from atlas.stores.postgres.crawl.pages import pages, purged_urls
from atlas.stores.postgres.hosts import circuit_breaker, manual_limits
from atlas.stores.postgres.hosts.rate_limiter import HostSlots
from atlas.stores.postgres.sources import sources
from atlas.stores.postgres.sources.sources import Source


@dataclass(eq=False)
class FetchRecords:
    """Results of requests, written to ledger and run. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    measures: Measures = UNMEASURED

    owned_origins = on_pool(sources.owned_origins)
    purged = on_pool(purged_urls.among)

    async def announce_blob(self, digest: str, size: int) -> None:
        """Make the blob's row before its bytes are visible, so that no clean-up deletes them."""
        async with self.pool.acquire() as connection:
            await blob_index.announce(connection, digest, size, self.clock())

    async def record(
        self, run_id: str, fences: dict[int, int], rows: Sequence[FetchRow], *, process: bool = True
    ) -> int:
        """Record some of a batch's fetches; return how many pages go on to processing."""
        async with self.pool.acquire() as connection:
            moved = await fetch_ledger.record(
                connection, run_id, fences, rows, self.clock(), process=process
            )
        self.measures.ended(moved.ended)
        return moved.onward

    async def known_page(self, url: str) -> HeldPage:
        """What is stored of one page, claimed or not (for a single fetch; nothing is locked)."""
        async with self.pool.acquire() as connection:
            return await pages.known(connection, url, self.clock())

    async def record_single(self, run_id: str, started: datetime, row: FetchRow) -> None:
        """Record one fetch outside any run of a source."""
        async with self.pool.acquire() as connection:
            # The ledger is partitioned by the start of a run; no run opened this one's month.
            await ledger_partitions.make_partitions(connection, started)
            async with connection.transaction():
                if row.snapshot is not None:
                    await blob_index.make_sure(connection, row.snapshot)
                await fetch_ledger.ledger(
                    connection, run_id, started, [(row.page_id, row)], self.clock()
                )


@dataclass(eq=False)
class HostTurns:
    """Turns at hosts, kept in PostgreSQL: all workers together keep a host's delay."""

    pool: asyncpg.Pool
    breaker: Breaker
    measures: Measures = UNMEASURED

    closed_host = on_pool(circuit_breaker.closed)

    def slots(
        self, *, delay: float, parallel: int, deadline: float | None, source: str | None = None
    ) -> HostSlots:
        """Turns at the pace of a source, or of a request for no source."""
        return HostSlots(
            self.pool,
            delay=delay,
            parallel=parallel,
            source=source,
            deadline=deadline,
            breaker=self.breaker,
            measures=self.measures,
        )

    async def parallel_of(self, source: Source) -> int:
        """Concurrent requests to a host by a source's runs: its rule, or the limit set by hand."""
        async with self.pool.acquire() as connection:
            limited = await manual_limits.parallel_of(connection, source.spec.name)
        return source.spec.parallel if limited is None else limited
