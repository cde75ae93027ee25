"""The stack as a person meets it: up, down, status, restarts."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from atlas.embedded.stack_status import inspect
from atlas.embedded.temporal import TemporalServer
from atlas.embedded.temporal_access import TemporalAccess
from tests.embedded.conftest import Home, until


async def test_state_survives_a_restart_and_down_leaves_no_process(home: Home) -> None:
    assert await home.up() == 0
    assert await home.execute("select to_regclass('page_state') is not null")
    await home.execute("create table kept as select 42 as answer")
    header = (home.path / "temporal" / "temporal.db").read_bytes()[18:20]
    assert header == b"\2\2", "SQLite's formats: it has a write-ahead log"
    first_address = home.stack.temporal_address
    client = await home.temporal()
    await client.start_workflow("kept", id="kept", task_queue="nobody")
    assert (await inspect(home.path)).ready

    assert sorted(await home.down()) == ["postgres", "temporal", "worker"]
    assert home.alive() == []
    assert not (await inspect(home.path)).ready

    assert await home.up() == 0
    assert await home.execute("select answer from kept") == 42
    assert home.stack.temporal_address == first_address
    client = await home.temporal()
    assert (await client.get_workflow_handle("kept").describe()).workflow_type == "kept"


async def test_down_may_be_repeated_and_needs_no_home(light_home: Home) -> None:
    assert await light_home.down() == []
    assert not light_home.path.exists()
    assert await light_home.up() == 0
    assert len(await light_home.down()) == 2
    assert await light_home.down() == []


async def test_a_taken_port_means_the_next_one_said_and_recorded(home: Home) -> None:
    wanted = home.plan.preferred_ports["temporal"]
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", wanted))
        taker.listen()
        assert await home.up() == 0
    got = home.stack.ports["temporal"]
    assert got > wanted
    assert f"port {wanted} (temporal) is taken: using {got}" in home.said()
    assert home.stack.temporal_address == f"127.0.0.1:{got}"
    await home.temporal()


async def test_two_homes_run_side_by_side(homes: Callable[..., Home]) -> None:
    one = homes("one")
    other = homes("other", preferred_ports=one.plan.preferred_ports)
    # At once: both look for the same free ports, and one loses a port to the other.
    assert await asyncio.gather(one.up(), other.up()) == [0, 0]
    await one.execute("create table only_in_one ()")
    assert await other.execute("select to_regclass('only_in_one') is null")
    assert set(one.stack.ports.values()).isdisjoint(other.stack.ports.values())
    await one.down()
    assert await other.ready()


async def test_a_second_up_says_that_it_runs(
    light_home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await light_home.up() == 0
    before = light_home.process("supervisor")
    assert await light_home.up() == 0
    assert "Already running" in capfd.readouterr().err
    assert light_home.process("supervisor") == before


async def test_the_foreground_prefixes_its_lines_and_ends_with_ctrl_c(home: Home) -> None:
    process = home.foreground()
    assert process.stderr is not None
    with process.stderr as lines:
        seen = next(line for line in lines if line == "atlas    | ready\n")
        assert seen
        process.send_signal(signal.SIGINT)
        rest = lines.read()
    assert process.wait() == 0
    order = [rest.index(f"stopping {name}") for name in ("worker", "temporal", "postgres")]
    assert order == sorted(order)
    assert home.alive() == []


async def test_a_stop_in_the_middle_of_the_start_leaves_nothing(home: Home) -> None:
    process = home.foreground()
    await until(lambda: (home.path / "stack.json").exists() and "temporal" in home.stack.parts)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    with process.stderr as lines:
        assert "stopped" in lines.read()
    assert process.wait() == 0
    assert home.alive() == []


async def test_a_worker_that_refuses_to_start_is_quoted(
    homes: Callable[..., Home], temporal_address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    refusal = ["/bin/sh", "-c", "echo the schema is newer; exit 7"]
    home = homes(worker=refusal, worker_announces=True, external_temporal=temporal_address)
    assert await home.up() == 1
    said = capfd.readouterr().err
    assert "worker ended while starting (exit code 7)" in said
    assert "the schema is newer" in said
    assert "Traceback" not in said
    assert home.alive() == []


TOLD = """
if [ -n "$ATLAS_WORKER_GO_FILE" ]; then
    while [ ! -e "$ATLAS_WORKER_GO_FILE" ]; do sleep 0.02; done
    cp "$ATLAS_WORKER_GO_FILE" HOME/first
else
    env > HOME/written; mv HOME/written HOME/later
fi
touch "$ATLAS_WORKER_READY_FILE"
exec sleep 1000
"""


async def test_the_worker_is_told_where_everything_is(
    homes: Callable[..., Home], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", "a:key")
    script = TOLD.replace("HOME", str(tmp_path))
    home = homes(worker=["/bin/sh", "-c", script], worker_announces=True)
    assert await home.up() == 0
    first = json.loads((tmp_path / "first").read_text())
    where = {
        "ATLAS_DATABASE_URL": home.stack.database_url,
        "TEMPORAL_ADDRESS": home.stack.temporal_address,
        "ATLAS_WEB_UI_URL": home.stack.ui_url,
    }
    if home.stack.temporal_secrets is not None:  # where the machine has network namespaces
        where |= TemporalAccess(Path(home.stack.temporal_secrets)).variables()
    assert first == where
    os.kill(home.stack.parts["worker"].pid, signal.SIGKILL)
    while not (tmp_path / "later").exists():  # started again, when the servers run already
        await asyncio.sleep(0.02)
    later = dict(line.split("=", 1) for line in (tmp_path / "later").read_text().splitlines())
    assert where.items() <= later.items()
    assert later["ATLAS_ENCRYPTION_KEYS"] == "a:key"
    server = Path(f"/proc/{home.stack.parts['temporal'].pid}/environ").read_bytes()
    assert b"ATLAS_HOME" in server or b"ATLAS_STACK" in server, "not the environment of a part"
    assert b"a:key" not in server, "Temporal was given the keys that keep something from it"


async def test_external_parts_replace_the_embedded_ones(
    homes: Callable[..., Home],
    empty_database_url: str,
    temporal_address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATLAS_DATABASE_URL", empty_database_url)
    home = homes(external_database=True, external_temporal=temporal_address)
    assert await home.up() == 0
    assert list(home.stack.parts) == ["worker"]
    assert not (home.path / "postgres").exists()
    assert not (home.path / "temporal").exists()
    found = await inspect(home.path, empty_database_url, temporal_address)
    assert found.ready
    assert [part.external for part in found.parts] == [True, True, False]


def test_temporals_heap_is_kept_small_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    server = TemporalServer(tmp_path, tmp_path / "temporal", 0, 0, 0)
    assert server.environment() == {"GOGC": "50"}
    monkeypatch.setenv("GOGC", "200")
    assert server.environment() == {"GOGC": "200"}


async def test_status_tells_each_part(home: Home) -> None:
    assert await home.up() == 0
    found = await inspect(home.path)
    assert [part.name for part in found.parts] == ["postgres", "temporal", "worker"]
    assert all(part.pid and part.memory_bytes and part.since for part in found.parts)
    assert found.memory_bytes > sum(part.memory_bytes or 0 for part in found.parts)
    assert found.ready
