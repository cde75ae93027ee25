"""Keeps the search index of an engine in step with the corpus, by reading the feed of changes.

A step takes the pages of the next changes, looks up which texts they have now and which the index
has of them, and puts or removes each as it is *now*. So it does not matter what a change says, how
often it is read, or that the corpus may have moved on since; and what an erasure leaves in the
feed, the number of a page, is enough to remove what the index has of it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

import asyncpg

from atlas.domain.errors import PageError
from atlas.domain.passages import Passage, passages
from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.stores.postgres.changes import changed_pages
from atlas.stores.postgres.index import index_erasures, index_lease, index_repairs, live_texts
from atlas.stores.postgres.index.live_texts import LiveTextFacts
from atlas.stores.search.port import (
    DamagedGeneration,
    IndexedText,
    IndexOrigin,
    MissingGeneration,
    SearchIndex,
    TextChanges,
)

_CHANGES = 500
"""Read in one step."""
_COPIED = 200
"""Texts copied in one step of a build."""

Analyse = Callable[[str, str], Awaitable[Sequence[Passage]]]
"""Title and text to passages. Raises PageError for a text that cannot be analysed."""

_EXPIRES_EVERY = 3600.0
"""Seconds between two looks for past texts that are kept no longer."""

_PATIENCE = 2.0
"""Seconds before the next attempt, where something failed or another process writes: well within
the lease, so that a writer that dies is replaced as soon as that is over."""

UntilFound = Callable[[str], Awaitable[bool]]
"""Waits, for a while, until searches find what a run changed; false: they do not yet."""

_FOUND_WITHIN = 20.0
"""Seconds that the end of a run waits for the index: a writer that died is replaced meanwhile."""

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another process writes to the index now."""


class _FeedLost(Exception):
    """The feed no longer has what follows the index's cursor."""


def holder_name() -> str:
    """A name of this process that no other has: a restarted one is another."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


async def analyse_aside(title: str, text: str) -> Sequence[Passage]:
    """Analyse in a thread of this process, for one that has no extraction children."""
    return await asyncio.to_thread(passages, title, text)


async def until_found(pool: asyncpg.Pool, run_id: str) -> bool:
    """Wait until searches find everything that a run changed; false: they do not yet."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_FOUND_WITHIN):
            while True:
                async with pool.acquire() as connection:
                    if not await index_lease.unread(connection, run_id):
                        return True
                await asyncio.sleep(0.05)
    return False


class Signal(Protocol):
    """Wakes who waits when something was committed; see `changes/change_signal.py`."""

    async def wait(self, look: float | None = None) -> None:
        """Until then, or until it is time to look again."""


async def keep_following(follower: IndexFollower, signal: Signal) -> None:
    """Follow until this is cancelled; failures are logged, and tried again."""
    trouble = ""
    try:
        while True:
            try:
                read = await follower.catch_up()
                trouble = ""
            except Exception as error:  # a database, an engine, a disk that is away for a while
                if str(error) != trouble:
                    trouble = str(error)
                    log.warning("the search index does not follow: %s", error)
                with suppress(Exception):  # a database that is away is known to be
                    await follower.report(trouble or type(error).__name__)
                read = None
            if read is None:
                await asyncio.sleep(_PATIENCE)
            else:
                await signal.wait(index_lease.SECONDS / 3)  # the lease is renewed in time
    finally:
        with suppress(Exception):  # else the lease runs out by itself
            await follower.stop()


