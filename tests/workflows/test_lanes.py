"""What a lane tells of its waiting, without a server: its clock is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from atlas.contracts.activities import Batch, Claimed
from atlas.contracts.models import Counts
from atlas.contracts.work import RunLimits
from workflows import lanes, sync_pipeline
from workflows.lanes import Lanes
from workflows.pause import Pause
from workflows.sync_pipeline import SourceRun


class Clock:
    """The workflow's time, and when during each of its rests somebody wakes it."""

    def __init__(self, *wakes: float | None) -> None:
        self.now = 1000.0
        self.lane: Lane | None = None
        self._wakes = iter(wakes)

    async def wait_condition(
        self, holds: Callable[[], bool], *, timeout: float = 0.0, timeout_summary: str = ""
    ) -> None:
        if holds():
            return
        assert self.lane is not None
        wake = next(self._wakes)
        self.now += timeout if wake is None else wake
        if wake is None:
            raise TimeoutError
        self.lane.wake()
        assert holds()


class Steps:
    """Claims are answered by a list; remembers what they were told."""

    def __init__(self, *answers: Claimed) -> None:
        self._answers = iter(answers)
        self.told: list[float] = []

    async def claim(self, batch: Batch, *, waited: float, **_: object) -> Claimed:
        self.told.append(waited)
        return next(self._answers)

    async def work(self, batch: Batch, *, fetches: bool) -> None:
        pass


class Lane(SourceRun):
    """A run whose batches ask nobody."""

    _stages = ("fetch",)
    _request = SimpleNamespace(batch=20)

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._pause = Pause()
        self._lanes = Lanes([0], 1)
        self.run_id = "run"
        self.limits = RunLimits()

    def _count(self, counts: Counts) -> None:
        pass


async def test_a_wake_spends_only_the_time_that_was_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(5.0, None, 0.0, None)
    monkeypatch.setattr(sync_pipeline.workflow, "time", lambda: clock.now)
    monkeypatch.setattr(sync_pipeline.workflow, "wait_condition", clock.wait_condition)
    monkeypatch.setattr(sync_pipeline, "history_is_long", lambda _: False)
    rests = [Claimed(wait=30.0), Claimed(wait=30.0), Claimed(wait=3600.0)]
    steps = Steps(*rests, Claimed(pages=3), Claimed(wait=0.1), Claimed())
    lane = clock.lane = Lane(steps)
    assert await lane._lane(0, 0)
    # Woken after 5 of 30 s; 30 s in full; woken at once; pages begin anew; a second at least.
    assert steps.told == [0.0, 5.0, 35.0, 35.0, 0.0, 1.0]


# The slow lane


class Story:
    """Lanes whose workflow is asyncio itself: conditions are looked at whenever something runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, numbers: list[int], count: int) -> None:
        monkeypatch.setattr(lanes.workflow, "wait", asyncio.wait)
        monkeypatch.setattr(lanes.workflow, "wait_condition", self._wait_condition)
        self.lanes = Lanes(numbers, count)
        self.begun: list[int] = []
        self.ending = {number: asyncio.Event() for number in range(count + 1)}
        self.results = dict.fromkeys(range(count + 1), True)

    async def _wait_condition(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await asyncio.sleep(0)

    async def lane(self, number: int) -> bool:
        self.begun.append(number)
        self.lanes.next_number(number)
        await self.ending[number].wait()
        return self.results[number]

    async def until_begun(self, *numbers: int) -> None:
        while self.begun != list(numbers):
            await asyncio.sleep(0)


async def test_without_slow_hosts_there_is_no_slow_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch, [], 2)
    for each in story.ending.values():
        each.set()
    assert await story.lanes.work(story.lane, 2, slow=True)
    assert story.begun == [0, 1]
    assert story.lanes.numbers == [1, 1, 0]


async def test_the_slow_lane_works_beside_the_others_each_time_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Story(monkeypatch, [], 2)
    working = asyncio.create_task(story.lanes.work(story.lane, 2, slow=True))
    await story.until_begun(0, 1)
    story.lanes.want_slow_lane()
    await story.until_begun(0, 1, 2)
    story.lanes.want_slow_lane()  # while it is at work: it looks once more
    story.ending[2].set()
    await story.until_begun(0, 1, 2, 2)
    assert not working.done()
    story.ending[0].set()
    story.ending[1].set()
    assert await working
    assert story.lanes.numbers == [1, 1, 2]


async def test_the_level_ends_with_the_slow_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch, [], 1)
    story.results[1] = False  # its history is long: the run continues as new
    working = asyncio.create_task(story.lanes.work(story.lane, 1, slow=True))
    await story.until_begun(0)
    story.lanes.want_slow_lane()
    await story.until_begun(0, 1)
    story.ending[0].set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not working.done()
    story.ending[1].set()
    assert not await working


async def test_a_run_that_had_slow_hosts_continues_with_its_slow_lane(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Story(monkeypatch, [7, 8, 3], 2)
    for each in story.ending.values():
        each.set()
    assert await story.lanes.work(story.lane, 2, slow=True)
    assert sorted(story.begun) == [0, 1, 2]
    assert story.lanes.numbers == [8, 9, 4]  # no number is given out twice
    # One that was carried over by a version without a slow lane has none.
    assert Lanes([7, 8], 2).numbers == [7, 8, 0]
