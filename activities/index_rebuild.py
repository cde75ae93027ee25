"""Rebuilding the index: a generation from its start to its drop."""

from __future__ import annotations

import asyncio
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
from atlas.domain.errors import PageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from atlas.stores.postgres.index.entries import IndexText
    from atlas.stores.postgres.services.index_rebuild import Rebuilds
    from atlas.stores.postgres.services.run_lifecycle import IsOpen
    from atlas.stores.postgres.settlement.index_copy import LiveText, TextToCopy

    Analyse = Callable[[LiveText], Awaitable[IndexText]]

_TEXTS_AT_ONCE = 50
"""In one transaction, for which settling waits."""
_BYTES_AT_ONCE = 2 << 20
"""As stored, which is compressed."""


class Rebuilding:
    """`analyse` does the CPU work of one text elsewhere; `is_open` asks Temporal about a run."""

    def __init__(self, rebuilds: Rebuilds, analyse: Analyse, is_open: IsOpen) -> None:
        self._rebuilds = rebuilds
        self._analyse = analyse
        self._is_open = is_open

    @activity.defn
    async def start_generation(self, request: StartGeneration) -> GenerationStarted:
        """Begin a generation, take over that of a closed run, or say who is building one."""
        return await self._rebuilds.start(request, self._is_open)

    @activity.defn
    async def copy_texts(self, request: CopyTexts) -> TextsCopied:
        """Analyse the next live texts missing from the generation and insert them."""
        last, count, missing = await self._rebuilds.next_texts(request)
        for some in _portions(missing):
            if not await self._copy(request, some):
                break
        return TextsCopied(last=last, texts=count)

    @activity.defn
    async def check_generation(self, request: CheckGeneration) -> GenerationChecked:
        """Make the generation ready for searches, and try its gates."""
        return await self._rebuilds.check(request)

    @activity.defn
    async def switch_generation(self, request: SwitchGeneration) -> GenerationSwitched:
        """Let searches read another generation, from one moment to the next."""
        return await self._rebuilds.switch(request)

    @activity.defn
    async def mark_settled(self, request: MarkSettled) -> None:
        """Mark the pages whose text the generation has as settled with its analyser."""
        await self._rebuilds.mark_settled(request)

    @activity.defn
    async def drop_generations(self, request: DropGenerations) -> GenerationsDropped:
        """Drop what is retired."""
        return await self._rebuilds.drop(request)

    async def _copy(self, request: CopyTexts, some: list[TextToCopy]) -> bool:
        texts = await self._rebuilds.read(some)
        found = await asyncio.gather(*(self._analysed(text) for text in texts))
        unreadable = [text.text_hash for text, parts in zip(texts, found, strict=True) if not parts]
        parts = [each for each in found if each]
        return await self._rebuilds.insert(request.generation, parts, unreadable=unreadable)

    async def _analysed(self, text: LiveText) -> IndexText | None:
        """None for a text that the analyser hangs or crashes on: it must not stop the rest."""
        try:
            return await self._analyse(text)
        except PageError as error:
            activity.logger.warning("text %s cannot be analysed: %s", text.text_hash.hex(), error)
            return None


def _portions(texts: list[TextToCopy]) -> Iterator[list[TextToCopy]]:
    """Cut into pieces of bounded number and size; a huge text goes alone."""
    portion: list[TextToCopy] = []
    size = 0
    for text in texts:
        if portion and (len(portion) >= _TEXTS_AT_ONCE or size + text.size > _BYTES_AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(text)
        size += text.size
    if portion:
        yield portion
