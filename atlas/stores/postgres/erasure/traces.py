"""What is left of erased addresses and bodies, anywhere in the schema; and taking it away.

An address is found where it stands whole: `https://a/b` is no trace of `https://a/bc`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.erasure.schema_columns import (
    TextColumn,
    hash_columns,
    text_columns,
)

ERASED = "(erased)"
"""What stands where an address stood."""
_ENDS = r"(?![A-Za-z0-9/_%?&=#~+-])(?!\.[A-Za-z0-9])"


def pattern(urls: Sequence[str]) -> str:
    """A regular expression, for PostgreSQL and for Python, of these addresses where they end."""
    longest_first = sorted(set(urls), key=lambda url: (-len(url), url))
    return f"(?:{'|'.join(map(re.escape, longest_first))}){_ENDS}"


async def of_addresses(connection: Connection, urls: Sequence[str]) -> dict[str, int]:
    """Column → rows that still name one of the addresses."""
    found = await _counted(connection, urls)
    return {f"{column.table}.{column.name}": count for column, count in found.items()}


async def _counted(connection: Connection, urls: Sequence[str]) -> dict[TextColumn, int]:
    """One pass over each table, whatever number of columns it has."""
    found: dict[TextColumn, int] = {}
    for table, columns in groupby(await text_columns(connection), key=lambda each: each.table):
        asked = list(columns)
        counts = ", ".join(f"count(*) filter (where {_names(each)})" for each in asked)
        row = await connection.fetchrow(
            f"select {counts} from {table} where $1::text[] is not null and $2::text is not null",  # noqa: S608 (catalogue)
            list(urls),
            pattern(urls),
        )
        assert row is not None
        found |= {each: count for each, count in zip(asked, row, strict=True) if count}
    return found


async def scrub(connection: Connection, urls: Sequence[str]) -> None:
    """Take the addresses out of every column that names them: rows whose key they are part of go,
    others say that something was erased."""
    for column in await _counted(connection, urls):
        if column.key:
            statement = f"delete from {column.table}"  # noqa: S608 (catalogue)
        else:
            statement = f"update {column.table} set {column.quoted} = {_without(column)}"  # noqa: S608 (catalogue)
        await connection.execute(
            f"{statement} where {_names(column)} and $2::text is not null",
            list(urls),
            pattern(urls),
        )


def _names(column: TextColumn) -> str:
    """SQL: whether the column names one of the addresses ($1), whole ($2). The plain search comes
    first: it is many times faster than the expression, and nearly always finds nothing."""
    if column.whole:
        return f"{column.quoted} = any($1::text[])"
    return (
        f"exists (select from unnest($1::text[]) as u(url) "
        f"where position(u.url in {column.as_text}) > 0) and {column.as_text} ~ $2"
    )


def _without(column: TextColumn) -> str:
    if column.whole:
        return f"'{ERASED}'"
    if column.type.startswith("_"):
        return f"(select array_agg(e) from unnest({column.quoted}) as e where e !~ $2)"  # noqa: S608 (catalogue)
    return f"regexp_replace({column.as_text}, $2, '{ERASED}', 'g')::{column.type}"


async def of_hashes(connection: Connection, run_id: str) -> dict[str, int]:
    """Column → rows that still name a body or a text that only erased pages had."""
    mine = await connection.fetch(_ONLY_MINE, run_id)
    hashes = [row["hash"] for row in mine]
    found = {}
    for table, name in await hash_columns(connection):
        if (table, name) == ("blobs", "hash"):
            continue  # those that must wait are counted by themselves
        count = await connection.fetchval(
            f'select count(*) from {table} where "{name}" = any($1::bytea[])',  # noqa: S608 (catalogue)
            hashes,
        )
        if count:
            found[f"{table}.{name}"] = int(count)
    return found


# What other pages have as well is theirs.
_ONLY_MINE = """
    select b.hash from purge_blobs b where b.run_id = $1
      and not exists (select from page_state p where p.fetched_snapshot = b.hash)
      and not exists (select from page_state p where p.settled_snapshot = b.hash)
      and not exists (select from documents d where d.snapshot = b.hash)
      and not exists (select from documents d where d.text_hash = b.hash)
      and not exists (select from quarantine q where q.snapshot = b.hash)
      and not exists (select from held_bodies h where h.snapshot = b.hash)
      and not exists (select from prepared w where w.snapshot = b.hash)
      and not exists (select from fetches f where f.snapshot = b.hash)
      and not exists (select from artifacts a where a.hash = b.hash)
"""
