"""Waiting for changes: woken by them, and ended by a cancellation whenever it comes."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from atlas.stores.postgres.changes.change_log import CHANNEL
from atlas.stores.postgres.changes.change_signal import ChangeSignal, change_signal


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_that_comes_with_a_change_is_not_lost(turns: int) -> None:
    """The worker that stops cancels its follower, which a commit may have woken just then."""
    signal, waits = ChangeSignal(), 0

    async def follow() -> None:
        nonlocal waits
        while True:
            await signal.wait(60)
            waits += 1

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    signal.wake()
    for _ in range(turns):  # of the event loop, between the change and the cancellation
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    task.cancel()
    assert done and task.cancelled() and waits <= 1


async def test_it_listens_again_after_its_connection_was_lost(
    database: asyncpg.Pool, database_url: str
) -> None:
    """PostgreSQL is restarted now and then; a worker runs for months."""

    end = (
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where query like 'LISTEN%' and datname = current_database()"
    )
    async with change_signal(database_url) as signal:
        assert signal.listening
        assert await database.fetch(end)
        while signal.listening:
            await asyncio.sleep(0.01)
        while not signal.listening:
            await asyncio.sleep(0.01)
        await signal.wait(60)  # for what was committed in between
        waiting = asyncio.create_task(signal.wait(600))
        await asyncio.sleep(0)
        await database.execute(f"notify {CHANNEL}")
        await asyncio.wait_for(waiting, 60)
