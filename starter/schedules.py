"""Schedules from Python: `atlas.schedules.apply()`, `list`, `pause`, `resume`, `trigger`,
`backfill`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from atlas.domain.source_schedules import declared, own_schedule, schedule_id
from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.sources import sources
from starter.connection import Parts
from starter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from temporalio.client import ScheduleHandle

    from atlas.contracts.schedules import Declared
    from atlas.schedules.apply import ScheduleChange
    from atlas.schedules.status import ScheduleStatus


class Schedules:
    """The schedules of one Atlas: the four that every Atlas has, and one for each source with a
    cadence below an hour or a cron expression.

    Each is named by its id, or one of a source by the source's name.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def apply(self) -> list[ScheduleChange]:
        """Create missing schedules, repair those that differ, remove those no longer declared;
        returns the changes, by id. It is safe to repeat: an operator's pause stays, with its note.

        Raises `CannotConnect`, `Refused`.
        """
        from atlas.schedules import apply

        await self._parts.check()
        wanted = await self._declared()
        async with self._parts.temporal() as client:
            return await apply.apply(client, wanted)

    async def follow(self, name: str, spec: SourceSpec | None) -> ScheduleChange | None:
        """Make the schedule of one source match its rules (None: the source is gone); None when
        nothing had to change. Raises `CannotConnect`, `Refused`."""
        from atlas.schedules import apply

        await self._parts.check()
        schedule = own_schedule(spec) if spec else None
        async with self._parts.temporal() as client:
            if schedule is None:
                change = await apply.remove_one(client, schedule_id(name))
            else:
                [change] = await apply.apply(client, [schedule], remove=False)
        return None if change.did == "unchanged" else change

    async def list(self) -> list[ScheduleStatus]:
        """Every schedule, declared or made by Atlas: its state, next and last fire, fires that
        started no run, and the fields in which it differs from its declaration."""
        from atlas.schedules import status

        wanted = await self._declared()
        async with self._parts.temporal() as client:
            return await status.look(client, wanted)

    async def pause(self, named: str, note: str = "") -> str:
        """Let a schedule start nothing until it is resumed; its id. `note` says why, and stays.
        Raises `NotFound`."""
        async with self._handle(named) as handle:
            await handle.pause(note=note or f"paused with Atlas at {datetime.now(UTC):%F %H:%M}Z")
        return handle.id

    async def resume(self, named: str) -> str:
        """Let a schedule start runs again; its id. Raises `NotFound`."""
        async with self._handle(named) as handle:
            await handle.unpause(note="resumed with Atlas")
        return handle.id

    async def trigger(self, named: str) -> str:
        """Start a run now, as the schedule would; its id. Nothing starts while the run of an
        earlier fire is under way, unless the schedule queues them. Raises `NotFound`."""
        async with self._handle(named) as handle:
            await handle.trigger()
        return handle.id

    async def backfill(self, named: str, start: datetime, end: datetime) -> str:
        """Start what the schedule would have started in [start, end], one after the other; its id.

        Each run knows the time it stands for: reports of past weeks are made so. Raises
        `NotFound`, `InvalidRequest`.
        """
        from temporalio.client import ScheduleBackfill, ScheduleOverlapPolicy

        if start.tzinfo is None or end.tzinfo is None:
            raise InvalidRequest("backfill: give both times with their time zone, as in …T00:00Z")
        if start >= end:
            raise InvalidRequest(f"backfill: {start.isoformat()} is not before {end.isoformat()}")
        every = ScheduleOverlapPolicy.BUFFER_ALL
        async with self._handle(named) as handle:
            await handle.backfill(ScheduleBackfill(start, end, overlap=every))
        return handle.id

    @asynccontextmanager
    async def _handle(self, named: str) -> AsyncIterator[ScheduleHandle]:
        """The handle. Raises `NotFound`, which lists the schedules there are."""
        from atlas.schedules.apply import found

        wanted = schedule_id(named)
        async with self._parts.temporal() as client:
            if await found(client, wanted) is None:
                raise NotFound(await self._missing(wanted))
            yield client.get_schedule_handle(wanted)

    async def _missing(self, wanted: str) -> str:
        known = [one.id for one in await self._declared()]
        if wanted in known:
            return f"schedule '{wanted}' is declared, but not there; run `atlas schedules apply`"
        return (
            f"no schedule '{wanted}'; declared: {', '.join(known[:20])}. A source has one of its "
            "own when its cadence is below an hour, or it has a cron expression"
        )

    async def _declared(self) -> Sequence[Declared]:
        async with self._parts.database() as connection:
            return declared(each.spec for each in await sources.every(connection))
