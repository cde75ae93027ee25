"""The sampler of a worker's metrics: nothing ends it, and its series are bounded."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from atlas.contracts.names import QUEUE_RENDERING, QUEUES
from atlas.domain.sources import SourceSpec
from atlas.domain.timing import freshness_objective
from atlas.health import queues
from atlas.health.queues import QueueState
from atlas.stores.postgres.reporting.freshness_samples import Achievement, Promise, SeenPages
from atlas.stores.postgres.sources.sources import Source
from atlas.telemetry import instruments as own
from atlas.worker.metrics_sampler import Sampler

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Shown:
    """A gauge that remembers what it shows."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def replace(self, values: dict[str, float]) -> None:
        self.values = dict(values)


@pytest.fixture
def gauges() -> dict[str, Shown]:
    return {one.name: Shown() for one in own.INSTRUMENTS}


@pytest.fixture
def sampler(gauges: dict[str, Shown]) -> Sampler:
    parts: Any = SimpleNamespace(clock=lambda: NOW)
    shown: Any = gauges
    return Sampler(parts, shown)


async def test_neither_an_outage_nor_a_bug_ends_it(
    sampler: Sampler, gauges: dict[str, Shown], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "atlas.sampling")
    outcomes = iter([OSError("the server went away"), KeyError("a bug"), None])
    came = asyncio.Event()

    async def look() -> None:
        outcome = next(outcomes, None)
        if outcome is not None:
            assert gauges[own.SAMPLED.name].values == {}
            raise outcome
        came.set()

    keeping = asyncio.create_task(sampler.keep("corpus", 0.0, look))
    waiting = asyncio.create_task(came.wait())
    await asyncio.wait({keeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert came.is_set(), keeping
    await asyncio.sleep(0)
    assert gauges[own.SAMPLED.name].values == {"corpus": NOW.timestamp()}
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "ERROR"]
    assert "the server went away" in caplog.text and "KeyError" in caplog.text


@pytest.mark.parametrize(
    ("pollers", "backlog", "used"), [(0, 0, False), (1, 0, True), (0, 2, True)]
)
async def test_the_queue_of_rendering_is_shown_where_it_is_used(
    gauges: dict[str, Shown],
    monkeypatch: pytest.MonkeyPatch,
    pollers: int,
    backlog: int,
    used: bool,
) -> None:
    async def state(_: object, name: str) -> QueueState:
        rendering = QueueState(pollers, backlog, timedelta(seconds=7))
        return rendering if name == QUEUE_RENDERING else QueueState(1, 0, timedelta())

    monkeypatch.setattr(queues, "whole_state", state)
    parts: Any = SimpleNamespace(client=None)
    shown: Any = gauges
    await Sampler(parts, shown).queues()
    expected = (*QUEUES, *([QUEUE_RENDERING] if used else []))
    for instrument in (own.POLLERS, own.BACKLOG_TASKS, own.BACKLOG_AGE):
        assert tuple(gauges[instrument.name].values) == expected
    assert gauges[own.BACKLOG_AGE.name].values.get(QUEUE_RENDERING, 0) == (7 if backlog else 0)


def source(name: str) -> Source:
    spec = SourceSpec(name, "urls", ("https://a.example/",))
    return Source(1, spec, None, NOW, None, None)


def test_the_series_of_sources_are_bounded_for_as_long_as_it_runs(
    sampler: Sampler, gauges: dict[str, Shown], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "NAMED_SOURCES", 2)
    sampler._sources([source("a"), source("b"), source("c")], NOW)
    for one in (own.SOURCE_LATENESS, own.SOURCE_TOLERANCE, own.SOURCE_FRESHNESS):
        assert gauges[one.name].values.keys() == {"a", "b"}
    # Each name that was ever shown counts: "c" gets no series in the place of "a".
    sampler._sources([source("b"), source("c")], NOW)
    assert gauges[own.SOURCE_LATENESS.name].values.keys() == {"b"}
    assert sum(gauges[own.SOURCES.name].values.values()) == 2


def achievement(name: str, seen: int | None, rate: float) -> Achievement:
    objective = freshness_objective.parse("95% within 2h")
    promise = Promise(1, name, objective, timedelta(hours=1))
    found = None if seen is None else SeenPages(10, seen, NOW)
    return Achievement(promise, found, rate, None)


def test_objectives_have_series_of_the_fastest_burns(
    sampler: Sampler, gauges: dict[str, Shown], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "NAMED_SOURCES", 2)
    found = [achievement("a", 10, 0.0), achievement("b", 5, 9.0), achievement("c", None, 1.0)]
    sampler._objectives({each.promise.name: each for each in found})
    assert gauges[own.SOURCE_OBJECTIVE.name].values == {"b": 0.95, "c": 0.95}
    # Of what nobody counted there is no figure: neither a good nor a bad one.
    assert gauges[own.SOURCE_ACHIEVED.name].values == {"b": 0.5}
    assert gauges[own.SOURCE_BURN_RATE.name].values == {"b": 9.0}
    sampler._objectives({})
    assert gauges[own.SOURCE_ACHIEVED.name].values == {}
