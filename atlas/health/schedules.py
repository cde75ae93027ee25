"""Schedules: whether they are as declared, and whether each fire led to a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from temporalio.client import Client

from atlas.contracts.schedules import Declared
from atlas.health.probe import ProbeResult, degraded
from atlas.schedules.status import ScheduleStatus, look

MEND = "See whether Temporal answers: `atlas doctor`"
APPLY = "Run `atlas schedules apply`"
LOOKED_AT = 300
"""At most this many in one check; the four of every Atlas come first."""

_SKIPPED, _MISSED = "schedules.skipped:", "schedules.missed:"
_MISSED_SINCE = "schedules.missed_since"
_TELLING = 3600.0
"""Seconds for which lost fires are reported: longer than two checks."""
_LOOKED = "schedules.looked"
"""Present after a first check: a counter that is absent was 0 then."""
_PATIENCE = {"health_check"}
"""Skips of these are not reported: a check that takes long says so itself."""


async def schedules(
    client: Client,
    declared: Sequence[Declared],
    before: Mapping[str, float],
    now: float,
    *,
    complete: bool = True,
) -> tuple[ProbeResult, dict[str, float]]:
    """Drift, and fires that led to no run; with the counters for the next check to compare with.

    `before` has those of the previous check, `now` is in seconds since the epoch. `complete`:
    whether all declared schedules are known; otherwise none is called surplus.
    """
    seen = await look(client, declared[:LOOKED_AT], surplus=len(declared) <= LOOKED_AT)
    figures = _figures(seen, before, now)
    judged = [each for each in seen if complete or each.state != "surplus"]
    return _judged(judged, len(declared), before), figures


def _judged(
    seen: Sequence[ScheduleStatus], declared: int, before: Mapping[str, float]
) -> ProbeResult:
    drifted = [each for each in seen if each.drift]
    if drifted:
        first = drifted[0]
        more = f", and {len(drifted) - 1} more" if len(drifted) > 1 else ""
        return degraded(f"{first.id}: {first.drift[0]}{more}", APPLY)
    missed = [each.id for each in seen if _grown(_MISSED, each.id, each.missed, before)]
    if missed:
        return degraded(
            f"{_listed(missed)}: fires were lost: they were older than the catch-up window "
            "when Temporal came back",
            "Nothing, if Temporal was down; `atlas schedules backfill` makes up for a report",
        )
    skipped = [
        each.id
        for each in seen
        if each.running
        and _grown(_SKIPPED, each.id, each.skipped, before)
        and each.id not in _PATIENCE
    ]
    if skipped:
        return degraded(
            f"{_listed(skipped)}: a fire was skipped because the previous run is still running",
            "See that run with `atlas runs`; if this keeps happening, give the source a longer "
            "cadence or a budget, or add workers",
        )
    return ProbeResult(_all_well(seen, declared))


def _all_well(seen: Sequence[ScheduleStatus], declared: int) -> str:
    paused = [each.id for each in seen if each.state == "paused"]
    looked = f" ({LOOKED_AT} looked at)" if declared > LOOKED_AT else ""
    return f"{declared} as declared{looked}" + (f"; paused: {_listed(paused)}" if paused else "")


def _figures(
    seen: Sequence[ScheduleStatus], before: Mapping[str, float], now: float
) -> dict[str, float]:
    """Counters, where they are not 0: a source that never skipped needs no line.

    Skips are counted from the last moment at which no run was under way, so that a run that takes
    too long is reported until it ends.
    """
    figures = {_LOOKED: 1.0}
    for each in seen:
        known = _LOOKED in before and each.running
        figures[_SKIPPED + each.id] = before.get(_SKIPPED + each.id, 0.0) if known else each.skipped
    lost = any(_grown(_MISSED, each.id, each.missed, before) for each in seen)
    since = before.get(_MISSED_SINCE, now)
    if lost and now - since < _TELLING:
        figures[_MISSED_SINCE] = since
        figures |= {name: value for name, value in before.items() if name.startswith(_MISSED)}
    else:
        figures |= {_MISSED + each.id: float(each.missed) for each in seen}
    return {name: value for name, value in figures.items() if value}


def _grown(prefix: str, schedule_id: str, now: int, before: Mapping[str, float]) -> bool:
    """Whether a counter has grown since the previous check; False in a first check."""
    if _LOOKED not in before:
        return False
    return now > before.get(prefix + schedule_id, 0.0)


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return ", ".join(ids[:3]) + more
