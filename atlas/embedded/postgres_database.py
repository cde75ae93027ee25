"""Atlas's role and database in a cluster of its own. Apart from `postgres.py`, so that the
supervisor, which stays, needs no asyncpg."""

import asyncpg

from atlas.embedded.postgres import DATABASE, MAKE_DATABASE, MAKE_ROLE, ROLE

_HAS_ROLE = "select true from pg_roles where rolname = $1"
_HAS_DATABASE = "select true from pg_database where datname = $1"


async def create_database(superuser: str) -> None:
    """Create them where they are missing, as in a cluster from before 0.9; `superuser` is the URL
    that may."""
    connection = await asyncpg.connect(superuser)
    try:
        if not await connection.fetchval(_HAS_ROLE, ROLE):
            await connection.execute(MAKE_ROLE)
        if not await connection.fetchval(_HAS_DATABASE, DATABASE):
            await connection.execute(MAKE_DATABASE)
    finally:
        await connection.close()
