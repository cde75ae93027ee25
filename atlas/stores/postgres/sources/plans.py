"""Plans: which sources a run of several works through, in an order decided once.

The order depends on how overdue each source is, which changes during the run; so it is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.activities import NextSources, PlannedPart, PlanSources, SourcesPlanned
from atlas.contracts.sync_pipeline import WaitingSource
from atlas.domain.addresses.urls import host_of
from atlas.domain.sources import Candidate, fair_order
from atlas.stores.postgres.connection import Connection, on_pool
from atlas.stores.postgres.sources import selection, sources
from atlas.stores.postgres.sources.sources import Source


async def make(connection: Connection, request: PlanSources, now: datetime) -> SourcesPlanned:
    """Decide, unless it is decided: a repeated call changes nothing."""
    declared = await sources.every(connection)
    unknown = sorted(set(request.names) - {source.spec.name for source in declared})
    message = str(await sources.unknown(connection, unknown[0])) if unknown else ""
    async with connection.transaction():
        # The run's row: a repeated call waits here, and then finds the plan of the first.
        await connection.execute("select from runs where run_id = $1 for update", request.run_id)
        counted = "select count(*) from run_sources where run_id = $1"
        if not (planned := await connection.fetchval(counted, request.run_id)):
            chosen = fair_order(
                Candidate(source.spec.name, host_of(source.spec.urls[0]), source.late(now))
                for source in declared
                if _meant(source, request, now)
            )
            planned = len(chosen)
            await _keep(connection, request.run_id, chosen)
    asked = selection.SourceSelector(
        request.names, request.tags, all=not (request.names or request.tags)
    )
    nothing, unmatched = await selection.missing(connection, asked)
    return SourcesPlanned(
        sources=planned, unknown=unknown, message=message, nothing=nothing, unmatched=unmatched
    )


def _meant(source: Source, request: PlanSources, now: datetime) -> bool:
    spec = source.spec
    if request.due and not source.due(now):
        return False
    if spec.own_schedule and not request.own_schedules:
        return False
    if spec.name in request.names:
        return True
    selected = bool(set(spec.tags) & set(request.tags))
    collected = not spec.paused and not spec.is_pushed
    return collected and (selected or not (request.names or request.tags))


async def _keep(connection: Connection, run_id: str, chosen: list[Candidate]) -> None:
    await connection.execute(
        """
        insert into run_sources (run_id, place, source_name, host)
        select $1, o.place, o.name, o.host
        from unnest($2::text[], $3::text[]) with ordinality as o(name, host, place)
        """,
        run_id,
        [one.name for one in chosen],
        [one.host for one in chosen],
    )


async def part(connection: Connection, request: NextSources) -> PlannedPart:
    """The part of a plan after a place."""
    rows = await connection.fetch(
        "select place, source_name, host from run_sources where run_id = $1 and place > $2 "
        "order by place limit $3",
        request.run_id,
        request.after,
        request.limit,
    )
    return PlannedPart(
        sources=[WaitingSource(source=row["source_name"], host=row["host"]) for row in rows],
        last=rows[-1]["place"] if rows else 0,
    )


@dataclass(eq=False)
class SourcePlans:
    """Selection and plans as the activities use them. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]

    resolve = on_pool(selection.resolve)
    part = on_pool(part)

    async def make(self, request: PlanSources) -> SourcesPlanned:
        """Decide which sources a run works through, and in which order."""
        async with self.pool.acquire() as connection:
            return await make(connection, request, self.clock())
