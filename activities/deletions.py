"""A person's decision on removals that runs held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.decide_deletions import MAX_SHOWN, DecideDeletions, DeletionsDecided

if TYPE_CHECKING:
    from atlas.stores.postgres.services.deletions import DeletionDecisions


class Deletions:
    """Applies decisions to the corpus."""

    def __init__(self, decisions: DeletionDecisions) -> None:
        self._decisions = decisions

    @activity.defn
    async def decide_deletions(self, request: DecideDeletions) -> DeletionsDecided:
        """Remove what is approved, or keep what is rejected. Repeated, it reports the same."""
        decided = await self._decisions.decide(request)
        if decided is None:
            return DeletionsDecided(
                refused=f"of: '{request.of}' is no source, and no run of that id is recorded; "
                "`atlas deletions list` shows what waits for a decision"
            )
        return DeletionsDecided(
            pages=len(decided.pages),
            removed=decided.removed,
            kept=len(decided.kept),
            expired=list(decided.expired[:MAX_SHOWN]),
            unknown=list(decided.unknown[:MAX_SHOWN]),
        )
