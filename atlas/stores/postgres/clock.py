"""The database's time, as a clock for business times.

What is due, what is fresh and when a version begins is compared across workers, so it has to come
from one clock. A worker's own may be a day off, and may be set while it runs. Asking the database
in each statement would give the rows of one transaction different times (which distinguish a check
from the fetch it belongs to), and cost a round trip wherever a time is computed. So the worker asks
every 30 seconds and counts on from there by a monotonic clock.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg

from atlas.domain.timing.clocks import beyond
from atlas.stores.postgres.connection import Connection

REFRESH = 30.0
"""Seconds between two questions: quartz drifts by a few milliseconds in that time."""
STEP = 1.0
"""Seconds, by drift or a slow answer, for which the clock stands still rather than go back."""

log = logging.getLogger(__name__)


def _ticking() -> float:
    """Seconds by a monotonic clock; where there is one, by one that also counts while the machine
    sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class DatabaseClock:
    """The database's time, without asking for it each time. Two readings in a row are in order,
    unless the database's own clock was set back."""

    def __init__(self, ticking: Callable[[], float] = _ticking) -> None:
        self._ticking = ticking
        self._asked: tuple[datetime, float] | None = None
        self._last: datetime | None = None

    def __call__(self) -> datetime:
        """Now. `measure` must have been awaited before."""
        now = self._counted()
        if self._last is not None and timedelta(0) < self._last - now < timedelta(seconds=STEP):
            return self._last
        self._last = now
        return now

    async def measure(self, connection: Connection) -> None:
        """Ask the database. It answered in the middle of the round trip, give or take half."""
        before = self._ticking()
        told: datetime = await connection.fetchval("select clock_timestamp()")
        middle = (before + self._ticking()) / 2
        if self._asked is not None:
            off = (told - self._counted(middle)).total_seconds()
            if abs(off) > STEP:
                log.warning("the database's clock was set by %+.1f s; times follow it", off)
        self._asked = told, middle

    @asynccontextmanager
    async def following(self, pool: asyncpg.Pool) -> AsyncIterator[None]:
        """Ask at once, then every `REFRESH` seconds until the block ends."""
        async with pool.acquire() as connection:
            await self.measure(connection)
        task = asyncio.create_task(self._follow(pool))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self, pool: asyncpg.Pool) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            try:
                async with pool.acquire() as connection:
                    await self.measure(connection)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.debug("the database's clock was not read: %s", error)  # it goes on by itself

    def _counted(self, at: float | None = None) -> datetime:
        assert self._asked is not None, "the database was not asked yet"
        told, then = self._asked
        return told + timedelta(seconds=(self._ticking() if at is None else at) - then)


async def skew(connection: Connection, clock: Callable[[], datetime]) -> float:
    """Seconds by which the database's clock is ahead of another, less what the question took."""
    before = clock()
    told = await connection.fetchval("select clock_timestamp()")
    return beyond(told, before, clock())
