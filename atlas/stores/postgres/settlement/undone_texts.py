"""Texts that a person undid with `restore`: a page that answers with one again is held, whichever
run sees it, until it says something else or a person accepts the text (`atlas docs accept`). Unlike
other held bodies it does not become real by being seen often: a person has said that it is not.

A wall carries another token each time, so a text counts as the undone one, too, if it is nearly
that and the live text is not. Where the undone text was an edit of the live one, only that edit is
held: the page goes on changing as it likes.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import asyncpg

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.settlement import held_bodies

_UNDONE = (
    "undone_body",
    "answered with the text that a restore undid; the restored version stays live",
)


async def hold(
    connection: Connection, run_id: str, pages: Collection[int], now: datetime, *, force: bool
) -> set[int]:
    """Hold those of the processed pages (locked before) whose new text was undone. None, if a
    person names the document and forces it."""
    rows = await connection.fetch(_CANDIDATES, run_id, list(pages), force)
    undone = [row for row in rows if row["same"] or _nearly(row)]
    if not undone:
        return set()
    signatures = {row["page_id"]: (row["document_id"], row["signature"]) for row in undone}
    looks = await held_bodies.looks(connection, run_id, signatures, now)
    await held_bodies.hold(connection, run_id, dict.fromkeys(signatures, _UNDONE), looks)
    return set(signatures)


def _nearly(row: asyncpg.Record) -> bool:
    if not row["undone"] or not row["live"] or row["unchanged"]:
        return False
    from atlas.domain.removal.suspicious_bodies import ALIKE, resemblance  # numpy: 0.3 s and 15 MB

    wall = resemblance(row["undone"], row["live"]) < ALIKE
    return wall and resemblance(row["signature"], row["undone"]) >= ALIKE


_CANDIDATES = """
    select w.page_id, w.document_id, w.signature, d.text_hash = ps.undone_text as same,
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
