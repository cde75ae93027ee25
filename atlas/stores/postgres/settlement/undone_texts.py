"""Texts that a person undid with `restore`: a page that answers with one again is held, whichever
run sees it, until it says something else or a person takes the text (`process_document`, forced).

A wall carries another token each time, so a text counts as the undone one, too, if it is nearly
that and the live text is not. Where the undone text was an edit of the live one, only that edit is
held: the page goes on changing as it likes.
"""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from atlas.domain.errors import ErrorClass, PageError
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue

_UNDONE = PageError(
    ErrorClass.BLOCKED,
    "undone_body",
    "answered with the text that a restore undid; the restored version stays live. "
    "`atlas process --url URL --force` takes the new text",
)


async def hold(
    connection: Connection, run_id: str, pages: Collection[int], *, force: bool
) -> set[int]:
    """Of the processed pages (locked before), those whose new text was undone: they end skipped,
    their body kept as the held one. None, if a person names the document and forces it."""
    rows = await connection.fetch(_CANDIDATES, run_id, list(pages), force)
    undone = {row["page_id"] for row in rows if row["same"] or _nearly(row)}
    if not undone:
        return set()
    await connection.execute(
        "update page_state ps set held_snapshot = w.snapshot from prepared w "
        "where w.page_id = ps.page_id and ps.page_id = any($1::bigint[])",
        list(undone),
    )
    await connection.execute("delete from prepared where page_id = any($1::bigint[])", list(undone))
    await run_queue.finish(connection, run_id, [(page, "skipped", _UNDONE) for page in undone])
    return undone


def _nearly(row: asyncpg.Record) -> bool:
    if not row["undone"] or not row["live"] or row["unchanged"]:
        return False
    from atlas.domain.suspicious_bodies import ALIKE, resemblance  # numpy: 0.3 s and 15 MB

    wall = resemblance(row["undone"], row["live"]) < ALIKE
    return wall and resemblance(row["signature"], row["undone"]) >= ALIKE


_CANDIDATES = """
    select w.page_id, w.signature, d.text_hash = ps.undone_text as same,
           ps.undone_signature as undone, s.signature as live,
           d.text_hash = ld.text_hash as unchanged
    from prepared w
    join page_state ps on ps.page_id = w.page_id and ps.undone_text is not null
    join documents d on d.id = w.document_id
    join versions v on v.page_id = w.page_id and v.valid_to is null
    join documents ld on ld.id = v.document_id
    left join sketches s on s.text_hash = ld.text_hash
    where w.page_id = any($2::bigint[])
      and not ($3 and (select kind = 'process_document' from runs where run_id = $1))
"""
