"""Records of runs that work on no single source: rebuilds, batches, clean-ups."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

import asyncpg

from atlas.contracts.jobs import BeginJob, EndJob
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import runs


class JobRecords:
    """The records as the activities write them. Time comes from the injected clock."""

    def __init__(self, pool: asyncpg.Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock

    async def begin(self, request: BeginJob) -> None:
        """Record that a run began."""
        async with self._pool.acquire() as connection:
            await begin(connection, **request.model_dump(), now=self._clock())

    async def end(self, request: EndJob) -> None:
        """Record how a run ended."""
        async with self._pool.acquire() as connection:
            await end(connection, **request.model_dump(), now=self._clock())

    async def set_paused(self, run_id: str, *, paused: bool) -> None:
        """Record since when a run is paused, or that it goes on."""
        async with self._pool.acquire() as connection:
            await runs.set_paused(connection, run_id, self._clock() if paused else None)


async def begin(
    connection: Connection,
    *,
    run_id: str,
    workflow_id: str,
    kind: str,
    trigger: str,
    now: datetime,
) -> None:
    """Record that a run began; a repeated call changes nothing."""
    await runs.open_run(
        connection,
        run_id=run_id,
        workflow_id=workflow_id,
        source=None,
        source_name="",
        trigger=trigger,
        due=False,
        kind=kind,
        now=now,
    )


async def end(
    connection: Connection,
    *,
    run_id: str,
    outcome: str,
    message: str,
    summary: Mapping[str, int],
    now: datetime,
) -> None:
    """Record how a run ended; what was recorded first stays."""
    await connection.execute(
        "update runs set ended_at = $2, outcome = $3, message = nullif($4, ''), summary = $5, "
        "paused_since = null where run_id = $1 and ended_at is null",
        run_id,
        now,
        outcome,
        message[:1000],
        json.dumps(dict(summary)),
    )
