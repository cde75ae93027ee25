"""Reservations of a host, taken by any number of workers, keep its pace together."""

import asyncio
import time
from itertools import pairwise

import asyncpg
import pytest

from atlas.domain.errors import SlotDeadline
from atlas.stores.postgres.hosts import HostSlots

URL = "https://example.org/"
TOLERANCE = 0.005  # seconds: clocks of this process and the database


async def use(slots: HostSlots, times: list[float], work: float = 0.0) -> None:
    async with slots.slot("host", URL) as slot:
        times.append(time.monotonic())
        slot.sent(times[-1])
        await asyncio.sleep(work)


async def test_workers_together_keep_the_delay(database: asyncpg.Pool) -> None:
    workers = [HostSlots(database, delay=0.05, parallel=8) for _ in range(4)]
    times: list[float] = []
    await asyncio.gather(*(use(workers[n % 4], times) for n in range(12)))
    gaps = [after - before for before, after in pairwise(sorted(times))]
    assert min(gaps) >= 0.05 - TOLERANCE


async def test_the_delay_counts_from_when_the_request_was_sent(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=0.1, parallel=8)
    async with slots.slot("host", URL) as slot:
        await asyncio.sleep(0.15)  # dialling
        sent = time.monotonic()
        slot.sent(sent)
    times: list[float] = []
    await use(slots, times)
    assert times[0] - sent >= 0.1 - TOLERANCE


async def test_no_more_than_parallel_at_once(database: asyncpg.Pool) -> None:
    workers = [HostSlots(database, delay=0.0, parallel=3) for _ in range(3)]
    now = most = 0

    async def work(slots: HostSlots) -> None:
        nonlocal now, most
        async with slots.slot("host", URL):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.02)
            now -= 1

    await asyncio.gather(*(work(workers[n % 3]) for n in range(15)))
    assert most == 3


async def test_a_dead_workers_lease_expires(database: asyncpg.Pool) -> None:
    dying = HostSlots(database, delay=0.0, parallel=1, ttl=0.3)
    await dying._reserve("host")  # never released
    began = time.monotonic()
    times: list[float] = []
    await use(HostSlots(database, delay=0.0, parallel=1), times)
    assert times[0] - began >= 0.3 - 0.1


async def test_hosts_do_not_wait_for_each_other(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=30.0, parallel=1)
    for host in ("a", "b", "c"):
        async with slots.slot(host, URL):
            pass


async def test_a_turn_that_comes_too_late_says_when_it_would_be(database: asyncpg.Pool) -> None:
    deadline = time.monotonic() + 1.0
    slots = HostSlots(database, delay=30.0, parallel=1, deadline=deadline)
    async with slots.slot("host", URL):
        pass
    with pytest.raises(SlotDeadline) as caught:
        async with slots.slot("host", URL):
            pass
    assert 25.0 < caught.value.wait <= 30.0


async def test_the_longer_of_source_and_robots_delay_holds(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=0.05, parallel=1)
    slots.at_least("host", 0.2)
    slots.at_least("host", 0.1)
    times: list[float] = []
    for _ in range(3):
        await use(slots, times)
    assert min(after - before for before, after in pairwise(times)) >= 0.2 - TOLERANCE


async def test_a_cancelled_holder_gives_its_slot_back(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=0.0, parallel=1, ttl=60.0)
    entered = asyncio.Event()

    async def hold() -> None:
        async with slots.slot("host", URL):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10), slots.slot("host", URL):
        pass
