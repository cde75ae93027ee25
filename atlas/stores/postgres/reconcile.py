"""Pages that vanished: evidence gathered over runs, the source's policy, and the brake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain import lifecycle
from atlas.domain.lifecycle import Evidence
from atlas.domain.sources import Deletion
from atlas.stores.postgres import settle
from atlas.stores.postgres.pool import Connection
from atlas.stores.postgres.sources import Source, SourceBusy, unknown


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a run's end did to vanished pages."""

    removed: int = 0
    braked: int = 0
    """Pages that would have gone, had not the brake held them."""


async def reconcile(
    connection: Connection, *, source: Source, run_id: str, complete: bool, now: datetime
) -> Reconciled:
    """Apply the evidence of a run that worked its source through. Repeating it changes nothing."""
    async with connection.transaction():
        moved = await _redirected(connection, run_id)
        gone = await _gone(connection, run_id)
        absent = await _absent(connection, source, run_id) if complete else []
        held = await connection.fetchval(
            "select count(*) from source_pages where source_id = $1", source.id
        )
        if lifecycle.brake(len(gone) + len(absent), held):
            braked = len(gone) + len(absent)
            gone, absent = [], []
        else:
            braked = 0
        orphans = await _let_go(connection, source.id, absent)
        going = sorted({*moved, *gone, *orphans})
        removed = await settle.bury(connection, going, now) if going else 0
    return Reconciled(removed, braked)


async def _gone(connection: Connection, run_id: str) -> list[int]:
    """Pages that answered 404 or 410 often enough for the most careful of their sources."""
    rows = await connection.fetch(
        """
        select rp.page_id, ps.gone_status, ps.gone_count,
               array(select s.deletion from source_pages sp join sources s on s.id = sp.source_id
                     where sp.page_id = rp.page_id) as policies
        from run_pages rp join page_state ps using (page_id)
        where rp.run_id = $1 and rp.outcome = 'failed' and rp.error_class = 'gone'
          and ps.lifecycle in ('suspect', 'live')
        """,
        run_id,
    )
    return [
        row["page_id"]
        for row in rows
        if lifecycle.gone_long_enough(
            _policy(row["policies"]), row["gone_status"] or 404, row["gone_count"]
        )
    ]


def _policy(policies: Iterable[Deletion]) -> Deletion:
    return lifecycle.most_careful(list(policies))


async def _redirected(connection: Connection, run_id: str) -> list[int]:
    """Live pages that lead to another live page now: nothing is lost, so no brake."""
    rows = await connection.fetch(
        """
        select rp.page_id,
               array(select s.deletion from source_pages sp join sources s on s.id = sp.source_id
                     where sp.page_id = rp.page_id) as policies
        from run_pages rp
        join page_state ps on ps.page_id = rp.page_id
        join page_state target on target.page_id = ps.redirect_to
        where rp.run_id = $1 and rp.error_code = 'redirected'
          and ps.lifecycle in ('live', 'suspect') and target.lifecycle in ('live', 'suspect')
        """,
        run_id,
    )
    return [row["page_id"] for row in rows if _policy(row["policies"]) != "keep"]


async def _absent(connection: Connection, source: Source, run_id: str) -> list[int]:
    """Count an absence for pages that a complete listing lacked; return those absent too long."""
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
        "select page_id from source_pages where source_id = $1 and listed_run <> $2 "
        "and absences >= $3 order by page_id",
        source.id,
        run_id,
        needed,
    )
    return [row["page_id"] for row in rows]


async def _let_go(connection: Connection, source_id: int, pages: Sequence[int]) -> list[int]:
    """End the source's hold on pages; return those that no other source holds."""
    await connection.execute(
        "delete from source_pages where source_id = $1 and page_id = any($2::bigint[])",
        source_id,
        list(pages),
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
