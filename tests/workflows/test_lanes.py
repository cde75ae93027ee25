"""What a lane tells of its waiting, without a server: its clock is the test's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from atlas.contracts.activities import Batch, Claimed
from atlas.contracts.models import Counts
from workflows import sync_pipeline
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


class Lane(SourceRun):
    """A run whose claims are answered by a list; it remembers what they were told."""

    _stages = ("fetch",)
    _request = None

    def __init__(self, *answers: Claimed) -> None:
        self._answers = iter(answers)
        self._pause = Pause()
        self._lanes = Lanes([0], 1)
        self.run_id = "run"
        self.told: list[float] = []

    async def _claim(self, batch: Batch, level: int, waited: float) -> Claimed:
        self.told.append(waited)
        return next(self._answers)

    async def _work_batch(self, batch: Batch) -> None:
        pass

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
    lane = clock.lane = Lane(*rests, Claimed(pages=3), Claimed(wait=0.1), Claimed())
    assert await lane._lane(0, 0)
    # Woken after 5 of 30 s; 30 s in full; woken at once; pages begin anew; a second at least.
    assert lane.told == [0.0, 5.0, 35.0, 35.0, 0.0, 1.0]
