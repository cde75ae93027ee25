"""A host that struggles is asked more slowly by every worker, and faster again once it recovers."""

import asyncio
import time
from contextlib import suppress

import asyncpg
import pytest

from atlas.domain.errors import ErrorClass, PageError, SlotDeadline
from atlas.domain.politeness.adaptive_delay import LONGEST
from atlas.stores.postgres.hosts import circuit_breaker, manual_limits, status
from atlas.stores.postgres.hosts.rate_limiter import HostSlots
from atlas.stores.postgres.hosts.status import HostStatus

HOST = "docs.example.org"
URL = f"https://{HOST}/"
BUSY = PageError(ErrorClass.THROTTLED, "http_429", "the server answered 429")


def worker(database: asyncpg.Pool, delay: float = 0.0, source: str | None = None) -> HostSlots:
    return HostSlots(database, delay=delay, parallel=8, source=source, deadline=0.0)


async def ask(slots: HostSlots, latency: float = 0.0, error: PageError | None = None) -> None:
    """A request whose turn has come, answered within `latency` seconds."""
    await slots.pool.execute(
        "update hosts set last_at = '-infinity', next_at = '-infinity', open_until = null"
    )
    with suppress(PageError):
        async with slots.slot(HOST, URL) as slot:
            now = time.monotonic()
            slot.sent(now - latency)
            if error is None or error.code.startswith("http_"):
                slot.answered(now)
            if error is not None:
                raise error


async def delay_of(slots: HostSlots) -> float:
    """Seconds after a request until this worker may send the next: the request before was now."""
    await slots.pool.execute(
        "update hosts set last_at = clock_timestamp(), next_at = clock_timestamp()"
    )
    try:
        async with slots.slot(HOST, URL):
            return 0.0
    except SlotDeadline as late:
        return late.wait


async def shown(database: asyncpg.Pool) -> HostStatus:
    async with database.acquire() as connection:
        [found] = await status.listed(connection, host=HOST)
    return found


async def test_every_worker_keeps_to_what_one_saw(database: asyncpg.Pool) -> None:
    await ask(worker(database), latency=11.0)
    assert 5 < await delay_of(worker(database)) <= 6  # 2 x (0.3 x 10)
    assert 9 < await delay_of(worker(database, delay=10.0)) <= 10  # never below the declared one
    found = await shown(database)
    assert found.adaptive_delay is not None and 5.9 < found.adaptive_delay <= 6.1
    assert found.delay == pytest.approx(found.adaptive_delay)
    assert found.delay_reason == "answers in 4.0 s"


async def test_it_comes_back_down_when_the_host_recovers(database: asyncpg.Pool) -> None:
    slots = worker(database)
    await ask(slots, latency=60.0)
    assert (await shown(database)).delay == pytest.approx(LONGEST)
    delays = [LONGEST]
    while (await shown(database)).adaptive_delay:
        await ask(slots)
        delays.append((await shown(database)).adaptive_delay or 0.0)
    assert delays == sorted(delays, reverse=True) and len(delays) < 30
    assert await delay_of(slots) == 0.0
    assert (await shown(database)).delay_reason == ""


async def test_a_429_without_retry_after_doubles_the_delay(database: asyncpg.Pool) -> None:
    slots = worker(database, delay=1.0)
    for expected in (2.0, 4.0, 8.0):
        await ask(slots, error=BUSY)
        await database.execute("update hosts set failures = 0, refused_at = strained_at")
        found = await shown(database)
        assert (found.adaptive_delay, found.delay_reason) == (expected, "429/503")
        assert expected - 1 < await delay_of(slots) <= expected
    await ask(slots)
    assert (await shown(database)).adaptive_delay == 6.0


async def test_what_says_how_long_or_blames_a_page_doubles_nothing(database: asyncpg.Pool) -> None:
    slots = worker(database, delay=1.0)
    asked = PageError(ErrorClass.THROTTLED, "http_503", "come back later", retry_after=1.0)
    for error in (asked, PageError(ErrorClass.TRANSIENT, "http_500", "one page's fault")):
        await ask(slots, error=error)
        assert (await shown(database)).adaptive_delay is None


async def test_requests_under_way_together_count_once(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=0.0, parallel=8)  # each waits for its turn
    together = asyncio.Barrier(5)

    async def refused() -> None:
        with suppress(PageError):
            async with slots.slot(HOST, URL):
                await together.wait()
                raise BUSY

    await asyncio.gather(*(refused() for _ in range(5)))
    assert (await shown(database)).adaptive_delay == 1.0


async def test_silence_is_slow(database: asyncpg.Pool) -> None:
    silent = PageError(ErrorClass.TRANSIENT, "header_timeout", "no headers within 30 s")
    await ask(worker(database), latency=31.0, error=silent)
    assert (await shown(database)).adaptive_delay == pytest.approx(18.0, abs=0.5)


async def test_a_limit_set_by_hand_wins(database: asyncpg.Pool) -> None:
    await database.execute(
        "insert into sources (name, kind, urls, created_at) values ('docs', 'site', '{}', now())"
    )
    own = worker(database, source="docs")
    await ask(own, latency=60.0)
    assert await delay_of(own) > 20
    async with database.acquire() as connection:
        await manual_limits.put(connection, source="docs", delay=4.0, parallel=None)
        assert 3 < await delay_of(own) <= 4
        assert await delay_of(worker(database)) > 20
        await manual_limits.put(connection, host=HOST, delay=2.0, parallel=None)
        assert 1 < await delay_of(worker(database)) <= 2
        found = await shown(database)
        assert (found.adaptive_delay, found.delay_reason) == (None, "limit")
        await manual_limits.clear(connection, host=HOST)
        await manual_limits.put(connection, host=HOST, delay=None, parallel=1)
        assert await delay_of(worker(database)) > 20  # it says nothing of the delay


async def test_it_is_forgotten_after_an_hour_or_by_hand(database: asyncpg.Pool) -> None:
    slots = worker(database)
    await ask(slots, latency=60.0)
    await database.execute("update hosts set strained_at = strained_at - interval '61 minutes'")
    assert await delay_of(slots) == 0.0
    await ask(slots, latency=11.0)
    assert (await shown(database)).adaptive_delay == pytest.approx(6.0, abs=0.1)
    async with database.acquire() as connection:
        assert await circuit_breaker.reset(connection, HOST) is True
        assert await circuit_breaker.reset(connection, HOST) is False
    assert await delay_of(slots) == 0.0
