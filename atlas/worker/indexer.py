"""The part of a worker that keeps the search index in step, if the settings choose an engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from atlas.locations import search_index
from atlas.stores.postgres.changes.change_signal import change_signal
from atlas.stores.postgres.services.index_following import (
    IndexFollower,
    holder_name,
    keep_following,
)
from atlas.worker.resources import WorkerParts


@asynccontextmanager
async def indexing(parts: WorkerParts, database_url: str) -> AsyncIterator[None]:
    """Follow the feed in the block; of several workers one does, and another takes over."""
    index = search_index(parts.settings)
    if index is None:
        yield
        return
    async with AsyncExitStack() as on:
        on.push_async_callback(index.close)
        signal = await on.enter_async_context(change_signal(database_url))
        follower = IndexFollower(parts.pool, index, parts.extractor.passages, holder_name())
        task = asyncio.create_task(keep_following(follower, signal))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
