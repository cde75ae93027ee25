"""Links of pages, as their settled texts have them: replaced as a whole, never merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from atlas.stores.postgres.connection import Connection


async def replace_links(connection: Connection, rows: Sequence[Any]) -> None:
    """Replace the links of pages by `links` and `rels` of the rows."""
    if not rows:
        return
    await connection.execute(
        "delete from links where page_id = any($1::bigint[])", [row["page_id"] for row in rows]
    )
    flat = [
        (row["page_id"], ordinal, target, rel)
        for row in rows
        for ordinal, (target, rel) in enumerate(zip(row["links"], row["rels"], strict=True))
    ]
    await connection.copy_records_to_table(
        "links", records=flat, columns=["page_id", "ordinal", "target", "rel"]
    )
