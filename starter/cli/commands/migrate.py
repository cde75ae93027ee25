"""`atlas migrate`: the database's schema."""

from __future__ import annotations

from starter.cli.framework.output import Format, emit, say


async def migrate(*, output: Format = "text") -> int:
    """Apply the migrations that the database lacks. Safe to run twice, or from several places.

    Examples:
        atlas migrate
    """
    from starter.migration import migrate_database

    applied = await migrate_database()
    if output != "text":
        emit("migrated", {"applied": applied}, output)
    else:
        say("\n".join(f"applied {name}" for name in applied) or "the schema is up to date")
    return 0
