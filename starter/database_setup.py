"""Makes the database of a stack, and brings its schema up to date, in a process of its own.

    python -m starter.database_setup

The supervisor runs as long as the stack does, and asyncpg with the migrations would take a quarter
of its memory for what it needs once. So it starts this program together with the servers, whose
start hides the imports; it waits for one line on its input (JSON: `url` of the database, and
`superuser`, a URL by which it is made if it is missing), does its work and ends. A fault that a
person can fix is JSON on its output: `message`, `mend`.
"""

import asyncio
import json
import sys

import asyncpg

from atlas.embedded.errors import EmbeddedError
from atlas.embedded.postgres_database import create_database
from atlas.stores.postgres.connection import connect_once
from atlas.stores.postgres.migrate import SchemaMismatch, migrate


def main() -> int:
    """Do what the line says; 1 when it could not be done."""
    told = sys.stdin.readline()
    if not told:
        return 1  # whoever started this has ended
    request: dict[str, str] = json.loads(told)
    try:
        asyncio.run(_set_up(request["url"], request.get("superuser")))
    except EmbeddedError as error:
        sys.stdout.write(json.dumps({"message": error.message, "mend": error.mend}))
        return 1
    return 0


async def _set_up(url: str, superuser: str | None) -> None:
    if superuser is not None:
        await create_database(superuser)
    try:
        connection = await connect_once(url)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise EmbeddedError(
            f"Cannot connect to the database of ATLAS_DATABASE_URL: {error}",
            "Start that PostgreSQL, correct the URL, or unset it to use the embedded one",
        ) from error
    try:
        await migrate(connection)
    except SchemaMismatch as error:
        raise EmbeddedError("The schema does not fit", str(error)) from error
    finally:
        await connection.close()


if __name__ == "__main__":
    sys.exit(main())
