"""Deduplicate and index: one activity, one transaction a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from activities.heartbeat import beating
from atlas.contracts.activities import Batch, Settled

if TYPE_CHECKING:
    from atlas.stores.postgres.services.corpus import Corpus


class Indexing:
    """Makes what was processed part of the corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    @activity.defn
    async def settle_batch(self, batch: Batch) -> Settled:
        """Settle the batch's processed pages and let go of its claim."""
        async with beating():
            pages = await self._corpus.begin_attempt(batch)
            gone = {page.page_id: page.fence for page in pages if page.gone}
            await self._corpus.skip(batch.run_id, gone, "page_gone")
            ready = {
                page.page_id: page.fence
                for page in pages
                if page.stage == "processed" and not page.gone
            }
            if ready:
                await self._corpus.settle(batch, ready)
            counts = await self._corpus.end_batch(batch)
        return Settled(counts=counts)
