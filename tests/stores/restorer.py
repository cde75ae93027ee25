"""Drives a restore through the store as its activities do, without Temporal."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from atlas.contracts.activities import Batch, ClaimBatch
from atlas.contracts.models import Counts
from atlas.contracts.processing import Selected
from atlas.contracts.restore_documents import RestoredPage, SelectRestores
from atlas.domain.similarity.near_duplicates import sketch
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.crawl.runs.restore_selection import RestoreSelection
from atlas.stores.postgres.services.restores import Restores
from tests.stores.drive import Drive, fences


@dataclass
class Restorer:
    drive: Drive
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        clock = lambda: self.drive.now  # noqa: E731
        self.selection = RestoreSelection(self.drive.pool, clock)
        self.restores = Restores(self.drive.pool, clock)

    async def begin(self, **asked: Any) -> tuple[str, Selected]:
        """Record a run, a minute after what was before it, and select."""
        self.drive.now += timedelta(minutes=1)
        run_id = f"restore-{next(self._numbers)}"
        async with self.drive.pool.acquire() as connection:
            await runs.open_run(
                connection, run_id=run_id, workflow_id=f"restore_documents:{run_id}",
                kind="restore_documents", trigger="cli", now=self.drive.now,
            )  # fmt: skip
        return run_id, await self.selection.select(SelectRestores(run_id=run_id, **asked))

    async def chunk(self, run_id: str, number: int, size: int = 100) -> int:
        """Claim and restore the next pages; how many there were."""
        batch = Batch(run_id=run_id, lane=0, number=number)
        claim = ClaimBatch(run_id=run_id, lane=0, number=number, size=size)
        claimed = await self.drive.crawl.batches.claim(claim)
        pages = await self.drive.crawl.batches.begin_attempt(batch)
        chosen = await self.restores.chosen(run_id, [page.page_id for page in pages])
        texts = await self.restores.read(list(chosen.values()))
        found = {page: sketch(texts[text.text_hash]) for page, text in chosen.items()}
        await self.restores.restore(run_id, fences(pages), found)
        await self.drive.crawl.batches.release(batch)
        return claimed.pages

    async def end(self, run_id: str) -> dict[str, RestoredPage]:
        async with self.drive.pool.acquire() as connection:
            outcome = await runs.end_work(connection, run_id, cancelled=False)
            await connection.execute(
                "update runs set ended_at = $2, outcome = $3 where run_id = $1",
                run_id, self.drive.now, outcome,
            )  # fmt: skip
        return {page.url: page for page in await self.restores.pages(run_id)}

    async def run(self, **asked: Any) -> dict[str, RestoredPage]:
        """A whole restore; what became of each page."""
        run_id, _ = await self.begin(**asked)
        for number in itertools.count(1):
            if not await self.chunk(run_id, number):
                return await self.end(run_id)
        raise AssertionError

    async def counts(self, run_id: str) -> Counts:
        async with self.drive.pool.acquire() as connection:
            return await run_queue.counts(connection, run_id)
