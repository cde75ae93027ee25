"""Restoring: which versions come back, a chunk of them, and the end of the run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.activities import Batch
from atlas.contracts.processing import ChunkDone, Selected, WindUp, WorkChunk
from atlas.contracts.restore_documents import RestoreEnded, SelectRestores
from atlas.domain.refusal import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from activities.batches import Batches, Claim
    from atlas.domain.similarity.sketches import Sketch
    from atlas.stores.postgres.crawl.runs.restore_selection import RestoreSelection
    from atlas.stores.postgres.services.claimed_batches import ClaimedBatches
    from atlas.stores.postgres.services.restores import Restores
    from atlas.stores.postgres.settlement.restored_pages import ChosenText

    MakeSketch = Callable[[str], Awaitable[Sketch]]

_BYTES_AT_ONCE = 2 << 20
"""Of texts as stored, which is compressed: what is in memory, and in one transaction."""
_PAGES_AT_ONCE = 50


class Restoring:
    """`claim` takes pages as a sync does; `sketch` does the CPU work of one text elsewhere."""

    def __init__(
        self,
        selection: RestoreSelection,
        restores: Restores,
        pages: ClaimedBatches,
        batches: Batches,
        claim: Claim,
        sketch: MakeSketch,
    ) -> None:
        self._selection = selection
        self._restores = restores
        self._pages = pages
        self._batches = batches
        self._claim = claim
        self._sketch = sketch

    @activity.defn
    async def select_restores(self, request: SelectRestores) -> Selected:
        """Write to the run's record which version of which page comes back."""
        try:
            return await self._selection.select(request)
        except RequestRefused as refused:
            return Selected(refused=str(refused))

    @activity.defn
    async def restore_chunk(self, request: WorkChunk) -> ChunkDone:
        """Claim the next pages and make their chosen versions live again."""
        claimed = await self._claim(request)
        if not claimed.pages:
            return ChunkDone(wait=claimed.wait, counts=claimed.counts)
        batch = Batch(run_id=request.run_id, lane=request.lane, number=request.number)
        pages = await self._pages.begin_attempt(batch)
        fences = {page.page_id: page.fence for page in pages}
        chosen = await self._restores.chosen(request.run_id, list(fences))
        for some in _portions(sorted(fences), chosen):
            texts = {page: chosen[page] for page in some if page in chosen}
            found = await self._sketches(texts)
            mine = {page: fences[page] for page in some}
            await self._restores.restore(request.run_id, mine, found)
        return ChunkDone(pages=claimed.pages, counts=await self._pages.release(batch))

    @activity.defn
    async def end_restore(self, request: WindUp) -> RestoreEnded:
        """End every page of the run, release its claims, keep the outcomes."""
        wound = await self._batches.wind_up(request)
        return RestoreEnded(
            outcome=wound.outcome,
            counts=wound.counts,
            missing=wound.missing,
            manifest=wound.manifest,
            pages=await self._restores.pages(request.run_id),
        )

    async def _sketches(self, chosen: dict[int, ChosenText]) -> dict[int, Sketch]:
        """Page → the sketch of its text; pages with one text share the work."""
        texts = {text.text_hash: text for text in chosen.values()}
        read = await self._restores.read(list(texts.values()))
        found = await asyncio.gather(*(self._sketch(text) for text in read.values()))
        by_hash = dict(zip(read, found, strict=True))
        return {
            page: by_hash[text.text_hash]
            for page, text in chosen.items()
            if text.text_hash in by_hash
        }


def _portions(pages: list[int], chosen: dict[int, ChosenText]) -> Iterator[list[int]]:
    """Cut into pieces of bounded number and size; a huge text goes alone."""
    portion: list[int] = []
    size = 0
    for page in pages:
        grows = chosen[page].size if page in chosen else 0
        if portion and (len(portion) >= _PAGES_AT_ONCE or size + grows > _BYTES_AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(page)
        size += grows
    if portion:
        yield portion
