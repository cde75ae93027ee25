"""Processes that fork from one which has imported everything, when a test asks for them.

Starting Python with all that a worker imports takes two seconds of CPU, the libraries of its
extraction children one more, and some fifty tests begin workers to kill them. What forks shares
nothing with the others but what was imported: it has a session, sockets and files of its own.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NUMBER = struct.Struct("!i")


class Forked:
    """A process of its own session, as `subprocess.Popen` shows one."""

    def __init__(self, status: socket.socket) -> None:
        self._status = status
        self.pid = _NUMBER.unpack(_received(status, _NUMBER.size))[0]
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, or less than 0: the signal that ended it."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("fork", timeout or 0.0)
            self.returncode = _NUMBER.unpack(_received(self._status, _NUMBER.size))[0]
            self._status.close()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def children(pid: int) -> list[int]:
    """Of a process, as /proc has them."""
    listed = (task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for each in listed for child in each.split()]


def fork(address: str, request: object, file: int) -> Forked:
    """A fork of the process that listens there, with a request and an open file."""
    status = socket.socket(socket.AF_UNIX)
    status.connect(address)
    told = json.dumps(request).encode()
    socket.send_fds(status, [_NUMBER.pack(len(told))], [file])
    status.sendall(told)
    return Forked(status)


class ForkServer:
    """The process that they fork from: `python -m module`, which begins when it is first asked
    for and ends with this one."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._life: socket.socket | None = None
        self._address = ""

    def address(self, environment: Mapping[str, str]) -> str:
        """Where it listens; it has this environment if it begins now."""
        if self._process is None:
            self._begin(environment)
        return self._address

    def forks(self) -> list[int]:
        """Those that live."""
        return children(self._process.pid) if self._process is not None else []

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._life is not None:
            self._life.close()
            self._process.wait(100)
            self._process = self._life = None

    def _begin(self, environment: Mapping[str, str]) -> None:
        self._address = str(Path(tempfile.mkdtemp(prefix="fork-")) / "s")
        self._life, theirs = socket.socketpair()
        with theirs, socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self._address)
            listening.listen(16)
            passed = (theirs.fileno(), listening.fileno())
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-m", self._module, *map(str, passed)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=passed,
                env={**environment, "PYTHONPATH": os.pathsep.join(_paths())},
                start_new_session=True,
            )


def forked() -> tuple[Any, int]:
    """Called by the module of a `ForkServer`: fork until its parent closes. Returns in each fork:
    the request and the open file."""
    life, listening = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    gc.freeze()
    with life, listening:
        return _serve(life, listening)


def _serve(life: socket.socket, listening: socket.socket) -> tuple[Any, int]:
    forks: dict[int, tuple[int, socket.socket]] = {}  # by a pipe that closes with the fork
    while True:
        ready = select.select([life, listening, *forks], [], [])[0]
        if life in ready:
            sys.exit(0)
        for ended in filter(forks.__contains__, ready):
            pid, status = forks.pop(ended)
            os.close(ended)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with contextlib.suppress(OSError), status:  # nobody may be waiting any more
                status.sendall(_NUMBER.pack(code))
        if listening not in ready:
            continue
        status = listening.accept()[0]
        head, files, *_ = socket.recv_fds(status, _NUMBER.size, 1)
        request = json.loads(_received(status, _NUMBER.unpack(head)[0]))
        end, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            for other in (end, *forks):
                os.close(other)
            for _, other_status in forks.values():
                other_status.close()
            status.close()
            os.setsid()
            tempfile.tempdir = None  # it may have been read from another environment
            return request, files[0]
        os.close(theirs)
        os.close(files[0])
        status.sendall(_NUMBER.pack(pid))
        forks[end] = (pid, status)


def _received(stream: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        part = stream.recv(size - len(read))
        assert part, "the process that others fork from has ended"
        read += part
    return read


def _paths() -> list[str]:
    root = str(Path(__file__).parents[2])
    return [root, *filter(None, [os.environ.get("PYTHONPATH")])]
