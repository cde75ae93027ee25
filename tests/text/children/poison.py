"""Jobs for the pool's tests, importable by name in a child: good ones and poisonous ones."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.wire_fields import MAX_ANSWER
from atlas.text.children.zygote import FRAME


def as_json(job: tuple[Callable[[Any], object], object]) -> bytes:
    """Do a job and answer in JSON."""
    function, argument = job
    return json.dumps(function(argument)).encode()


def lie(answer: bytes) -> bytes:
    """Answer whatever a child that was taken over might."""
    return answer


def lie_about_size(_: object) -> NoReturn:
    """Announce the largest of all answers on the socket to the parent."""
    for fd in range(3, 64):
        with contextlib.suppress(OSError):
            socket.socket(fileno=os.dup(fd)).sendall(FRAME.pack(2**63))
    time.sleep(3600)
    raise AssertionError


def echo(value: object) -> object:
    return value


def pid_of_child(_: object) -> int:
    return os.getpid()


def threads_and_parent(_: object) -> tuple[int, int]:
    return threading.active_count(), os.getppid()


def native_threads(_: object) -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def hang(_: object) -> NoReturn:
    while True:
        pass


def hang_saying_pid(path: str) -> NoReturn:
    """Write pid and parent's pid, then neither answer nor listen, deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(path).write_text(f"{os.getpid()} {os.getppid()}")
    while True:
        time.sleep(3600)


def hang_deaf_in_c(_: object) -> None:
    """A C call that holds the interpreter lock: nothing written in Python can interrupt it."""
    ctypes.PyDLL(None).sleep(3600)


def eat_memory(_: object) -> int:
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))


def exit_hard(_: object) -> NoReturn:
    os._exit(7)


def crash(_: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def refuse(_: object) -> NoReturn:
    raise PageError(ErrorClass.INVALID, "no_text", "nothing here")


def blunder(_: object) -> NoReturn:
    raise KeyError("a bug of ours")


def kill_zygote_once(flag: str) -> str:
    """Kill the parent of all children the first time; the second time answer."""
    path = Path(flag)
    if path.exists():
        return "answered"
    path.touch()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(3600)
    return "never"


def large(size: int) -> str:
    return "x" * size


def answer_too_much(_: object) -> bytes:
    return bytes(MAX_ANSWER)


def environment(_: object) -> dict[str, str]:
    """What a child's process was given."""
    return dict(os.environ)


def repeat(times: int, body: bytes) -> bytes:
    """Answer with the body, so many times over."""
    return body * times


def niceness(_: object, body: bytes) -> bytes:
    """How far this process steps back behind others."""
    return str(os.getpriority(os.PRIO_PROCESS, 0)).encode()


def spoil(what: str, body: bytes) -> bytes:
    """Do with a body what one of the jobs above does without."""
    return json.dumps(globals()[what](body)).encode()


def pid_and_body(_: object, body: bytes) -> bytes:
    return f"{os.getpid()} {os.getppid()} ".encode() + body
