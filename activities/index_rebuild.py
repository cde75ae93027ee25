"""Rebuilding the index: a generation from its start to its drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.rebuild_index import (
    CheckGeneration,
    CopyTexts,
    DropGenerations,
    GenerationChecked,
    GenerationsDropped,
    GenerationStarted,
    GenerationSwitched,
    MarkSettled,
    StartGeneration,
    SwitchGeneration,
    TextsCopied,
)

if TYPE_CHECKING:
    from atlas.stores.postgres.services.index_rebuild import Rebuilds
    from atlas.stores.postgres.services.run_lifecycle import IsOpen


class Rebuilding:
    """`is_open` asks Temporal about a run."""

    def __init__(self, rebuilds: Rebuilds, is_open: IsOpen) -> None:
        self._rebuilds = rebuilds
        self._is_open = is_open

    @activity.defn
    async def start_generation(self, request: StartGeneration) -> GenerationStarted:
        """Begin a generation, take over that of a closed run, or say who is building one."""
        return await self._rebuilds.start(request, self._is_open)

    @activity.defn
    async def copy_texts(self, request: CopyTexts) -> TextsCopied:
        """Analyse the next live texts and put them into the generation."""
        return await self._rebuilds.copy(request)

    @activity.defn
    async def check_generation(self, request: CheckGeneration) -> GenerationChecked:
        """Try the gates of the generation, once it has read what was committed until now."""
        return await self._rebuilds.check(request)

    @activity.defn
    async def switch_generation(self, request: SwitchGeneration) -> GenerationSwitched:
        """Let searches read another generation, from one moment to the next."""
        return await self._rebuilds.switch(request)

    @activity.defn
    async def mark_settled(self, request: MarkSettled) -> None:
        """For runs that began before 0.7: nothing of a page depends on the analyser now,
        so there is nothing to mark."""

    @activity.defn
    async def drop_generations(self, request: DropGenerations) -> GenerationsDropped:
        """Have what is retired dropped."""
        return await self._rebuilds.drop(request)
