"""Ports on loopback: the preferred one, or the next that is free."""

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from atlas.embedded.errors import EmbeddedError

HOST = "127.0.0.1"
_TRIES = 200
_TURN_SECONDS = 20.0
_POLL_SECONDS = 0.02
# A folder that every process of this machine sees; only locked, never written.
_TURN = Path("/tmp")  # noqa: S108
_LAST = 65_535


def is_free(port: int) -> bool:
    """Whether the port is free on this machine's IPv4 loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Otherwise a port that our last server left in TIME_WAIT would count as in use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            return False
    # macOS lets us bind although somebody listens on all addresses: try to connect as well.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((HOST, port)) != 0


def next_free(preferred: int, taken: set[int]) -> int:
    """The first free port from `preferred` upwards that is not in `taken`.

    Raises:
        EmbeddedError: there is none in the next 200.
    """
    last = min(preferred + _TRIES, _LAST)
    for port in range(preferred, last + 1):
        if port not in taken and is_free(port):
            return port
    raise EmbeddedError(
        f"No port from {preferred} to {last} is free on {HOST}",
        "Stop what listens there (`ss -ltnp` shows it), then start again",
    )


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """One home at a time looks for ports and starts its server on them.

    Needed because Temporal binds with SO_REUSEPORT: if two servers of one user get the same port,
    both listen on it and each receives some of the other's calls. The kernel releases the lock when
    its holder dies; after 20 s we stop waiting for it.
    """
    descriptor = os.open(_TURN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    deadline = time.monotonic() + _TURN_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held, or a file system without locks
            time.sleep(_POLL_SECONDS)
        else:
            return
