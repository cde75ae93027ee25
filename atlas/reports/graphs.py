"""The charts of a report's page."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.reports.charts import Chart, Series
from atlas.reports.model import Day, Report
from atlas.reports.words import moved, number, percent, points, sentence


def day_by_day(report: Report) -> list[Chart]:
    """Four charts: movement, size, freshness, failures."""
    return [_movement(report), _live(report), _freshness(report), _failed(report)]


def _values(days: Sequence[Day], name: str) -> list[float | None]:
    return [getattr(day.figures, name) if day.figures else None for day in days]


def _movement(report: Report) -> Chart:
    return Chart(
        "movement",
        "Documents added, changed and gone",
        f"Added {number(report.totals['added'].now)}, changed "
        f"{number(report.totals['changed'].now)}, gone {number(report.totals['gone'].now)}.",
        [day.day for day in report.this_week],
        [
            Series(name.title(), _values(report.this_week, name))
            for name in ("added", "changed", "gone")
        ],
        "per day",
        number,
        as_bars=True,
    )


def _live(report: Report) -> Chart:
    totals = report.totals["live"]
    return Chart(
        "live",
        "Live documents",
        sentence(f"{number(totals.now)} at the end of the week", moved(totals)),
        [day.day for day in report.days],
        [Series("Live documents", _values(report.days, "live"))],
        "at the end of each day, two weeks",
        number,
        tick=_short_number,
    )


def _freshness(report: Report) -> Chart:
    totals = report.totals["fresh"]
    shares = [
        day.figures.fresh / day.figures.live if day.figures and day.figures.live else None
        for day in report.days
    ]
    return Chart(
        "freshness",
        "Checked on time",
        sentence(f"{percent(totals.now)} at the end of the week", points(totals)),
        [day.day for day in report.days],
        [Series("Checked on time", shares)],
        "share of live documents not overdue, two weeks",
        percent,
        whole=False,
        most=1.0,
    )


def _failed(report: Report) -> Chart:
    totals = report.totals["errors"]
    by_class = {
        line.error_class: [
            sum(day.figures.errors.get(line.error_class, {}).values()) if day.figures else None
            for day in report.this_week
        ]
        for line in report.failures
        if line.requests.now
    }
    first = list(by_class)[:2]
    series = [Series(name.title(), by_class[name]) for name in first]
    rest = [by_class[name] for name in by_class if name not in first]
    if rest:
        series.append(Series("Other", [_plus(values) for values in zip(*rest, strict=True)]))
    return Chart(
        "failed",
        "Requests that failed",
        sentence(f"{number(totals.now)} in the week", moved(totals)),
        [day.day for day in report.this_week],
        series or [Series("Failed", [0 if day.figures else None for day in report.this_week])],
        "per day, by class",
        number,
        as_bars=True,
    )


def _plus(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _short_number(value: float) -> str:
    return f"{value / 1000:,.6g}k" if value >= 10_000 else number(value)
