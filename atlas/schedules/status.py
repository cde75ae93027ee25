"""The declared schedules compared with those that Temporal has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from temporalio.client import Client, ScheduleDescription, ScheduleListDescription

from atlas.contracts.schedules import Declared
from atlas.schedules.apply import each_of, found, owned
from atlas.schedules.drift import differences
from atlas.schedules.spec import OWNED

State = Literal["active", "paused", "missing", "surplus"]


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """A schedule as Temporal has it, compared with its declaration."""

    id: str
    state: State
    """`missing`: declared, but not there; `surplus`: made by Atlas, but no longer declared."""
    rhythm: str = field(metadata={"json": "fires"})
    """When it fires, in words or as a cron line (UTC)."""
    note: str
    """The operator's words, of a paused one."""
    next: datetime | None
    last: datetime | None
    running: int
    """Runs under way."""
    actions: int = field(metadata={"json": "runs"})
    """Runs started so far."""
    skipped: int
    """Fires that did nothing, because the previous run was still under way."""
    missed: int
    """Fires longer ago than the catch-up window when Temporal came back."""
    drift: tuple[str, ...]
    """How it differs from its declaration; empty: not at all."""


async def look(
    client: Client, declared: Sequence[Declared], *, surplus: bool = True
) -> list[ScheduleStatus]:
    """Each declared schedule as it is; `surplus` also those declared no more. Raises RPCError."""
    seen = await each_of(declared, lambda one: _look_at(client, one))
    if surplus:
        known = {one.id for one in declared}
        others = [id async for id in owned(client) if id not in known]
        seen += [each for each in await each_of(others, lambda id: _other(client, id)) if each]
    return seen


async def _look_at(client: Client, declared: Declared) -> ScheduleStatus:
    present = await found(client, declared.id)
    if present is None:
        return ScheduleStatus(
            declared.id, "missing", declared.rhythm, "", None, None, 0, 0, 0, 0, ("not there",)
        )
    drift = await differences(client, declared, present)
    return _seen(present, declared.rhythm, drift)


async def _other(client: Client, schedule_id: str) -> ScheduleStatus | None:
    present = await found(client, schedule_id)
    return _seen(present, "", ["declared no more"], "surplus") if present else None


def _seen(
    present: ScheduleDescription, rhythm: str, drift: Sequence[str], state: State | None = None
) -> ScheduleStatus:
    info, paused = present.info, present.schedule.state.paused
    return ScheduleStatus(
        id=present.id,
        state=state or ("paused" if paused else "active"),
        rhythm=rhythm,
        note=(present.schedule.state.note or "") if paused else "",
        next=None if paused else next(iter(info.next_action_times), None),
        last=info.recent_actions[-1].started_at if info.recent_actions else None,
        running=len(info.running_actions),
        actions=info.num_actions,
        skipped=info.num_actions_skipped_overlap,
        missed=info.num_actions_missed_catchup_window,
        drift=tuple(drift),
    )


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A schedule made by Atlas, as the list of schedules shows it: sometimes a moment late."""

    id: str
    paused: bool
    note: str
    next: datetime | None
    last: datetime | None


async def glimpses(client: Client, now: datetime) -> list[Glimpse]:
    """All schedules that Atlas made, by id, with one request: cheap to ask often. Raises
    RPCError."""
    listed = [each async for each in await client.list_schedules()]
    found = [_glimpse(each, now) for each in listed if OWNED in each.raw_entry.memo.fields]
    return sorted(found, key=lambda one: one.id)


def _glimpse(listed: ScheduleListDescription, now: datetime) -> Glimpse:
    state = listed.schedule.state if listed.schedule else None
    info = listed.info
    coming = [at for at in info.next_action_times if at > now] if info else []
    paused = state is not None and state.paused
    return Glimpse(
        id=listed.id,
        paused=paused,
        note=(state.note or "") if state and paused else "",
        next=None if paused else next(iter(coming), None),
        last=info.recent_actions[-1].started_at if info and info.recent_actions else None,
    )
