"""Waiting for the next change: PostgreSQL notifies the reader of each commit, and the reader also
looks again now and then.

The notification saves time; nothing depends on it. A connection may be lost, and another is made;
LISTEN does not work behind PgBouncer in transaction mode: there a reader looks every second. What
was committed is found by its number, so no notification has to arrive.
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
_AGAIN = 1.0
"""Seconds until another connection is tried."""


class ChangeSignal:
    """Wakes one reader."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._lost = asyncio.Event()
        self.listening = False
        """Whether PostgreSQL wakes it."""

    def wake(self, *_: object) -> None:
        self._woken.set()

    def listens(self) -> None:
        """PostgreSQL wakes the reader from now on; what was committed before is looked for now."""
        self._lost.clear()
        self.listening = True
        self._woken.set()

    def lost(self, *_: object) -> None:
        """The connection is gone: the reader looks by itself until there is another."""
        self.listening = False
        self._lost.set()
        self._woken.set()

    async def until_lost(self) -> None:
        """Until the connection is gone."""
        await self._lost.wait()

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
    signal, tried = ChangeSignal(), asyncio.Event()
    keeping = asyncio.create_task(_keep_listening(database_url, signal, tried))
    try:
        await tried.wait()
        yield signal
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


async def _keep_listening(database_url: str, signal: ChangeSignal, tried: asyncio.Event) -> None:
    """Listen, and again after a connection was lost; returns where LISTEN does not work."""
    connection: asyncpg.Connection | None = None
    try:
        while True:
            with suppress(*LOST, asyncpg.PostgresError):
                connection = await _listening(database_url, signal)
                if connection is None:
                    return
                tried.set()
                await signal.until_lost()
            tried.set()
            await asyncio.sleep(_AGAIN)
    finally:
        tried.set()
        if connection is not None and not connection.is_closed():
            connection.terminate()  # no statement is running, so there is nothing to wait for


async def _listening(database_url: str, signal: ChangeSignal) -> asyncpg.Connection | None:
    """A separate connection, since it listens for as long as the reader lives, and the pool needs
    its own; None where a pooler shares the session."""
    connection = await connect_once(database_url, name="atlas-client")
    try:
        serving = await connection.fetchval("select pg_backend_pid()")
        if serving != connection.get_server_pid():
            connection.terminate()
            return None
        connection.add_termination_listener(signal.lost)
        await connection.add_listener(CHANNEL, signal.wake)
        signal.listens()
    except BaseException:
        connection.terminate()
        raise
    return connection
