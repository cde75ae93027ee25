"""Pages that vanished: evidence gathered over runs, the source's policy, and the brake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain import lifecycle
from atlas.domain.lifecycle import Evidence
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.settlement import moved_pages, settle
from atlas.stores.postgres.settlement.moved_pages import Leaving
from atlas.stores.postgres.sources.sources import Source, SourceBusy, unknown


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the end of a run did with vanished pages."""

    removed: int = 0
    live: int = 0
    """Live pages that the source held."""
    braked: tuple[str, ...] = ()
    """URLs of live pages that showed evidence of leaving, so many that none left."""
    astray: tuple[str, ...] = ()
    """URLs of live pages that led elsewhere without having moved, if they are as many."""


async def reconcile(
    connection: Connection, *, source: Source, run_id: str, complete: bool, now: datetime
) -> Reconciled:
    """Apply the evidence of a run that worked its source through. Repeating it changes nothing."""
    async with connection.transaction():
        gone = await _gone(connection, run_id)
        led = await moved_pages.led_elsewhere(connection, run_id)
        absent = await _absent(connection, source, run_id) if complete else []
        live: int = await connection.fetchval(_LIVE, source.id)
        leaving = [*gone, *led.moved]
        braked = _braked([*leaving, *absent], live)
        if braked:
            leaving, absent = [], []
        orphans = await _release(connection, source.id, _confirmed(absent), run_id)
        going = {*_confirmed([*leaving, *led.proven]), *orphans}
        removed = await _bury(connection, sorted(going), now, run_id)
    astray = tuple(led.astray) if lifecycle.too_many(len(led.astray), live) else ()
    return Reconciled(removed, live, braked, astray)


def _braked(leaving: Sequence[Leaving], live: int) -> tuple[str, ...]:
    """The pages that the brake holds: all that show evidence, once one of them would go."""
    seen = {page.page_id: page.url for page in leaving if page.live}
    going = any(page.confirmed for page in leaving if page.live)
    return tuple(sorted(seen.values())) if going and lifecycle.brake(len(seen), live) else ()


def _confirmed(pages: Iterable[Leaving]) -> list[int]:
    return [page.page_id for page in pages if page.confirmed]


async def _gone(connection: Connection, run_id: str) -> list[Leaving]:
    """Pages that said 404, 410 or noindex; confirmed, if often enough for the most careful of their
    sources."""
    rows = await connection.fetch(
        """
        select rp.page_id, rp.url, ps.gone_status, ps.gone_count, v.page_id is not null as live,
               array(select s.deletion from source_pages sp join sources s on s.id = sp.source_id
                     where sp.page_id = rp.page_id) as policies
        from run_pages rp join page_state ps using (page_id)
        left join versions v on v.page_id = rp.page_id and v.valid_to is null
        where rp.run_id = $1
          and (rp.outcome = 'failed' and rp.error_class = 'gone' or rp.error_code = 'noindex')
          and ps.lifecycle in ('suspect', 'live')
        """,
        run_id,
    )
    found = []
    for row in rows:
        policy = lifecycle.most_careful(list(row["policies"]))
        if policy != "keep":
            confirmed = lifecycle.gone_long_enough(
                policy, row["gone_status"] or 404, row["gone_count"]
            )
            found.append(Leaving(row["page_id"], row["url"], row["live"], confirmed))
    return found


_LIVE = """
    select count(*) from source_pages sp
    join versions v on v.page_id = sp.page_id and v.valid_to is null where sp.source_id = $1
"""


async def _absent(connection: Connection, source: Source, run_id: str) -> list[Leaving]:
    """Count an absence for pages that are missing from a complete listing; those absent too long
    are confirmed."""
    needed = lifecycle.absences_needed(source.spec.deletion, source.spec.kind)
    if needed is None:
        return []
    await connection.execute(
        """
        update source_pages set absences = absences + 1, absent_run = $2
        where source_id = $1 and listed_run <> $2 and absent_run is distinct from $2
        """,
        source.id,
        run_id,
    )
    rows = await connection.fetch(
        """
        select sp.page_id, p.url, v.page_id is not null as live, sp.absences >= $3 as confirmed
        from source_pages sp join pages p on p.id = sp.page_id
        left join versions v on v.page_id = sp.page_id and v.valid_to is null
        where sp.source_id = $1 and sp.listed_run <> $2
        order by sp.page_id
        """,
        source.id,
        run_id,
        needed,
    )
    return [Leaving(**row) for row in rows]


async def _bury(connection: Connection, pages: Sequence[int], now: datetime, run_id: str) -> int:
    return await settle.bury(connection, pages, now, run_id=run_id) if pages else 0


async def _release(
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


async def remove_source(
    connection: Connection,
    source: Source,
    *,
    purge: bool,
    now: datetime,
    closed_run: str | None = None,
) -> int:
    """Forget a source; return how many pages no other source holds.

    They stay searchable, unless `purge`: then their documents, versions and links go too. Raises
    `SourceBusy` when a run holds the lease, other than `closed_run`, which is known to be closed.
    """
    async with connection.transaction():
        # Locked, so that no run takes the lease between this look and the deletion.
        holder = await connection.fetchrow(
            "select lease_run, lease_workflow from sources where id = $1 for update", source.id
        )
        if holder is None:
            raise await unknown(connection, source.spec.name)
        if holder["lease_run"] not in (None, closed_run):
            raise busy(source.spec.name, holder["lease_workflow"])
        alone = await pages_only_here(connection, source.id)
        if purge and alone:
            await settle.bury(connection, alone, now, why=Evidence.ERASED)
            await connection.execute(
                "delete from versions where page_id = any($1::bigint[])", alone
            )
            await connection.execute(
                "delete from documents where page_id = any($1::bigint[])", alone
            )
            await connection.execute(
                "update page_state set fetched_snapshot = null, etag = null, last_modified = null "
                "where page_id = any($1::bigint[])",
                alone,
            )
        await connection.execute("delete from sources where id = $1", source.id)
    return len(alone)


async def pages_only_here(connection: Connection, source_id: int) -> list[int]:
    """Pages that this source alone holds."""
    rows = await connection.fetch(
        """
        select sp.page_id from source_pages sp
        where sp.source_id = $1 and not exists (
            select from source_pages o where o.page_id = sp.page_id and o.source_id <> $1)
        order by sp.page_id
        """,
        source_id,
    )
    return [row["page_id"] for row in rows]


def busy(name: str, workflow_id: str) -> SourceBusy:
    """Why a source cannot be removed now."""
    return SourceBusy(
        f"{workflow_id} works on source '{name}' now; wait for it to end, "
        f"or cancel it with `atlas runs cancel {name}`"
    )
