"""The connection pool, and the vendor's errors told in our words."""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
"""One connection, the pool's or one's own."""


class DatabaseUnreachable(Exception):
    """PostgreSQL does not answer; the message says where and what to do."""


def shown(database_url: str) -> str:
    """The address without user and password, which may stand in the query as well.

    Nothing of it where an @ stands behind the host's place: then a character of the password was
    not encoded, and what seems to be host and path is its beginning.
    """
    parts = urlsplit(database_url)
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return "an address that cannot be told from its password (encode / # ? and @ in it)"
    given = dict(parse_qsl(parts.query))
    hosts = parts.netloc.rpartition("@")[2] or given.get("host", "socket")
    port = "" if ":" in hosts else f":{given.get('port', '5432')}"
    return f"{hosts}{port}{parts.path}"


async def _keep_session(connection: object) -> None:
    """No store changes session state (settings are `set local`), so that a returned connection
    needs no RESET ALL: one round trip less each time. An open transaction is rolled back before.
    """


async def open_pool(database_url: str, *, size: int = 10, minimum: int = 1) -> asyncpg.Pool:
    """Connect; raises `DatabaseUnreachable`."""
    try:
        return await asyncpg.create_pool(
            database_url,
            min_size=minimum,
            max_size=size,
            command_timeout=120,
            reset=_keep_session,
            server_settings={"application_name": "atlas", "jit": "off"},
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise DatabaseUnreachable(
            f"PostgreSQL does not answer at {shown(database_url)}: "
            f"{error or type(error).__name__}. "
            "Start the embedded stack with `atlas up -d`, or set ATLAS_DATABASE_URL."
        ) from None
