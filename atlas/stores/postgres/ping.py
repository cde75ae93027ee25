"""Whether PostgreSQL answers, asked for a worker's health check."""

from __future__ import annotations

import asyncio

import asyncpg

from atlas.stores.postgres.connection import shown


class Probe:
    """Asks over a separate connection: a busy pool does not mean that the database is down."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: asyncpg.Connection | None = None

    async def trouble(self, patience: float) -> str | None:
        """Why the database did not answer within `patience` seconds, in words; None: it did."""
        try:
            async with asyncio.timeout(patience):
                await self._ask()
        except TimeoutError:
            self.close()
            return f"PostgreSQL at {shown(self._url)} has not answered for {patience:.0f} s"
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self.close()
            said = str(error) or type(error).__name__
            return f"PostgreSQL at {shown(self._url)} does not answer: {said}"
        return None

    async def _ask(self) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(
                self._url, server_settings={"application_name": "atlas health"}
            )
        # Not prepared: a pooler may hand the next question to another session.
        await self._connection.execute("select 1")

    def close(self) -> None:
        """Drop the connection at once: its other end may never acknowledge a goodbye."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
