"""Bringing the schema of the database up to date."""

from __future__ import annotations

from atlas.locations import NotRunning, locate
from atlas.settings import Settings, SettingsError
from atlas.stores.postgres.connection import DatabaseUnreachable, open_pool, shown
from atlas.stores.postgres.migrate import SchemaMismatch, migrate
from starter.connection import translated
from starter.errors import DatabaseDown, InvalidRequest, Refused


async def migrate_database(settings: Settings | None = None) -> list[str]:
    """Apply what is missing; the names applied. Raises `DatabaseDown`, `Refused` (a schema that
    is newer, or edited), `InvalidRequest` (a bad setting)."""
    try:
        url = locate(settings or Settings.load()).require_database()
        pool = await open_pool(url, size=1)
    except SettingsError as error:
        raise InvalidRequest(str(error)) from None
    except (NotRunning, DatabaseUnreachable) as error:
        raise DatabaseDown(str(error)) from None
    try:
        with translated(shown(url)):
            async with pool.acquire() as connection:
                return await migrate(connection)
    except SchemaMismatch as error:
        raise Refused(str(error)) from None
    finally:
        await pool.close()
