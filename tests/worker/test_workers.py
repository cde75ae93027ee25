"""How workers are built."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from activities.heartbeat import INTERVAL
from atlas.contracts.names import QUEUES
from atlas.settings import Settings
from atlas.worker import registry, workers
from workflows.options import SHORT


def test_every_beat_is_sent_and_two_may_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[dict[str, Any]] = []
    monkeypatch.setattr(workers, "Worker", lambda *_, **named: built.append(named))
    monkeypatch.setattr(registry, "activities", lambda _: dict.fromkeys(QUEUES, ()))
    parts: Any = SimpleNamespace(client=None, settings=Settings.load())
    workers.build_workers(parts)
    assert len(built) == len(QUEUES)
    for each in built:
        # The SDK keeps back what comes earlier: by itself, for eight of the ten seconds.
        assert each["max_heartbeat_throttle_interval"] <= timedelta(seconds=INTERVAL)
    assert 3 * timedelta(seconds=INTERVAL) < SHORT["heartbeat_timeout"]
