"""Processed and settled pages as the activities write them; a page that PostgreSQL refuses fails
alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.activities import Batch
from atlas.domain.batch import PreparedPage
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.measures import UNMEASURED, Measures
from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.pages import processed_documents, quarantine
from atlas.stores.postgres.settlement import held_changes, settle

_PAGE_FAULTS = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
)
"""What one page's own data can do to a transaction: a value that PostgreSQL refuses."""

_SETTLED_AT_ONCE = 100


@dataclass(eq=False)
class ProcessedPages:
    """Results of extraction, and the marks of documents it is working on."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    extractor: int
    measures: Measures = UNMEASURED

    mark = on_pool(run_queue.mark)

    async def held_back(self, pages: Sequence[int]) -> set[int]:
        """Those of the pages whose stored body is quarantined."""
        async with self.pool.acquire() as connection:
            return await quarantine.held_back(connection, pages, self.extractor)

    async def to_render(self, run_id: str, fences: dict[int, int]) -> int:
        """Have pages wait for a browser; return how many do."""
        async with self.pool.acquire() as connection, connection.transaction():
            held = sorted(await run_queue.lock(connection, fences))
            await run_queue.advance(connection, run_id, held, "rendering")
        return len(held)

    async def store(
        self, run_id: str, fences: dict[int, int], found: Sequence[PreparedPage]
    ) -> int:
        """Keep processed pages; return how many are ready to settle."""
        try:
            return await self._store(run_id, fences, found)
        except _PAGE_FAULTS as error:
            if len(found) > 1:
                return sum([await self.store(run_id, fences, [page]) for page in found])
            refused = PreparedPage(found[0].page_id, found[0].snapshot, None, _refused(error))
            return await self._store(run_id, fences, [refused])

    async def _store(
        self, run_id: str, fences: dict[int, int], found: Sequence[PreparedPage]
    ) -> int:
        async with self.pool.acquire() as connection:
            found = await held_changes.before_noindex(connection, run_id, found)
            moved = await processed_documents.store(connection, run_id, fences, found, self.clock())
        self.measures.ended(moved.ended)
        return moved.onward


@dataclass(eq=False)
class PageSettlement:
    """Makes processed pages part of the corpus. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    measures: Measures = UNMEASURED

    async def settle(self, batch: Batch, fences: dict[int, int], *, decided: bool = False) -> None:
        """Settle a batch's pages. `decided`: changes that waited for the run's end are edits."""
        try:
            async with self.pool.acquire() as connection:
                settled = await settle.settle(
                    connection, batch, fences, self.clock(), decided=decided
                )
        except _PAGE_FAULTS as error:
            # The whole transaction is lost with one bad page: each is tried again in its own.
            if len(fences) == 1:
                await self._fail(batch.run_id, fences, error)
                return
            for page, fence in fences.items():
                await self.settle(batch, {page: fence}, decided=decided)
            return
        self.measures.ended(settled.outcomes)
        self.measures.duplicates(settled.exact, settled.near)

    async def decide_on_waiting(self, run_id: str) -> None:
        """Hold what looks like a bad day of the site, all at once; settle the rest in parts. A
        repeated call, after a crash in between, continues where the first one was."""
        async with self.pool.acquire() as connection:
            held, edits = await held_changes.decide(connection, run_id, self.clock())
        self.measures.ended({"skipped": held})
        waiting = list(edits.items())
        batch = Batch(run_id=run_id, lane=run_queue.WAITING, number=0)
        for start in range(0, len(waiting), _SETTLED_AT_ONCE):
            part = dict(waiting[start : start + _SETTLED_AT_ONCE])
            await self.settle(batch, part, decided=True)

    async def _fail(self, run_id: str, fences: dict[int, int], error: Exception) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            held = await run_queue.lock(connection, fences)
            ended = await run_queue.finish(
                connection, run_id, [(page, "failed", _refused(error)) for page in held]
            )
        self.measures.ended(ended)


def _refused(error: Exception) -> PageError:
    return PageError(ErrorClass.BUG, "store_refused", f"the database refused it: {error}"[:400])
