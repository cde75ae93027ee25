"""SIGKILL of each part of the embedded stack during a sync, of all, and of each process inside
PostgreSQL: the stack heals, and the run completes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client, WorkflowHandle

from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from atlas.domain.sources import SourceSpec
from atlas.embedded.postgres_cluster import socket_folder
from atlas.stores.postgres.sources import sources
from tests.e2e.environments import Servers, servers
from tests.embedded.conftest import Home, until
from tests.embedded.postgres_children import (
    find_child,
    kill_a_session,
    stop_the_recovery,
    until_it_serves,
)
from tests.invariants import Snapshot, assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin
from tests.sites import START, GeneratedSite

__all__ = ["servers"]

SITE = GeneratedSite(pages=100)
# What PostgreSQL consists of, by the titles of its processes; the sessions, the process that
# recovers from a crash and the postmaster have tests of their own.
KINDS = ("checkpointer", "background writer", "walwriter", "autovacuum launcher", "io worker")


@dataclass
class Stack:
    """A home with a real worker, and a site that it is to sync."""

    home: Home
    origin: Origin

    async def declare(self) -> None:
        SITE.serve(self.origin)
        start = self.origin.url(START)
        spec = SourceSpec("docs", "site", (start,), prefix=start, delay=0.0, parallel=8)
        async with self.pool() as pool, pool.acquire() as connection:
            await sources.add(connection, spec, datetime.now(UTC))

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[asyncpg.Pool]:
        async with asyncpg.create_pool(
            self.home.stack.database_url, min_size=1, max_size=2
        ) as pool:
            yield pool

    async def client(self) -> Client:
        return await self.home.temporal()

    async def kill(self, part: str) -> None:
        """SIGKILL; return once the supervisor has it running again."""
        before = self.home.process(part)
        os.kill(before.pid, signal.SIGKILL)
        await until(lambda: self.home.process(part).pid != before.pid)
        await until(self.home.ready)

    async def start(self, id: str = "sync") -> None:
        await (await self.client()).start_workflow(
            "sync_pipeline",
            SyncRequest(sources=["docs"], batch=10),
            id=id,
            task_queue=QUEUE,
        )

    async def result(self, id: str = "sync") -> SyncResult:
        client = await self.client()
        handle: WorkflowHandle[object, SyncResult] = client.get_workflow_handle(
            id, result_type=SyncResult
        )
        return await handle.result()

    async def assert_corpus(self, expected: Snapshot) -> None:
        async with self.pool() as pool:
            found = await snapshot(pool, self.origin.base)
        assert found.differences(expected) == []
        await self.assert_sound()

    async def assert_sound(self) -> None:
        async with self.pool() as pool:
            await assert_invariants(pool, self.home.path / "blobs")
        await assert_workflows_healthy(await self.client())


@pytest.fixture
async def stack(
    tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stack]:
    """Up, with the site declared; nothing of it is left running after the test."""
    monkeypatch.setenv("ATLAS_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("ATLAS_FETCH_RETRY_DELAY", "0.1")
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "home"))
    worker = [sys.executable, "-P", "-m", "worker"]
    changes = {
        "worker_announces": True,
        "postgres_settings": {"io_method": "worker"},  # to have every kind of process
        "schedules": False,
        "look_seconds": 2.0,
    }
    home = Home(tmp_path / "home", worker=worker, **changes)
    try:
        assert await home.up() == 0
        made = Stack(home, origin)
        await made.declare()
        yield made
    finally:
        home.kill_all()
        shutil.rmtree(socket_folder(home.path / "postgres"), ignore_errors=True)


@pytest.fixture(scope="module")
async def undisturbed(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Snapshot]:
    async with Origin() as origin, servers.atlas(tmp_path_factory.mktemp("calm")) as env:
        SITE.serve(origin)
        await env.add_source("docs", "site", origin.url(START), prefix=origin.url(START))
        env.spawn_worker()
        await env.sync("docs")
        yield await snapshot(env.pool, origin.base)


@pytest.mark.slow
async def test_after_the_death_of_all_processes_up_completes_the_run(
    stack: Stack, undisturbed: Snapshot
) -> None:
    await stack.start()
    await stack.origin.arrived(count=50)
    stack.home.kill_all()
    assert await stack.home.up() == 0
    assert (await stack.result()).outcome == "completed_with_failures"
    await stack.assert_corpus(undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_each_part_killed_in_turn_and_then_all(stack: Stack, undisturbed: Snapshot) -> None:
    await stack.start()
    for requests, part in ((15, "postgres"), (40, "temporal"), (65, "worker"), (80, "postgres")):
        await stack.origin.arrived(count=requests)
        await stack.kill(part)
    await stack.origin.arrived(count=95)
    stack.home.kill_all()
    assert await stack.home.up() == 0
    assert (await stack.result()).outcome == "completed_with_failures"
    await stack.assert_corpus(undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", ["postgres", "temporal"])
@pytest.mark.parametrize("requests", [2, 30, 70, 105])
async def test_a_server_killed_at_some_request(
    stack: Stack, undisturbed: Snapshot, part: str, requests: int
) -> None:
    await stack.start()
    await stack.origin.arrived(count=requests)
    await asyncio.sleep(requests % 7 / 20)  # between requests, too
    await stack.kill(part)
    assert (await stack.result()).outcome == "completed_with_failures"
    await stack.assert_corpus(undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_each_process_inside_postgresql_killed_in_turn(stack: Stack) -> None:
    home, before = stack.home, stack.home.process("postgres")
    for kind in KINDS:
        victim = find_child(before.pid, kind)
        assert victim is not None, kind
        victim.kill()
        await until(
            lambda kind=kind, victim=victim: find_child(before.pid, kind) not in (None, victim)
        )
        await heals(stack, f"after {kind}")

    writer = await until_it_serves(before.pid)
    await kill_a_session(home)
    await until_it_serves(before.pid, writer)
    await heals(stack, "after a session")
    assert home.process("postgres") == before, "it recovered by itself each time"

    await stack.kill("postgres")
    await heals(stack, "after the postmaster")

    while "postgres hangs" not in home.said():  # it ends if the recovery had begun after all
        before = home.process("postgres")
        (await stop_the_recovery(home)).kill()
        await until(lambda last=before: home.process("postgres") != last)
        await heals(stack, f"after the recovery of {before.pid}")
    await stack.assert_sound()


async def heals(stack: Stack, id: str) -> None:
    """The stack is ready by itself, and a sync works."""
    await until_it_serves(stack.home.process("postgres").pid)
    await until(stack.home.ready)
    await stack.start(id)
    assert (await stack.result(id)).outcome == "completed_with_failures", id


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_worker_that_is_stopped_is_restarted(stack: Stack, undisturbed: Snapshot) -> None:
    await stack.start()
    await stack.origin.arrived(count=40)
    before = stack.home.process("worker")
    os.kill(before.pid, signal.SIGSTOP)
    await until(lambda: stack.home.process("worker") != before)
    assert "worker hangs" in stack.home.said()
    assert not before.alive
    assert (await stack.result()).outcome == "completed_with_failures"
    await stack.assert_corpus(undisturbed)
