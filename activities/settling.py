"""Deduplicate and index: one activity, one transaction a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.activities import Batch, Settled

if TYPE_CHECKING:
    from atlas.stores.postgres.services.claimed_batches import ClaimedBatches
    from atlas.stores.postgres.services.settlement import PageSettlement


class Indexing:
    """Makes what was processed part of the corpus."""

    def __init__(self, batches: ClaimedBatches, settlement: PageSettlement) -> None:
        self._batches = batches
        self._settlement = settlement

    @activity.defn
    async def settle_batch(self, batch: Batch) -> Settled:
        """Settle the batch's processed pages and release its claim."""
        pages = await self._batches.begin_attempt(batch)
        gone = {page.page_id: page.fence for page in pages if page.gone}
        await self._batches.skip(batch.run_id, gone, "page_gone")
        ready = {
            page.page_id: page.fence
            for page in pages
            if page.stage == "processed" and not page.gone
        }
        if ready:
            await self._settlement.settle(batch, ready)
        counts = await self._batches.release(batch)
        return Settled(counts=counts)
