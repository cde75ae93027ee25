"""Which looks at a page that vanished, moved or asks to be left out count as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from atlas.domain.lifecycle import GONE_SPACING, MOVED_SPACING, counts_as_gone
from atlas.stores.postgres.connection import Connection


async def counted(
    connection: Connection,
    look: Literal["gone", "moved", "noindex"],
    run_id: str,
    pages: Sequence[int],
    now: datetime,
) -> set[int]:
    """Pages of which this look counts once more (see `lifecycle.counts_as_gone`)."""
    rows = await connection.fetch(
        f"""
        select ps.page_id, ps.{look}_at as last, ps.{look}_run = $2 as same_run,
               coalesce(before.source_id = mine.source_id, false) as same_source
        from page_state ps left join runs before on before.run_id = ps.{look}_run
        left join runs mine on mine.run_id = $2
        where ps.page_id = any($1::bigint[])
        """,  # noqa: S608 (one of three constants)
        list(pages),
        run_id,
    )
    return {
        row["page_id"]
        for row in rows
        if counts_as_gone(
            last=row["last"],
            same_run=bool(row["same_run"]),
            same_source=row["same_source"],
            now=now,
            spacing=MOVED_SPACING if look == "moved" else GONE_SPACING,
        )
    }
