"""`atlas doctor --fix`: what can be put right without a decision, each step safe to repeat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from atlas.settings import Settings, SettingsError
from starter.connection import Parts
from starter.errors import AtlasError
from starter.migration import migrate_database
from starter.schedules import Schedules


async def mend() -> AsyncIterator[str]:
    """Bring the schema up to date, register search attributes that the namespace lacks, apply the
    declared schedules; what was done, or why it could not be, a sentence each.

    Deletes nothing, changes no setting, and starts no server. Never raises.
    """
    try:
        parts = Parts(Settings.load())
    except (SettingsError, AtlasError) as error:
        yield f"Nothing is mended while settings are wrong: {error}"
        return
    steps: Sequence[tuple[str, Callable[[Parts], Awaitable[str]]]] = (
        ("the schema", _schema),
        ("search attributes", _search_attributes),
        ("schedules", _schedules),
    )
    try:
        for name, step in steps:
            said = await _tried(name, step, parts)
            if said:
                yield said
    finally:
        await parts.close()


async def _tried(name: str, step: Callable[[Parts], Awaitable[str]], parts: Parts) -> str:
    try:
        return await step(parts)
    except AtlasError as error:
        return f"Cannot mend {name}: {error}"


async def _schema(parts: Parts) -> str:
    applied = await migrate_database(parts.settings)
    return f"Migrated the database: {', '.join(applied)}" if applied else ""


async def _search_attributes(parts: Parts) -> str:
    from atlas.worker.start_checks import register_search_attributes

    async with parts.temporal() as client:
        added = await register_search_attributes(client)
    return f"Registered the search attributes {', '.join(added)}" if added else ""


async def _schedules(parts: Parts) -> str:
    changes = [each for each in await Schedules(parts).apply() if each.did != "unchanged"]
    return ", ".join(f"{each.did} schedule {each.id}" for each in changes).capitalize()
