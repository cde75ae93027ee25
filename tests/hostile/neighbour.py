"""What a hostile listing does to everything else in its worker: a neighbour's `fetch_url`, and the
memory of the process."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any, TypeVar

from temporalio.client import Client

from atlas.contracts.names import QUEUE
from tests.origin import Origin

MAX_GROWTH = 64
"""MiB by which a worker may grow."""
MAX_RATIO = 2.0
"""Of a neighbour's time to its undisturbed time."""

_ORIGINS = 30  # so that none is asked twice within its second of politeness
_NUMBERS = count()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Beside:
    """What was seen beside one run."""

    times: Sequence[float]
    """Seconds of each fetch of the neighbour."""
    calm: float
    """Its undisturbed time, measured just before and just after."""
    grown: int
    """MiB that the worker took at most, above what it had before."""

    @property
    def ratio(self) -> float:
        return statistics.median(self.times) / self.calm


@dataclass
class Neighbour:
    """Pages of other hosts, fetched by the same worker one at a time."""

    client: Client
    pid: int
    origins: list[Origin]
    _turn: Any = field(init=False)

    def __post_init__(self) -> None:
        self._turn = cycle(self.origins)

    async def fetch(self) -> float:
        """Seconds of one `fetch_url`."""
        request = {"url": next(self._turn).url("/neighbour")}
        began = time.perf_counter()
        result = await self.client.execute_workflow(
            "fetch_url", request, id=f"neighbour-{next(_NUMBERS)}", task_queue=QUEUE
        )
        assert result["success"]
        return time.perf_counter() - began

    async def beside(self, run: Coroutine[Any, Any, T]) -> tuple[T, Beside]:
        """The run's result, and what was seen beside it."""
        calm = [await self.fetch() for _ in range(3)]
        before = memory_of(self.pid, "VmRSS")
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak so far is forgotten
        task = asyncio.create_task(run)
        times = []
        while not task.done():
            times.append(await self.fetch())
        grown = memory_of(self.pid, "VmHWM") - before
        calm += [await self.fetch() for _ in range(3)]
        return task.result(), Beside(times or calm, statistics.median(calm), max(grown, 0))


@asynccontextmanager
async def neighbour(client: Client, pid: int) -> AsyncIterator[Neighbour]:
    """A neighbour whose hosts' robots.txt are known, so that all its fetches are alike."""
    async with AsyncExitStack() as opened:
        origins = [await opened.enter_async_context(Origin()) for _ in range(_ORIGINS)]
        for each in origins:
            each.page("/neighbour", "<main><p>All about the neighbour.</p></main>")
        found = Neighbour(client, pid, origins)
        for _ in origins:
            await found.fetch()
        yield found


def memory_of(pid: int, name: str) -> int:
    """MiB of a process now (VmRSS), or at most since its peak was last forgotten (VmHWM)."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith(name)) // 1024
