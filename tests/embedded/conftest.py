"""A home with a real stack in it, whose worker is a stand-in that does nothing."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from temporalio.client import Client

from atlas.embedded import process_identity, stack_status
from atlas.embedded.child_process import mark_of
from atlas.embedded.orphans import stop_stack
from atlas.embedded.postgres_cluster import socket_folder
from atlas.embedded.process_identity import ProcessId
from atlas.embedded.stack_plan import Plan
from atlas.embedded.stack_record import Stack, read_stack, supervisor_of
from atlas.embedded.stack_status import inspect
from atlas.temporal.connection import connect
from starter.cli.commands.stack import in_background, supervisor_command
from tests.conftest import free_port

IDLE_WORKER = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
NO_FSYNC = {"fsync": "off", "full_page_writes": "off"}


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part is said to be down because this machine is busy at the moment."""
    monkeypatch.setattr(stack_status, "_ANSWER_SECONDS", 60.0)


class Home:
    """One home, and what a person does with it."""

    def __init__(self, path: Path, **changes: Any) -> None:
        self.path = path
        ports = {name: free_port() for name in ("temporal", "ui", "http")}
        settings: dict[str, Any] = {
            "worker": IDLE_WORKER,
            "worker_announces": False,
            "worker_grace": 5.0,
            "postgres_settings": NO_FSYNC,
            "preferred_ports": ports,
        }
        self.plan = Plan(path, **{**settings, **changes})

    async def up(self) -> int:
        """`atlas up -d`."""
        return await asyncio.to_thread(in_background, self.plan, dict(os.environ))

    def foreground(self) -> subprocess.Popen[str]:
        """`atlas up`, its output readable."""
        return subprocess.Popen(
            supervisor_command(self.plan),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    async def down(self) -> list[str]:
        """`atlas down`."""
        return await asyncio.to_thread(stop_stack, self.path)

    @property
    def stack(self) -> Stack:
        found = read_stack(self.path)
        assert found is not None
        return found

    def process(self, name: str) -> ProcessId:
        """The process of a part, or of the supervisor."""
        if name != "supervisor":
            return self.stack.parts[name].process
        supervisor = supervisor_of(self.path)
        assert supervisor is not None
        return supervisor

    def said(self) -> str:
        """What the supervisor has said so far."""
        return (self.path / "logs" / "atlas.log").read_text()

    async def temporal(self) -> Client:
        """A client of its Temporal server, with the secrets of this home."""
        secrets = self.stack.temporal_secrets
        return await connect(self.stack.temporal_address, secrets=secrets and Path(secrets))

    async def ready(self) -> bool:
        return (await inspect(self.path)).ready

    async def execute(self, statement: str) -> Any:
        assert self.stack.database_url is not None
        connection = await asyncpg.connect(self.stack.database_url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    def alive(self) -> list[int]:
        """Every process of this home, however it got away, found without the record."""
        mark = mark_of(self.path)
        marked = [
            each.pid for each in psutil.process_iter() if process_identity.has_mark(each, mark)
        ]
        # PostgreSQL's processes write their title over their environment.
        return marked + process_identity.working_in(self.path / "postgres" / "data", "postgres")

    def kill_all(self) -> None:
        """SIGKILL to every process of this home, the supervisor first: it restarts nothing."""
        supervisor = supervisor_of(self.path)
        # Stopped, not killed: its death would signal the others, and they would end in order.
        if supervisor is not None:
            os.kill(supervisor.pid, signal.SIGSTOP)
        for pid in [*self.alive(), *([] if supervisor is None else [supervisor.pid])]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition; pytest's timeout ends a wait that is in vain."""
    while True:
        holds = condition()
        if isinstance(holds, Awaitable):
            holds = await holds
        if holds:
            return
        await asyncio.sleep(0.02)


@pytest.fixture
async def homes(tmp_path: Path) -> AsyncIterator[Callable[..., Home]]:
    """Makes homes; nothing of them is left running after the test."""
    made: list[Home] = []

    def make(name: str = "home", **changes: Any) -> Home:
        made.append(Home(tmp_path / name, **changes))
        return made[-1]

    yield make
    for home in made:
        home.kill_all()
        shutil.rmtree(socket_folder(home.path / "postgres"), ignore_errors=True)


@pytest.fixture
def home(homes: Callable[..., Home]) -> Home:
    """One home."""
    return homes()


@pytest.fixture
def light_home(homes: Callable[..., Home], temporal_address: str) -> Home:
    """One home that uses the session's Temporal server: it starts and ends faster."""
    return homes(external_temporal=temporal_address)
