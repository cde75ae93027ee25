"""Bounds on the cost of repeated looks, and how fast runs go."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from starter.monitoring.overview import RunSeen

T = TypeVar("T")

SHARE = 10.0
"""What took a second is looked at again after ten: it keeps one connection busy for a tenth of the
time at most, however much there is to count."""
_WINDOW = 15.0
"""Seconds over which the speed of a run is measured."""


async def every(interval: float, look: Callable[[], Awaitable[T]]) -> AsyncGenerator[T]:
    """A look every `interval` seconds, counted from start to start; never two at once."""
    while True:
        began = time.monotonic()
        yield await look()
        await asyncio.sleep(max(0.0, began + interval - time.monotonic()))


class Rationed(Generic[T]):
    """Something that is looked at no more often than its cost allows, and every `least` seconds."""

    def __init__(self, *, least: float = 0.0) -> None:
        self._least = least
        self._value: T | None = None
        self._next = 0.0

    async def get(self, look: Callable[[], Awaitable[T]]) -> T:
        """What was found last, looked at again if that is due. Raises as `look` does."""
        began = time.monotonic()
        if self._value is None or began >= self._next:
            self._value = await look()
            ended = time.monotonic()
            self._next = ended + max(self._least, SHARE * (ended - began))
        return self._value


class Samples:
    """The values that a growing number had at the looks of the last `window` seconds."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._seen: deque[tuple[float, int]] = deque()
        self.first: tuple[float, int] = (0.0, 0)
        """Moment and value of the first look, since the number last fell."""

    def add(self, number: int, at: float) -> tuple[float, int]:
        """Note the number `at` (monotonic seconds); moment and value of the oldest look in the
        window."""
        if self._seen and number < self._seen[-1][1]:
            self._seen.clear()
        if not self._seen:
            self.first = (at, number)
        if not self._seen or at > self._seen[-1][0]:
            self._seen.append((at, number))
        while len(self._seen) > 2 and self._seen[1][0] <= at - self._window:
            self._seen.popleft()
        return self._seen[0]


class Rates:
    """How fast each run goes, from its progress at several looks."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Samples] = {}
        self._pages: set[str] = set()

    def take(self, run_id: str, done: int, at: float, what: str = "done") -> float | None:
        """Note that `done` was reached `at` (monotonic seconds), of `what` is counted. Returns the
        amount per second over the window; None at the first look."""
        since, before = self._seen.setdefault((run_id, what), Samples(_WINDOW)).add(done, at)
        return (done - before) / (at - since) if at > since else None

    def counts_pages(self, run_id: str) -> None:
        """Note that the run's work is counted in pages."""
        self._pages.add(run_id)

    def pageless(self, one: RunSeen) -> bool:
        """Whether the run itself must be asked for its progress; single fetches and checks are over
        too soon for that."""
        return one.run_id not in self._pages and one.type not in ("fetch_url", "health_check")

    def forget_others(self, run_ids: Iterable[str]) -> None:
        """Forget the runs that are over."""
        kept = set(run_ids)
        self._pages &= kept
        self._seen = {key: seen for key, seen in self._seen.items() if key[0] in kept}
