"""The freshness objectives of sources: each check samples them, and a budget that burns too fast is
an alert.

A source whose budget burns too fast is a part of its own, `freshness NAME`, so that each is
reported once when it begins and once when it ends, whatever the others do. The parts that were
reported travel in the figures: one check after it ended, a burn is still a part, and ok.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from atlas.contracts.health import Check, Checked
from atlas.domain.timing.burn_rate import Burn
from atlas.health import corpus
from atlas.health.probe import ProbeResult, degraded, looked_at
from atlas.stores.postgres.reporting import freshness_samples
from atlas.stores.postgres.reporting.freshness_samples import Achievement
from atlas.stores.postgres.reporting.probes import NoConnection, probe_connection
from atlas.stores.postgres.sources import sources

PART = "freshness"
MOST_NAMED = 50
"""Burning sources that are parts of their own; the others are counted in one."""

_BURNING = "sources.burning:"
"""Of figures: whose part was not ok at the check before."""


async def objectives(
    database_url: Callable[[], str],
    now: datetime,
    before: Mapping[str, float],
    *,
    sampling: bool,
) -> Checked:
    """How sources keep their objectives; nothing where none has one. `sampling`: what is counted is
    recorded, so that there is a history to judge by. `database_url` may raise `NoConnection`."""
    was = {name for each in before if (name := each.removeprefix(_BURNING)) != each}
    known: dict[str, Achievement] | None = None
    missing = False

    async def look() -> ProbeResult:
        nonlocal known, missing
        try:
            async with probe_connection(database_url()) as connection:
                promised = freshness_samples.promises(await sources.every(connection))
                if sampling:
                    await freshness_samples.sample(connection, promised, now)
                known = await freshness_samples.achieved(connection, promised, now)
        except NoConnection:
            missing = True
            raise
        return _together(known)

    whole = await looked_at(PART, look(), mend=corpus.MEND)
    if known is None:
        # Nothing is known: what burned burns on, and is not reported again when it is known.
        names = [_part(name) for name in sorted(was)]
        figures = {each: value for each, value in before.items() if each.startswith(_BURNING)}
        lost = [PART, *names] if missing else names
        return Checked(checks=[] if missing else [whole], unknown=lost, figures=figures)
    burning = _worst(known)[:MOST_NAMED]
    named = [each.promise.name for each in burning]
    ended = sorted(was - set(named))
    checks = [_check(whole, each) for each in burning]
    checks += [_over(whole, name, known.get(name)) for name in ended]
    if known or ended:
        checks = [whole, *checks]
    return Checked(checks=checks, figures={_BURNING + name: 1.0 for name in named})


def _together(known: Mapping[str, Achievement]) -> ProbeResult:
    """All of them in one part, which is not ok only for what is no part of its own."""
    burning = _worst(known)
    broken = sum(each.broken for each in known.values())
    said = f"{len(known)} objectives, {broken} missed now, {len(burning)} missed too fast"
    unnamed = [each.promise.name for each in burning[MOST_NAMED:]]
    if not unnamed:
        return ProbeResult(said)
    return degraded(
        f"{said}; besides those named, {', '.join(unnamed[:5])} and others",
        "See `atlas sources freshness`",
    )


def _worst(known: Mapping[str, Achievement]) -> Sequence[Achievement]:
    found = [each for each in known.values() if each.alert is not None]
    return sorted(found, key=lambda each: (-_rate(each.alert), each.promise.name))


def _rate(burn: Burn | None) -> float:
    return burn.long / burn.window.rate if burn else 0.0


def _part(name: str) -> str:
    return f"{PART} {name}"


def _check(whole: Check, each: Achievement) -> Check:
    burn, promise = each.alert, each.promise
    assert burn is not None
    window, found = burn.window, each.found
    seen = f"{found.seen} of {found.pages} pages were seen in time" if found else "no page counts"
    how = "look now" if window.severity == "fast" else "look soon"
    return Check(
        part=_part(promise.name),
        status="degraded",
        milliseconds=whole.milliseconds,
        detail=f"{promise.objective}: {seen}; what it allows is used up {burn.long:.1f} times too "
        f"fast over {_span(window.long)} and {burn.short:.1f} times over {_span(window.short)} "
        f"({how})",
        mend=f"See `atlas sources freshness {promise.name}` and `atlas runs --source "
        f"{promise.name}`: runs that fail or do not come, or a host that does not answer; if all "
        "is well, the objective asks for too much",
    )


def _over(whole: Check, name: str, now: Achievement | None) -> Check:
    """The burn has ended; or the source is paused, removed, or has no objective any more."""
    if now is None:
        detail = "it is not judged any more: paused, removed, or without an objective"
    else:
        share = "no page counts" if now.share is None else f"{now.share:.1%} seen in time"
        detail = f"{now.promise.objective}: {share}, burn rate {now.burn_rate:.1f}"
    return Check(part=_part(name), milliseconds=whole.milliseconds, detail=detail)


def _span(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.3g} h" if hours < 48 else f"{hours / 24:.3g} days"
