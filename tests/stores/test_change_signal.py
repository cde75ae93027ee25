"""Waiting for changes: woken by them, and ended by a cancellation whenever it comes."""

from __future__ import annotations

import asyncio

import pytest

from atlas.stores.postgres.changes.change_signal import ChangeSignal


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
