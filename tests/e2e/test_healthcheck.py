"""What `atlas worker --healthcheck` tells of a real worker that hangs, or has lost Temporal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.healthcheck import until_health
from tests.embedded.conftest import Home, homes

__all__ = ["homes"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def test_a_worker_that_is_stopped_or_cut_off_is_unwell_until_it_goes_on(
    homes: Callable[..., Home], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [sys.executable, "-P", "-m", "worker"]
    home = homes(worker=command, worker_announces=True, worker_grace=30.0)
    await home.up()
    worker, temporal = home.process("worker").pid, home.process("temporal").pid
    await until_health(True, " works on atlas, atlas-processing, atlas-bulk; sign ")

    os.kill(worker, signal.SIGSTOP)
    try:
        await until_health(False, "its event loop is blocked, or the process is stopped")
    finally:
        os.kill(worker, signal.SIGCONT)
    await until_health(True, " works on ")

    os.kill(temporal, signal.SIGSTOP)
    try:
        await until_health(False, "has not answered for 5 s")
    finally:
        os.kill(temporal, signal.SIGCONT)
    await until_health(True, " works on ")
