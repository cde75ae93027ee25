"""Stragglers of a batch: pages whose host keeps all the others of a run waiting.

A batch is processed when its last request has ended, and a silent host takes a minute for that. One
that may be asked every half minute takes as long. So once only such pages are left and somebody
waits, they are set aside, and requests that are on their way are cut short.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from atlas.domain.addresses.urls import host_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

    from atlas.domain.batch import HeldPage
    from atlas.web.politeness import Slot, Slots

LOOK = 0.25
"""Seconds between two looks. What a page waits is counted in looks: an event loop that stood still
for a while has not asked its hosts meanwhile, and they are not to blame."""

_TIMES = 3
"""A host is slow that takes so many times as long as the slowest answer of the batch, within the
bounds of its policy: on a busy machine, or a busy line, all hosts seem slow."""

_LENT = 3
"""A straggler gives its place to another page, as long as there are no more than so many times the
usual connections on top."""


class PageFetch:
    """A page that is being fetched; as its slots it hears when its host is asked."""

    def __init__(self, page: HeldPage, slots: Slots, scope: asyncio.Timeout) -> None:
        self.page = page
        self.host = host_of(page.url)
        self.waits = False
        """Whether it waits for a host: for its turn there, or for the answer."""
        self.looks = 0
        """How often it was found waiting for the same thing."""
        self.sent_at: float | None = None
        """When the page itself was asked for, and not only its robots.txt."""
        self.answered_after: int | None = None
        """The looks that its last answer took."""
        self.lent = False
        self._slots = slots
        self._scope = scope

    @asynccontextmanager
    async def slot(self, host: str, url: str) -> AsyncIterator[Slot]:
        self.waits, self.looks = True, 0
        try:
            async with self._slots.slot(host, url) as held:
                self.looks = 0
                if url == self.page.url:
                    self.sent_at = time.monotonic()
                yield held
                self.answered_after = self.looks
        finally:
            self.waits, self.looks = False, 0

    def at_least(self, host: str, delay: float) -> None:
        self._slots.at_least(host, delay)

    @property
    def cut(self) -> bool:
        return self._scope.expired()

    def cut_short(self) -> None:
        self._scope.reschedule(asyncio.get_running_loop().time())


class Stragglers:
    """The pages of a batch that are under way, and the room for them.

    `patience`: the least and the most seconds after which a host that lets nothing go on counts as
    slow. `others_wait` says whether the run has pages of other hosts than these, `slow_among` which
    of some hosts other batches found slow, and `set_aside` records pages and slow hosts before they
    are cut. Pages of slow hosts, in batches of their own, are not cut.
    """

    def __init__(
        self,
        pages: Sequence[HeldPage],
        *,
        room: int,
        patience: tuple[float, float],
        others_wait: Callable[[Collection[str]], Awaitable[bool]],
        slow_among: Callable[[Collection[str]], Awaitable[set[str]]],
        set_aside: Callable[[Collection[HeldPage], Collection[str]], Awaitable[None]],
    ) -> None:
        self.aside: set[int] = set()
        """Pages that are not asked for in this batch any more."""
        self._hosts = {page.page_id: host_of(page.url) for page in pages}
        self._left = {page.page_id: page for page in pages if page.stage == "listed"}
        self._under_way: set[PageFetch] = set()
        self._answered: set[str] = set()
        self._may_cut = not all(page.slow for page in pages)
        self._free = asyncio.Semaphore(room)
        self._to_lend = room * _LENT
        self._least, self._most = (max(1, round(seconds / LOOK)) for seconds in patience)
        self._slowest: int | None = None
        self._others_wait = others_wait
        self._slow_among = slow_among
        self._set_aside = set_aside

    @asynccontextmanager
    async def fetching(self, page: HeldPage, slots: Slots) -> AsyncIterator[PageFetch | None]:
        """Room for one page; None if it was set aside before its turn came."""
        await self._free.acquire()
        fetch: PageFetch | None = None
        try:
            if page.page_id in self.aside:
                yield None
                return
            try:
                async with asyncio.timeout(None) as scope:
                    fetch = PageFetch(page, slots, scope)
                    self._under_way.add(fetch)
                    try:
                        yield fetch
                    finally:
                        self._under_way.discard(fetch)
            except TimeoutError:
                if not scope.expired():
                    raise
            else:
                if fetch.sent_at is not None:
                    self._heard_of(fetch)
        finally:
            self._left.pop(page.page_id, None)
            if fetch is not None and fetch.lent:
                self._to_lend += 1
            else:
                self._free.release()

    def _heard_of(self, ended: PageFetch) -> None:
        self._answered.add(ended.host)
        if ended.answered_after is not None:
            self._slowest = max(self._slowest or 0, ended.answered_after)
        for fetch in self._under_way:
            if fetch.host == ended.host:
                fetch.looks = 0  # the host goes on, however many requests it has at once

    @property
    def _patience(self) -> int:
        """In looks; the most, before there is an answer to compare with."""
        if self._slowest is None:
            return self._most
        return min(self._most, max(self._least, self._slowest * _TIMES))

    async def watch(self) -> None:
        """Look until cancelled."""
        pause = 0
        while True:
            await asyncio.sleep(LOOK)
            slow = self._look()
            pause = max(0, pause - 1)
            if self._lend(slow) or pause or not self._may_cut or not self._stands_still(slow):
                continue
            if not await self._end(slow):
                pause = self._patience  # the database is not asked at each look

    def _look(self) -> set[str]:
        """Hosts that let nothing go on: they do not answer, or may not be asked yet."""
        by_host: dict[str, list[PageFetch]] = defaultdict(list)
        for fetch in self._under_way:
            fetch.looks += 1
            by_host[fetch.host].append(fetch)
        return {
            host
            for host, each in by_host.items()
            if any(fetch.waits for fetch in each)
            and all(fetch.looks >= self._patience for fetch in each)
        }

    def _stands_still(self, slow: set[str]) -> bool:
        """Whether all that is under way waits for these hosts, or long for something else."""
        return bool(self._under_way) and all(
            fetch.host in slow or (not fetch.waits and fetch.looks >= self._patience)
            for fetch in self._under_way
        )

    def _lend(self, slow: set[str]) -> bool:
        """Make room for pages that wait for it; whether there are such, which begin now."""
        waiting = len(self._left) - len(self._under_way)
        able = [each for each in self._under_way if each.host in slow and each.waits]
        lending = [each for each in able if not each.lent][: min(waiting, self._to_lend)]
        for fetch in lending:
            fetch.lent = True
            self._to_lend -= 1
            self._free.release()
        return bool(lending)

    async def _end(self, slow: set[str]) -> bool:
        """Set the pages of slow hosts aside if nothing but them is left, and somebody waits."""
        # Another batch of this process may be waiting for the host's robots.txt, for all of them.
        if blocked := {fetch.host for fetch in self._under_way} - slow:
            slow = slow | (blocked & await self._slow_among(blocked))
        if any(fetch.host not in slow for fetch in self._under_way):
            return False
        here = any(host not in slow for host in self._hosts.values())
        if not here and not await self._others_wait(slow):
            return False
        pages = [page for key, page in self._left.items() if self._hosts[key] in slow]
        # A host that answered is not left out as a whole: it may be one page that takes so long.
        await self._set_aside(pages, slow - self._answered)
        self.aside.update(page.page_id for page in pages)
        for fetch in list(self._under_way):
            if fetch.page.page_id in self.aside:
                fetch.cut_short()
        return True
