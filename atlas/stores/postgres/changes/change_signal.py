"""Waiting for the next change: PostgreSQL notifies the reader of each commit, and the reader also
looks again now and then.

The notification saves time; nothing depends on it. A connection may be lost, and LISTEN does not
work behind PgBouncer in transaction mode: there a reader looks every second. What was committed is
found by its number, so no notification has to arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from atlas.stores.postgres.changes.change_log import CHANNEL
from atlas.stores.postgres.connection import LOST, connect_once

LOOK = 1.0
"""Seconds between two looks where nobody wakes the reader."""
LISTENING = 10.0
"""The same where it is woken."""


class ChangeSignal:
    """Wakes one reader."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self.listening = False
        """Whether PostgreSQL wakes it."""

    def wake(self, *_: object) -> None:
        self._woken.set()

    def lost(self, *_: object) -> None:
        """The connection is gone: the reader looks by itself from now on."""
        self.listening = False
        self._woken.set()

    async def wait(self, look: float | None = None) -> None:
        """Until something was committed since the last call, or it is time to look again."""
        pause = look or (LISTENING if self.listening else LOOK)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._woken.wait()
        self._woken.clear()


@asynccontextmanager
async def change_signal(database_url: str) -> AsyncIterator[ChangeSignal]:
    """A signal that wakes at commits within the block, where LISTEN works."""
    signal = ChangeSignal()
    connection = await _listening(database_url, signal)
    try:
        yield signal
    finally:
        if connection is not None and not connection.is_closed():
            connection.terminate()  # no statement is running, so there is nothing to wait for


async def _listening(database_url: str, signal: ChangeSignal) -> asyncpg.Connection | None:
    """A separate connection, since it listens for as long as the reader lives, and the pool needs
    its own; None where LISTEN does not work."""
    connection = None
    try:
        connection = await connect_once(database_url, name="atlas-client")
        serving = await connection.fetchval("select pg_backend_pid()")
        if serving == connection.get_server_pid():  # else a pooler shares the session
            connection.add_termination_listener(signal.lost)
            await connection.add_listener(CHANNEL, signal.wake)
            signal.listening = True
            return connection
    except (*LOST, asyncpg.PostgresError):
        signal.listening = False
    if connection is not None:
        connection.terminate()
    return None
