"""The port through which every request waits its turn (RFC 9309 leaves the pace to us).

The reservation itself lives in the database, so that any number of workers together keep the
delay of a host; this module only says what the client needs from it.
"""

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Slot(Protocol):
    """The right to send one request to one host, held until its answer is read."""

    def sent(self, monotonic_time: float) -> None:
        """The request went on the wire at `monotonic_time` (`time.monotonic`, seconds).

        Called at most once. The next delay counts from here: a slow connection set-up would
        else bring two requests closer together in the server's log than the delay.
        """

    def answered(self, monotonic_time: float) -> None:
        """The head of the answer came: a host that takes long for it is asked more slowly."""


class Slots(Protocol):
    """Hands out slots, one before each request: pages, redirect hops and robots.txt alike."""

    def slot(self, host: str, url: str) -> AbstractAsyncContextManager[Slot]:
        """Wait until `host` (`host[:port]`) may be asked for `url`, and hold the slot.

        May raise to refuse (a stop, a breaker that is open); the fetch then ends with that error.
        """

    def at_least(self, host: str, delay: float) -> None:
        """Keep `delay` seconds from now on between requests to `host`: its robots.txt asks so."""


class OpenSlots:
    """Slots that never wait: for hosts under one's own control only."""

    @asynccontextmanager
    async def slot(self, host: str, url: str) -> "AsyncIterator[Slot]":
        yield self

    def sent(self, monotonic_time: float) -> None:
        """Nothing waits for this moment."""

    def answered(self, monotonic_time: float) -> None:
        """Nothing depends on it."""

    def at_least(self, host: str, delay: float) -> None:
        """Nothing waits at all."""
