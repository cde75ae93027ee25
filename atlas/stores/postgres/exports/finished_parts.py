"""Which parts of an export are finished. Progress is kept here, so that whoever continues after a
crash begins behind the last of them."""

from __future__ import annotations

import asyncpg

from atlas.domain.export_parts import FinishedPart, PartRange
from atlas.stores.postgres.connection import Connection


async def note(connection: Connection, run_id: str, part: FinishedPart) -> None:
    """Record a part that is in place. Idempotent; a part that was written again replaces its
    record."""
    await connection.execute(
        """
        insert into export_parts
            (run_id, number, name, after_page, last_page, pages, documents, records, bytes,
             sha256)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (run_id, number) do update
        set pages = excluded.pages, documents = excluded.documents,
            records = excluded.records, bytes = excluded.bytes, sha256 = excluded.sha256
        """,
        run_id,
        part.number,
        part.name,
        part.range.after,
        part.range.last,
        part.range.pages,
        part.documents,
        part.records,
        part.bytes,
        part.sha256,
    )


async def last(connection: Connection, run_id: str) -> FinishedPart | None:
    """The last finished part; None: there is none yet."""
    row = await connection.fetchrow(f"{_PARTS} order by number desc limit 1", run_id)
    return None if row is None else _part(row)


async def listed(
    connection: Connection, run_id: str, after: int = -1, most: int = 1000
) -> list[FinishedPart]:
    """The next finished parts after a number."""
    rows = await connection.fetch(
        f"{_PARTS} and number > $2 order by number limit $3", run_id, after, most
    )
    return [_part(row) for row in rows]


async def outdated(connection: Connection, run_id: str) -> list[FinishedPart]:
    """Parts with a page that was erased after they were written."""
    rows = await connection.fetch(
        f"select p.* from ({_PARTS}) p where pages <> (select count(*) from export_pages e "  # noqa: S608 (constants)
        "where e.run_id = $1 and e.page_id > p.after_page and e.page_id <= p.last_page) "
        "order by number",
        run_id,
    )
    return [_part(row) for row in rows]


async def pages_in(connection: Connection, run_id: str, part: FinishedPart) -> int:
    """How many chosen pages the part's range holds now."""
    found = await connection.fetchval(
        "select count(*) from export_pages where run_id = $1 and page_id > $2 and page_id <= $3",
        run_id,
        part.range.after,
        part.range.last,
    )
    return int(found)


async def totals(connection: Connection, run_id: str) -> dict[str, int]:
    """Documents, records, parts and bytes so far, and how many chosen documents no part holds."""
    row = await connection.fetchrow(
        "select count(*) as parts, coalesce(sum(documents), 0)::bigint as documents, "
        "coalesce(sum(records), 0)::bigint as records, "
        "coalesce(sum(bytes), 0)::bigint as bytes, "
        "coalesce(sum(pages - documents), 0)::bigint as missing "
        "from export_parts where run_id = $1",
        run_id,
    )
    assert row is not None
    return dict(row)


def _part(row: asyncpg.Record) -> FinishedPart:
    return FinishedPart(
        number=row["number"],
        name=row["name"],
        range=PartRange(row["after_page"], row["last_page"], row["pages"]),
        documents=row["documents"],
        records=row["records"],
        bytes=row["bytes"],
        sha256=row["sha256"],
    )


_PARTS = (
    "select number, name, after_page, last_page, pages, documents, records, bytes, sha256 "
    "from export_parts where run_id = $1"
)
