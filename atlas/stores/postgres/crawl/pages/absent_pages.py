"""Pages that their source's listing has no more: how often that was seen, and the visit that
confirms it.

A run that listed everything it could enlists, as a last level, those that the listing would miss
for the last time (`enlist`): what they answer decides. Their own links are not followed, since
the source does not list them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from atlas.domain.removal.removal_rules import weigh
from atlas.stores.postgres.connection import Connection

LISTED = """listed_run = excluded.listed_run, listed_at = excluded.listed_at, absences = 0,
            absent_at = null, absent_run = null, absent_since = null"""
"""What a listing that has the page sets in `source_pages`."""


async def count(connection: Connection, source_id: int, run_id: str, now: datetime) -> None:
    """Count that a complete listing missed pages (see `removal_rules.weigh`). Repeating it
    changes nothing."""
    # One row for each look that they share: of a million absent pages there are a handful.
    looks = await connection.fetch(
        """
        select distinct sp.absent_at as last, sp.absent_run,
               coalesce(sp.absent_run = $2, false) as same_run,
               coalesce(mine.trigger = 'schedule', false) as scheduled,
               coalesce(before.trigger = 'schedule', false) as last_scheduled
        from source_pages sp left join runs before on before.run_id = sp.absent_run
        left join runs mine on mine.run_id = $2
        where sp.source_id = $1 and sp.listed_run <> $2
        """,
        source_id,
        run_id,
    )
    for look in map(dict, looks):
        run_before = look.pop("absent_run")
        weight = weigh(**look, now=now, same_source=True)
        await connection.execute(
            """
            update source_pages
            set absences = absences + ($5 = 'counts')::int,
                absent_since = coalesce(absent_since, $6),
                absent_at = case when $5 = 'counts' then $6 else absent_at end,
                absent_run = $2
            where source_id = $1 and listed_run <> $2 and $5 <> 'repeats'
              and absent_at is not distinct from $3 and absent_run is not distinct from $4
            """,
            source_id,
            run_id,
            look["last"],
            run_before,
            weight.value,
            now,
        )


async def to_visit(
    connection: Connection, source_id: int, run_id: str, needed: int, level: int, limit: int | None
) -> list[str]:
    """Live pages that one more complete listing without them would make absent, by URL; none that
    another source holds, since that alone keeps them. Those of the level itself are among them, so
    that choosing again after a crash chooses the same."""
    rows = await connection.fetch(
        """
        select p.url from source_pages sp join pages p on p.id = sp.page_id
        join versions v on v.page_id = sp.page_id and v.valid_to is null
        where sp.source_id = $1 and sp.listed_run <> $2 and sp.absences + 1 >= $3
          and not exists (select from source_pages other
                          where other.page_id = sp.page_id and other.source_id <> $1)
          and not exists (select from run_pages rp
                          where rp.run_id = $2 and rp.page_id = sp.page_id and rp.level < $4)
        order by p.url limit $5
        """,
        source_id,
        run_id,
        needed,
        level,
        limit,
    )
    return [row["url"] for row in rows]


async def enlist(
    connection: Connection,
    *,
    source_id: int,
    run_id: str,
    urls: Sequence[str],
    level: int,
    needed: int,
    condition: str,
    values: Sequence[object],
) -> None:
    """Let the run visit pages, without listing them. One that was absent often enough before, and
    still answered, is visited when it is due: `condition`, whose `values` are numbered from 6."""
    await connection.execute(
        f"""
        insert into run_pages (run_id, page_id, level, url)
        select $2, p.id, $4, p.url from pages p
        join source_pages sp on sp.page_id = p.id and sp.source_id = $1
        join page_state ps on ps.page_id = p.id
        where p.url = any($3::text[]) and (sp.absences < $5 or ({condition}))
        order by p.id on conflict do nothing
        """,  # noqa: S608 (constants)
        source_id,
        run_id,
        list(urls),
        level,
        needed,
        *values,
    )


async def visited_at(connection: Connection, source_id: int, run_id: str, level: int) -> int:
    """How many pages the run visits at a level without listing them."""
    found: int = await connection.fetchval(
        "select count(*) from run_pages rp "
        "join source_pages sp on sp.source_id = $1 and sp.page_id = rp.page_id "
        "where rp.run_id = $2 and rp.level = $3 and sp.listed_run <> $2",
        source_id,
        run_id,
        level,
    )
    return found


async def absent(
    connection: Connection, source_id: int, run_id: str, needed: int
) -> list[asyncpg.Record]:
    """Pages that the listing of a run missed, with what they show themselves."""
    return list(
        await connection.fetch(
            """
            select sp.page_id, p.url, sp.depth, sp.rule, sp.absences as looks,
                   sp.absent_since as since, v.page_id is not null as live,
                   sp.absences >= $3 as often, ps.gone_count, ps.noindex_count,
                   ps.moved_count, t.url as target,
                   case when ps.moved_count > 0 then (
                       select count(*) from page_state other
                       join versions ov on ov.page_id = other.page_id and ov.valid_to is null
                       where other.redirect_to = ps.redirect_to) else 0 end as leads_there,
                   tv.page_id is not null as target_lives,
                   exists (select from source_pages other where other.page_id = sp.page_id
                           and other.source_id <> $1) as shared
            from source_pages sp join pages p on p.id = sp.page_id
            join page_state ps on ps.page_id = sp.page_id
            left join pages t on t.id = ps.redirect_to
            left join versions tv on tv.page_id = t.id and tv.valid_to is null
            left join versions v on v.page_id = sp.page_id and v.valid_to is null
            where sp.source_id = $1 and sp.listed_run <> $2
            order by sp.page_id
            """,
            source_id,
            run_id,
            needed,
        )
    )


async def release(
    connection: Connection, source_id: int, pages: Sequence[int], run_id: str
) -> list[int]:
    """End the source's hold on pages, and remember it: a page that is restored gets it back. Return
    those that no other source holds."""
    await connection.execute(
        """
        with released as (
            delete from source_pages where source_id = $1 and page_id = any($2::bigint[])
            returning page_id, depth, rule)
        insert into former_holds (source_id, page_id, depth, rule, released_by)
        select $1, page_id, depth, rule, $3 from released
        on conflict (source_id, page_id) do update
        set depth = excluded.depth, rule = excluded.rule, released_by = excluded.released_by
        """,
        source_id,
        list(pages),
        run_id,
    )
    rows = await connection.fetch(
        """
        select page_id from unnest($1::bigint[]) as o(page_id)
        where not exists (select from source_pages sp where sp.page_id = o.page_id)
        """,
        list(pages),
    )
    return [row["page_id"] for row in rows]
