"""Schedules: as declared, and whether each fire led to a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from temporalio.client import Client

from atlas.checks.probe import Found
from atlas.contracts.schedules import Declared
from atlas.scheduling.looking import Seen, look

MEND = "See whether Temporal answers: `atlas doctor`"
APPLY = "Run `atlas schedules apply`"
LOOKED_AT = 300
"""So many at most in one look; the four of every Atlas come first."""

_SKIPPED, _MISSED = "schedules.skipped:", "schedules.missed:"
_LOOKED = "schedules.looked"
"""Is there after a first look: a counter that is not, was 0 then."""
_PATIENCE = {"health_check"}
"""May skip without a word: a check that takes long says so itself."""


async def schedules(
    client: Client, declared: Sequence[Declared], before: Mapping[str, float]
) -> tuple[Found, dict[str, float]]:
    """Drift, and fires that led to no run since `before`; with the counters of now."""
    seen = await look(client, declared[:LOOKED_AT])
    figures = _figures(seen)
    return _judged(seen, len(declared), before), figures


def _judged(seen: Sequence[Seen], declared: int, before: Mapping[str, float]) -> Found:
    drifted = [each for each in seen if each.drift]
    if drifted:
        first = drifted[0]
        more = f", and {len(drifted) - 1} more" if len(drifted) > 1 else ""
        return Found(f"{first.id}: {first.drift[0]}{more}", "degraded", APPLY)
    missed = [each.id for each in seen if _grown(_MISSED, each.id, each.missed, before)]
    if missed:
        return Found(
            f"{_listed(missed)}: fires were longer ago than the catch-up window when Temporal came "
            "back, and lost",
            "degraded",
            "Nothing, if Temporal was down; `atlas schedules backfill` makes up for a report",
        )
    skipped = [
        each.id
        for each in seen
        if _grown(_SKIPPED, each.id, each.skipped, before) and each.id not in _PATIENCE
    ]
    if skipped:
        return Found(
            f"{_listed(skipped)}: a fire was skipped, because the run of the one before is still "
            "under way",
            "degraded",
            "See that run with `atlas runs`; if it is always so, give the source a longer cadence "
            "or a budget, or add workers",
        )
    return Found(_all_well(seen, declared))


def _all_well(seen: Sequence[Seen], declared: int) -> str:
    paused = [each.id for each in seen if each.state == "paused"]
    looked = f" ({LOOKED_AT} looked at)" if declared > LOOKED_AT else ""
    return f"{declared} as declared{looked}" + (f"; paused: {_listed(paused)}" if paused else "")


def _figures(seen: Sequence[Seen]) -> dict[str, float]:
    """What is not 0: a source that never skipped needs no line."""
    skipped = {_SKIPPED + each.id: float(each.skipped) for each in seen if each.skipped}
    return {_LOOKED: 1.0} | skipped | {_MISSED + each.id: float(each.missed) for each in seen if each.missed}


def _grown(prefix: str, schedule_id: str, now: int, before: Mapping[str, float]) -> bool:
    """Whether a counter has grown since the check before; of a first check nothing is known."""
    if _LOOKED not in before:
        return False
    return now > before.get(prefix + schedule_id, 0.0)


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return ", ".join(ids[:3]) + more
