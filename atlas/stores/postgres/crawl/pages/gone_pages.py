"""The evidence that pages vanished: looks at them that were answered 404 or 410, or led to one
other page for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from atlas.domain.batch import FetchRow
from atlas.domain.errors import ErrorClass
from atlas.domain.removal.lifecycle import Evidence
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages import evidence, noindex
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
    weights = await evidence.weighed(connection, "gone", run_id, [row.page_id for row in gone], now)
    # A page that answers 404 now and 410 then is treated as the more careful of the two.
    await connection.execute(
        f"""
        update page_state
        set gone_count = gone_count + (o.weight = 'counts')::int,
            gone_status = case when gone_count > 0 and gone_status = 404 then 404 else o.status end,
            gone_since = coalesce(gone_since, $4),
            gone_at = case when o.weight = 'counts' then $4 else gone_at end,
            gone_run = case when o.weight = 'repeats' then gone_run else $5 end,
            moved_count = 0, moved_at = null, moved_run = null, moved_since = null,
            lifecycle = {becomes(Evidence.GONE)}
        from unnest($1::bigint[], $2::int[], $3::text[]) as o(page_id, status, weight)
        where page_state.page_id = o.page_id
        """,  # noqa: S608 (made from the lifecycle's table)
        [row.page_id for row in gone],
        [row.status for row in gone],
        [weights[row.page_id].value for row in gone],
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
    weights = await evidence.weighed(connection, "moved", run_id, [row.page_id for row in led], now)
    await connection.execute(
        """
        update page_state ps
        set redirect_to = coalesce(p.id, ps.redirect_to),
            gone_count = 0, gone_status = null, gone_at = null, gone_run = null, gone_since = null,
            moved_count = case o.look when 'first' then 1
                               when 'counts' then ps.moved_count + 1
                               when 'none' then 0 else ps.moved_count end,
            moved_at = case when o.look in ('first', 'counts') then $5
                            when o.look <> 'none' then ps.moved_at end,
            moved_run = case when o.look in ('first', 'counts', 'stands_in') then $6
                             when o.look <> 'none' then ps.moved_run end,
            moved_since = case when o.look = 'first' then $5
                               when o.look <> 'none' then ps.moved_since end
        from (
            select o.page_id, o.target,
                   case when p.id is null or not o.permanent then 'none'
                        when before.moved_count = 0 or before.redirect_to is distinct from p.id
                        then 'first' else o.weight end as look
            from unnest($1::bigint[], $2::text[], $3::boolean[], $4::text[])
                as o(page_id, target, permanent, weight)
            join page_state before on before.page_id = o.page_id
            left join pages p on p.url = o.target
        ) o
        left join pages p on p.url = o.target
        where ps.page_id = o.page_id
        """,
        [row.page_id for row in led],
        [row.target for row in led],
        [row.permanent for row in led],
        [weights[row.page_id].value for row in led],
        now,
        run_id,
    )
