"""The content of a week's report, independent of its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from atlas.domain.daily_figures import DayFigures, DayStorage
from atlas.domain.timing.freshness_objective import parse
from atlas.domain.timing.silent_sources import Silence
from atlas.domain.timing.weeks import Week

Number = int | float


@dataclass(frozen=True, slots=True)
class Versus:
    """A figure and that of the week before; None: there is none."""

    now: Number | None
    before: Number | None

    @property
    def difference(self) -> Number | None:
        if self.now is None or self.before is None:
            return None
        return self.now - self.before

    @property
    def ratio(self) -> float | None:
        if self.now is None or not self.before:
            return None
        return self.now / self.before


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the whole corpus; `figures` None: not frozen."""

    day: date
    figures: DayFigures | None
    storage: DayStorage | None


@dataclass(frozen=True, slots=True)
class FailureLine:
    """Failures of one error class."""

    error_class: str
    requests: Versus
    """Attempts that failed this way."""
    pages: Versus
    """Pages given up, by runs that ended in the week."""
    codes: tuple[tuple[str, int, int], ...]
    """(code, attempts, pages) of this week, the most frequent first."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source's week."""

    source: str
    added: Versus
    changed: Versus
    gone: Versus
    live: Versus
    requests: Versus
    failed: Versus
    fresh: Versus
    """Share of the live pages, 0 to 1."""
    paused: bool
    robots_ignored: bool
    silence: Silence | None
    objective: str | None = None
    """Its freshness objective at the end of the week."""
    achieved: Versus = Versus(None, None)
    """The share of its pages that was seen in time, over the days on which that was counted."""

    @property
    def missed(self) -> bool:
        """Whether the objective was missed, over the week as a whole."""
        if self.objective is None or self.achieved.now is None:
            return False
        return self.achieved.now < parse(self.objective).share


@dataclass(frozen=True, slots=True)
class HostLine:
    """How fast a host answered; seconds."""

    host: str
    requests: int
    failed: int
    median: Versus
    p95: Versus


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a format may show."""

    week: Week
    first_frozen: date | None
    days: tuple[Day, ...]
    """The fourteen days of both weeks."""
    totals: Mapping[str, Versus]
    failures: tuple[FailureLine, ...]
    runs: tuple[tuple[str, str, Versus], ...]
    """(workflow type, outcome, how many ended)."""
    sources: tuple[SourceLine, ...]
    hosts: tuple[HostLine, ...]

    @property
    def this_week(self) -> tuple[Day, ...]:
        return self.days[-7:]

    @property
    def days_now(self) -> int:
        """Days of the week with figures."""
        return sum(day.figures is not None for day in self.this_week)

    @property
    def days_before(self) -> int:
        return sum(day.figures is not None for day in self.days[:7])

    @property
    def silent(self) -> tuple[SourceLine, ...]:
        return tuple(line for line in self.sources if line.silence is not None)

    @property
    def promising(self) -> tuple[SourceLine, ...]:
        """The sources with a freshness objective."""
        return tuple(line for line in self.sources if line.objective is not None)
