"""Keeps the search index of an engine in step with the corpus, by reading the feed of changes.

A step takes the pages of the next changes, looks up which texts they have now and which the index
has of them, and puts or removes each as it is *now*. So it does not matter what a change says, how
often it is read, or that the corpus may have moved on since; and what an erasure leaves in the
feed, the number of a page, is enough to remove what the index has of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import asyncpg

from atlas.lease_holders import has_died
from atlas.stores.postgres.changes import changed_pages
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index import (
    generation_switch,
    generations,
    index_erasures,
    index_lease,
    index_repairs,
    live_texts,
)
from atlas.stores.postgres.index.generations import Generation
from atlas.stores.postgres.services.text_copier import Analyse, TextCopier, analysed
from atlas.stores.search.port import (
    DamagedGeneration,
    MissingGeneration,
    SearchIndex,
    TextChanges,
)

R = TypeVar("R")

_CHANGES = 500
"""Read in one step."""
_COPIED = 200
"""Texts copied in one step of a build."""

_EXPIRES_EVERY = 3600.0
"""Seconds between two looks for past texts that are kept no longer."""

_PATIENCE = 2.0
"""Seconds before the next attempt, where something failed or another process writes: well within
the lease, so that a writer that dies is replaced as soon as that is over, or seen to be dead."""

UntilFound = Callable[[str], Awaitable[bool]]
"""Waits, for a while, until searches find what a run changed; false: they do not yet."""

_FOUND_WITHIN = 20.0
"""Seconds that the end of a run waits for the index: a writer that died is replaced meanwhile."""

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another process writes to the index now."""


