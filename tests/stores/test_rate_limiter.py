"""Reservations of a host, taken by any number of workers, keep its pace together."""

import asyncio
import time
from contextlib import suppress

import asyncpg
import pytest

from atlas.domain.errors import ErrorClass, HostClosed, PageError, SlotDeadline
from atlas.domain.politeness.circuit_breaker import Breaker
from atlas.stores.postgres.hosts import circuit_breaker, status
from atlas.stores.postgres.hosts.rate_limiter import HostSlots
from tests.reservations import recorded

URL = "https://example.org/"
TOLERANCE = 0.005  # seconds: clocks of this process and the database


async def use(slots: HostSlots) -> float:
    """One request; when it was sent (monotonic seconds), some time after its turn came."""
    async with slots.slot("host", URL) as slot:
        sent = time.monotonic()
        slot.sent(sent)
    return sent


async def most_at_once(workers: list[HostSlots], requests: int, allowed: int) -> int:
    """How many of the workers' requests to one host were under way together at most. The first of
    them stay until as many as are allowed have come."""
    now = most = 0
    full = asyncio.Event()

    async def work(slots: HostSlots) -> None:
        nonlocal now, most
        async with slots.slot("host", URL):
            now += 1
            most = max(most, now)
            if now == allowed:
                full.set()
            await full.wait()
            await asyncio.sleep(0.02)
            now -= 1

    await asyncio.gather(*(work(workers[n % len(workers)]) for n in range(requests)))
    return most


async def test_workers_together_keep_the_delay(database: asyncpg.Pool) -> None:
    workers = [HostSlots(database, delay=0.05, parallel=8) for _ in range(4)]
    async with recorded(database) as reservations:
        await asyncio.gather(*(use(workers[n % 4]) for n in range(12)))
        gaps = await reservations.gaps("host")
    assert len(gaps) == 11 and min(gaps) >= 0.05


async def test_the_delay_counts_from_when_the_request_was_sent(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=0.1, parallel=8)
    async with slots.slot("host", URL) as slot:
        await asyncio.sleep(0.15)  # dialling
        sent = time.monotonic()
        slot.sent(sent)
    assert await use(slots) - sent >= 0.1 - TOLERANCE


async def test_no_more_than_parallel_at_once(database: asyncpg.Pool) -> None:
    workers = [HostSlots(database, delay=0.0, parallel=3) for _ in range(3)]
    assert await most_at_once(workers, 15, allowed=3) == 3


async def test_a_dead_workers_lease_expires(database: asyncpg.Pool) -> None:
    dying = HostSlots(database, delay=0.0, parallel=1, ttl=0.3)
    began = time.monotonic()
    await dying._reserve("host")  # never released
    assert await use(HostSlots(database, delay=0.0, parallel=1)) - began >= 0.3 - TOLERANCE


async def kept(database: asyncpg.Pool, host: str, ttl: float) -> bool:
    """Whether a request three leases long kept another out for as long as it lasted."""
    ended: list[str] = []
    began = asyncio.Event()

    async def hold() -> None:
        async with HostSlots(database, delay=0.0, parallel=1, ttl=ttl).slot(host, URL):
            began.set()
            await asyncio.sleep(3 * ttl)
            ended.append("first")

    async def follow() -> None:
        await began.wait()
        async with HostSlots(database, delay=0.0, parallel=1).slot(host, URL):
            ended.append("second")

    await asyncio.gather(hold(), follow())
    assert await database.fetchval("select sum(cardinality(leases)) from hosts") == 0
    return ended == ["first", "second"]


async def test_a_long_request_keeps_its_lease(database: asyncpg.Pool) -> None:
    # Whoever cannot renew a lease in time loses it: a machine that is too busy for that gets
    # longer ones.
    for ttl in (0.3, 3.0, 15.0):
        if await kept(database, f"host{ttl}", ttl):
            return
    pytest.fail("the second request did not wait for the first one")


async def test_hosts_do_not_wait_for_each_other(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=3600.0, parallel=1)
    for host in ("a", "b", "c"):
        async with slots.slot(host, URL):
            pass


async def test_a_turn_that_comes_too_late_says_when_it_would_be(database: asyncpg.Pool) -> None:
    deadline = time.monotonic() + 1.0
    slots = HostSlots(database, delay=3000.0, parallel=1, deadline=deadline)
    async with slots.slot("host", URL):
        pass
    with pytest.raises(SlotDeadline) as caught:
        async with slots.slot("host", URL):
            pass
    assert 2500.0 < caught.value.wait <= 3000.0


async def test_the_longer_of_source_and_robots_delay_holds(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=0.05, parallel=1)
    slots.at_least("host", 0.2)
    slots.at_least("host", 0.1)
    async with recorded(database) as reservations:
        for _ in range(3):
            await use(slots)
        gaps = await reservations.gaps("host")
    assert len(gaps) == 2 and min(gaps) >= 0.2


async def test_a_cancelled_holder_gives_its_slot_back(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=0.0, parallel=1, ttl=600.0)
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
    async with asyncio.timeout(60), slots.slot("host", URL):
        pass


# The breaker

BREAKER = Breaker(threshold=3, first_pause=0.3, longest_pause=5.0, longest_asked=7.5)
LONG = Breaker(threshold=3, first_pause=300.0, longest_pause=5000.0, longest_asked=7500.0)
"""For tests that look at a pause instead of waiting for its end."""
DOWN = PageError(ErrorClass.TRANSIENT, "connection_refused", "refused the connection")


def slots_of(
    database: asyncpg.Pool, breaker: Breaker = BREAKER, *, wait: float = 600.0
) -> HostSlots:
    deadline = time.monotonic() + wait
    return HostSlots(database, delay=0.0, parallel=8, deadline=deadline, ttl=600.0, breaker=breaker)


