"""The clean-up as its activities see it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import asyncpg

from atlas.domain.removal.removal_rules import large_share
from atlas.domain.retention import EVERYTHING, SHARDS, FoundBlob, Retention, days
from atlas.stores.postgres.cleanup import blob_audit, engine
from atlas.stores.postgres.cleanup.engine import CleanupClass
from atlas.stores.postgres.cleanup.expired_changes import ExpiredChanges
from atlas.stores.postgres.cleanup.page_classes import of_pages
from atlas.stores.postgres.cleanup.run_classes import of_work
from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.crawl.bodies import blob_index, ledger_partitions
from atlas.stores.postgres.crawl.bodies.ledger_partitions import Ledger


class UpkeepStore:
    """Every write that a clean-up makes. `delete` takes a digest and deletes it from the store."""

    MISSING = engine.MISSING
    rows_of = on_pool(blob_audit.rows_of)
    fetch_again = on_pool(blob_audit.fetch_again)
    work = on_pool(engine.work)
    totals = on_pool(engine.totals)
    listed = on_pool(engine.listed)
    of_class = on_pool(engine.of_class)
    strike = on_pool(engine.strike)

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Callable[[], datetime],
        keep: Retention,
        delete: blob_index.Delete,
        others: Mapping[str, CleanupClass],
    ) -> None:
        self.pool = pool
        self._clock = clock
        self.keep = keep
        self._ledger = Ledger(days(keep.ledger))
        self.classes: Mapping[str, CleanupClass] = {
            **others,
            "snapshots": blob_index.Snapshots(keep, delete),
            "ledger": self._ledger,
            **of_pages(keep),
            **of_work(keep),
            "changes": ExpiredChanges(days(keep.changes)),
        }

    async def begin(self, now: datetime) -> list[str]:
        """Make the ledger's partitions and forget what earlier clean-ups recorded."""
        async with self.pool.acquire() as connection:
            made = await ledger_partitions.make_partitions(connection, now)
            while await engine.forget(connection):
                pass
        return made

    # One class

    async def held(self, kind: str, now: datetime) -> list[str]:
        """What is old enough and stays for a reason that people should know."""
        if kind != "ledger":
            return []
        async with self.pool.acquire() as connection:
            return await self._ledger.held(connection, now)

    async def left(
        self, run_id: str, kinds: Collection[str], *, now: datetime, dry_run: bool
    ) -> dict[str, int]:
        """Class → candidates that the run did not delete (in a dry run: did not list)."""
        async with self.pool.acquire() as connection:
            listed, _ = await engine.totals(connection, run_id)
            return {
                kind: await self.classes[kind].count(connection, now)
                - (listed.get(kind, 0) if dry_run else 0)
                for kind in kinds
            }

    # Blobs

    async def parts(self, first: int) -> list[range]:
        """The parts from one on, each to be scanned at once."""
        async with self.pool.acquire() as connection:
            if first == 0 and await blob_index.are_few(connection):
                return [EVERYTHING]
        return [range(shard, shard + 1) for shard in range(first, SHARDS)]

    async def note(self, sizes: Mapping[str, int], found: Sequence[FoundBlob]) -> int:
        """Remember stored sizes, and adopt objects without a row; returns how many."""
        if not sizes and not found:
            return 0
        async with self.pool.acquire() as connection:
            await blob_audit.note_sizes(connection, sizes)
            return await blob_audit.enter_found(connection, found)

    async def record_missing(self, run_id: str, digests: Sequence[str], now: datetime) -> None:
        """Record those that something refers to."""
        if not digests:
            return
        async with self.pool.acquire() as connection:
            await blob_audit.record_missing(connection, self.keep, run_id, digests, now)

    async def loss_is_doubtful(self, missing: int, now: datetime) -> bool:
        """Whether so much is missing that the store itself must be the wrong one."""
        async with self.pool.acquire() as connection:
            return large_share(missing, await blob_audit.known(connection, now, self.keep))

    async def condemn(self, shards: range, now: datetime) -> int:
        async with self.pool.acquire() as connection:
            return await blob_index.condemn(
                connection, self.keep, shards, now=now, moment=self._clock()
            )
