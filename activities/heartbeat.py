"""Heartbeats: they prove that an attempt is alive, no more; progress is in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from temporalio import activity

INTERVAL = 3.0
"""Seconds; the heartbeat time-out is 10."""


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Heartbeat until the block ends."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(INTERVAL)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
