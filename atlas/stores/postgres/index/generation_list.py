"""The generations of the index as people look at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from atlas.domain.analysis import ANALYSER_VERSION
from atlas.stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class GenerationStatus:
    """A generation as people look at it. `size` is on disk, in bytes."""

    id: int
    state: str
    analyser: int
    entries: int
    tokens: int
    size: int
    workflow_id: str | None
    run_id: str | None
    started_at: datetime | None
    active_since: datetime | None
    keep_until: datetime | None

    @property
    def outdated(self) -> bool:
        """Whether searches read it, and analyse queries by a newer version than built it."""
        return self.state == "active" and self.analyser < ANALYSER_VERSION


async def listing(connection: Connection) -> list[GenerationStatus]:
    """Every generation that takes room, newest first."""
    rows = await connection.fetch(
        """
        select id, state, analyser, entries, tokens, workflow_id, run_id, started_at,
               active_since, keep_until,
               coalesce(pg_total_relation_size(to_regclass('index_entries_' || id)), 0) as size
          from generations order by id desc
        """
    )
    return [GenerationStatus(**row) for row in rows]
