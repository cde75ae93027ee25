"""Limits set by hand hold at each reservation, whichever worker makes it, and let go at once."""

import asyncio
import itertools
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from atlas.domain.errors import SlotDeadline
from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.hosts import manual_limits
from atlas.stores.postgres.hosts.rate_limiter import HostSlots
from atlas.stores.postgres.sources import sources
from tests.reservations import recorded
from tests.stores.test_rate_limiter import TOLERANCE, URL, most_at_once

_names = map("host{}".format, itertools.count())


async def declare(database: asyncpg.Pool, *names: str) -> None:
    for name in names:
        async with database.acquire() as connection:
            spec = SourceSpec(name=name, kind="urls", urls=(URL,))
            await sources.add(connection, spec, datetime.now(UTC))


async def put(database: asyncpg.Pool, **limit: Any) -> manual_limits.Limit:
    async with database.acquire() as connection:
        return await manual_limits.put(connection, **{"delay": None, "parallel": None, **limit})


async def clear(database: asyncpg.Pool, **of: str) -> bool:
    async with database.acquire() as connection:
        return await manual_limits.clear(connection, **of)


async def ask(slots: HostSlots, host: str = "host") -> None:
    async with slots.slot(host, URL) as slot:
        slot.sent(time.monotonic())


async def wait_of(database: asyncpg.Pool, host: str, **slots: Any) -> float:
    """How long a request would have to wait for its turn."""
    try:
        await ask(HostSlots(database, deadline=time.monotonic(), **slots), host)
    except SlotDeadline as late:
        return late.wait
    return 0.0


async def test_two_workers_of_two_sources_keep_a_limited_host_together(
    database: asyncpg.Pool,
) -> None:
    await put(database, host="host", delay=0.05)
    workers = [HostSlots(database, delay=0.0, parallel=8, source=name) for name in ("a", "b")]
    async with recorded(database) as reservations:
        await asyncio.gather(*(ask(workers[n % 2]) for n in range(12)))
        gaps = await reservations.gaps("host")
    assert len(gaps) == 11 and min(gaps) >= 0.05


async def test_two_workers_keep_the_number_at_once_that_a_limit_allows(
    database: asyncpg.Pool,
) -> None:
    await put(database, host="host", parallel=2)
    workers = [HostSlots(database, delay=0.0, parallel=8) for _ in range(2)]
    assert await most_at_once(workers, 12, allowed=2) == 2


def some(chance: random.Random, *values: float) -> float | None:
    return chance.choice((None, *values))


def expected(case: Mapping[str, float | None]) -> float:
    """The rule: a source's limit instead of its own delay; a host's, and robots.txt, on top."""
    own = case["declared"] if case["source"] is None else case["source"]
    return max(own or 0.0, case["host"] or 0.0, case["robots"] or 0.0)


async def test_the_pause_follows_the_rule_for_any_limits(database: asyncpg.Pool) -> None:
    await declare(database, "docs")
    chance = random.Random(11)
    for _ in range(40):
        host = next(_names)
        case = {
            "declared": chance.choice((0.0, 7.0, 50.0)),
            "source": some(chance, 0.0, 10.0, 60.0),
            "host": some(chance, 0.0, 20.0, 90.0),
            "robots": some(chance, 15.0, 120.0),
        }
        slots = HostSlots(
            database, delay=case["declared"] or 0.0, parallel=1, source="docs", deadline=0.0
        )
        if case["robots"]:
            slots.at_least(host, case["robots"])
        began = time.monotonic()
        await ask(slots, host)
        # Set after the request: what it was paced by before does not matter.
        if case["host"] is not None:
            await put(database, host=host, delay=case["host"])
        if case["source"] is not None:
            await put(database, source="docs", delay=case["source"])
        told = 0.0
        try:
            await ask(slots, host)
        except SlotDeadline as late:
            told = late.wait
        passed = time.monotonic() - began  # since the request that it counts from
        assert expected(case) - passed - TOLERANCE <= told <= expected(case), case
        await clear(database, source="docs")


async def test_a_source_that_may_go_faster_keeps_others_at_their_distance(
    database: asyncpg.Pool,
) -> None:
    await declare(database, "docs")
    await ask(HostSlots(database, delay=6000.0, parallel=1, source="docs"))
    await put(database, source="docs", delay=0.0)
    assert await wait_of(database, "host", delay=1.0, parallel=1, source="other") > 5000
    assert await wait_of(database, "host", delay=1.0, parallel=1) > 5000
    await ask(HostSlots(database, delay=6000.0, parallel=1, source="docs"))  # does not wait
    # A source slowed down is no reason for others to wait.
    await put(database, source="docs", delay=60_000.0)
    assert await wait_of(database, "other", delay=6000.0, parallel=1, source="docs") == 0.0
    assert 5000 < await wait_of(database, "other", delay=1.0, parallel=1, source="third") <= 6000


async def test_a_request_that_waits_goes_on_when_its_limit_is_cleared(
    database: asyncpg.Pool,
) -> None:
    await put(database, host="host", delay=3600.0, reason="they asked us to")
    slots = HostSlots(database, delay=0.0, parallel=1)
    await ask(slots)
    waiting = asyncio.create_task(ask(slots))
    await asyncio.sleep(0)
    assert await clear(database, host="host") is True
    async with asyncio.timeout(60):
        await waiting
    assert await clear(database, host="host") is False


async def test_a_limit_expires(database: asyncpg.Pool) -> None:
    set_ = await put(database, host="host", delay=3600.0, lasts=timedelta(seconds=0.2))
    assert set_.expires_at is not None
    assert (set_.expires_at - set_.set_at).total_seconds() == pytest.approx(0.2)
    async with asyncio.timeout(60):
        for _ in range(2):
            await ask(HostSlots(database, delay=0.0, parallel=1))
    async with database.acquire() as connection:
        assert await manual_limits.in_force(connection) == []


async def test_a_limit_is_of_a_source_that_exists_and_goes_with_it(database: asyncpg.Pool) -> None:
    with pytest.raises(sources.UnknownSource, match="docs"):
        await put(database, source="docs", delay=1.0)
    await declare(database, "docs")
    await put(database, source="docs", delay=1.0, parallel=3)
    replaced = await put(database, source="docs", delay=2.0)
    assert (replaced.delay, replaced.parallel) == (2.0, None)
    async with database.acquire() as connection:
        assert [each.source for each in await manual_limits.in_force(connection)] == ["docs"]
        await connection.execute("delete from sources where name = 'docs'")
        assert await manual_limits.in_force(connection) == []
