"""Decisions on held removals, as their activity makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.decide_deletions import DecideDeletions
from atlas.stores.postgres.crawl.pages import held_removals
from atlas.stores.postgres.settlement import deletion_decisions
from atlas.stores.postgres.settlement.deletion_decisions import Decided


@dataclass(eq=False)
class DeletionDecisions:
    """Approves and rejects. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]

    async def decide(self, request: DecideDeletions) -> Decided | None:
        """Apply a decision; None: there is no such source or run."""
        async with self.pool.acquire() as connection:
            if not await held_removals.is_known(connection, request.of):
                return None
            return await deletion_decisions.decide(
                connection,
                request.of,
                request.urls,
                "approved" if request.decision == "approve" else "rejected",
                by=request.run_id,
                now=self.clock(),
            )
