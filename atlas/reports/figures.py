"""From frozen days to the figures of the report: sums, and the week before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from atlas.domain.daily_figures import (
    SLOTS_PER_DOUBLING,
    TOTAL,
    DayFigures,
    DayStorage,
    FrozenWeeks,
    HostDay,
    Tree,
)
from atlas.domain.timing.silent_sources import Silence, silence
from atlas.reports.model import (
    Day,
    FailureLine,
    HostLine,
    Number,
    Report,
    SourceLine,
    Versus,
)

_Row = TypeVar("_Row", DayFigures, DayStorage, HostDay)

HOSTS_LISTED = 10
HOST_REQUESTS = 10
"""A host with fewer requests is not judged."""


def report_of(frozen: FrozenWeeks) -> Report:
    """The report of the week; missing figures are None, never zero."""
    both = _BothWeeks(frozen)
    return Report(
        week=frozen.week,
        first_frozen=frozen.first_frozen,
        days=both.days,
        totals={**both.totals(TOTAL), **both.storage_totals()},
        failures=both.failures(),
        runs=both.runs(),
        sources=tuple(both.source(name) for name in both.source_names),
        hosts=both.slowest(),
    )


class _BothWeeks:
    """The frozen rows, separated by week."""

    def __init__(self, frozen: FrozenWeeks) -> None:
        self._frozen = frozen
        self._monday = frozen.week.first_day
        self._rows: dict[str, list[DayFigures]] = defaultdict(list)
        for row in frozen.figures:
            self._rows[row.source].append(row)
        whole = {row.day: row for row in self._rows[TOTAL]}
        storage = {row.day: row for row in frozen.storage}
        self.days = tuple(
            Day(day, whole.get(day), storage.get(day))
            for day in (*frozen.week.before.days, *frozen.week.days)
        )

    @property
    def source_names(self) -> list[str]:
        return sorted(name for name in self._rows if name != TOTAL)

    def _apart(self, source: str) -> tuple[list[DayFigures], list[DayFigures]]:
        return self._by_week(self._rows[source])

    def _by_week(self, rows: Iterable[_Row]) -> tuple[list[_Row], list[_Row]]:
        """The rows of this week, and those of the week before."""
        now: list[_Row] = []
        before: list[_Row] = []
        for row in rows:
            (now if row.day >= self._monday else before).append(row)
        return now, before

    def _versus(
        self, source: str, figure: Callable[[Sequence[DayFigures]], Number | None]
    ) -> Versus:
        now, before = self._apart(source)
        return Versus(figure(now) if now else None, figure(before) if before else None)

    def totals(self, source: str) -> dict[str, Versus]:
        """Every figure of a source, or of the whole."""
        return {name: self._versus(source, figure) for name, figure in _FIGURES.items()}

    def storage_totals(self) -> dict[str, Versus]:
        now, before = self._by_week(self._frozen.storage)
        return {
            name: Versus(
                getattr(now[-1], name) if now else None,
                getattr(before[-1], name) if before else None,
            )
            for name in ("blobs", "blob_bytes", "stored_bytes", "database_bytes")
        }

    def failures(self) -> tuple[FailureLine, ...]:
        now, before = self._apart(TOTAL)
        errors, failed = _sum(row.errors for row in now), _sum(row.failed for row in now)
        errors_then = _sum(row.errors for row in before)
        failed_then = _sum(row.failed for row in before)
        lines = []
        for name in sorted({*errors, *failed, *errors_then, *failed_then}):
            found, given_up = errors.get(name, {}), failed.get(name, {})
            codes = [
                (code, found.get(code, 0), given_up.get(code, 0))
                for code in sorted({*found, *given_up})
            ]
            lines.append(
                FailureLine(
                    name,
                    self._counts(found, errors_then.get(name, {})),
                    self._counts(given_up, failed_then.get(name, {})),
                    tuple(sorted(codes, key=lambda each: (-each[1], -each[2], each[0]))),
                )
            )
        return tuple(sorted(lines, key=lambda line: (-(line.requests.now or 0), line.error_class)))

    def _counts(self, now: Mapping[str, int], before: Mapping[str, int]) -> Versus:
        """In a week that has figures, a kind that did not occur counts as zero."""
        have, had = self._apart(TOTAL)
        return Versus(sum(now.values()) if have else None, sum(before.values()) if had else None)

    def runs(self) -> tuple[tuple[str, str, Versus], ...]:
        now, before = self._apart(TOTAL)
        found, then = _sum(row.runs for row in now), _sum(row.runs for row in before)
        names = {
            (kind, outcome)
            for tree in (found, then)
            for kind, outcomes in tree.items()
            for outcome in outcomes
        }
        return tuple(
            (kind, outcome, Versus(
                found.get(kind, {}).get(outcome, 0) if now else None,
                then.get(kind, {}).get(outcome, 0) if before else None,
            ))
            for kind, outcome in sorted(names)
        )  # fmt: skip

    def source(self, name: str) -> SourceLine:
        totals = self.totals(name)
        now, _ = self._apart(name)
        last = now[-1] if now else None
        objective = last.objective if last else None
        return SourceLine(
            source=name,
            paused=bool(last and last.paused),
            robots_ignored=bool(last and last.robots_ignored),
            silence=self._silence(name, last),
            objective=objective,
            achieved=self._versus(name, partial(_achieved, objective)),
            **{
                key: totals[key]
                for key in ("added", "changed", "gone", "live", "requests", "failed", "fresh")
            },
        )

    def _silence(self, name: str, last: DayFigures | None) -> Silence | None:
        """Only for a source that is declared and not paused at the end of the week."""
        newest = next((day.day for day in reversed(self.days) if day.figures), None)
        history = self._frozen.histories.get(name)
        if last is None or last.day != newest or last.paused or history is None:
            return None
        return silence(history, last.day)

    def slowest(self) -> tuple[HostLine, ...]:
        now, before = map(_by_host, self._by_week(self._frozen.hosts))
        lines = [
            _host_line(host, days, before.get(host, []))
            for host, days in sorted(now.items())
            if sum(day.requests for day in days) >= HOST_REQUESTS
        ]
        lines.sort(key=lambda line: (-(line.p95.now or 0), line.host))
        return tuple(lines[:HOSTS_LISTED])


def _by_host(rows: Iterable[HostDay]) -> dict[str, list[HostDay]]:
    found: dict[str, list[HostDay]] = defaultdict(list)
    for row in rows:
        found[row.host].append(row)
    return found


def _host_line(host: str, now: Sequence[HostDay], before: Sequence[HostDay]) -> HostLine:
    slots = [sum(each) for each in zip(*(day.slots for day in now), strict=True)]
    slots_then = [sum(each) for each in zip(*(day.slots for day in before), strict=True)]
    return HostLine(
        host,
        sum(day.requests for day in now),
        sum(day.failed for day in now),
        Versus(quantile(slots, 0.5), quantile(slots_then, 0.5)),
        Versus(quantile(slots, 0.95), quantile(slots_then, 0.95)),
    )


def quantile(slots: Sequence[int], share: float) -> float | None:
    """The elapsed time in seconds that `share` of the requests stay below, to within a slot's
    width (19%); None without requests."""
    wanted = share * sum(slots)
    if not wanted:
        return None
    below = 0
    for number, count in enumerate(slots):
        if count and below + count >= wanted:
            place = number - 1 + (wanted - below) / count
            return round(2 ** (place / SLOTS_PER_DOUBLING) / 1000, 3)
        below += count
    raise AssertionError("the counts add up to their sum")


def _sum(trees: Iterable[Tree]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for tree in trees:
        for outer, counts in tree.items():
            place = total.setdefault(outer, {})
            for inner, count in counts.items():
                place[inner] = place.get(inner, 0) + count
    return total


def leaves(tree: Tree) -> int:
    """The sum of all counts in a tree."""
    return sum(sum(counts.values()) for counts in tree.values())


def _achieved(objective: str | None, rows: Sequence[DayFigures]) -> float | None:
    """The mean of the days on which this objective was promised and judged."""
    days = [row.achieved for row in rows if row.objective == objective and row.achieved is not None]
    return sum(days) / len(days) if days else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


Figure = Callable[[Sequence[DayFigures]], Number | None]

_FIGURES: Mapping[str, Figure] = {
    "added": lambda rows: sum(row.added for row in rows),
    "changed": lambda rows: sum(row.changed for row in rows),
    "gone": lambda rows: sum(row.gone for row in rows),
    "requests": lambda rows: sum(row.requests for row in rows),
    "not_modified": lambda rows: sum(row.statuses.get("304", 0) for row in rows),
    "errors": lambda rows: sum(leaves(row.errors) for row in rows),
    "failed": lambda rows: sum(leaves(row.failed) for row in rows),
    "bytes": lambda rows: sum(row.bytes for row in rows),
    "wire_bytes": lambda rows: sum(row.wire_bytes for row in rows),
    "live": lambda rows: rows[-1].live,
    "texts": lambda rows: rows[-1].texts,
    "exact_copies": lambda rows: rows[-1].live - rows[-1].texts,
    "near_texts": lambda rows: rows[-1].near_texts,
    "truncated": lambda rows: rows[-1].truncated,
    "fresh": lambda rows: _share(rows[-1].fresh, rows[-1].live),
    "age_median": lambda rows: rows[-1].age_median,
    "age_p90": lambda rows: rows[-1].age_p90,
}
"""Sums over the week's days; for stocks, the state at the end of the last one."""
