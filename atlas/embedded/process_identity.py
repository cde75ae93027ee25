"""Which process is which: identity beyond the pid, memory, and ending processes proven ours.

A pid alone proves nothing, since the kernel reuses it. A process is identified by pid and start
mark together: boot id and start tick on Linux, the start time elsewhere.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LINUX = sys.platform.startswith("linux")
_POLL_SECONDS = 0.02
_KILLED_SECONDS = 5.0  # a killed process may be stuck in the kernel: do not wait for ever


@dataclass(frozen=True)
class ProcessId:
    """One process for all time: its pid and the mark of when it started."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether this same process still runs (a zombie does not)."""
        return start_mark(self.pid) == self.started


def identify(pid: int) -> ProcessId | None:
    """The identity of a running process, or None if no process has that pid."""
    mark = start_mark(pid)
    return None if mark is None else ProcessId(pid, mark)


def start_mark(pid: int) -> str | None:
    """What distinguishes this process from an earlier or later one of the same pid; None when gone.

    On Linux not its start time, which shifts when the machine's clock is set. A mark is kept in
    files and compared with one made later, perhaps by another version of Atlas.
    """
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        return f"{_boot_id()}:{_start_tick(pid)}" if LINUX else repr(process.create_time())
    except (psutil.Error, OSError):
        return None


def _start_tick(pid: int) -> str:
    """Clock ticks from boot to start (proc_pid_stat(5), field 22)."""
    text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    # The second field, the name in parentheses, may itself contain spaces and parentheses.
    return text.rpartition(")")[2].split()[19]


def memory_bytes(pid: int) -> int:
    """Memory of a process and its descendants in bytes, shared pages counted once.

    Proportional set size where the kernel reports it, else the resident size.
    """
    return sum(_own_memory(member) for member in [pid, *descendants(pid)])


def descendants(pid: int) -> list[int]:
    """Pids of all children, their children, and so on."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def has_child(pid: int, title: str) -> bool:
    """Whether a process has a child whose command line begins with `title`; a zombie has none."""
    try:
        children = psutil.Process(pid).children()
    except psutil.Error:
        return False
    return any(_command_of(child).startswith(title) for child in children)


def working_in(folder: Path, program: str) -> list[int]:
    """Pids of processes of that program whose working directory is `folder` (Linux only)."""

    def works_there(process: psutil.Process) -> bool:
        # A program replaced by an upgrade reads "postgres (deleted)".
        name = Path(process.exe()).name.partition(" ")[0]
        return name == program and Path(process.cwd()).samefile(folder)

    return [each.pid for each in _processes(works_there)]


def marked_members(session: int, mark: str) -> list[ProcessId]:
    """Live processes of a session whose environment has `mark` (NAME=value); Linux only."""

    def is_member(process: psutil.Process) -> bool:
        return os.getsid(process.pid) == session and has_mark(process, mark)

    found = [identify(process.pid) for process in _processes(is_member)]
    return [process for process in found if process is not None]


def has_mark(process: psutil.Process, mark: str) -> bool:
    """Whether a process runs with `mark` (NAME=value) in its environment."""
    name, _, value = mark.partition("=")
    try:
        return process.environ().get(name) == value
    except psutil.Error:  # gone, a zombie, or somebody else's
        return False


def kill_session(session: int, mark: str) -> None:
    """SIGKILL what is left of a session of ours: both session and mark must match."""
    for process in marked_members(session, mark):
        end(process, signal.SIGKILL, _KILLED_SECONDS)


def kill_group(leader: ProcessId) -> None:
    """SIGKILL a process and, if it leads a process group, the whole group."""
    if not leader.alive:
        return
    with suppress(ProcessLookupError):
        leads = os.getpgid(leader.pid) == leader.pid
        (os.killpg if leads else os.kill)(leader.pid, signal.SIGKILL)


def end(process: ProcessId, gently: signal.Signals, patience: float) -> None:
    """End a process: `gently` first, SIGKILL after `patience` seconds. Returns when it is gone."""
    if not process.alive:
        return
    with suppress(ProcessLookupError):
        os.kill(process.pid, gently)
    if not wait_gone(process, patience):
        kill_group(process)
        wait_gone(process, _KILLED_SECONDS)


def wait_gone(process: ProcessId, seconds: float) -> bool:
    """Wait at most `seconds` for the end of a process that may not be our child."""
    deadline = time.monotonic() + seconds
    while process.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _processes(match: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Running processes that match (Linux only); one that may not be looked at does not."""

    def matches(process: psutil.Process) -> bool:
        try:
            return match(process)
        except (psutil.Error, OSError):
            return False

    return [each for each in psutil.process_iter() if matches(each)] if LINUX else []


def _command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _own_memory(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        with suppress(psutil.AccessDenied):
            memory = process.memory_full_info()
            return getattr(memory, "pss", memory.rss)
        return process.memory_info().rss
    except psutil.Error:
        return 0
