"""Repeated looks at the whole of Atlas, at a bounded cost: see `docs/watching.md`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from atlas.contracts.names import QUEUE
from atlas.health.fleet import beats
from atlas.health.queues import QueueState, states_in_use
from atlas.schedules.status import glimpses
from starter.connection import Parts
from starter.errors import AtlasError, CannotConnect
from starter.monitoring import corpus_view
from starter.monitoring.freshness import sources_seen
from starter.monitoring.overview import Overview, RunSeen, Untold, WorkerSeen
from starter.monitoring.rates import Rates, Rationed
from starter.monitoring.temporal_runs import Asked, executions, progress
from starter.monitoring.workers import Fleet, by_polls, queues_seen

if TYPE_CHECKING:
    from temporalio.client import Client

    from atlas.health.fleet import Beat
    from atlas.schedules.status import Glimpse

T = TypeVar("T")
Part = Literal["temporal", "postgresql"]

_SECONDS = 5.0
"""How long one part may take to answer."""
_NEXT_BEAT = 1.5
"""Seconds within which a live worker sends its next heartbeat."""
_SCHEDULES_EVERY = 5.0
_SOURCES_EVERY = 3.0
_ASK_EVERY = 5.0
"""Seconds between two queries to a run that counts no pages."""


class Watch:
    """Looks at everything that works, waits or is late. What changes between two looks gives the
    rates, and shows which workers are alive. `stale_after`: a tolerance for all sources in place of
    their own."""

    def __init__(self, parts: Parts, *, stale_after: timedelta | None = None) -> None:
        self._parts = parts
        self._stale_after = stale_after
        self._fleet = Fleet()
        self._rates = Rates()
        self._looks = 0
        self._began = (time.time(), time.monotonic())
        self._untold: list[Untold] = []
        self._schedules: Rationed[list[Glimpse]] = Rationed(least=_SCHEDULES_EVERY)
        self._corpus = corpus_view.CorpusSampler(_SOURCES_EVERY)
        self._asked: dict[str, Rationed[Asked | None]] = {}

    async def look(self) -> Overview:
        """The overview now. Never raises for a part that is down: `untold` names it."""
        self._untold = []
        self._looks += 1
        seen = await self._temporal()
        sample = await self._database(seen)
        return self._whole(seen, sample)

    def _now(self) -> float:
        """Seconds since the epoch, by a clock that nobody can set meanwhile."""
        wall, monotonic = self._began
        return wall + time.monotonic() - monotonic

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)

    # Temporal

    async def _temporal(self) -> _Temporal:
        seen = _Temporal()
        if await self._of_temporal("everything of Temporal", _connected) is None:
            self._parts.look_again()
            return seen
        states, found, running, schedules = await asyncio.gather(
            self._of_temporal("queues", states_in_use),
            self._of_temporal("workers", _beats),
            self._of_temporal("runs", executions),
            self._of_temporal("schedules", self._listed_schedules),
        )
        seen.states, seen.schedules = states, schedules
        if running is not None:
            seen.running, seen.total = running
        if found is not None:
            await self._take_workers(seen, found[0])
        if seen.running:
            seen.asked = await self._ask(seen)
        return seen

    async def _listed_schedules(self, client: Client) -> list[Glimpse]:
        return await self._schedules.get(lambda: glimpses(client, self._moment()))

    async def _take_workers(self, seen: _Temporal, found: list[Beat] | None) -> None:
        """Judge which workers are alive. The first look has nothing to compare with, so it waits
        for another heartbeat where one is not fresh, or a worker may just be starting."""
        self._judge(seen, found)
        doubtful = self._fleet.doubtful(seen.states or {}) or not self._served(seen)
        if self._looks == 1 and doubtful:
            await asyncio.sleep(_NEXT_BEAT)
            again = await self._of_temporal("workers", _beats)
            seen.states = await self._of_temporal("queues", states_in_use)
            self._judge(seen, again[0] if again is not None else found)

    def _judge(self, seen: _Temporal, found: list[Beat] | None) -> None:
        seen.heartbeats = found is not None
        self._fleet.look(found or [], self._now())
        polling = by_polls(seen.states or {}, self._moment(), besides=self._fleet.beats)
        seen.workers = (*self._fleet.workers(), *polling)

    def _served(self, seen: _Temporal) -> bool:
        return all(each.workers for each in queues_seen(seen.states or {}, seen.workers or ()))

    async def _ask(self, seen: _Temporal) -> dict[str, Asked]:
        """The progress of runs that count no pages, if a worker is there to answer."""
        serving = any(
            slot.queue == QUEUE and slot.state == "running"
            for worker in seen.workers or ()
            for slot in worker.slots
        )
        wanted = [one for one in seen.running or () if serving and self._rates.pageless(one)][:10]
        self._asked = {
            one.run_id: self._asked.get(one.run_id) or Rationed(least=_ASK_EVERY) for one in wanted
        }
        try:
            async with self._parts.temporal() as client:
                answers = await asyncio.gather(
                    *(
                        self._asked[one.run_id].get(partial(progress, client, one.workflow_id))
                        for one in wanted
                    )
                )
        except AtlasError:
            return {}
        return {one.run_id: each for one, each in zip(wanted, answers, strict=True) if each}

    # PostgreSQL

    async def _database(self, seen: _Temporal) -> corpus_view.Sample | None:
        wanted = None if seen.running is None else [one.run_id for one in seen.running]
        return await self._asked_for(
            "postgresql", "hosts, sources, progress of runs", partial(self._rows, wanted)
        )

    async def _rows(self, wanted: list[str] | None) -> corpus_view.Sample:
        async with self._parts.database() as connection:
            return await self._corpus.look(connection, wanted)

    # Together

    def _whole(self, seen: _Temporal, sample: corpus_view.Sample | None) -> Overview:
        at, workers = self._moment(), seen.workers
        runs = corpus_view.runs_seen(seen.running, seen.asked, sample, self._rates, at)
        return Overview(
            at=at,
            workers=workers,
            heartbeats=seen.heartbeats,
            queues=None if seen.states is None else queues_seen(seen.states, workers or ()),
            runs=runs,
            runs_total=len(runs) if runs is not None and seen.running is None else seen.total,
            hosts=None if sample is None else sample.hosts,
            schedules=corpus_view.schedules_seen(seen.schedules, sample),
            sources=None if sample is None else sources_seen(sample.sources, at, self._stale_after),
            audit=None if sample is None else sample.audit,
            index=None if sample is None else sample.index,
            untold=tuple(self._untold),
        )

    async def _of_temporal(self, what: str, ask: Callable[[Client], Awaitable[T]]) -> T | None:
        async def asking() -> T:
            async with self._parts.temporal() as client:
                return await ask(client)

        return await self._asked_for("temporal", what, asking)

    async def _asked_for(self, part: Part, what: str, work: Callable[[], Awaitable[T]]) -> T | None:
        """What a part answered; None, with the reason in `untold`, when it did not."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await work()
        except TimeoutError:
            why, lost = f"no answer within {_SECONDS:.0f} s", True
        except AtlasError as error:
            why, lost = str(error), isinstance(error, CannotConnect)
        self._untold.append(Untold(part, what, why, lost))
        return None


async def _connected(client: Client) -> bool:
    return True


async def _beats(client: Client) -> tuple[list[Beat] | None]:
    return (await beats(client),)


class _Temporal:
    """What Temporal answered at one look; None: it did not."""

    def __init__(self) -> None:
        self.states: Mapping[str, QueueState] | None = None
        self.workers: tuple[WorkerSeen, ...] | None = None
        self.heartbeats = True
        self.running: list[RunSeen] | None = None
        self.total: int | None = None
        self.schedules: list[Glimpse] | None = None
        self.asked: dict[str, Asked] = {}
