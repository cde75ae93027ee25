"""The progress of one run, page by page, and whether a worker serves it, while somebody waits.

The run itself counts per batch, and cannot answer without a worker. Its pages are in PostgreSQL and
the workers' heartbeats in Temporal; both are read from here, at a bounded cost (`Rationed`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from temporalio.service import RPCError

from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING
from atlas.health.fleet import beats
from atlas.stores.postgres.reporting import monitoring
from atlas.stores.postgres.reporting.monitoring import PageCounts
from starter.errors import AtlasError
from starter.monitoring.pollers import missing_workers
from starter.monitoring.rates import Rationed, Samples
from starter.monitoring.workers import Fleet

if TYPE_CHECKING:
    from temporalio.client import Client

    from starter.connection import Parts

_WINDOW = 30.0
"""Seconds over which the pace is taken."""
_ENOUGH = 3
"""Pages in that time that make a pace; of a slower run it is taken since the first look."""
_POLLS_EVERY = 5.0
_LOOK_SECONDS = 5.0
"""How long one look may take; what does not answer is left as it was."""


@dataclass(frozen=True, slots=True)
class Going:
    """The progress of a run at one moment."""

    pages: PageCounts | None = None
    """Of the run, or of those of its sources' runs that are under way; None: it has none yet."""
    rate: float | None = None
    """Pages a second, fetched or (when all are) done; None: not known yet."""
    left: float | None = None
    """About how many seconds until the pages known so far are done; None: unknown."""
    silent: float | None = None
    """Seconds since a worker of its queues was heard, or since the first look, when none is there;
    None: one is."""

    @property
    def fetched(self) -> int:
        """Pages that are fetched, or need not be."""
        return self.pages.total - self.pages.under_way.get("listed", 0) if self.pages else 0


class Pace:
    """How fast a number grows, over the last half minute; monotonic seconds."""

    def __init__(self) -> None:
        self._samples = Samples(_WINDOW)

    def take(self, number: int, at: float) -> float | None:
        """Note the number; its growth per second, None before it grew."""
        since, before = self._samples.add(number, at)
        if number - before < _ENOUGH:
            since, before = self._samples.first
        return (number - before) / (at - since) if number > before else None


class RunWatch:
    """Looks at one run again and again. `bulk`: its work is done on the queue for bulk."""

    def __init__(self, parts: Parts, workflow_id: str, run_id: str, *, bulk: bool = False) -> None:
        self._parts = parts
        self._workflow_id, self._run_id = workflow_id, run_id
        self._bulk = bulk
        self._queues = {QUEUE, QUEUE_BULK if bulk else QUEUE_PROCESSING}
        self._fleet = Fleet()
        self._missing: Rationed[list[str]] = Rationed(least=_POLLS_EVERY)
        self._heard = time.monotonic()
        self._counts: Rationed[tuple[float, PageCounts | None]] = Rationed()
        self._fetching, self._working = Pace(), Pace()
        self._last = Going()

    async def look(self) -> Going:
        """The progress now. Never raises for a part that is down: its last answer stays."""
        await asyncio.gather(
            self._bounded(self._look_at_pages), self._bounded(self._look_for_workers)
        )
        return self._last

    async def _bounded(self, work: Callable[[], Awaitable[None]]) -> None:
        # Called in here: a coroutine made outside would stay unawaited if this is cancelled before
        # it begins, as it is when the run ends in the moment of a look.
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await work()
        except (TimeoutError, AtlasError, RPCError):
            return

    # Pages

    async def _look_at_pages(self) -> None:
        at, pages = await self._counts.get(self._counted)
        if pages is None:
            return
        going = replace(self._last, pages=pages)
        waiting = pages.under_way.get("listed", 0)
        fetched = self._fetching.take(going.fetched, at)
        done = self._working.take(pages.done, at)
        # Most of a run is waiting for its hosts' turns; what is fetched is soon done.
        rate = fetched if waiting else done
        todo = waiting or pages.total - pages.done
        self._last = replace(going, rate=rate, left=todo / rate if rate and todo else None)

    async def _counted(self) -> tuple[float, PageCounts | None]:
        runs = [self._run_id]
        async with self._parts.database() as connection:
            found = await monitoring.page_counts(connection, runs)
            if not found and (children := await self._children()):
                runs = [each.run_id for each in await monitoring.open_runs(connection, children)]
                found = await monitoring.page_counts(connection, runs)
        return time.monotonic(), monitoring.together(found.values()) if found else None

    async def _children(self) -> list[str]:
        """Workflow ids of the runs of its sources that are under way."""
        async with self._parts.temporal() as client:
            described = await client.get_workflow_handle(self._workflow_id).describe()
        return [each.workflow_id for each in described.raw_description.pending_children]

    # Workers

    async def _look_for_workers(self) -> None:
        async with self._parts.temporal() as client:
            silent = await self._silent(client)
        if silent is not None:  # what stood still says nothing of the pace after
            self._fetching, self._working = Pace(), Pace()
        self._last = replace(self._last, silent=silent)

    async def _silent(self, client: Client) -> float | None:
        if await self._is_served(client):
            self._heard = time.monotonic()
            return None
        heard = [each.heard for each in self._fleet.workers()]
        return min(heard, default=time.monotonic() - self._heard)

    async def _is_served(self, client: Client) -> bool:
        found = await beats(client, self._queues)
        if not found:  # a server that keeps no heartbeats, or nobody's for minutes
            return not await self._missing.get(lambda: missing_workers(client, bulk=self._bulk))
        first = not self._fleet.beats
        self._fleet.look(found, time.time())
        if first and self._fleet.doubtful({}):
            return True  # unknown until the next look
        slots = [slot for worker in self._fleet.workers() for slot in worker.slots]
        served = {slot.queue for slot in slots if slot.state != "lost"}
        return self._queues <= served
