"""Pages that vanished: evidence gathered over runs, the source's policy, and the brake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.removal import removal_rules
from atlas.domain.removal.lifecycle import Evidence
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.changes.change_log import NewChange
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages import absent_pages, held_removals
from atlas.stores.postgres.settlement import (
    deletion_decisions,
    departures,
    held_bodies,
    moved_pages,
    settle,
)
from atlas.stores.postgres.settlement.departures import Leaving
from atlas.stores.postgres.sources.sources import Source, SourceBusy, unknown


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the end of a run did with vanished pages."""

    removed: int = 0
    live: int = 0
    """Live pages that the source held."""
    braked: tuple[str, ...] = ()
    """URLs of live pages that showed evidence of leaving, so many that none left."""
    held: int = 0
    """Of these, those with enough evidence: a person decides on them (`deletion_decisions.py`)."""
    astray: tuple[str, ...] = ()
    """URLs of live pages that led elsewhere without having moved, if they are as many."""


async def reconcile(
    connection: Connection, *, source: Source, run_id: str, complete: bool, now: datetime
) -> Reconciled:
    """Apply the evidence of a run that worked its source through. Repeating it changes nothing."""
    async with connection.transaction():
        gone = await departures.gone(connection, run_id)
        led = await moved_pages.led_elsewhere(connection, run_id)
        absent = await departures.absent(connection, source, run_id, now) if complete else []
        live: int = await connection.fetchval(_LIVE, source.id)
        kept = await held_removals.rejected(
            connection, {page.page_id for page in (*gone, *led.moved, *absent)}
        )
        leaving = [page for page in (*gone, *led.moved) if page.page_id not in kept]
        absent = [page for page in absent if page.page_id not in kept]
        suspicious = {*led.astray, *await held_bodies.live_of_run(connection, run_id)}
        seen = {page.url for page in (*leaving, *absent) if page.live}
        waiting = [page for page in (*leaving, *absent) if page.live and page.confirmed]
        if braked := bool(waiting) and removal_rules.brake(len(seen | suspicious), live):
            leaving, absent = [], []
        orphans = await absent_pages.release(connection, source.id, _confirmed(absent), run_id)
        going = {*_confirmed([*leaving, *led.proven]), *orphans}
        causes = {page.page_id: page.cause for page in (*absent, *leaving, *led.proven)}
        removed = (
            await settle.bury(connection, sorted(going), now, causes=causes, run_id=run_id)
            if going
            else []
        )
        # After the pages' locks, as where a person decides.
        held = braked and await deletion_decisions.hold(connection, source.id, run_id, waiting, now)
        await held_removals.settle_open(connection, source.id, going, now)
        await change_log.append(connection, run_id, removed, now)
        await change_log.append_holders(
            connection, run_id, _confirmed(absent), now, left=source.spec.name
        )
    return Reconciled(
        removed=len(removed),
        live=live,
        braked=tuple(sorted(seen)) if braked else (),
        held=int(held),
        astray=tuple(led.astray) if removal_rules.brake(len(led.astray), live) else (),
    )


def _confirmed(pages: Iterable[Leaving]) -> list[int]:
    return [page.page_id for page in pages if page.confirmed]


_LIVE = """
    select count(*) from source_pages sp
    join versions v on v.page_id = sp.page_id and v.valid_to is null where sp.source_id = $1
"""


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
        every = await connection.fetchval(
            "select array_agg(page_id) from source_pages where source_id = $1", source.id
        )
        gone: list[NewChange] = []
        if purge and alone:
            causes = dict.fromkeys(alone, settle.LeavingCause("source_removed"))
            gone = await settle.bury(connection, alone, now, causes=causes, why=Evidence.ERASED)
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
            await change_log.erase(connection, alone)
        await connection.execute("delete from sources where id = $1", source.id)
        await change_log.append(connection, None, gone, now)
        await change_log.append_holders(connection, None, every or (), now, left=source.spec.name)
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
