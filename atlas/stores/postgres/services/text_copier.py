"""Putting the live texts into a generation of the search index that is being built.

What changes meanwhile is left to the feed: it is read from where it stood before the first text was
copied, so a text that is put although its page has just gone is removed again. Nothing may be
copied once the generation follows the feed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from atlas.domain.errors import PageError
from atlas.domain.search.index_parts import IndexPart, index_parts
from atlas.stores.postgres.index import generations, live_texts
from atlas.stores.postgres.index.live_texts import LiveTextFacts
from atlas.stores.search.port import IndexedText, SearchIndex, TextChanges

Analyse = Callable[[str, str], Awaitable[Sequence[IndexPart]]]
"""Title and text to parts. Raises PageError for a text that cannot be analysed."""

log = logging.getLogger(__name__)


async def analyse_aside(title: str, text: str) -> Sequence[IndexPart]:
    """Analyse in a thread of this process, for one that has no extraction children."""
    return await asyncio.to_thread(index_parts, title, text)


async def nothing_to_hold() -> None:
    """For a writer that no lease protects."""


@dataclass(eq=False)
class TextCopier:
    """Copies live texts, in the order of their hashes. `hold` is called before each step, and
    raises if another process writes."""

    pool: asyncpg.Pool
    index: SearchIndex
    analyse: Analyse
    hold: Callable[[], Awaitable[None]] = nothing_to_hold

    async def copy(self, generation: int, after: bytes, limit: int) -> bytes | None:
        """Copy the next texts behind a hash, and record it; returns the last of them, None: these
        were all, and the generation follows the feed from now on."""
        last, count = await self.copy_some(generation, after, limit)
        return last if count == limit else None

    async def copy_some(
        self, generation: int, after: bytes, limit: int
    ) -> tuple[bytes | None, int]:
        """The last of the next texts, and how many they are: fewer than `limit` where these were
        all."""
        async with self.pool.acquire() as connection:
            texts = await live_texts.next_texts(connection, after, limit)
            found = await live_texts.facts(connection, texts)
        cursor = await self.index.cursor(generation)
        unreadable = 0
        for piece in live_texts.portions(found):
            put, failed = await analysed(self.pool, self.analyse, piece)
            unreadable += failed
            await self.hold()
            if not await self._is_copied_to(generation):
                return None, 0
            await self.index.apply(generation, TextChanges(put, (), cursor))
        last = texts[-1] if texts else None
        whole = len(texts) < limit
        if whole:
            await self.index.release(generation)  # to whoever follows the feed with it
        async with self.pool.acquire() as connection:
            await generations.record_copied(connection, generation, last, unreadable, whole=whole)
        return last, len(texts)

    async def _is_copied_to(self, generation: int) -> bool:
        """Whether it is still being built, and does not follow the feed yet."""
        async with self.pool.acquire() as connection:
            found = (await generations.known(connection)).get(generation)
        return found is not None and found.state == "building" and not found.copied


async def analysed(
    pool: asyncpg.Pool, analyse: Analyse, texts: Sequence[LiveTextFacts]
) -> tuple[list[IndexedText], int]:
    """The texts as an engine takes them, and how many of them cannot be analysed: these are found
    by their titles only, since one text must not stop all others. A text that went meanwhile is
    left out."""
    async with pool.acquire() as connection:
        contents = await live_texts.contents(connection, texts)
    read = [text for text in texts if text.text_hash in contents]
    found = await asyncio.gather(
        *(_parts(analyse, text, *contents[text.text_hash]) for text in read)
    )
    indexed = [
        IndexedText(
            text_hash=text.text_hash,
            parts=said,
            pages=text.pages,
            sources=text.sources,
            languages=text.languages,
            hosts=text.hosts,
            since=text.since,
            until=text.until,
            published=text.published,
        )
        for text, (said, _) in zip(read, found, strict=True)
    ]
    return indexed, sum(not whole for _, whole in found)


async def _parts(
    analyse: Analyse, facts: LiveTextFacts, title: str, text: str
) -> tuple[Sequence[IndexPart], bool]:
    try:
        return await analyse(title, text), True
    except PageError as error:
        log.warning("text %s cannot be analysed: %s", facts.text_hash.hex()[:16], error)
        return await analyse_aside(title, ""), False
