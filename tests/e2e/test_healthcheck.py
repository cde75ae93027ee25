"""What `atlas worker --healthcheck` tells of a real worker that hangs, or has lost a server."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from atlas.embedded.process_identity import descendants
from tests.e2e.healthcheck import until_health
from tests.embedded.conftest import Home, homes

__all__ = ["homes"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.fault(24)
async def test_a_worker_that_is_stopped_or_cut_off_is_unwell_until_it_goes_on(
    homes: Callable[..., Home], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [sys.executable, "-P", "-m", "worker"]
    home = homes(worker=command, worker_announces=True, worker_grace=30.0)
    await home.up()
    worker = home.process("worker").pid
    await until_health(True, " works on atlas, atlas-processing, atlas-bulk; sign ")

    os.kill(worker, signal.SIGSTOP)
    try:
        await until_health(False, "its event loop is blocked, or the process is stopped")
    finally:
        os.kill(worker, signal.SIGCONT)
    await until_health(True, " works on ")

    for server, name in (("temporal", "Temporal"), ("postgres", "PostgreSQL")):
        halted = _processes(home.process(server).pid)
        _signal(halted, signal.SIGSTOP)
        try:
            await until_health(False, f"{name} at ")
        finally:
            _signal(halted, signal.SIGCONT)
        await until_health(True, " works on ")


def _processes(first: int) -> list[int]:
    """The process and those that it has started: each session of PostgreSQL has one of its own."""
    return [first, *descendants(first)]


def _signal(processes: list[int], number: signal.Signals) -> None:
    for each in processes:
        with suppress(ProcessLookupError):
            os.kill(each, number)
