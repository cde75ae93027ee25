"""Creates, repairs and removes schedules, so that they are as declared. Idempotent.

What an operator did stays: a pause, its note, a limit of actions. Schedules that Atlas did not
make are left alone, unless one has the id of a declared one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from temporalio.client import (
    Client,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from atlas.contracts.schedules import Declared
from atlas.schedules.drift import differences
from atlas.schedules.spec import OWNED, atlas_version, built, note

T = TypeVar("T")
R = TypeVar("R")
Did = Literal["created", "repaired", "removed", "unchanged"]

_AT_ONCE = 8
"""Schedules at once: hundreds are soon done, and do not crowd out the other calls to Temporal."""


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """What was done to a schedule."""

    id: str
    did: Did
    """What was done."""
    why: list[str] = field(default_factory=list)
    """The differences that made it necessary."""


async def apply(
    client: Client, declared: Sequence[Declared], *, remove: bool = True
) -> list[ScheduleChange]:
    """Make Temporal's schedules agree with the declared ones; what was done, by id.

    `remove` also deletes those that Atlas made and no longer declares: leave it out when
    `declared` is not everything. Raises RPCError.
    """
    done = await each_of(declared, lambda one: _apply_one(client, one))
    if remove:
        wanted = {one.id for one in declared}
        surplus = [each async for each in owned(client) if each not in wanted]
        done += await each_of(surplus, lambda id: remove_one(client, id))
    return sorted(done, key=lambda change: change.id)


async def remove_one(client: Client, schedule_id: str) -> ScheduleChange:
    """Delete a schedule that is no longer declared. Its runs go on. Raises RPCError."""
    try:
        await client.get_schedule_handle(schedule_id).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return ScheduleChange(schedule_id, "unchanged")
    return ScheduleChange(schedule_id, "removed", ["declared no more"])


async def found(client: Client, schedule_id: str) -> ScheduleDescription | None:
    """The schedule, or None when there is none of that id. Raises RPCError."""
    try:
        return await client.get_schedule_handle(schedule_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None


async def owned(client: Client) -> AsyncIterator[str]:
    """The ids of the schedules that Atlas made. A new one is listed only after a moment."""
    async for each in await client.list_schedules():
        if OWNED in each.raw_entry.memo.fields:
            yield each.id


async def each_of(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Call `work` on each, a few at once; the results in the order of the items."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(item: T) -> R:
        async with turn:
            return await work(item)

    return list(await asyncio.gather(*map(one, items)))


async def _apply_one(client: Client, declared: Declared) -> ScheduleChange:
    present = await found(client, declared.id)
    if present is None:
        try:
            await client.create_schedule(
                declared.id, built(declared), memo={OWNED: atlas_version()}
            )
        except ScheduleAlreadyRunningError:  # made at this moment, by another who applies
            present = await found(client, declared.id)
        else:
            return ScheduleChange(declared.id, "created", [declared.rhythm])
    if present is None:
        return ScheduleChange(declared.id, "unchanged")
    drift = await differences(client, declared, present)
    if not drift:
        return ScheduleChange(declared.id, "unchanged")
    await client.get_schedule_handle(declared.id).update(lambda now: _repaired(declared, now))
    return ScheduleChange(declared.id, "repaired", drift)


def _repaired(declared: Declared, now: ScheduleUpdateInput) -> ScheduleUpdate:
    return ScheduleUpdate(built(declared, _kept(declared, now.description.schedule.state)))


def _kept(declared: Declared, state: ScheduleState) -> ScheduleState:
    """What the operator set stays; Atlas's own note is renewed."""
    return state if state.paused else replace(state, note=note(declared))
