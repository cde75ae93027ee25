"""The process from which extraction children are forked, and the loop each child runs.

One small process (`main`) imports the heavy libraries once and forks children on request, so a
child starts in milliseconds and shares their memory. It is a forkserver of our own, for three
reasons: multiprocessing's makes every child import the parent's main module again (the whole
worker), its children keep it alive when the parent is killed, and pebble's children share one
pipe, which a child killed in the middle of an answer leaves broken for all.

It has one thread and only ever waits for its parent. When the parent is gone the control socket
ends, and it kills its children and exits; should it be killed itself, the kernel kills the children
(PR_SET_PDEATHSIG, Linux) or their socket ends.

Control protocol (parent speaks first, one answer each): `S` with one end of a socket pair forks a
child on it and answers with the pid; `E` and a pid kills and reaps that child and answers with
wait status and growth in bytes (its peak memory less that of the zygote). A pid stays reserved
until it is reaped here, so no stranger's process can be hit.
"""

import contextlib
import ctypes
import gc
import importlib
import logging
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.wire_fields import MAX_ANSWER
from atlas.text.children.wire_format import write_bug, write_failure, write_value

REQUEST = struct.Struct("!cq")  # kind, pid
ANSWER = struct.Struct("!qq")  # pid or wait status, memory growth in bytes
FRAME = struct.Struct("!Q")  # length of the message that follows
_PR_SET_PDEATHSIG = 1
_GIVE_WAY = 10  # steps of niceness of a child that reads a body from a file
_GRACE = 5  # seconds after its own limit at which a child ends itself, if nobody ended it


class ChildLimits(NamedTuple):
    """`seconds` of wall clock and of CPU per job; `memory` in bytes on top of the libraries'."""

    seconds: float
    memory: int


class ChildJob(NamedTuple):
    """A function, importable by name, and its argument; what it returns is sent as it is.
    `reads_body`: the function takes the body that follows a job as its second argument."""

    function: Callable[..., bytes]
    argument: Any
    reads_body: bool = False


def main(control_fd: int, seconds: float, memory: int, preloaded: Sequence[str]) -> NoReturn:
    """Serve the control socket until it ends. Runs in a separate process. The modules
    `preloaded` are imported and warmed up first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    logging.disable(logging.CRITICAL)
    gc.disable()  # it would go through all that is imported, and find nothing
    for name in preloaded:
        importlib.import_module(name).warm_up()
    gc.freeze()  # what is shared now stays shared: the collector would write to every page
    gc.enable()
    control = socket.socket(fileno=control_fd)
    children: set[int] = set()
    while _serve(control, children, ChildLimits(seconds, memory)):
        pass
    for pid in children:
        _reap(pid)
    os._exit(0)


def _serve(control: socket.socket, children: set[int], limits: ChildLimits) -> bool:
    """One request; False when the parent is gone."""
    try:
        data, fds, _, _ = socket.recv_fds(control, REQUEST.size, 1)
        if len(data) < REQUEST.size:
            return False
        kind, pid = REQUEST.unpack(data)
        if kind == b"S":
            pid = _fork(control, socket.socket(fileno=fds[0]), limits)
            children.add(pid)
            control.sendall(ANSWER.pack(pid, 0))
        else:
            status, grown = _reap(pid) if pid in children else (0, 0)
            children.discard(pid)
            control.sendall(ANSWER.pack(status, grown))
    except OSError:
        return False
    return True


def _reap(pid: int) -> tuple[int, int]:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return status, max(usage.ru_maxrss - inherited, 0) * unit


def _fork(control: socket.socket, channel: socket.socket, limits: ChildLimits) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        channel.close()
        return pid
    try:
        control.close()
        _die_with(parent)
        _silence()
        _limit_memory(limits.memory)
        _work(channel, limits)
    finally:
        os._exit(0)


def _die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies, and look whether it already has."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _silence() -> None:
    """C libraries print about bad documents; that belongs in no log and never on stdout."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)


def _limit_memory(memory: int) -> None:
    for limit, used in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
        with contextlib.suppress(ValueError, OSError):  # macOS refuses both: the pool's peak check
            _, hard = resource.getrlimit(limit)
            wanted = _used(used) + memory
            soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(limit, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _used(column: int) -> int:
    """Bytes in use now: column 0 of /proc/self/statm is the address space, 5 the data segment."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123
            return int(statm.read().split()[column]) * resource.getpagesize()
    except OSError:
        return 0


def _work(channel: socket.socket, limits: ChildLimits) -> None:
    with channel.makefile("rwb") as stream:
        while (payload := read_frame(stream.read)) is not None:
            body = read_frame(stream.read)  # to its end, or what is left would pass for a job
            if body is None:
                break
            _arm(limits.seconds)
            answer = _answer(payload, body)
            _disarm()
            stream.write(FRAME.pack(len(answer)) + answer)
            stream.flush()


def _arm(seconds: float) -> None:
    """Two watchdogs of the kernel's, which no C code can hold up: wall clock and CPU time.

    Both are behind the pool's own limit, for the case that the pool cannot act.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent + seconds) + _GRACE, hard))


def _disarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(payload: bytes, body: bytes) -> bytes:
    try:
        job = ChildJob(*pickle.loads(payload))  # noqa: S301  our own parent's words
        if job.reads_body:
            # A hostile listing uses its whole time: what others wait for goes before it. No later
            # job suffers, since a child ends with the first job that reads a body.
            os.nice(_GIVE_WAY)
        given = (job.argument, body) if job.reads_body else (job.argument,)
        return _value(job.function(*given))
    except PageError as error:
        return write_failure(error.error_class.value, error.code, error.message)
    except MemoryError:
        return _blame("extractor_memory", "it needs too much memory")
    except RecursionError:
        return _blame("too_deep", "it is nested too deeply to be read")
    except BaseException as error:
        return write_bug(f"{type(error).__name__}: {str(error)[:500]}")


def _value(value: bytes) -> bytes:
    if len(value) < MAX_ANSWER:
        return write_value(value)
    return _blame("extractor_too_large", f"its text takes over {MAX_ANSWER >> 20} MiB")


def _blame(code: str, message: str) -> bytes:
    return write_failure(ErrorClass.INVALID.value, code, message)


def read_frame(read: Callable[[int], bytes | None]) -> bytes | None:
    """One length-prefixed message, None at the end of the stream."""
    head = read(FRAME.size)
    if head is None or len(head) < FRAME.size:
        return None
    size = FRAME.unpack(head)[0]
    body = read(size)
    return body if body is not None and len(body) == size else None
