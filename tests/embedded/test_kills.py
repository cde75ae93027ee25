"""SIGKILL of any process of the stack, and of all: it recovers, and touches nothing foreign."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas.embedded import process_identity
from atlas.embedded.ports import is_free
from atlas.embedded.postgres_cluster import end_cluster
from atlas.embedded.process_identity import ProcessId, identify
from atlas.embedded.stack_record import PartRecord, Stack, supervisor_of
from tests.embedded.conftest import Home, until

PARTS = ("worker", "temporal", "postgres")


def kill(process: ProcessId) -> None:
    os.kill(process.pid, signal.SIGKILL)


@pytest.fixture
def foreign() -> Iterator[ProcessId]:
    """A process that no stack started."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"])
    identity = identify(process.pid)
    assert identity is not None
    yield identity
    process.kill()
    process.wait()


async def test_a_killed_part_is_started_again(home: Home) -> None:
    assert await home.up() == 0
    await home.execute("create table kept as select 42 as answer")
    for name in PARTS:
        before = home.process(name)
        kill(before)
        await until(lambda name=name: f"{name} runs again" in home.said())
        assert home.process(name).pid != before.pid
        assert f"{name} ended (killed by SIGKILL)" in home.said()
    await until(home.ready)
    assert await home.execute("select answer from kept") == 42


async def test_after_the_death_of_the_supervisor_up_recovers(home: Home) -> None:
    assert await home.up() == 0
    before = [home.process(name) for name in PARTS]
    kill(home.process("supervisor"))
    assert await home.up() == 0
    assert not any(process.alive for process in before)
    assert await home.ready()


@pytest.mark.slow  # by records alone: tests/embedded/test_home.py
async def test_a_second_up_waits_for_the_first_after_the_supervisors_death(home: Home) -> None:
    """The record that was left says "ready", and what it names is still being ended."""
    assert await home.up() == 0
    supervisor, lingering = home.process("supervisor"), home.process("temporal")
    os.kill(lingering.pid, signal.SIGSTOP)  # the first has to wait before it kills it
    kill(supervisor)
    first = asyncio.create_task(home.up())
    await until(lambda: supervisor_of(home.path) not in (None, supervisor))
    assert await home.up() == 0
    assert not lingering.alive
    assert await home.ready()
    assert await first == 0


async def test_after_the_death_of_all_up_recovers(home: Home) -> None:
    assert await home.up() == 0
    await home.execute("create table kept as select 42 as answer")
    home.kill_all()
    assert await home.up() == 0
    assert await home.execute("select answer from kept") == 42


async def test_after_the_death_of_the_supervisor_down_leaves_nothing(home: Home) -> None:
    assert await home.up() == 0
    kill(home.process("supervisor"))
    await home.down()
    assert home.alive() == []


@pytest.mark.slow
async def test_a_backend_that_outlives_its_postmaster_is_ended(light_home: Home) -> None:
    assert await light_home.up() == 0
    supervisor, postmaster = light_home.process("supervisor"), light_home.process("postgres")
    stopped = process_identity.descendants(postmaster.pid)[0]
    os.kill(supervisor.pid, signal.SIGSTOP)
    os.kill(stopped, signal.SIGSTOP)  # it cannot notice that its postmaster died
    kill(postmaster)
    kill(supervisor)
    assert await light_home.up() == 0
    assert identify(stopped) is None


async def test_deleting_the_home_ends_what_ran_in_it(light_home: Home) -> None:
    assert await light_home.up() == 0
    processes_before = [
        light_home.process(name) for name in ("supervisor", *light_home.stack.parts)
    ]
    shutil.rmtree(light_home.path)
    await until(lambda: not any(process.alive for process in processes_before))


@pytest.mark.slow
async def test_a_server_that_finds_its_port_taken_moves_and_takes_the_worker_along(
    home: Home,
) -> None:
    assert await home.up() == 0
    old, worker = home.stack.ports["temporal"], home.process("worker")
    os.kill(home.process("supervisor").pid, signal.SIGSTOP)
    kill(home.process("temporal"))
    await until(lambda: is_free(old))
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", old))
        taker.listen()
        os.kill(home.process("supervisor").pid, signal.SIGCONT)
        await until(lambda: "worker runs again" in home.said())
    assert home.stack.ports["temporal"] > old
    assert not worker.alive
    await until(home.ready)


async def test_a_foreign_process_is_never_ended(light_home: Home, foreign: ProcessId) -> None:
    light_home.path.mkdir()
    imposter = PartRecord(foreign.pid, "an earlier start", "", 0.0)
    Stack(light_home.path, state="ready", parts=dict.fromkeys(PARTS, imposter)).write()
    (light_home.path / "stack.lock").write_text(
        json.dumps({"pid": foreign.pid, "started": "earlier"})
    )
    assert await light_home.down() == []
    assert foreign.alive
    assert await light_home.up() == 0
    assert foreign.alive


async def test_a_lock_file_that_names_a_foreign_process_is_stale(
    light_home: Home, foreign: ProcessId
) -> None:
    assert await light_home.up() == 0
    await light_home.down()
    lock_file = light_home.path / "postgres" / "data" / "postmaster.pid"
    lock_file.write_text(f"{foreign.pid}\n{light_home.path}\n")
    assert await light_home.up() == 0
    assert foreign.alive


def test_a_lock_file_of_another_cluster_ends_nothing(tmp_path: Path, foreign: ProcessId) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "postmaster.pid").write_text(f"{foreign.pid}\n")
    assert not end_cluster(tmp_path)
    assert foreign.alive
