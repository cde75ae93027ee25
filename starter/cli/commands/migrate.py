"""`atlas migrate`: the database schema."""

from __future__ import annotations

from dataclasses import dataclass

from starter.cli.framework.output import Format, emit, say


@dataclass(frozen=True)
class Migrated:
    """What was done, in JSON."""

    applied: list[str]
    """Names of the applied migrations; empty if it was up to date."""


async def migrate(*, output: Format = "text") -> None:
    """Apply the migrations that the database is missing. Safe to repeat, and to run from several
    places at once.

    Examples:
        atlas migrate
    """
    from starter.migration import migrate_database

    applied = await migrate_database()
    if output != "text":
        emit("migrated", Migrated(applied), output=output)
    else:
        say("\n".join(f"applied {name}" for name in applied) or "the schema is up to date")
