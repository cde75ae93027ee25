"""PostgreSQL: a committed write, the schema, the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import asyncpg

from atlas.domain.timing.clocks import MOST_SKEW, NTP_SKEW, beyond
from atlas.health.probe import ProbeResult, Unwell, degraded
from atlas.stores.postgres.connection import shown
from atlas.stores.postgres.migrate import SchemaMismatch, verify
from atlas.stores.postgres.reporting.probes import probe_connection, write

SLOW_SECONDS = 2.0
"""A write that should take milliseconds."""

MEND = (
    "Start PostgreSQL (`atlas up -d` for the embedded stack), or correct ATLAS_DATABASE_URL; "
    "runs wait and continue by themselves"
)
_READ_ONLY = (
    "ATLAS_DATABASE_URL leads to a standby or a read-only database: point it at the primary"
)


async def postgresql(database_url: str, clock: Callable[[], datetime]) -> ProbeResult:
    """A write committed and read back, the schema this program knows, a clock that agrees."""
    began = time.perf_counter()
    async with probe_connection(database_url) as connection:
        try:
            await verify(connection)
            before = clock()
            theirs = await write(connection)
            skew = abs(beyond(theirs, before, clock()))
        except SchemaMismatch as error:
            raise Unwell(str(error), "run `atlas migrate`, or update Atlas") from None
        except asyncpg.ReadOnlySQLTransactionError as error:
            raise Unwell(str(error), _READ_ONLY) from None
    took = time.perf_counter() - began
    if skew > NTP_SKEW:
        return _skewed(skew, shown(database_url))
    if took > SLOW_SECONDS:
        return degraded(
            f"a write took {took:.1f} s", "Look at PostgreSQL's load, disk and connections"
        )
    return ProbeResult(f"wrote and read at {shown(database_url)}")


def _skewed(skew: float, where: str) -> ProbeResult:
    return degraded(
        f"the clock here and that of {where} differ by {skew:.0f} s",
        "Let both machines keep time by NTP: a worker does not start while they differ by more "
        f"than {MOST_SKEW:.0f} s",
    )
