"""Whether the holder of a lease has died: certain, or not claimed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas import lease_holders
from atlas.embedded.process_identity import LINUX
from atlas.lease_holders import has_died, holder_name

pytestmark = pytest.mark.skipif(not LINUX, reason="elsewhere leases are waited for")

_NAMED = "from atlas.lease_holders import holder_name; print(holder_name(), flush=True); input()"


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that waits, and its name."""
    with subprocess.Popen(
        (sys.executable, "-c", _NAMED), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def changed(name: str, part: int, value: str) -> str:
    parts = name.split(":")
    parts[part] = value
    return ":".join(parts)


def test_a_process_lives_until_it_has_ended(other: tuple[subprocess.Popen[str], str]) -> None:
    process, name = other
    assert name.split(":")[1] == str(process.pid)
    assert not has_died(name)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert has_died(name)  # a zombie, which nobody has waited for
    process.wait()
    assert has_died(name)


def test_a_process_has_a_name_for_each_lease() -> None:
    one, two = holder_name(), holder_name()
    assert one != two
    assert not has_died(one)
    assert not has_died(two)


def test_another_process_of_the_same_pid_is_not_it() -> None:
    ours = holder_name()
    assert has_died(changed(ours, 2, str(int(ours.split(":")[2]) - 1)))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (0, "elsewhere"),  # another machine
        (3, "0123456789abcdef"),  # another boot, or another container
        (3, ""),  # it could not say where it ran
        (1, "0"),  # no process to the kernel, but our group
        (1, "-1"),
        (1, "soon"),
        (2, ""),
    ],
)
def test_of_what_cannot_be_seen_nothing_is_claimed(
    other: tuple[subprocess.Popen[str], str], part: int, value: str
) -> None:
    process, name = other
    process.kill()
    process.wait()
    assert has_died(name)
    assert not has_died(changed(name, part, value))


@pytest.mark.parametrize("name", ["one", "", "host:7:0a1b2c3d", "a:b:c:d:e:f"])
def test_a_name_of_another_kind_is_not_read(name: str) -> None:
    assert not has_died(name)


def test_a_process_of_others_that_proc_hides_may_live(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, number: int) -> None:
        raise PermissionError

    ours = holder_name()
    monkeypatch.setattr(os, "kill", refused)
    assert not has_died(ours)
    monkeypatch.setattr(lease_holders.process_identity, "start_mark", lambda pid: None)
    assert not has_died(ours)


def test_without_a_view_of_the_machine_nothing_is_claimed(
    other: tuple[subprocess.Popen[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, name = other
    process.kill()
    process.wait()
    assert has_died(name)
    # Where /proc is that of another namespace of pids, its numbers name other processes.
    monkeypatch.setattr(os, "getpid", lambda: process.pid)
    assert not has_died(name)
    assert holder_name().split(":")[3] == ""


def test_a_kernel_without_namespaces_of_time_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.readlink

    def older(path: Path) -> Path:
        if path.name == "time":
            raise FileNotFoundError(path)
        return read(path)

    monkeypatch.setattr(Path, "readlink", older)
    ours = holder_name()
    assert ours.split(":")[3]
    assert has_died(changed(ours, 2, "1"))
