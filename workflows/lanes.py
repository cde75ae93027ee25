"""Lanes: a few batches of one run at once, so that the network of one overlaps the CPU of
another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from temporalio import workflow

Lane = Callable[[int], Coroutine[Any, Any, bool]]
"""Works batch after batch of the lane of that number; true once there is no more for it."""


class Lanes:
    """The lanes of one run: the numbers of their batches, and their common end.

    Beside `count` lanes there may be one more, the slow lane: it works on pages of slow hosts while
    the others go on, from the moment that there are some.
    """

    def __init__(self, numbers: Sequence[int], count: int) -> None:
        self.slow = count
        """The number of the slow lane."""
        self.numbers = [*numbers, *([0] * (count + 1))][: count + 1]
        """The last batch number of each lane. A number is a claim's key and is never given out
        twice, so these are carried over when the run continues as new."""
        self.stopping = False
        """An activity that ends well although it was cancelled swallows the cancellation of its
        lane; so lanes look for this, too, before each piece of work."""
        self._wakes = 0
        self._slow_wanted = self.numbers[self.slow] > 0  # there were some, so there may be more

    def next_number(self, lane: int) -> int:
        self.numbers[lane] += 1
        return self.numbers[lane]

    async def work(self, lane: Lane, count: int, *, slow: bool = False) -> bool:
        """Work in so many lanes; true if each of them finished. Returns, or raises, with none under
        way, also when one failed or the run was cancelled. `slow`: and in the slow lane, once it is
        wanted."""
        tasks = [asyncio.create_task(lane(number)) for number in range(count)]
        if not tasks:
            return True
        if slow:
            tasks.append(asyncio.create_task(self._slow_lane(lane, tuple(tasks))))
        try:
            await workflow.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        except GeneratorExit:  # the run is dropped from memory: nothing may be awaited any more
            raise
        except BaseException:
            await self._end(tasks)
            raise
        await self._end(tasks)
        return all(task.result() for task in tasks)

    def want_slow_lane(self) -> None:
        """There are pages of slow hosts, which nobody else shall wait for."""
        self._slow_wanted = True

    async def _slow_lane(self, lane: Lane, others: Sequence[asyncio.Task[bool]]) -> bool:
        """Work in the slow lane whenever it is wanted. What it leaves is for the others, which
        also take such pages, though last."""
        while True:
            await workflow.wait_condition(
                lambda: self._slow_wanted or all(task.done() for task in others)
            )
            if not self._slow_wanted:
                return True
            self._slow_wanted = False
            if not await lane(self.slow):
                return False

    def wake(self) -> None:
        """End the rests under way."""
        self._wakes += 1

    async def rest(self, seconds: float, why: str) -> None:
        """Wait so long, or until woken."""
        wakes = self._wakes
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: self._wakes != wakes, timeout=seconds, timeout_summary=why
            )

    async def _end(self, tasks: Sequence[asyncio.Task[bool]]) -> None:
        """Return with no lane under way: a batch that outlived its run would write after the run's
        record is closed."""
        self.stopping = not all(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await workflow.wait(tasks)
        for task in tasks:  # or asyncio logs an error for each that ended with its activity's
            if not task.cancelled():
                task.exception()
