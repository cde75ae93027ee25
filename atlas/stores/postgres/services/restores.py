"""Restores as the activities see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from atlas.contracts.processing import MAX_DOCUMENTS_LISTED
from atlas.contracts.restore_documents import RestoredPage
from atlas.domain.measures import UNMEASURED, Measures
from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.crawl.runs.restore_selection import DRY_RUN
from atlas.stores.postgres.settlement import restored_pages

if TYPE_CHECKING:
    from atlas.domain.similarity.sketches import Sketch


@dataclass(eq=False)
class Restores:
    """Pages and texts of a restore. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    measures: Measures = UNMEASURED

    chosen = on_pool(restored_pages.chosen)
    read = on_pool(restored_pages.read)

    async def restore(
        self, run_id: str, fences: Mapping[int, int], found: Mapping[int, Sketch]
    ) -> None:
        """Make the chosen versions of pages live again."""
        async with self.pool.acquire() as connection:
            settled = await restored_pages.restore(connection, run_id, fences, found, self.clock())
        self.measures.ended(settled.outcomes)
        self.measures.duplicates(settled.exact, settled.near)

    async def pages(self, run_id: str) -> list[RestoredPage]:
        """What became of the run's pages: the first of them, those not restored before the rest."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(_PAGES, run_id, MAX_DOCUMENTS_LISTED, DRY_RUN)
        return [RestoredPage.model_validate(dict(row)) for row in rows]


_PAGES = """
    select rp.url,
           case when rp.outcome in ('added', 'updated') then 'restored'
                when rp.error_code = $3 then 'would_restore' else rp.outcome end as result,
           o.seq as version, nullif(rp.error_code, $3) as code, left(rp.error, 300) as reason
    from run_pages rp
    left join run_restores o on o.run_id = rp.run_id and o.page_id = rp.page_id
    where rp.run_id = $1 and rp.outcome is not null
    order by rp.outcome = 'failed' desc, rp.outcome = 'skipped' desc, rp.outcome = 'unchanged',
             rp.url
    limit $2
"""
