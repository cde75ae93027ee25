"""The declared schedules beside those that Temporal has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from temporalio.client import Client, ScheduleDescription

from atlas.contracts.schedules import Declared
from atlas.scheduling.applying import each_of, found, owned
from atlas.scheduling.drift import differences

State = Literal["active", "paused", "missing", "surplus"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One schedule: declared, present, or both."""

    id: str
    state: State
    """missing: declared, but not there; surplus: made by Atlas, but declared no more."""
    rhythm: str
    note: str
    """The operator's words, of a paused one."""
    next: datetime | None
    last: datetime | None
    running: int
    """Runs under way."""
    actions: int
    """Runs started so far."""
    skipped: int
    """Fires that did nothing, because the run of the one before was under way."""
    missed: int
    """Fires longer ago than the catch-up window, when Temporal came back."""
    drift: tuple[str, ...]


async def look(client: Client, declared: Sequence[Declared], *, surplus: bool = True) -> list[Seen]:
    """Each declared schedule as it is; `surplus` also those declared no more. Raises RPCError."""
    seen = await each_of(declared, lambda one: _look_at(client, one))
    if surplus:
        known = {one.id for one in declared}
        others = [id async for id in owned(client) if id not in known]
        seen += [each for each in await each_of(others, lambda id: _other(client, id)) if each]
    return seen


async def _look_at(client: Client, declared: Declared) -> Seen:
    present = await found(client, declared.id)
    if present is None:
        return Seen(
            declared.id, "missing", declared.rhythm, "", None, None, 0, 0, 0, 0, ("not there",)
        )
    drift = await differences(client, declared, present)
    return _seen(present, declared.rhythm, drift)


async def _other(client: Client, schedule_id: str) -> Seen | None:
    present = await found(client, schedule_id)
    return _seen(present, "", ["declared no more"], "surplus") if present else None


def _seen(
    present: ScheduleDescription, rhythm: str, drift: Sequence[str], state: State | None = None
) -> Seen:
    info, paused = present.info, present.schedule.state.paused
    return Seen(
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
