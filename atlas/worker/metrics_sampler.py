"""Samples the state of the corpus and of the task queues for a worker's metrics.

Every worker with metrics samples the same: aggregate with `max`, and no worker is one that must
not end. What it costs is bounded: a handful of queries and five RPCs each `EVERY` seconds, one
pass over the narrow table of pages each `EVERY_PAGES`.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from temporalio.common import MetricMeter
from temporalio.service import RPCError

from atlas.contracts.names import QUEUE
from atlas.health.queues import states_in_use
from atlas.stores.postgres.audit import findings
from atlas.stores.postgres.index import index_state
from atlas.stores.postgres.reporting import freshness_samples, monitoring
from atlas.stores.postgres.sources import sources
from atlas.telemetry import instruments as own
from atlas.telemetry.metrics import Gauge
from atlas.worker.workers import slots_of

if TYPE_CHECKING:
    from atlas.settings import Settings
    from atlas.stores.postgres.connection import Connection
    from atlas.stores.postgres.reporting.freshness_samples import Achievement
    from atlas.stores.postgres.sources.sources import Source
    from atlas.worker.resources import WorkerParts

EVERY = 15.0
"""Seconds between two looks at the corpus and the queues."""
EVERY_PAGES = 300.0
"""Seconds between two counts of all pages."""

LIFECYCLES = ("discovered", "live", "suspect", "tombstoned", "purged", "quarantined")
STATES = ("fresh", "due", "stale", "paused")

log = logging.getLogger("atlas.sampling")


@asynccontextmanager
async def sampling(parts: WorkerParts, meter: MetricMeter) -> AsyncIterator[None]:
    """Sample as long as the block runs."""
    gauges = {one.name: Gauge(meter, one) for one in own.INSTRUMENTS if _is_sampled(one)}
    sampler = Sampler(parts, gauges)
    tasks = [
        asyncio.create_task(sampler.keep("corpus", EVERY, sampler.corpus)),
        asyncio.create_task(sampler.keep("queues", EVERY, sampler.queues)),
        asyncio.create_task(sampler.keep("pages", EVERY_PAGES, sampler.pages)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def show_slots(settings: Settings, queues: Sequence[str], meter: MetricMeter) -> None:
    """Set once how many tasks the workers for these queues take on at most."""
    gauge = meter.create_gauge(own.SLOTS.name, own.SLOTS.says)
    for queue in queues:
        labels = {"task_queue": queue, "worker_type": "ActivityWorker"}
        gauge.set(slots_of(settings, queue).most, labels)
        if queue == QUEUE:
            gauge.set(settings.worker.worker_workflows, labels | {"worker_type": "WorkflowWorker"})


class Sampler:
    """Looks, and sets the gauges."""

    def __init__(self, parts: WorkerParts, gauges: dict[str, Gauge]) -> None:
        self._parts = parts
        self._gauges = gauges
        self._sampled: dict[str, float] = {}
        self._named: set[str] = set()

    async def keep(self, part: str, every: float, look: Callable[[], Awaitable[None]]) -> None:
        """Look every so many seconds. While a server does not answer, the last values and their
        time stay: an outage does not end the sampling."""
        while True:
            try:
                await look()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, RPCError) as error:
                why = str(error) or type(error).__name__
                log.warning("metrics of the %s were not sampled: %s", part, why)
            except Exception:  # a bug: logged, and sampling goes on
                log.exception("metrics of the %s were not sampled", part)
            else:
                self._sampled[part] = self._parts.clock().timestamp()
                self._replace(own.SAMPLED, self._sampled)
            await asyncio.sleep(every)

    async def corpus(self) -> None:
        """Index lag, sources, runs, hosts and disks."""
        now = self._parts.clock()
        async with self._parts.pool.acquire() as connection:
            await self._lag(connection, now)
            await self._index(connection)
            await self._runs(connection)
            declared = await sources.every(connection)
        self._sources(declared, now)
        await asyncio.to_thread(self._disks)

    async def queues(self) -> None:
        """Who polls, and what waits."""
        states = await states_in_use(self._parts.client)
        self._replace(own.POLLERS, {name: float(one.pollers) for name, one in states.items()})
        self._replace(own.BACKLOG_TASKS, {name: float(one.backlog) for name, one in states.items()})
        ages = {
            name: one.oldest.total_seconds() if one.backlog else 0.0 for name, one in states.items()
        }
        self._replace(own.BACKLOG_AGE, ages)

    async def pages(self) -> None:
        """Pages by lifecycle, what the last audit found, and what sources achieve of their
        objectives."""
        async with self._parts.pool.acquire() as connection:
            found = await monitoring.lifecycles(connection)
            audited = await findings.last(connection)
            promised = freshness_samples.promises(await sources.every(connection))
            achieved = await freshness_samples.achieved(connection, promised, self._parts.clock())
        self._objectives(achieved)
        self._replace(own.PAGES, {one: float(found.get(one, 0)) for one in LIFECYCLES})
        self._set(own.QUARANTINED, found.get("quarantined", 0))
        self._set(own.AUDIT_FINDINGS, audited.open if audited else 0)

    async def _lag(self, connection: Connection, now: datetime) -> None:
        waiting = await monitoring.unsettled(connection)
        age = (now - waiting.oldest).total_seconds() if waiting.oldest else 0.0
        self._set(own.INDEX_LAG, max(0.0, age))
        self._set(own.UNINDEXED, waiting.pages)

    async def _index(self, connection: Connection) -> None:
        found = await index_state.state(connection)
        self._set(own.INDEX_BEHIND, found.documents_behind)
        self._set(own.INDEX_BEHIND_AGE, found.seconds_behind)
        self._set(own.INDEX_CURSOR, found.read_up_to or 0)
        self._set(own.INDEX_WRITTEN, found.written and found.trouble is None)

    async def _runs(self, connection: Connection) -> None:
        runs, paused = await monitoring.count_open_runs(connection)
        self._replace(own.RUNS, {"working": float(runs - paused), "paused": float(paused)})
        failures = self._parts.settings.fetch.host_failures
        self._set(own.HOSTS_DOWN, await monitoring.hosts_down(connection, failures))

    def _sources(self, declared: list[Source], now: datetime) -> None:
        found = [(one, one.freshness(now)) for one in declared]
        states = Counter(_state(one.spec.paused, fresh.stale, fresh.late) for one, fresh in found)
        self._replace(own.SOURCES, {one: float(states[one]) for one in STATES})
        promised = [(one, fresh) for one, fresh in found if not one.spec.paused]
        promised.sort(key=lambda pair: (-pair[1].late, pair[0].spec.name))
        named = [pair for pair in promised if self._may_name(pair[0].spec.name)]
        self._replace(
            own.SOURCE_LATENESS,
            {one.spec.name: fresh.late.total_seconds() for one, fresh in named},
        )
        self._replace(
            own.SOURCE_TOLERANCE,
            {one.spec.name: fresh.tolerance.total_seconds() for one, fresh in named},
        )
        ages = {
            one.spec.name: (now - (one.checked_at or one.declared_at)).total_seconds()
            for one, _ in named
        }
        self._replace(own.SOURCE_FRESHNESS, ages)

    def _objectives(self, achieved: Mapping[str, Achievement]) -> None:
        """The fastest burn first; a source of which nothing is counted has only its objective."""
        order = sorted(achieved.values(), key=lambda one: (-one.burn_rate, one.promise.name))
        named = {one.promise.name: one for one in order if self._may_name(one.promise.name)}
        counted = {name: one for name, one in named.items() if one.share is not None}
        self._replace(
            own.SOURCE_OBJECTIVE,
            {name: one.promise.objective.share for name, one in named.items()},
        )
        self._replace(
            own.SOURCE_ACHIEVED, {name: one.share or 0.0 for name, one in counted.items()}
        )
        self._replace(own.SOURCE_BURN_RATE, {name: one.burn_rate for name, one in counted.items()})

    def _may_name(self, source: str) -> bool:
        """Whether the source has its own series. A name once shown keeps its series for as long
        as the worker runs, so the first to come, the latest of them, are those that are shown."""
        if len(self._named) < own.NAMED_SOURCES:
            self._named.add(source)
        return source in self._named

    def _disks(self) -> None:
        usage = {}
        for place, folder in _folders(self._parts).items():
            with suppress(OSError):
                usage[place] = shutil.disk_usage(folder)
        self._replace(own.DISK_FREE, {place: float(one.free) for place, one in usage.items()})
        self._replace(own.DISK_SIZE, {place: float(one.total) for place, one in usage.items()})

    def _set(self, instrument: own.Instrument, value: float) -> None:
        self._gauges[instrument.name].set(float(value))

    def _replace(self, instrument: own.Instrument, values: dict[str, float]) -> None:
        self._gauges[instrument.name].replace(values)


def _is_sampled(instrument: own.Instrument) -> bool:
    return instrument.kind == "gauge" and instrument is not own.SLOTS


def _folders(parts: WorkerParts) -> dict[str, Path]:
    """Folders on this machine that fill up."""
    settings = parts.settings
    found = {"home": settings.places.home} if settings.places.home.exists() else {}
    location = settings.blob_location
    if not location.startswith("s3://"):
        found["blobs"] = Path(location.removeprefix("file://")).expanduser()
    if settings.search.search == "tantivy":
        found["index"] = settings.index_folder
    return found


def _state(paused: bool, stale: bool, late: timedelta) -> str:
    if paused:
        return "paused"
    if stale:
        return "stale"
    return "due" if late else "fresh"
