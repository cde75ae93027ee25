"""The home: its record, its lock, its ports, its logs, and the mistakes one can make with it."""

import asyncio
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from atlas.embedded import log_files, ports
from atlas.embedded.endpoints import external_temporal, namespace
from atlas.embedded.errors import EmbeddedError, from_os_error
from atlas.embedded.log_files import PartLog
from atlas.embedded.process_identity import ProcessId, identify
from atlas.embedded.stack_plan import Plan
from atlas.embedded.stack_record import (
    HomeLock,
    PartRecord,
    Stack,
    prepare_home,
    read_stack,
    supervisor_of,
)
from atlas.embedded.stack_status import without_password
from tests.embedded.conftest import Home


def quiet(_part: str, _line: str) -> None:
    """A listener for whom nobody needs to hear."""


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    part = PartRecord(1, "mark", "127.0.0.1:1", 2.0)
    stack = Stack(tmp_path, "ready", "postgresql:///x", "127.0.0.1:7233", parts={"temporal": part})
    stack.supervisor = ProcessId(1, "mark")
    stack.write()
    assert read_stack(tmp_path) == stack
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}', '{"format": 1}'])
def test_an_unreadable_record_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    assert read_stack(tmp_path) is None


def test_a_record_of_a_newer_atlas_is_read_as_far_as_known(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"format": 1, "parts": {}, "moon": "full"}')
    assert read_stack(tmp_path) == Stack(tmp_path)


def test_ready_is_what_the_running_supervisor_recorded(tmp_path: Path) -> None:
    """Not one before it that was killed: what that left running is ended first."""
    me, lock = identify(os.getpid()), HomeLock(tmp_path)
    stack = Stack(tmp_path, "ready", supervisor=me)
    assert not stack.ready
    assert lock.acquire()
    assert stack.ready
    stack.supervisor = ProcessId(os.getpid(), "another start")
    assert not stack.ready
    stack.supervisor = None  # of an Atlas that did not record it
    assert stack.ready
    stack.state = "starting"
    assert not stack.ready
    lock.release()


def test_one_process_holds_a_home_until_it_dies(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from atlas.embedded.stack_record import HomeLock\n"
        "assert HomeLock(pathlib.Path(sys.argv[1])).acquire()\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        found = supervisor_of(tmp_path)
        assert found is not None
        assert found.pid == holder.pid
        assert not HomeLock(tmp_path).acquire()
        holder.kill()
        holder.wait()
    assert supervisor_of(tmp_path) is None
    lock = HomeLock(tmp_path)
    assert lock.acquire()
    lock.release()


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(EmbeddedError, match=r"home: File exists\. That path is a file"):
        prepare_home(tmp_path / "home")
    with pytest.raises(EmbeddedError, match=r"A part of that path is a file"):
        prepare_home(tmp_path / "home" / "below")


async def test_a_mistake_ends_up_with_a_message_and_no_traceback(
    homes: Callable[..., Home], capfd: pytest.CaptureFixture[str]
) -> None:
    home = homes()
    home.path.write_text("")
    assert await home.up() == 1
    said = capfd.readouterr().err
    assert said.startswith("atlas: Cannot make ")
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_each_fault_of_the_disk_has_its_mend(number: int) -> None:
    error = from_os_error("write", Path("/home/x"), OSError(number, os.strerror(number)))
    assert str(error).startswith(f"Cannot write /home/x: {os.strerror(number)}. ")
    assert error.mend


def test_the_next_free_port_skips_taken_and_listening_ones() -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        taken = taker.getsockname()[1]
        assert not ports.is_free(taken)
        assert ports.next_free(taken, {taken + 1}) > taken + 1


def test_a_listener_on_all_addresses_takes_the_port_too() -> None:
    with socket.socket() as taker:
        taker.bind(("0.0.0.0", 0))
        taker.listen()
        assert not ports.is_free(taker.getsockname()[1])


def test_no_port_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(EmbeddedError, match="No port from 65500 to 65535 is free"):
        ports.next_free(65_500, set())


async def test_lines_are_kept_cut_and_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "MAX_BYTES", 100_000)
    heard: list[str] = []
    log = PartLog(tmp_path, "part", lambda _part, line: heard.append(line))
    stream = asyncio.StreamReader()
    stream.feed_data(b"first\r\n" + b"x" * 500_000 + b"\nno end")
    stream.feed_eof()
    await log.follow(stream)
    log.close()
    assert heard[0] == "first"
    assert heard[-1] == "no end"
    assert max(map(len, heard)) < 70_000
    assert sum(map(len, heard)) == len("first") + 500_000 + len("no end")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["part.log", "part.log.1", "part.log.2", "part.log.3"]
    assert all(path.stat().st_size < 200_000 for path in tmp_path.iterdir())


def test_a_quiet_log_is_written_but_not_told(tmp_path: Path) -> None:
    heard: list[str] = []
    log = PartLog(tmp_path, "part", lambda _part, line: heard.append(line))
    log.quiet = True
    log.write(b"farewell")
    log.close()
    assert heard == []
    assert (tmp_path / "part.log").read_text() == "farewell\n"


def test_a_plan_survives_its_command_line(tmp_path: Path) -> None:
    plan = Plan(tmp_path, ["worker", "--quoted 'x'"], external_temporal="a:1", worker_grace=3.5)
    assert Plan.from_json(plan.to_json()) == plan


def test_temporals_own_configuration_names_an_external_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert external_temporal() is None
    assert namespace() == "default"
    profile = tmp_path / "temporal.toml"
    profile.write_text('[profile.default]\naddress = "there:7233"\nnamespace = "corpus"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(profile))
    assert (external_temporal(), namespace()) == ("there:7233", "corpus")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "elsewhere:7233")
    assert external_temporal() == "elsewhere:7233"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db:5432/atlas?sslmode=x", "postgresql://me@db:5432/atlas"),
        ("postgresql://db/atlas?user=me&password=secret", "postgresql://db/atlas"),
        ("postgresql:///atlas?host=%2Frun", "postgresql:///atlas?host=%2Frun"),
    ],
)
def test_a_shown_url_has_no_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
