"""Worker processes that fork from one which has imported everything: starting Python with all that
a worker imports takes two seconds of CPU, and some forty tests begin a process to kill it."""

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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

_NUMBER = struct.Struct("!i")


class ForkedWorker:
    """A worker of its own session, as `subprocess.Popen` shows one."""

    def __init__(self, status: socket.socket) -> None:
        self._status = status
        self.pid = _number(status)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, or less than 0: the signal that ended it."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("worker", timeout or 0.0)
            self.returncode = _number(self._status)
            self._status.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forks:
    """The process that they fork from, which begins with the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def worker(
        self, environment: Mapping[str, str], log: BinaryIO, queues: Sequence[str] = ()
    ) -> ForkedWorker:
        """A worker for these queues (all, if none is named) that writes its log there."""
        if self._control is None:
            self._begin()
        assert self._control is not None
        ours, theirs = socket.socketpair()
        with theirs:
            request = json.dumps({"environment": dict(environment), "queues": list(queues)})
            told = request.encode()
            passed = [theirs.fileno(), log.fileno()]
            socket.send_fds(self._control, [_NUMBER.pack(len(told))], passed)
            self._control.sendall(told)
        return ForkedWorker(ours)

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._control is not None:
            self._control.close()
            self._process.wait(100)
            self._process = self._control = None

    def _begin(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-m", "tests.e2e.forked_workers", str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_paths())},
                start_new_session=True,
            )


FORKS = Forks()


def _paths() -> list[str]:
    root = str(Path(__file__).parents[2])
    return [root, *filter(None, [os.environ.get("PYTHONPATH")])]


def _number(status: socket.socket) -> int:
    read = b""
    while len(read) < _NUMBER.size:
        part = status.recv(_NUMBER.size - len(read))
        assert part, "the process that workers fork from has ended"
        read += part
    number: int = _NUMBER.unpack(read)[0]
    return number


def _serve(control: socket.socket) -> list[str]:
    """Fork until the other side closes, and tell how each fork ended. Returns in each fork: the
    queues that it is to serve."""
    lives: dict[int, tuple[int, socket.socket]] = {}  # a pipe that closes with the fork
    while True:
        ready = select.select([control, *lives], [], [])[0]
        for life in ready:
            if life is control:
                continue
            pid, status = lives.pop(life)
            os.close(life)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with contextlib.suppress(OSError), status:  # nobody may be waiting any more
                status.sendall(_NUMBER.pack(code))
        if control not in ready:
            continue
        head, files, *_ = socket.recv_fds(control, _NUMBER.size, 2)
        if not head:
            sys.exit(0)
        passed, log = files
        request = _request(control, _NUMBER.unpack(head)[0])
        life, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            control.close()
            for other in (life, passed, *lives):
                os.close(other)
            for _, status in lives.values():
                status.close()
            _become(request["environment"], log)
            queues: list[str] = request["queues"]
            return queues
        os.close(theirs)
        os.close(log)
        status = socket.socket(fileno=passed)
        status.sendall(_NUMBER.pack(pid))
        lives[life] = (pid, status)


def _request(control: socket.socket, size: int) -> Any:
    with control.makefile("rb", buffering=0) as stream:
        told = b""
        while len(told) < size:
            told += stream.read(size - len(told)) or b""
    return json.loads(told)


def _become(environment: dict[str, str], log: int) -> None:
    """Make a fork what a new process would be."""
    os.setsid()
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # it may have been read from another environment


if __name__ == "__main__":
    import worker
    from tests.e2e.patient_worker import be_patient
    from tests.known_types import keep_known_types

    be_patient()
    keep_known_types()
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        gc.freeze()
        named = _serve(listening)
    sys.exit(worker.main(named))
