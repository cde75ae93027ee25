"""The frame of a run: which sources, the lease, the record, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from activities.beating import beating
from atlas.contracts.activities import (
    CloseRun,
    OpenRun,
    PauseRun,
    ResolvedSources,
    ResolveSources,
    RunClosed,
    RunOpened,
)

if TYPE_CHECKING:
    from atlas.stores.postgres.corpus import Corpus, IsOpen


class Running:
    """Opens and closes runs. `is_open` asks Temporal whether a lease's holder still works."""

    def __init__(self, corpus: Corpus, is_open: IsOpen) -> None:
        self._corpus = corpus
        self._is_open = is_open

    @activity.defn
    async def resolve_sources(self, request: ResolveSources) -> ResolvedSources:
        """Which sources a request means."""
        async with beating():
            return await self._corpus.resolve(request)

    @activity.defn
    async def open_run(self, request: OpenRun) -> RunOpened:
        """Take the source's lease and begin the record, or say why not."""
        async with beating():
            return await self._corpus.open_run(request, self._is_open)

    @activity.defn
    async def pause_run(self, request: PauseRun) -> None:
        """Record since when a run is paused: its claims have no clock."""
        async with beating():
            await self._corpus.set_paused(request.run_id, request.paused)

    @activity.defn
    async def close_run(self, request: CloseRun) -> RunClosed:
        """Reconcile vanished pages, end every page, let go of claims and lease."""
        async with beating():
            return await self._corpus.close_run(request)
