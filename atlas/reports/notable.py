"""What stands out in a week: a few sentences for a person in a hurry."""

from __future__ import annotations

from collections.abc import Iterator

from atlas.reports import words
from atlas.reports.model import Day, HostLine, Report
from atlas.reports.words import elapsed, moved, number, percent, sentence

FEW_FRESH = 0.95
"""Share of live documents on time below which a day is named."""
MUCH_MORE = 1.5
"""More failures or slower answers are named from this multiple of the week before."""
LEAST_PAGES = 20
LEAST_SLOWER = 0.2
"""Seconds."""
HOSTS_NAMED = 3
SOURCES_NAMED = 3


def notable(report: Report) -> list[str]:
    """The sentences, the most serious first; none if the week was like the one before."""
    if not report.days_now:
        return []
    return [
        *_runs(report),
        *_failed(report),
        *_objectives(report),
        *_fresh(report),
        *_silent(report),
        *_hosts(report),
    ]


def _runs(report: Report) -> Iterator[str]:
    for kind, outcome, value in report.runs:
        runs = "run" if value.now == 1 else "runs"
        if outcome == "failed" and value.now:
            yield sentence(f"{number(value.now)} {runs} of {kind} failed", moved(value))
        if outcome == "held" and value.now:
            yield sentence(
                f"{number(value.now)} {runs} of {kind} held removals or changes, because too much "
                "of a site seemed to vanish or change at once (atlas deletions list)",
                moved(value),
            )


def _failed(report: Report) -> Iterator[str]:
    failed = report.totals["failed"]
    if failed.now is None or failed.before is None or failed.now < LEAST_PAGES:
        return
    if report.days_now != report.days_before:  # more days, more failures
        return
    if failed.now >= MUCH_MORE * failed.before:
        worst = max(report.failures, key=lambda line: (line.pages.now or 0, line.error_class))
        yield (
            f"{number(failed.now)} pages were given up: {moved(failed)}. "
            f"Of these, {number(worst.pages.now)} {words.meaning(worst.error_class)}."
        )


def _fresh(report: Report) -> Iterator[str]:
    stale = [day for day in report.this_week if _share(day) < FEW_FRESH]
    if not stale:
        return
    worst = min(stale, key=lambda day: (_share(day), day.day))
    days = "one day" if len(stale) == 1 else f"{len(stale)} days"
    yield (
        f"On {days}, less than {FEW_FRESH:.0%} of the live documents were checked on time: "
        f"{percent(_share(worst))} on {words.long_day(worst.day)}."
    )


def _objectives(report: Report) -> Iterator[str]:
    missed = [line for line in report.sources if line.missed]
    missed.sort(key=lambda line: (line.achieved.now or 0, line.source))
    for line in missed[:SOURCES_NAMED]:
        yield sentence(
            f"{line.source} missed its freshness objective ({line.objective}): "
            f"{percent(line.achieved.now)} of its pages were seen in time",
            words.points(line.achieved),
        )
    if len(missed) > SOURCES_NAMED:
        yield f"{len(missed) - SOURCES_NAMED} more sources missed their freshness objectives."


def _share(day: Day) -> float:
    return day.figures.fresh / day.figures.live if day.figures and day.figures.live else 1.0


def _silent(report: Report) -> Iterator[str]:
    silent = report.silent
    if len(silent) <= SOURCES_NAMED:
        for line in silent:
            yield f"{line.source} is silent: {words.silent_for(line)}."
        return
    named = ", ".join(line.source for line in silent[:SOURCES_NAMED])
    yield f"{len(silent)} sources are silent: {named} and {len(silent) - SOURCES_NAMED} more."


def _hosts(report: Report) -> Iterator[str]:
    slower = [line for line in report.hosts if _is_slower(line)]
    for line in slower[:HOSTS_NAMED]:
        yield (
            f"{line.host} answers slower: 95% of its answers took less than "
            f"{elapsed(line.p95.now)}, {elapsed(line.p95.before)} the week before."
        )


def _is_slower(line: HostLine) -> bool:
    more = line.p95.difference or 0
    return more >= LEAST_SLOWER and (line.p95.ratio or 0) >= MUCH_MORE
