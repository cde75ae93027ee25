"""What an export chose at one moment, kept until its run has ended, so that a part that is written
again, by another worker or days later, comes out the same.

A time would not do: a transaction that is open at that time commits later, with times that lie
before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from atlas.domain.export_parts import PartRange
from atlas.domain.exported_document import ExportedDocument
from atlas.stores.postgres.connection import Connection, statements_within
from atlas.stores.postgres.exports.chosen_documents import (
    AnyFilter,
    choice,
    chosen_by,
    exported,
    reading,
)

_FREEZING = 3600.0
"""Seconds that choosing among millions of pages may take."""


@dataclass(frozen=True, slots=True)
class FrozenExport:
    """What was chosen, and when."""

    as_of: datetime
    documents: int


async def freeze(
    connection: Connection, run_id: str, only: AnyFilter, now: datetime
) -> FrozenExport:
    """Choose once: a repeated call returns the first choice."""
    async with connection.transaction():
        # The row is the lock: a second attempt waits here for the first to commit, then reads its
        # choice.
        made = await connection.fetchval(
            "insert into exports (run_id, as_of, documents) values ($1, $2, 0) "
            "on conflict do nothing returning true",
            run_id,
            now,
        )
        if made:
            with statements_within(_FREEZING):
                done = await connection.execute(_FREEZE, run_id, *chosen_by(only))
            await connection.execute(
                "update exports set documents = $2 where run_id = $1", run_id, int(done.split()[2])
            )
        row = await connection.fetchrow(
            "select as_of, documents from exports where run_id = $1", run_id
        )
    assert row is not None
    return FrozenExport(**row)


async def next_range(
    connection: Connection, run_id: str, after: int, most: int
) -> PartRange | None:
    """The next pages, at most `most`; None: there are none left."""
    row = await connection.fetchrow(
        "select max(page_id) as last, count(*) as pages from (select page_id from export_pages "
        "where run_id = $1 and page_id > $2 order by page_id limit $3) e",
        run_id,
        after,
        most,
    )
    assert row is not None
    return PartRange(after, row["last"], row["pages"]) if row["pages"] else None


async def documents(
    connection: Connection, run_id: str, after: int, last: int, most: int
) -> tuple[list[ExportedDocument], int | None]:
    """The next documents of a range, and the page after which to continue; None: the range is done.

    A document that was erased or cleaned up meanwhile is left out.
    """
    rows = await connection.fetch(_READ, run_id, after, last, most)
    found = [exported(row) for row in rows if row["url"] is not None]
    return found, rows[-1]["page_id"] if len(rows) == most else None


async def forget(connection: Connection, run_id: str) -> None:
    """Delete the choice and the record of the parts."""
    await connection.execute("delete from exports where run_id = $1", run_id)


_FREEZE = f"""
    insert into export_pages (run_id, page_id, document_id, version, changed_at, sources, last_seen,
                              fetched_at, content_type, snapshot, cluster, winner_page_id)
    select $1, c.* from ({choice(2)}) c
"""  # noqa: S608 (constants)
_READ = reading(
    "(select * from export_pages where run_id = $1 and page_id > $2 and page_id <= $3"
    " order by page_id limit $4)"
)
