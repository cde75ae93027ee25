"""Tasks that wait for sockets and take turns in one thread: what the gate needs of asyncio, at a
third of its memory. Imports little, even of the standard library: see gate.py.
"""

import errno
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Generator, Mapping

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class SocketWait:
    """What a task waits for: any of these sockets, or the time; neither means its next turn."""

    def __init__(
        self, sockets: Mapping[socket.socket, int] | None = None, seconds: float | None = None
    ) -> None:
        self.sockets = sockets or {}
        self.until = None if seconds is None else time.monotonic() + seconds


Task = Generator[SocketWait, None, None]


class Turns:
    """Lets tasks take turns in one thread. Sockets are not shared: one task waits for each."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ready: deque[Task] = deque()
        self._pauses: dict[Task, SocketWait] = {}

    def add(self, task: Task) -> None:
        """Let another take part."""
        self._ready.append(task)

    def round(self) -> None:
        """Wait until some can go on, and let each of them go on once."""
        for key, _ in self._selector.select(self._seconds()):
            if key.data in self._pauses:  # it may wait for two sockets, and both be ready
                self._wake(key.data)
        now = time.monotonic()
        for task in [task for task, pause in self._pauses.items() if (pause.until or now) < now]:
            self._wake(task)
        for _ in range(len(self._ready)):
            self._go_on(self._ready.popleft())

    def _seconds(self) -> float | None:
        if self._ready:
            return 0.0
        times = [pause.until for pause in self._pauses.values() if pause.until is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _wake(self, task: Task) -> None:
        for each in self._pauses.pop(task).sockets:
            self._selector.unregister(each)
        self._ready.append(task)

    def _go_on(self, task: Task) -> None:
        pause = next(task, None)
        if pause is None:
            return
        for each, events in pause.sockets.items():
            self._selector.register(each, events, task)
        if pause.sockets or pause.until is not None:
            self._pauses[task] = pause
        else:
            self._ready.append(task)


def accepted(listener: socket.socket) -> Generator[SocketWait, None, socket.socket]:
    """The next connection that somebody makes. Raises OSError."""
    while True:
        yield SocketWait({listener: READ})
        try:
            made, _ = listener.accept()
        except BlockingIOError:  # whoever it was has gone again
            continue
        return _prompt(made)


def connected(place: str) -> Generator[SocketWait, None, socket.socket]:
    """A connection to `host:port`. Raises OSError."""
    host, _, port = place.rpartition(":")
    family, kind, protocol, _, address = yield from _resolved(host, int(port))
    made = _prompt(socket.socket(family, kind, protocol))
    try:
        code = made.connect_ex(address)
        if code == errno.EINPROGRESS:
            yield SocketWait({made: WRITE})
            code = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        made.close()
        raise
    return made


def _prompt(made: socket.socket) -> socket.socket:
    """Never blocking, and sent at once. Otherwise a second small part waits until the other end has
    acknowledged the first, which it does 40 ms later (RFC 896 meets RFC 1122, section 4.2.3.2)."""
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


Address = tuple[int, int, int, str, tuple[str, int]]


def _resolved(host: str, port: int) -> Generator[SocketWait, None, Address]:
    """Where a host is. Names are asked for in a thread: a name server may be slow, and whoever is
    connected already must not wait for it."""
    try:
        return _address_of(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass
    from threading import Thread  # in compose only: the embedded server has an address

    found: list[Address] = []
    ours, theirs = socket.socketpair()

    def ask() -> None:
        with theirs:  # its end is the sign
            try:
                found.append(_address_of(host, port))
            except OSError:
                return

    with ours:
        Thread(target=ask, daemon=True).start()
        yield SocketWait({ours: READ})
    if not found:
        raise OSError(errno.EHOSTUNREACH, f"no address for {host}")
    return found[0]


def _address_of(host: str, port: int, flags: int = 0) -> Address:
    found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM, 0, flags)
    return found[0]  # type: ignore[return-value]  # IPv4 was asked for
