"""The part of a worker that keeps the search index in step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from atlas.lease_holders import holder_name
from atlas.stores.postgres.changes.change_signal import change_signal
from atlas.stores.postgres.services.index_follower import IndexFollower, keep_following
from atlas.worker.resources import WorkerParts


@asynccontextmanager
async def indexing(parts: WorkerParts, database_url: str) -> AsyncIterator[None]:
    """Follow the feed in the block; of several workers one does, and another takes over."""
    async with change_signal(database_url) as signal:
        follower = IndexFollower(
            parts.pool,
            parts.index,
            parts.extractor.index_parts,
            holder_name(),
            parts.settings.index_past_days,
        )
        task = asyncio.create_task(keep_following(follower, signal))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
