"""What to report of a part's health: transitions, each once, and not every flicker.

A part that fails is reported at once. One that is only degraded (a backlog, an overdue source, a
full disk: things that come and go) is reported when two checks in a row found it not ok. A part
that is ok again is reported at once. What could not be delivered is kept, its worst included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from atlas.contracts.health import Check, PartHealth, Status, Transition

STRIKES = 2
"""Checks in a row that must find a part not ok before `degraded` is reported."""

AS_IT_WAS = "not known while PostgreSQL does not answer; as it was before"

_WORSE: dict[Status, int] = {"ok": 0, "degraded": 1, "failing": 2}


def judged(
    checks: Iterable[Check], unknown: Iterable[str], before: Iterable[PartHealth], at: float
) -> tuple[list[PartHealth], list[Transition]]:
    """Each part with its past, as if nothing had been reported yet; and what to report.

    An unknown part stays as it was. One that is neither looked at nor unknown is forgotten.
    """
    past = {part.part: part for part in before}
    looked_at = [_with_past(check, past.get(check.part), at) for check in checks]
    kept = [_kept(past[name]) for name in unknown if name in past]
    transitions = [transition for part in looked_at if (transition := _transition(part))]
    return [*looked_at, *kept], transitions


def _kept(part: PartHealth) -> PartHealth:
    return part.model_copy(update={"milliseconds": 0.0, "detail": AS_IT_WAS, "mend": ""})


def after_telling(parts: Sequence[PartHealth], *, arrived: bool) -> list[PartHealth]:
    """The parts, once it is known whether the transitions arrived."""
    if arrived:
        return [part.model_copy(update={"told": _to_tell(part), "untold": None}) for part in parts]
    return [part.model_copy(update={"untold": _untold(part)}) for part in parts]


def _with_past(check: Check, past: PartHealth | None, at: float) -> PartHealth:
    before = past or PartHealth(part=check.part, since=at)
    return PartHealth(
        **check.model_dump(),
        since=before.since if before.status == check.status else at,
        strikes=0 if check.status == "ok" else before.strikes + 1,
        told=before.told,
        untold=before.untold,
    )


def _to_tell(part: PartHealth) -> Status:
    flicker = part.status == "degraded" and part.strikes < STRIKES
    return part.told if flicker else part.status


def _transition(part: PartHealth) -> Transition | None:
    after = _to_tell(part)
    if after == part.told and part.untold is None:
        return None
    # What came and went while nothing could be delivered was never reported: do it now.
    before = part.told if after != part.told else part.untold or part.told
    if before == after:
        return None
    return Transition(
        part=part.part,
        before=before,
        after=after,
        since=part.since,
        detail=part.detail,
        mend=part.mend,
    )


def _untold(part: PartHealth) -> Status | None:
    after = _to_tell(part)
    known = part.untold or part.told
    worse = max(known, after, key=_WORSE.__getitem__)
    return worse if worse != part.told else part.untold
