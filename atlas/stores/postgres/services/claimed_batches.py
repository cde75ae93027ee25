"""Claimed batches as the activities see them: claim, attempt, skip, release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.activities import Batch, ClaimBatch
from atlas.contracts.models import Counts
from atlas.domain.batch import Claim, HeldPage
from atlas.domain.measures import UNMEASURED, Measures
from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import fetch_ledger
from atlas.stores.postgres.crawl.runs import claims, slow_hosts


@dataclass(eq=False)
class ClaimedBatches:
    """What every stage of a batch begins and ends with. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    extractor: int
    measures: Measures = UNMEASURED

    counts = on_pool(run_queue.counts)
    give_back = on_pool(fetch_ledger.give_back)
    set_aside = on_pool(slow_hosts.set_aside)
    slow_among = on_pool(slow_hosts.among)
    others_wait = on_pool(slow_hosts.others_wait)

    async def claim(self, request: ClaimBatch) -> Claim:
        """Take the next pages of a level; a repeated claim returns the same pages."""
        async with self.pool.acquire() as connection:
            return await claims.claim(connection, request, self.clock())

    async def begin_attempt(self, batch: Batch) -> list[HeldPage]:
        """The batch's pages, under fences of this attempt: a write of an earlier one is refused."""
        async with self.pool.acquire() as connection:
            return await claims.begin_attempt(connection, batch, self.extractor)

    async def skip(self, run_id: str, fences: dict[int, int], code: str) -> None:
        """Leave pages of a batch out of the run, for the reason `code`."""
        if not fences:
            return
        async with self.pool.acquire() as connection, connection.transaction():
            # Page rows before rows of the run, by id: the order in which every writer locks.
            held = sorted(await run_queue.lock(connection, fences))
            await run_queue.skip(connection, run_id, held, code)
        self.measures.ended({"skipped": len(held)})

    async def release(self, batch: Batch) -> Counts:
        """Release the pages that the batch still claims; return the run's counts."""
        async with self.pool.acquire() as connection:
            await run_queue.release_batch(connection, batch)
            return await run_queue.counts(connection, batch.run_id)
