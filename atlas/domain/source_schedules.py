"""The schedule of a source with its own cadence, and every schedule that an Atlas declares."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta

from atlas.contracts.names import sync_workflow_id
from atlas.contracts.schedules import PERIODIC, Declared
from atlas.domain.sources import SourceSpec
from atlas.domain.timing.cron import calendars

_CATCH_UP = timedelta(days=1)
_JITTER_SHARE = 0.1
_LONGEST_JITTER = timedelta(minutes=1)


def declared(specs: Iterable[SourceSpec]) -> list[Declared]:
    """Every schedule of an Atlas with these sources."""
    own = [schedule for spec in specs if (schedule := own_schedule(spec))]
    return [*PERIODIC, *own]


def own_schedule(spec: SourceSpec) -> Declared | None:
    """The schedule of one source; None when the hourly collection takes it along, or it is paused:
    its runs would end at once."""
    if spec.paused or not spec.own_schedule:
        return None
    every = None if spec.cron else spec.cadence
    return Declared(
        id=sync_workflow_id(spec.name),
        workflow="sync_pipeline",
        workflow_id=sync_workflow_id(spec.name),
        input={"sources": [spec.name], "due": True, "trigger": "schedule"},
        summary=f"sync {spec.name} (what is due)",
        rhythm=f"at '{spec.cron}' UTC" if spec.cron else f"every {_in_words(spec.cadence)}",
        # With SKIP: one run makes up for all that was missed.
        catch_up=_CATCH_UP,
        every=every,
        offset=_offset(spec.name, every) if every else timedelta(0),
        calendars=calendars(spec.cron) if spec.cron else (),
        jitter=min((every or _LONGEST_JITTER * 10) * _JITTER_SHARE, _LONGEST_JITTER),
        source=spec.name,
        attributes={"AtlasSource": spec.name, "AtlasTrigger": "schedule"},
    )


def schedule_id(named: str) -> str:
    """The id of a schedule by its own name, or by that of its source."""
    known = {schedule.id for schedule in PERIODIC}
    return named if named in known or ":" in named else sync_workflow_id(named)


def _offset(name: str, every: timedelta) -> timedelta:
    """Of its own for each source, so that a hundred of one cadence do not begin together."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return timedelta(seconds=digest % max(int(every.total_seconds()), 1))


def _in_words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
