"""What the activities of an export need of PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.exports import finished_parts, frozen_choice
from atlas.stores.postgres.exports.chosen_documents import AnyFilter
from atlas.stores.postgres.exports.frozen_choice import FrozenExport
from atlas.stores.postgres.sources import sources


@dataclass(eq=False)
class ExportStore:
    """What was chosen, and which parts are finished. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]

    next_range = on_pool(frozen_choice.next_range)
    documents = on_pool(frozen_choice.documents)
    forget = on_pool(frozen_choice.forget)
    note = on_pool(finished_parts.note)
    last = on_pool(finished_parts.last)
    listed = on_pool(finished_parts.listed)
    outdated = on_pool(finished_parts.outdated)
    pages_in = on_pool(finished_parts.pages_in)
    totals = on_pool(finished_parts.totals)
    why_unknown = on_pool(sources.why_unknown)

    async def freeze(self, run_id: str, only: AnyFilter, *, responses: bool) -> FrozenExport:
        """Choose the documents as they are now, once."""
        async with self.pool.acquire() as connection:
            return await frozen_choice.freeze(
                connection, run_id, only, self.clock(), responses=responses
            )
