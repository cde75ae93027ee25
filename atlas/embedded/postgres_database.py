"""Atlas's role and database in a cluster of its own. Apart from `postgres.py`, so that the
supervisor, which stays, needs no asyncpg."""

import asyncpg

from atlas.embedded.postgres import DATABASE, ROLE

_HAS_ROLE = "select true from pg_roles where rolname = $1"
_HAS_DATABASE = "select true from pg_database where datname = $1"


async def create_database(superuser: str) -> None:
    """Create them if they are missing; `superuser` is the URL that may."""
    connection = await asyncpg.connect(superuser)
    try:
        if not await connection.fetchval(_HAS_ROLE, ROLE):
            await connection.execute(f"create role {ROLE} login createdb")
        if not await connection.fetchval(_HAS_DATABASE, DATABASE):
            # Copied as files: through the buffers it would take 8 MB of memory, and as much of WAL.
            await connection.execute(
                f"create database {DATABASE} owner {ROLE} strategy = file_copy"
            )
    finally:
        await connection.close()