@dataclass(eq=False)
class IndexFollower:
    """Keeps an index in step with the corpus. `holder` names this process; past texts are kept for
    `past` days."""

    pool: asyncpg.Pool
    index: SearchIndex
    analyse: Analyse
    holder: str
    past: int = 0
    _serving: int | None = field(default=None, init=False)
    """The generation that was found fit to read on with; None: not checked yet."""
    _expired_at: float = field(default=-_EXPIRES_EVERY, init=False)
    """When past texts were last looked at, on the clock of the loop."""

    async def catch_up(self) -> int | None:
        """Read on to the end of the feed, after building the index if there is none that fits.
        Returns the number up to which it has read; None: another process writes.

        Whatever stops it, it goes on from there when it is called again.
        """
        try:
            await self._hold()
            if self._serving is None:
                self._serving = await self._fit()
            generation = self._serving or await self._build()
            try:
                read = await self._follow(generation)
                await self._put_again(generation, read)
                await self._let_expire(generation, read)
                if left := await self._erased_left():
                    log.warning("rebuilding the search index without %s erased texts", len(left))
                    generation = await self._build()
                    read = await self._follow(generation)
                    if await self._erased_left():
                        # Building once more would not help: the erasure's own search says so.
                        log.error("the search index keeps words of erased texts")
                        await self._forget_erased(left)
            except (_FeedLost, MissingGeneration, DamagedGeneration) as error:
                log.warning("rebuilding the search index: %s", error)
                generation = await self._build()
                read = await self._follow(generation)
        except LeaseLost:
            await self._let_go()
            return None
        except BaseException:
            self._serving = None
            raise
        self._serving = generation
        return read

    async def report(self, trouble: str) -> None:
        """Record what keeps the index from being written, if it is this process that writes."""
        async with self.pool.acquire() as connection:
            await index_lease.record_trouble(connection, self.holder, trouble)

    async def stop(self) -> None:
        """Let another process write at once."""
        await self._let_go()
        async with self.pool.acquire() as connection:
            await index_lease.release(connection, self.holder)

    async def _let_go(self) -> None:
        generation, self._serving = self._serving, None
        if generation is not None:
            await self.index.release(generation)

    async def _hold(self) -> None:
        async with self.pool.acquire() as connection:
            if not await index_lease.hold(connection, self.holder):
                raise LeaseLost

    async def _fit(self) -> int | None:
        """The generation that serves, if it is of this corpus and of our analyser."""
        try:
            serving = await self.index.serving()
        except DamagedGeneration:
            return None
        stored = {each.number: each for each in await self.index.generations()}
        origin = await self._origin()
        for number in stored.keys() - {serving}:
            await self.index.drop(number)  # a build that was cut off
        if serving not in stored or stored[serving].origin != origin:
            return None
        return serving

    async def _origin(self) -> IndexOrigin:
        async with self.pool.acquire() as connection:
            corpus = await connection.fetchval("select corpus_id::text from corpus")
        return IndexOrigin(corpus, ANALYSER_VERSION, self.past)

    async def _build(self) -> int:
        """Build a generation from what is live, let searches read it, and drop the others."""
        numbers = {each.number for each in await self.index.generations()}
        with suppress(DamagedGeneration):
            # It may be one that can no longer be read, which is not among the generations.
            if (serving := await self.index.serving()) is not None:
                numbers.add(serving)
        number = max(numbers, default=0) + 1
        async with self.pool.acquire() as connection:
            # Before the first text is read: what changes from now on is read from the feed.
            cursor = await changed_pages.last_change(connection)
        await self.index.begin(number, await self._origin(), cursor)
        after: bytes | None = b""
        while after is not None:
            after = await self._copy(number, after, cursor)
        await self._follow(number, serving=False)
        await self.index.switch(number)
        for other in numbers:
            await self.index.drop(other)
        return number

    async def _copy(self, generation: int, after: bytes, cursor: int) -> bytes | None:
        async with self.pool.acquire() as connection:
            texts = await live_texts.next_texts(connection, after, _COPIED, self.past)
        if not texts:
            return None
        await self._put(generation, set(texts), (), cursor, cursor)
        return texts[-1]

    async def _follow(self, generation: int, *, serving: bool = True) -> int:
        """Read on to the end of the feed."""
        cursor = await self.index.cursor(generation)
        while True:
            async with self.pool.acquire() as connection:
                changed = await changed_pages.changed_pages(connection, cursor, _CHANGES)
                if changed is None:
                    raise _FeedLost(f"the feed no longer has what follows change {cursor}")
                now = await live_texts.texts_of_pages(connection, changed.pages)
            if changed.last > cursor:
                had = await self.index.texts_of(generation, changed.pages)
                await self._put(generation, now | had, had, cursor, changed.last)
                cursor = changed.last
            if serving:
                async with self.pool.acquire() as connection:
                    await index_lease.record_progress(connection, self.holder, generation, cursor)
            if not changed.more:
                return cursor

    async def _put_again(self, generation: int, cursor: int) -> None:
        """Look at the texts again that an audit asked for."""
        while True:
            async with self.pool.acquire() as connection:
                texts = await index_repairs.asked(connection, _COPIED)
            if not texts:
                return
            await self._put(generation, texts, texts, cursor, cursor)
            async with self.pool.acquire() as connection:
                await index_repairs.done(connection, texts)

    async def _let_expire(self, generation: int, cursor: int) -> None:
        """Now and then, take out past texts that are kept no longer. Nothing shows them meanwhile:
        searches of the past are refused before that time."""
        clock = asyncio.get_running_loop().time()
        if not self.past or clock < self._expired_at + _EXPIRES_EVERY:
            return
        async with self.pool.acquire() as connection:
            before = await live_texts.kept_since(connection, self.past)
        texts = await self.index.texts_until(generation, before, _COPIED)
        if texts:  # one that a page has again by now is put, with its new end
            await self._put(generation, texts, texts, cursor, cursor)
        else:
            self._expired_at = clock

    async def _erased_left(self) -> set[bytes]:
        """Erased texts of which a file has words that only a new generation is without. The texts
        themselves have left the index before: their erasure is a change like any other."""
        async with self.pool.acquire() as connection:
            texts = await index_erasures.asked(connection)
        if not texts:
            return set()
        stored = await self.index.generations()
        if not all([await self.index.expunge(each.number, texts) for each in stored]):
            return texts
        await self._forget_erased(texts)
        return set()

    async def _forget_erased(self, texts: set[bytes]) -> None:
        async with self.pool.acquire() as connection:
            await index_erasures.done(connection, texts)

    async def _put(
        self, generation: int, texts: set[bytes], had: Iterable[bytes], cursor: int, last: int
    ) -> None:
        """Make the index agree with the corpus in these texts: what is live is put, what is not is
        removed. `last` is the cursor once all of them are."""
        async with self.pool.acquire() as connection:
            found = await live_texts.facts(connection, texts, self.past)
        gone = sorted(set(had) - {text.text_hash for text in found})
        pieces = list(live_texts.portions(found)) or [[]]
        for number, piece in enumerate(pieces, start=1):
            put = await self._analysed(piece)
            whole = number == len(pieces)
            # Analysing may have taken longer than the lease lasts.
            await self._hold()
            changes = TextChanges(put, gone if whole else (), last if whole else cursor)
            await self.index.apply(generation, changes)

    async def _analysed(self, texts: Sequence[LiveTextFacts]) -> list[IndexedText]:
        async with self.pool.acquire() as connection:
            contents = await live_texts.contents(connection, texts)
        read = [text for text in texts if text.text_hash in contents]
        analysed = await asyncio.gather(
            *(self._passages(text, *contents[text.text_hash]) for text in read)
        )
        return [
            IndexedText(
                text_hash=text.text_hash,
                passages=said,
                pages=text.pages,
                sources=text.sources,
                languages=text.languages,
                hosts=text.hosts,
                since=text.since,
                until=text.until,
            )
            for text, said in zip(read, analysed, strict=True)
            if said
        ]

    async def _passages(self, facts: LiveTextFacts, title: str, text: str) -> Sequence[Passage]:
        try:
            return await self.analyse(title, text)
        except PageError as error:
            # One text must not stop all others; an audit finds it missing.
            log.warning("text %s cannot be analysed: %s", facts.text_hash.hex()[:16], error)
            return ()