class GenerationLost(Exception):
    """A generation cannot be read on with."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number


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
    """Keeps an index in step with the corpus: the one process that writes to generations which
    follow the feed. `holder` names this process; past texts are kept for `past` days, or
    for as long as they were if that is None."""

    pool: asyncpg.Pool
    index: SearchIndex
    analyse: Analyse
    holder: str
    past: int | None = None
    _agreed: bool = field(default=False, init=False)
    """Whether the engine and PostgreSQL were found to agree on the generations."""
    _written: set[int] = field(default_factory=set, init=False)
    """Generations that this process may have locked."""
    _built_without: Set[bytes] = field(default=frozenset(), init=False)
    """Erased texts because of which a generation was built."""
    _expired_at: float = field(default=-_EXPIRES_EVERY, init=False)
    """When past texts were last looked at, on the clock of the loop."""

    async def catch_up(self) -> int | None:
        """Read on to the end of the feed with every generation that follows it, after building one
        if none serves. Returns the number up to which all have read; None: another process writes.

        Whatever stops it, it goes on from there when it is called again.
        """
        try:
            await self._hold()
            if self.past is not None:
                async with self.pool.acquire() as connection:
                    await generations.keep_past(connection, self.past)
            return await self._in_step()
        except LeaseLost:
            await self._let_go()
            return None
        except BaseException:
            self._agreed = False
            raise

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
        self._agreed = False
        while self._written:
            await self.index.release(self._written.pop())

    async def _hold(self) -> None:
        async with self.pool.acquire() as connection:
            if await index_lease.hold(connection, self.holder):
                return
            # Of a process that was killed nothing is to come: no need to wait for its lease to end.
            other = await index_lease.held_by(connection)
            if other is None or not has_died(other):
                raise LeaseLost
            if not await index_lease.take_from(connection, other, self.holder):
                raise LeaseLost  # a third was faster
            log.info("%s, which wrote the search index, has died: this process goes on", other)

    # Which generations

    async def _in_step(self) -> int:
        while True:
            known = await self._known()
            active = next((each for each in known.values() if each.state == "active"), None)
            if not self._agreed or not await self._serves(active):
                await self._agree()
                continue
            own = next((each for each in known.values() if each.by_itself), None)
            if active is None or not active.follows or own is not None:
                await self._build()
                known = await self._known()
            numbers = [each.number for each in known.values() if each.follows]
            try:
                read = await self._follow(numbers)
                if read is not None:
                    await self._put_again(numbers, read)
                    await self._let_expire(numbers, read)
            except GenerationLost as lost:
                log.warning("the search index is built again: %s", lost)
                await self._retire(lost.number)
                continue
            if read is None:
                continue
            if own is not None or active is None or not active.follows:
                await self._activate_own()
                continue
            if not await self._without_erased():
                continue
            await self._drop_retired(known)
            return read

    async def _known(self) -> dict[int, Generation]:
        async with self.pool.acquire() as connection:
            return await generations.known(connection)

    async def _serves(self, active: Generation | None) -> bool:
        """Whether searches read what PostgreSQL says they do."""
        try:
            serving = await self.index.serving()
        except DamagedGeneration:
            return False
        return active is None or serving == active.number

    async def _agree(self) -> None:
        """Make PostgreSQL agree with what the engine has: a crash may have come between a change in
        the one and in the other; a folder may have been deleted, or restored."""
        async with self.pool.acquire() as connection, generations.alone(connection):
            stored = {each.number: each for each in await self.index.generations()}
            corpus = (await generations.origin(connection)).corpus
            ours = {number for number, each in stored.items() if each.origin.corpus == corpus}
            try:
                serving = await self.index.serving()
            except DamagedGeneration:
                serving = None
            known = await generations.known(connection)
            for each in known.values():
                if each.state != "retired" and each.number not in ours:
                    await generations.set_state(connection, each.number, "retired")
            for number in stored.keys() - known.keys():
                # Of another corpus, or a build that PostgreSQL knows nothing of any more.
                await generations.adopt(connection, stored[number])
            if serving in ours:
                found = (await generations.known(connection))[serving]
                if found.state != "active":
                    await generation_switch.complete_switch(connection, self.index, found)
            else:
                await self._activate_previous(connection)
        self._agreed = True

    async def _activate_previous(self, connection: Connection) -> None:
        """What searches read is lost: let them read what was kept for a rollback, if that is."""
        found = await generations.pointers(connection)
        if found.active is not None:
            await generations.set_state(connection, found.active, "retired")
        if found.previous is not None:
            now = await connection.fetchval("select clock_timestamp()")
            await generation_switch.activate(
                connection, self.index, found.previous, None, None, now
            )

    async def _retire(self, number: int) -> None:
        async with self.pool.acquire() as connection, generations.alone(connection):
            if (await generations.pointers(connection)).active == number:
                await self._activate_previous(connection)
            else:
                await generations.set_state(connection, number, "retired")

    async def _activate_own(self) -> None:
        """Let searches read what this process has built; what they read before is of another
        analyser, or lost."""
        async with self.pool.acquire() as connection, generations.alone(connection):
            own = await generations.in_state(connection, "building")
            if own is not None and own.by_itself:
                now = await connection.fetchval("select clock_timestamp()")
                await generation_switch.activate(
                    connection, self.index, own.number, None, None, now
                )

    async def _drop_retired(self, known: Mapping[int, Generation]) -> None:
        for each in known.values():
            if each.state != "retired" or await self.index.serving() == each.number:
                continue
            self._written.discard(each.number)
            await self.index.release(each.number)
            await self.index.drop(each.number)
            async with self.pool.acquire() as connection, generations.alone(connection):
                await generations.forget(connection, each.number)

    # Building

    async def _build(self) -> None:
        """Build a generation from what is live, or go on with what was built of one."""
        async with self.pool.acquire() as connection, generations.alone(connection):
            building = await generations.in_state(connection, "building")
            if building is not None and not (building.by_itself and not building.outdated):
                # Of a run, whose gates compare with what serves: there is nothing any more.
                await generations.set_state(connection, building.number, "retired")
                building = None
            if building is None:
                now = await connection.fetchval("select clock_timestamp()")
                building = await generations.begin(connection, self.index, now=now)
        copier = TextCopier(self.pool, self.index, self.analyse, self._hold)
        after: bytes | None = None if building.copied else building.copied_to
        self._written.add(building.number)
        while after is not None:
            after = await copier.copy(building.number, after, _COPIED)

    # Following

    async def _follow(self, numbers: Sequence[int]) -> int | None:
        """Read on to the end of the feed with all of these; None: another began to follow."""
        self._written.update(numbers)
        cursors = {each: await _of(each, self.index.cursor(each)) for each in numbers}
        while True:
            lowest = min(cursors.values())
            behind = [each for each in numbers if cursors[each] == lowest]
            # Not past those that are ahead: from there on, all are read for at once.
            ahead = [cursor for cursor in cursors.values() if cursor > lowest]
            limit = min(_CHANGES, min(ahead) - lowest) if ahead else _CHANGES
            async with self.pool.acquire() as connection:
                changed = await changed_pages.changed_pages(connection, lowest, limit)
                if changed is None:
                    raise GenerationLost(
                        behind[0], f"the feed no longer has what follows change {lowest}"
                    )
                now = await live_texts.texts_of_pages(connection, changed.pages)
            if changed.last > lowest:
                had = {
                    each: await _of(each, self.index.texts_of(each, changed.pages))
                    for each in behind
                }
                await self._put(now, had, lowest, changed.last)
                cursors.update(dict.fromkeys(behind, changed.last))
            async with self.pool.acquire() as connection:
                recorded = await index_lease.record_progress(
                    connection, self.holder, cursors, min(cursors.values())
                )
            if not recorded:
                return None
            if not changed.more and len(set(cursors.values())) == 1:
                return changed.last

    async def _put_again(self, numbers: Sequence[int], cursor: int) -> None:
        """Look at the texts again that an audit asked for."""
        while True:
            async with self.pool.acquire() as connection:
                texts = await index_repairs.asked(connection, _COPIED)
            if not texts:
                return
            await self._put(texts, dict.fromkeys(numbers, texts), cursor, cursor)
            async with self.pool.acquire() as connection:
                await index_repairs.done(connection, texts)

    async def _let_expire(self, numbers: Sequence[int], cursor: int) -> None:
        """Now and then, take out past texts that are kept no longer. Nothing shows them meanwhile:
        searches of the past are refused before that time."""
        clock = asyncio.get_running_loop().time()
        if clock < self._expired_at + _EXPIRES_EVERY:
            return
        async with self.pool.acquire() as connection:
            before = await live_texts.kept_since(connection)
        had = {}
        if before is not None:
            for each in numbers:
                had[each] = await _of(each, self.index.texts_until(each, before, _COPIED))
        if any(had.values()):  # one that a page has again by now is put, with its new end
            await self._put(set(), had, cursor, cursor)
        else:
            self._expired_at = clock

    async def _without_erased(self) -> bool:
        """Have no file keep a word of erased texts, which have left the index before: their erasure
        is a change like any other. False: a generation without them was begun, since the one that
        searches read can be rid of them in no other way."""
        async with self.pool.acquire() as connection:
            texts = await index_erasures.asked(connection)
        if not texts:
            return True
        serving = await self.index.serving()
        kept = [
            each.number
            for each in await self.index.generations()
            if not await self.index.expunge(each.number, texts)
        ]
        if serving in kept and not texts <= self._built_without:
            log.warning("the search index is built again without %s erased texts", len(texts))
            self._built_without = texts
            await self._build()
            return False
        for number in kept:
            if number == serving:
                # Building once more would not help: the erasure's own search says so.
                log.error("the search index keeps words of erased texts")
            else:
                await self._retire(number)
        await self._drop_retired(await self._known())
        async with self.pool.acquire() as connection:
            await index_erasures.done(connection, texts)
        self._built_without = frozenset()
        return True

    async def _put(
        self, texts: set[bytes], had: Mapping[int, set[bytes]], cursor: int, last: int
    ) -> None:
        """Make generations agree with the corpus in these texts, and in those that each had of the
        same pages: what is live is put, what is not is removed. `last` is the cursor once all of
        them are."""
        texts = texts.union(*had.values())
        async with self.pool.acquire() as connection:
            found = await live_texts.facts(connection, texts)
        live = {text.text_hash for text in found}
        pieces = list(live_texts.portions(found)) or [[]]
        for number, piece in enumerate(pieces, start=1):
            put, _ = await analysed(self.pool, self.analyse, piece)
            whole = number == len(pieces)
            # Analysing may have taken longer than the lease lasts.
            await self._hold()
            for generation, before in had.items():
                gone = sorted(before - live) if whole else ()
                changes = TextChanges(put, gone, last if whole else cursor)
                await _of(generation, self.index.apply(generation, changes))


async def _of(generation: int, work: Awaitable[R]) -> R:
    """The result of work on a generation. Raises `GenerationLost` if it is not there any more."""
    try:
        return await work
    except (MissingGeneration, DamagedGeneration) as error:
        raise GenerationLost(generation, str(error)) from error
