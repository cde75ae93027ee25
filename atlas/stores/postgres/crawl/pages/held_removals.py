"""Removals that the brake held: they wait for a person, as long as their evidence lasts.

A row belongs to one run of evidence of one page, named by the moment it began (`since`). When the
page answers, the evidence ends, and with it the row; evidence that begins later is another row. So
what a person rejected is not asked again before the page has answered in between.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources import sources


@dataclass(frozen=True, slots=True)
class HeldRemoval:
    """A removal that a run held."""

    source: str
    url: str
    sign: str
    """What speaks for it: `not_found` (404), `gone` (410), `noindex`, `moved`, `absent` or
    `withdrawn`."""
    looks: int
    """How often that was seen in a row, looks less than a day apart counted once."""
    since: datetime
    """When it was seen first."""
    run: str
    """The run that held it last."""
    held_at: datetime
    """When a run held it first."""
    leads_to: str | None = None
    """Where the page redirects, of one that moved."""


LASTS = """
    exists (select from versions v where v.page_id = r.page_id and v.valid_to is null)
    and exists (
        select from page_state ps where ps.page_id = r.page_id and case r.sign
            when 'noindex' then ps.noindex_count > 0 and ps.noindex_since = r.since
            when 'moved' then ps.moved_count > 0 and ps.moved_since = r.since
            when 'absent' then exists (
                select from source_pages sp where sp.source_id = r.source_id
                and sp.page_id = r.page_id and sp.absences > 0 and sp.absent_since = r.since)
            when 'withdrawn' then ps.withdrawn_at = r.since
            else ps.gone_count > 0 and ps.gone_since = r.since end)
"""
"""Whether the evidence that a row (`r`) stands for lasts, and its page has a text to lose."""


BY_RUN = """
    ($1 in (r.run_id, r.last_run) or length($1) >= 8
     and (starts_with(r.run_id, $1) or starts_with(r.last_run, $1)))
"""
"""A row (`r`) that a run held, named by its id or the beginning of one: $1."""


async def rejected(connection: Connection, pages: Collection[int]) -> set[int]:
    """Those of the pages that a person decided to keep in spite of evidence that still lasts."""
    rows = await connection.fetch(
        f"select distinct r.page_id from held_removals r "  # noqa: S608 (a constant)
        f"where r.page_id = any($1::bigint[]) and r.decided = 'rejected' and {LASTS}",
        sorted(pages),
    )
    return {row["page_id"] for row in rows}


async def settle_open(
    connection: Connection, source_id: int, removed: Collection[int], now: datetime
) -> None:
    """End the open rows of a source whose pages left now, or whose evidence has ended."""
    await connection.execute(
        f"""
        update held_removals r
        set decided = case when r.page_id = any($2::bigint[]) then 'removed' else 'expired' end,
            decided_at = $3
        where r.source_id = $1 and r.decided is null
          and (r.page_id = any($2::bigint[]) or not ({LASTS}))
        """,  # noqa: S608 (a constant)
        source_id,
        sorted(removed),
        now,
    )


async def open_removals(
    connection: Connection, *, source: str | None = None, limit: int | None = None
) -> list[HeldRemoval]:
    """What waits for a decision, by source and URL. Raises `UnknownSource`."""
    if source is not None:
        await sources.get(connection, source)
    rows = await connection.fetch(
        f"""
        select s.name as source, p.url, r.sign, r.looks, r.since, r.last_run as run, r.held_at,
               case when r.sign = 'moved' then t.url end as leads_to
        from held_removals r join sources s on s.id = r.source_id
        join pages p on p.id = r.page_id join page_state st on st.page_id = r.page_id
        left join pages t on t.id = st.redirect_to
        where r.decided is null and ($1::text is null or s.name = $1) and {LASTS}
        order by s.name, p.url limit $2
        """,  # noqa: S608 (a constant)
        source,
        limit,
    )
    return [HeldRemoval(**row) for row in rows]


async def counted(connection: Connection) -> dict[str, int]:
    """Source → removals that wait for a decision."""
    rows = await connection.fetch(
        f"select s.name, count(*) from held_removals r join sources s on s.id = r.source_id "  # noqa: S608 (a constant)
        f"where r.decided is null and {LASTS} group by s.name order by s.name"
    )
    return {row["name"]: row["count"] for row in rows}


async def is_known(connection: Connection, named: str) -> bool:
    """Whether it names a source, or a run that is recorded or held something."""
    found: bool = await connection.fetchval(
        f"""
        select exists (select from sources where name = $1)
            or exists (select from runs r where r.run_id = $1
                       or length($1) >= 8 and starts_with(r.run_id, $1))
            or exists (select from held_removals r where {BY_RUN})
        """,  # noqa: S608 (a constant)
        named,
    )
    return found