async def ask(slots: HostSlots, error: PageError | None = None, url: str = URL) -> None:
    """One request, which fails so."""
    with suppress(PageError):
        async with slots.slot("host", url):
            if error is not None:
                raise error


async def state(database: asyncpg.Pool) -> status.HostStatus | None:
    async with database.acquire() as connection:
        found = await status.listed(connection, troubled=True)
    return found[0] if found else None


async def test_a_host_opens_after_failures_in_a_row_and_an_answer_forgives(
    database: asyncpg.Pool,
) -> None:
    slots = slots_of(database, LONG)
    for error in (DOWN, DOWN, None, DOWN, DOWN):
        await ask(slots, error)
    found = await state(database)
    assert found is not None and (found.state, found.failures) == ("closed", 2)
    await ask(slots, DOWN)
    found = await state(database)
    assert found is not None and (found.state, found.failures) == ("open", 3)
    assert found.last_error == "refused the connection"
    assert 0 < found.waits <= LONG.first_pause


async def test_a_page_that_fails_on_its_own_is_no_failure_of_the_host(
    database: asyncpg.Pool,
) -> None:
    slots = slots_of(database)
    for code in ("http_500", "http_404", "truncated_body"):
        await ask(slots, PageError(ErrorClass.TRANSIENT, code, "words"))
    assert await state(database) is None


async def test_an_open_host_says_how_long_and_why_and_is_not_asked(
    database: asyncpg.Pool,
) -> None:
    slots = slots_of(database, LONG, wait=0.0)
    for _ in range(3):
        await ask(slots, DOWN)
    with pytest.raises(HostClosed) as caught:
        await ask(slots)
    assert 0 < caught.value.wait <= LONG.first_pause
    assert caught.value.down_for >= 0
    assert caught.value.as_error().code == "host_down"


async def opened(database: asyncpg.Pool) -> HostSlots:
    slots = slots_of(database)
    for _ in range(3):
        await ask(slots, DOWN)
    return slots


async def test_of_many_at_once_one_tries_a_host_that_was_down(database: asyncpg.Pool) -> None:
    await opened(database)
    told: list[str] = []
    together = asyncio.Event()

    async def work() -> None:
        async with slots_of(database).slot("host", URL):
            told.append("begins")
            if told == ["begins"]:
                await asyncio.sleep(0.1)  # the probe, while the others ask
            else:
                if told.count("begins") == 3:
                    together.set()
                await together.wait()
            told.append("ends")

    await asyncio.gather(*(work() for _ in range(12)))
    assert told[:2] == ["begins", "ends"]  # the others began when it was through
    assert told[2:4] == ["begins", "begins"]
    assert len(told) == 24
    assert await state(database) is None


async def test_only_the_probe_doubles_the_pause(database: asyncpg.Pool) -> None:
    """Eight requests were under way when the host went down: that is one outage."""
    slots = slots_of(database, LONG)
    gate = asyncio.Event()

    async def fail_late() -> None:
        with suppress(PageError):
            async with slots.slot("host", URL):
                await gate.wait()
                raise DOWN

    tasks = [asyncio.create_task(fail_late()) for _ in range(8)]
    while await database.fetchval("select coalesce(sum(cardinality(leases)), 0) from hosts") < 8:
        await asyncio.sleep(0.01)
    gate.set()
    await asyncio.gather(*tasks)
    found = await state(database)
    assert found is not None and found.failures == 3
    await database.execute("update hosts set open_until = clock_timestamp()")  # the pause is over
    await ask(slots, DOWN)  # the probe
    found = await state(database)
    assert found is not None and found.failures == 4
    assert found.waits > LONG.first_pause


async def test_a_probe_that_is_cancelled_leaves_the_next_to_try(database: asyncpg.Pool) -> None:
    slots = await opened(database)
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
    async with asyncio.timeout(60):
        await ask(slots)
    assert await state(database) is None


async def test_without_robots_txt_one_failure_closes_the_host(database: asyncpg.Pool) -> None:
    await ask(slots_of(database, LONG), DOWN, "https://example.org/robots.txt")
    found = await state(database)
    assert found is not None and found.state == "open"


async def test_retry_after_closes_a_host_for_that_long(database: asyncpg.Pool) -> None:
    error = PageError(ErrorClass.THROTTLED, "http_429", "answered 429", retry_after=4000.0)
    await ask(slots_of(database, LONG), error)
    found = await state(database)
    assert found is not None and found.state == "throttled"
    assert 3000 < found.waits <= 4000
    error.retry_after = 86400.0
    async with database.acquire() as connection:
        await circuit_breaker.blame(connection, "host", error, LONG, probe=False, trips=False)
    found = await state(database)
    assert found is not None and 4000 < found.waits <= LONG.longest_asked
    with pytest.raises(HostClosed) as caught:
        await ask(slots_of(database, LONG))
    assert caught.value.as_error().code == "host_throttled"


async def test_whether_a_host_ever_answered_is_remembered(database: asyncpg.Pool) -> None:
    slots = HostSlots(database, delay=0.0, parallel=1)
    ever = "select answered_at is not null from hosts where host = 'host'"
    with suppress(PageError):
        async with slots.slot("host", URL) as slot:
            raise PageError(ErrorClass.TRANSIENT, "dns_failure", "no such name")
    assert await database.fetchval(ever) is False
    with suppress(PageError):
        async with slots.slot("host", URL) as slot:
            slot.answered(time.monotonic())
            raise PageError(ErrorClass.GONE, "http_404", "not there")
    assert await database.fetchval(ever) is True
    await use(slots)
    assert await database.fetchval(ever) is True, "it stays so"
