"""Names of processes that hold leases, by which others on the same machine see that one has died.

A lease ends by itself some seconds after its holder died. A process that can see the holder's
place in the process table need not wait for that: `has_died` says for certain, or says no.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from atlas.embedded import process_identity

_NAMESPACES = ("pid", "time")
"""A pid means something within its namespace of pids; a start tick within its namespace of time."""


def holder_name() -> str:
    """A name of this process that no other has, `host:pid:start:machine:number`: a restarted one is
    another, and one that holds two leases has a name for each."""
    mark = process_identity.start_mark(os.getpid()) or ""
    start = mark.rpartition(":")[2]
    return ":".join(
        (socket.gethostname(), str(os.getpid()), start, _machine() or "", uuid4().hex[:8])
    )


def has_died(holder: str) -> bool:
    """Whether the process of that name ended, for certain: false also for one that this process
    cannot see, because it runs on another machine, in another container, or hidden from us."""
    parts = holder.split(":")
    machine = _machine()
    if machine is None or len(parts) != 5 or parts[0] != socket.gethostname():
        return False
    _, pid, start, theirs, _ = parts
    # 0 and less name groups of processes to the kernel.
    if theirs != machine or not pid.isdecimal() or int(pid) < 1 or not start.isdecimal():
        return False
    return _gone(int(pid), start)


def _gone(pid: int, start: str) -> bool:
    ours = True
    try:
        os.kill(pid, 0)  # asks only; answers also where /proc hides the processes of other users
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        ours = False
    mark = process_identity.start_mark(pid)
    if mark is None:  # a zombie, if it is ours; else perhaps only hidden
        return ours
    return mark.rpartition(":")[2] != start


def _machine() -> str | None:
    """This boot of this machine, and the namespaces that this process runs in: where it is equal,
    the same pid and start tick are the same process. None where that cannot be known.

    Two containers on one machine differ in it, and so does a container that was started again.
    """
    with suppress(OSError):
        # A /proc of other namespaces would show other processes under these numbers.
        if Path("/proc/self").readlink() != Path(str(os.getpid())):
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        spaces = [_namespace(each) for each in _NAMESPACES]
        return sha256("\n".join([boot, *spaces]).encode()).hexdigest()[:16]
    return None


def _namespace(kind: str) -> str:
    try:
        return str(Path("/proc/self/ns", kind).readlink())
    except FileNotFoundError:  # a kernel from before there were namespaces of time
        if kind == "pid":
            raise
        return ""
