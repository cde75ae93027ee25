"""Waiting for the next change: PostgreSQL says when one was committed, and in any case a reader
looks again now and then.

The wake-up is a help and no promise. A connection may be lost, and behind PgBouncer in transaction
mode LISTEN reaches nobody: there a reader looks every second. What was committed is found by its
number, so no wake-up has to arrive.
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
            await asyncio.wait_for(self._woken.wait(), pause)
        self._woken.clear()


@asynccontextmanager
async def change_signal(database_url: str) -> AsyncIterator[ChangeSignal]:
    """A signal that hears of commits in the block, where PostgreSQL can be listened to."""
    signal = ChangeSignal()
    connection = await _listening(database_url, signal)
    try:
        yield signal
    finally:
        if connection is not None and not connection.is_closed():
            connection.terminate()  # nothing is under way in it, and nobody waits for its end


async def _listening(database_url: str, signal: ChangeSignal) -> asyncpg.Connection | None:
    """A connection of its own, since one of the pool would be kept from everybody else; None where
    nobody would be heard."""
    connection = None
    try:
        connection = await connect_once(database_url, name="atlas-client")
        serving = await connection.fetchval("select pg_backend_pid()")
        if serving == connection.get_server_pid():  # else a pooler: others use the session, too
            connection.add_termination_listener(signal.lost)
            await connection.add_listener(CHANNEL, signal.wake)
            signal.listening = True
            return connection
    except (*LOST, asyncpg.PostgresError):
        signal.listening = False
    if connection is not None:
        connection.terminate()
    return None
