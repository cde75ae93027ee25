"""What an export chose at one moment, kept until its run has ended, so that a part that is written
again, by another worker or days later, comes out the same.

A time would not do: a transaction that is open at that time commits later, with times that lie
before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from atlas.domain.export_entry import ExportEntry, StoredResponse
from atlas.domain.export_parts import PartRange
from atlas.domain.extraction.outline import stored_outline
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
    connection: Connection,
    run_id: str,
    only: AnyFilter,
    now: datetime,
    *,
    responses: bool = False,
) -> FrozenExport:
    """Choose once: a repeated call returns the first choice. With `responses`, also keep what is
    known of the answers that brought the bodies."""
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
                if responses:
                    await connection.execute(_FREEZE_RESPONSES, run_id)
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
    connection: Connection, run_id: str, after: int, last: int, most: int, *, outlined: bool = False
) -> tuple[list[ExportEntry], int | None]:
    """The next documents of a range, and the page after which to continue; None: the range is done.

    A document that was erased or cleaned up meanwhile is left out.
    """
    rows = await connection.fetch(_READ, run_id, after, last, most, outlined)
    found = [_entry(row) for row in rows if row["url"] is not None]
    return found, rows[-1]["page_id"] if len(rows) == most else None


def _entry(row: asyncpg.Record) -> ExportEntry:
    known = (row[f"response_{name}"] for name in _RESPONSE)
    response = replace(StoredResponse(*known), rendered=bool(row["rendered"]))
    return ExportEntry(exported(row), stored_outline(row["outline"]), response)


async def forget(connection: Connection, run_id: str) -> None:
    """Delete the choice and the record of the parts."""
    await connection.execute("delete from exports where run_id = $1", run_id)


_FREEZE = f"""
    insert into export_pages (run_id, page_id, document_id, version, changed_at, sources, last_seen,
                              fetched_at, content_type, snapshot, cluster, winner_page_id)
    select $1, c.* from ({choice(2)}) c
"""  # noqa: S608 (constants)
# The ledger has them until its retention ends; the page has those of its last body.
_FREEZE_RESPONSES = """
    update export_pages e
    set response_status = f.status,
        response_type = coalesce(f.content_type, ps.fetched_type),
        response_charset = case when f.page_id is null then ps.fetched_charset else f.charset end,
        response_etag = case when f.page_id is null then ps.etag else f.etag end,
        response_modified =
            case when f.page_id is null then ps.last_modified else f.last_modified end,
        response_at = coalesce(f.fetched_at, ps.fetched_at)
    from export_pages c
    left join page_state ps on ps.page_id = c.page_id and ps.fetched_snapshot = c.snapshot
    left join lateral (
        select * from fetches f
        where f.page_id = c.page_id and f.snapshot = c.snapshot and f.error_class is null
          and coalesce(f.status, 200) between 200 and 299  -- a body that was put has none
        order by f.fetched_at desc limit 1
    ) f on true
    where e.run_id = $1 and c.run_id = $1 and c.page_id = e.page_id
"""
_RESPONSE = ("status", "type", "charset", "etag", "modified", "at")
_READ = reading(
    "(select * from export_pages where run_id = $1 and page_id > $2 and page_id <= $3"
    " order by page_id limit $4)",
    "$5::boolean",
    "".join(f", e.response_{name}" for name in _RESPONSE) + ", d.rendered",
)
