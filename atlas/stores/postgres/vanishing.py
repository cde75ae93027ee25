"""The evidence that pages vanished: looks at them that were answered 404 or 410."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from atlas.domain.batch import FetchRow
from atlas.domain.errors import ErrorClass
from atlas.domain.lifecycle import Evidence, counts_as_gone
from atlas.stores.postgres.lifecycles import becomes
from atlas.stores.postgres.pool import Connection


async def remember_gone(
    connection: Connection, run_id: str, rows: Sequence[FetchRow], now: datetime
) -> None:
    """Note which pages answered 404 or 410: evidence only, the run's end decides, under the
    sources' policies and the brake."""
    gone = [row for row in rows if row.error and row.error.error_class is ErrorClass.GONE]
    if not gone:
        return
    counted = await _counted_as_gone(connection, run_id, [row.page_id for row in gone], now)
    await connection.execute(
        f"""
        update page_state
        set gone_count = gone_count + o.counted::int, gone_status = o.status,
            gone_since = coalesce(gone_since, $4),
            gone_at = case when o.counted then $4 else gone_at end,
            gone_run = case when o.counted then $5 else gone_run end,
            lifecycle = {becomes(Evidence.GONE)}
        from unnest($1::bigint[], $2::int[], $3::boolean[]) as o(page_id, status, counted)
        where page_state.page_id = o.page_id
        """,  # noqa: S608 (made from the lifecycle's table)
        [row.page_id for row in gone],
        [row.status for row in gone],
        [row.page_id in counted for row in gone],
        now,
        run_id,
    )


async def _counted_as_gone(
    connection: Connection, run_id: str, pages: Sequence[int], now: datetime
) -> set[int]:
    """Pages whose 404 or 410 is evidence of its own (see `lifecycle.counts_as_gone`)."""
    rows = await connection.fetch(
        """
        select ps.page_id, ps.gone_at, ps.gone_run = $2 as same_run,
               coalesce(before.source_id = mine.source_id, false) as same_source
        from page_state ps left join runs before on before.run_id = ps.gone_run
        left join runs mine on mine.run_id = $2
        where ps.page_id = any($1::bigint[])
        """,
        list(pages),
        run_id,
    )
    return {
        row["page_id"]
        for row in rows
        if counts_as_gone(
            last=row["gone_at"],
            same_run=bool(row["same_run"]),
            same_source=row["same_source"],
            now=now,
        )
    }
