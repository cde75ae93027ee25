"""What a heartbeat says: of the attempt that it belongs to, and of no other."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities import heartbeat
from activities.heartbeat import Heartbeats, count_pages


class Attempt(ActivityInboundInterceptor):
    """An attempt that is done with some pages of a batch, in tasks of its own."""

    def __init__(self, of: int, done: int) -> None:
        self._of, self._done = of, done

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if self._of:
            count = count_pages("fetched", self._of)

            async def fetch() -> None:
                count()

            async with asyncio.TaskGroup() as group:
                for _ in range(self._done):
                    group.create_task(fetch())
        for _ in range(20):  # while it goes on, it beats
            await asyncio.sleep(0)


async def beats_of(of: int, done: int) -> list[tuple[Any, ...]]:
    beats: list[tuple[Any, ...]] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: beats.append(details)
    beating = Heartbeats().intercept_activity(Attempt(of, done))

    @activity.defn
    async def run() -> None:
        await beating.execute_activity(cast("ExecuteActivityInput", None))

    await environment.run(run)
    return beats


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.0)


async def test_a_beat_says_how_many_pages_are_done() -> None:
    assert (await beats_of(of=8, done=5))[-1] == ({"fetched": 5, "of": 8},)


async def test_attempts_that_run_beside_each_other_count_their_own() -> None:
    ends = [beats[-1] for beats in await asyncio.gather(*(beats_of(9, n) for n in range(1, 6)))]
    assert ends == [({"fetched": n, "of": 9},) for n in range(1, 6)]


async def test_an_activity_without_pages_beats_without_words() -> None:
    beats = await beats_of(of=0, done=0)
    assert beats and set(beats) == {()}


async def test_counting_outside_a_worker_is_harmless() -> None:
    count_pages("processed", 3)()
