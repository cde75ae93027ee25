"""Numbered SQL migrations, applied in order under an advisory lock, their hashes recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from atlas.stores.postgres.advisory_locks import MIGRATE
from atlas.stores.postgres.connection import Connection, statements_within

_SECONDS = 3600.0
"""That a migration may take: some rewrite a whole table."""


class SchemaMismatch(Exception):
    """The database's schema is not the one this program knows; the message says the fix."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of the package."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


_OTHER_COMMENTS = {
    4: (
        "568be5b8282a10b2ac2a34438178e20ffda5551972a693a87a3e235d908f8445",
        "2c0809a2c820e8581f702f14290d0bf969492cc904548e65f62a2c0946afa17c",
    ),
}
"""Digests of migrations as earlier versions had them, up to 0.5: a comment named another file."""


def known() -> list[Migration]:
    """All migrations of this program, in order."""
    folder = resources.files("atlas.stores.postgres") / "migrations"
    found = [
        Migration(int(file.name.split("_", 1)[0]), file.name, file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


async def migrate(connection: Connection) -> list[str]:
    """Apply what is missing; return the names applied. Safe to run from several places at once.

    Raises `SchemaMismatch` when the database is newer or an applied migration was edited.
    """
    with statements_within(_SECONDS):
        return await _migrate(connection)


async def _migrate(connection: Connection) -> list[str]:
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", MIGRATE)
        await connection.execute(
            "create table if not exists schema_migrations ("
            "number integer primary key, name text not null, digest text not null, "
            "applied_at timestamptz not null default clock_timestamp())"
        )
        applied = await _applied(connection)
        _refuse_unknown(applied)
        missing = [migration for migration in known() if migration.number not in applied]
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into schema_migrations (number, name, digest) values ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.digest,
            )
    return [migration.name for migration in missing]


async def verify(connection: Connection) -> None:
    """Raise `SchemaMismatch` unless the schema is exactly the one this program knows."""
    present = await connection.fetchval("select to_regclass('schema_migrations') is not null")
    applied = await _applied(connection) if present else {}
    _refuse_unknown(applied)
    missing = [migration.name for migration in known() if migration.number not in applied]
    if missing:
        raise SchemaMismatch(
            f"the database's schema is older than this program: {', '.join(missing)} not applied; "
            "run `atlas migrate` (or `atlas up` for the embedded stack)"
        )


async def _applied(connection: Connection) -> dict[int, str]:
    rows = await connection.fetch("select number, digest from schema_migrations")
    return {row["number"]: row["digest"] for row in rows}


def _refuse_unknown(applied: dict[int, str]) -> None:
    ours = {migration.number: migration for migration in known()}
    newer = sorted(number for number in applied if number not in ours)
    if newer:
        raise SchemaMismatch(
            f"the database's schema is newer than this program (migration {newer[-1]}); "
            "update Atlas, or point ATLAS_DATABASE_URL at another database"
        )
    for number, digest in applied.items():
        if digest not in (ours[number].digest, *_OTHER_COMMENTS.get(number, ())):
            raise SchemaMismatch(
                f"migration {ours[number].name} differs from the one this database was built with; "
                "install the version of Atlas that made it, or point ATLAS_DATABASE_URL elsewhere"
            )
