"""The evidence that pages vanished: looks at them that were answered 404 or 410, or led to one
other page for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from atlas.domain.batch import FetchRow
from atlas.domain.errors import ErrorClass
from atlas.domain.lifecycle import Evidence
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import evidence, noindex
from atlas.stores.postgres.lifecycle_sql import becomes


async def remember_gone(
    connection: Connection, run_id: str, rows: Sequence[FetchRow], now: datetime
) -> None:
    """Note which pages answered 404 or 410: evidence only, the run's end decides, under the
    sources' policies and the brake."""
    gone = [row for row in rows if row.error and row.error.error_class is ErrorClass.GONE]
    if not gone:
        return
    await noindex.forget(connection, [row.page_id for row in gone])
    counted = await evidence.counted(connection, "gone", run_id, [row.page_id for row in gone], now)
    await connection.execute(
        f"""
        update page_state
        set gone_count = gone_count + o.counted::int, gone_status = o.status,
            gone_since = coalesce(gone_since, $4),
            gone_at = case when o.counted then $4 else gone_at end,
            gone_run = case when o.counted then $5 else gone_run end,
            moved_count = 0, moved_at = null, moved_run = null,
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


async def remember_moved(
    connection: Connection, run_id: str, rows: Sequence[FetchRow], now: datetime
) -> None:
    """Note where pages lead now: evidence only, as with `remember_gone`. One that leads there for
    a while (302, 303, 307) has not moved; one that leads to another page than before starts
    again."""
    led = [row for row in rows if row.redirected]
    if not led:
        return
    counted = await evidence.counted(connection, "moved", run_id, [row.page_id for row in led], now)
    await connection.execute(
        """
        update page_state ps
        set redirect_to = coalesce(p.id, ps.redirect_to),
            gone_count = 0, gone_status = null, gone_at = null, gone_run = null, gone_since = null,
            moved_count = case when p.id is null or not o.permanent then 0
                               when ps.redirect_to is distinct from p.id then 1
                               else ps.moved_count + (o.counted or ps.moved_count = 0)::int end,
            moved_at = case when o.permanent and (o.counted or ps.redirect_to is distinct from p.id)
                            then $5 when o.permanent then ps.moved_at end,
            moved_run = case when o.permanent
                             and (o.counted or ps.redirect_to is distinct from p.id)
                             then $6 when o.permanent then ps.moved_run end
        from unnest($1::bigint[], $2::text[], $3::boolean[], $4::boolean[])
            as o(page_id, target, permanent, counted)
        left join pages p on p.url = o.target
        where ps.page_id = o.page_id
        """,
        [row.page_id for row in led],
        [row.target for row in led],
        [row.permanent for row in led],
        [row.page_id in counted for row in led],
        now,
        run_id,
    )
