"""The process between a worker and its browser: it starts one, watches it, and ends all of it.

A browser is a tree of processes that outlives who started it. This one is small, has one thread and
does nothing else, so it ends the tree whatever happens: when its standard input ends (the worker
closed it, or was killed), when the browser takes more memory than it may, and when the browser's
first process ended. Should it be killed itself, the kernel kills the browser's first process
(PR_SET_PDEATHSIG), and the others end with the connection to that.

Descendants whose parent ended become children of this process (PR_SET_CHILD_SUBREAPER), so that
none is out of its sight. The browser has a folder of its own for all that it writes, deleted at the
end. On standard output it says why it ended: one word, and what the browser last complained of.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from typing import NoReturn

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOOK = 0.2
"""Seconds between two looks at the memory: a page takes some hundred megabytes in one."""
_FILES = 1 << 30
"""Bytes that a file of the browser's may have."""
_TAIL = 4096
"""Bytes of its complaints that are looked at."""


def main(channel: int, memory: int, command: list[str]) -> NoReturn:
    """Run `command` with the socket `channel` as its file descriptors 3 and 4, until one of the
    three comes. `{profile}` in an argument stands for the browser's folder. Runs in a process of
    its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then ends us
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    profile = tempfile.mkdtemp(prefix="atlas-browser-")
    ended = "failed"
    try:
        pid = _start(channel, profile, [each.replace("{profile}", profile) for each in command])
        os.close(channel)
        ended = _watch(pid, memory)
    finally:
        _end_all()
        said = _said(profile)
        shutil.rmtree(profile, ignore_errors=True)
        with contextlib.suppress(OSError):  # the worker may be gone
            os.write(1, f"{ended} {said}".encode())
        os._exit(0)


def _said(profile: str) -> str:
    with contextlib.suppress(OSError), open(f"{profile}/stderr", "rb") as errors:  # noqa: PTH123
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _TAIL))
        lines = errors.read().decode("utf-8", "replace").splitlines()
        told = (each.strip() for each in reversed(lines) if "dbus" not in each)
        return next(filter(None, told), "")[:300]
    return ""


def _start(channel: int, profile: str, command: list[str]) -> int:
    keeper = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_FILES, _FILES))
        channel = os.dup(channel) if channel in (3, 4) else channel
        for number in (3, 4):
            os.dup2(channel, number)  # and it is inherited
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(null, number)
        os.dup2(os.open(f"{profile}/stderr", os.O_CREAT | os.O_WRONLY, 0o600), 2)
        folders = dict.fromkeys(("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), profile)
        os.execve(command[0], command, os.environ | folders)  # noqa: S606  the operator's browser
    finally:
        os._exit(127)


def _watch(pid: int, memory: int) -> str:
    """Why the browser is to end."""
    while True:
        ready, _, _ = select.select([0], [], [], _LOOK)
        if ready:
            return "closed"
        if _used() > memory:
            return "memory"
        if _reaped(pid):
            return "exited"


def _reaped(pid: int) -> bool:
    """Take the ends of children; whether that of the browser's first process was among them."""
    first = False
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            first = first or found == pid
    return first


def _used() -> int:
    """Bytes of the whole tree, what processes share counted once."""
    return sum(map(_memory_of, psutil.Process().children(recursive=True)))


def _memory_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.Error, AttributeError, OSError):
        pass  # ended; or the kernel shows only a process itself how its memory is shared
    try:
        used = process.memory_info()
    except (psutil.Error, OSError):
        return 0
    return int(used.rss - getattr(used, "shared", 0))


def _end_all() -> None:
    while True:
        descendants = psutil.Process().children(recursive=True)
        for each in descendants:
            with contextlib.suppress(psutil.Error):
                each.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not descendants:
            return
        time.sleep(0.01)
