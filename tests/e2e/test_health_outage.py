"""The embedded stack applies the schedules; `health_check` tells of a PostgreSQL that is gone."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

from atlas.contracts.health import HealthResult
from atlas.contracts.schedules import PERIODIC
from atlas.embedded.postgres_cluster import socket_folder
from atlas.schedules.apply import found
from tests.e2e.scheduled import Receiver, fired, receiver
from tests.embedded.conftest import Home, until

DOWN = {"postgresql", "index"}


@pytest.fixture
async def alerts() -> AsyncIterator[Receiver]:
    async with receiver() as received:
        yield received


@pytest.fixture
async def home(
    tmp_path: Path, alerts: Receiver, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Home]:
    """Up, with a real worker that has applied the schedules."""
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ATLAS_ALERT_WEBHOOK", alerts.url)
    worker = [sys.executable, "-P", "-m", "worker"]
    made = Home(tmp_path / "home", worker=worker, worker_announces=True)
    try:
        assert await made.up() == 0
        yield made
    finally:
        made.kill_all()
        shutil.rmtree(socket_folder(made.path / "postgres"), ignore_errors=True)


async def client_of(home: Home) -> Client:
    return await home.temporal()


async def applied(client: Client) -> bool:
    return all([await found(client, each.id) for each in PERIODIC])


def statuses(result: HealthResult) -> dict[str, str]:
    return {each.part: each.status for each in result.checks}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ["gone", "silent"])
async def test_postgresql_going_away_and_coming_back_is_told(
    home: Home, alerts: Receiver, how: str
) -> None:
    client = await client_of(home)
    await until(lambda: applied(client))
    first: HealthResult = await fired(client, "health_check")
    assert set(statuses(first).values()) == {"ok"}, first

    supervisor, postgres = home.process("supervisor").pid, home.process("postgres").pid
    os.kill(supervisor, signal.SIGSTOP)  # else it would start it again at once
    os.kill(postgres, signal.SIGKILL if how == "gone" else signal.SIGSTOP)
    second: HealthResult = await fired(client, "health_check")
    found = statuses(second)
    assert {part for part, status in found.items() if status == "failing"} == DOWN
    assert set(first.figures) <= set(second.figures)
    assert {each.part for each in second.checks} == {each.part for each in first.checks}
    third: HealthResult = await fired(client, "health_check")
    assert third.transitions == [] and third.status == "failing"

    os.kill(postgres, signal.SIGCONT) if how == "silent" else None
    os.kill(supervisor, signal.SIGCONT)
    await until(home.ready)
    last: HealthResult = await fired(client, "health_check")
    assert set(statuses(last).values()) == {"ok"}, last
    assert sorted(alerts.told()) == sorted(
        [(part, "ok", "failing") for part in DOWN] + [(part, "failing", "ok") for part in DOWN]
    )


@pytest.mark.slow
async def test_a_worker_that_starts_again_finds_the_schedules_as_declared(home: Home) -> None:
    client = await client_of(home)
    await until(lambda: applied(client))
    await client.get_schedule_handle("weekly_report").delete()
    os.kill(home.process("worker").pid, signal.SIGKILL)
    await until(lambda: applied(client))
