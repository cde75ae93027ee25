"""From frozen days to the three formats that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from atlas.contracts.weekly_report import WeeklyOutcome, WeekTotals
from atlas.domain.daily_figures import FrozenWeeks
from atlas.reports.data import as_json
from atlas.reports.figures import report_of
from atlas.reports.model import Report
from atlas.reports.page import as_html
from atlas.reports.text import as_markdown
from atlas.reports.words import coverage


@dataclass(frozen=True, slots=True)
class Rendered:
    """A week's report in every format, and what its run returns."""

    outcome: WeeklyOutcome
    days: int
    totals: WeekTotals
    message: str
    """Which figures are missing; empty if none are."""
    forms: Mapping[str, bytes]


def render(frozen: FrozenWeeks) -> Rendered:
    """The report of the week. The same frozen days give the same bytes."""
    report = report_of(frozen)
    return Rendered(
        outcome="completed" if report.days_now else "no_data",
        days=report.days_now,
        totals=_totals(report),
        message=coverage(report),
        forms={"json": as_json(report), "md": as_markdown(report), "html": as_html(report)},
    )


def _totals(report: Report) -> WeekTotals:
    names = ("added", "changed", "gone", "live", "requests", "failed")
    counts = {name: int(report.totals[name].now or 0) for name in names}
    return WeekTotals(**counts, silent=len(report.silent))
