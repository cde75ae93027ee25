"""What `health_check` asks the corpus: work that lies about, and pages that cannot be processed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from atlas.stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Pages that were fetched and cannot be found yet; those of paused runs are left out."""

    pages: int
    oldest: datetime | None
    """When the first of them was fetched."""


async def unsettled(connection: Connection) -> Unsettled:
    """How far the index lags behind what was fetched."""
    row = await connection.fetchrow(
        """
        select count(*) as pages, min(ps.fetched_at) as oldest
          from run_pages rp
          join runs r on r.run_id = rp.run_id and r.ended_at is null and r.paused_since is null
          join page_state ps on ps.page_id = rp.page_id
         where rp.stage in ('fetched', 'processed')
        """
    )
    assert row is not None
    return Unsettled(row["pages"], row["oldest"])


async def lifecycles(connection: Connection) -> dict[str, int]:
    """Pages by lifecycle. Reads the narrow table of all pages: not for every second."""
    rows = await connection.fetch(
        "select lifecycle, count(*) as pages from page_state group by lifecycle"
    )
    return {row["lifecycle"]: row["pages"] for row in rows}


async def open_runs(connection: Connection) -> tuple[int, int]:
    """Runs of the corpus under way, and how many of them are paused."""
    row = await connection.fetchrow(
        "select count(*) as runs, count(paused_since) as paused from runs where ended_at is null"
    )
    assert row is not None
    return row["runs"], row["paused"]


async def hosts_down(connection: Connection, failures: int) -> int:
    """Hosts that failed so often in a row that their breaker opened."""
    return int(
        await connection.fetchval(
            # The first condition is that of the index `hosts_troubled`.
            "select count(*) from hosts where failures > 0 and failures >= $1",
            failures,
        )
    )


async def quarantined(connection: Connection) -> tuple[int, int]:
    """How many pages are quarantined, and of how many."""
    row = await connection.fetchrow(
        "select count(*) filter (where lifecycle = 'quarantined') as bad, count(*) as pages "
        "from page_state"
    )
    assert row is not None
    return row["bad"], row["pages"]
