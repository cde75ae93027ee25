"""Which process is which: identity beyond the pid, memory, and ending what is proven ours.

A pid alone proves nothing, since the kernel gives it to another process later. A
process is known by pid and start mark together: boot id and start tick on Linux,
the start time `ps` prints elsewhere.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform.startswith("linux")
_POLL_SECONDS = 0.02
_KILLED_SECONDS = 5.0


@dataclass(frozen=True)
class ProcessId:
    """One process for all time: its pid and the mark of when it started."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return start_mark(self.pid) == self.started


def identify(pid: int) -> ProcessId | None:
    """The identity of a running process, or None when there is none of that pid."""
    mark = start_mark(pid)
    return None if mark is None else ProcessId(pid, mark)


def start_mark(pid: int) -> str | None:
    """What tells this process from an earlier or later one of the same pid; None when gone."""
    if LINUX:
        fields = _stat_fields(pid)
        # Field 3 is the state, field 22 the start in clock ticks since boot (proc_pid_stat(5)).
        if fields is None or fields[0] in "ZX":
            return None
        return f"{_boot_id()}:{fields[19]}"
    state, _, mark = _ps(pid, "stat=,lstart=").partition(" ")
    return None if not mark or state.startswith("Z") else mark.strip()


def memory_bytes(pid: int) -> int:
    """Memory of a process and its descendants, pages they share counted once, in bytes.

    Proportional set size where the kernel tells it, else the resident size.
    """
    return sum(_own_memory(member) for member in [pid, *descendants(pid)])


def descendants(pid: int) -> list[int]:
    """Pids of all children, their children, and so on (Linux; elsewhere direct children)."""
    if not LINUX:
        found = subprocess.run(  # noqa: S603
            ["/usr/bin/pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
        )
        return [int(line) for line in found.stdout.split()]
    parents = dict(_all_parents())
    family: list[int] = [pid]
    for member in family:
        family.extend(child for child, parent in parents.items() if parent == member)
    return family[1:]


def working_in(folder: Path, program: str) -> list[int]:
    """Pids of processes of that program whose working directory is `folder` (Linux only)."""
    if not LINUX:
        return []
    return [pid for pid in _all_pids() if _works_in(pid, folder, program)]


def marked_members(session: int, mark: str) -> list[ProcessId]:
    """Live processes of a session whose environment has `mark` (NAME=value); Linux only."""
    if not LINUX:
        return []
    found = [identify(pid) for pid in _all_pids() if _is_member(pid, session, mark)]
    return [process for process in found if process is not None]


def kill_session(session: int, mark: str) -> None:
    """SIGKILL what is left of a session of ours: both the session and the mark must fit."""
    for process in marked_members(session, mark):
        end(process, signal.SIGKILL, _KILLED_SECONDS)


def kill_group(leader: ProcessId) -> None:
    """SIGKILL a process and, when it leads a process group, the whole group."""
    if not leader.alive:
        return
    try:
        if os.getpgid(leader.pid) == leader.pid:
            os.killpg(leader.pid, signal.SIGKILL)
        else:
            os.kill(leader.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def end(process: ProcessId, gently: signal.Signals, patience: float) -> None:
    """End a process: `gently` first, SIGKILL after `patience` seconds. Returns when it is gone."""
    if not process.alive:
        return
    _send(process, gently)
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


def _send(process: ProcessId, number: signal.Signals) -> None:
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return


def _stat_fields(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field, the name in brackets, may itself hold blanks and brackets.
    return text.rpartition(")")[2].split()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _ps(pid: int, columns: str) -> str:
    found = subprocess.run(  # noqa: S603
        ["/bin/ps", "-p", str(pid), "-o", columns], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def _all_pids() -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _all_parents() -> Iterator[tuple[int, int]]:
    for pid in _all_pids():
        fields = _stat_fields(pid)
        if fields is not None:
            yield pid, int(fields[1])


def _works_in(pid: int, folder: Path, program: str) -> bool:
    try:
        here = Path(f"/proc/{pid}/cwd").stat()
        there = folder.stat()
        name = Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return False
    # A program replaced by an upgrade reads "postgres (deleted)".
    same_folder = (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    return same_folder and name.partition(" ")[0] == program


def _is_member(pid: int, session: int, mark: str) -> bool:
    fields = _stat_fields(pid)
    if fields is None or int(fields[3]) != session:
        return False
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return os.fsencode(mark) in environment.split(b"\0")


def _own_memory(pid: int) -> int:
    if not LINUX:
        return int(_ps(pid, "rss=") or 0) * 1024
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        resident = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(resident) * os.sysconf("SC_PAGE_SIZE")
