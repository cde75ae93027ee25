"""What a look at a page that vanished, moved or asks to be left out adds to those before it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from atlas.domain.removal.removal_rules import Weight, weigh
from atlas.stores.postgres.connection import Connection

# Processing a stored body once more is no later look than the request that brought it.
_NOW = "$3::timestamptz"
_LOOKED_AT = {"gone": _NOW, "moved": _NOW, "noindex": f"least(ps.fetched_at, {_NOW})"}


async def weighed(
    connection: Connection,
    look: Literal["gone", "moved", "noindex"],
    run_id: str,
    pages: Sequence[int],
    now: datetime,
) -> dict[int, Weight]:
    """Page → what this look adds (see `removal_rules.weigh`)."""
    rows = await connection.fetch(
        f"""
        select ps.page_id, ps.{look}_at as last, {_LOOKED_AT[look]} as now,
               coalesce(ps.{look}_run = $2, false) as same_run,
               coalesce(before.source_id = mine.source_id, false) as same_source,
               coalesce(mine.trigger = 'schedule', false) as scheduled,
               coalesce(before.trigger = 'schedule', false) as last_scheduled
        from page_state ps left join runs before on before.run_id = ps.{look}_run
        left join runs mine on mine.run_id = $2
        where ps.page_id = any($1::bigint[])
        """,  # noqa: S608 (one of three constants)
        list(pages),
        run_id,
        now,
    )
    return {page.pop("page_id"): weigh(**page) for page in map(dict, rows)}
