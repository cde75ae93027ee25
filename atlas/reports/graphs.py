"""The charts of a report's page, each with its figures as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.reports import words
from atlas.reports.charts import Chart, Drawing, Series, bars, lines
from atlas.reports.model import Day, Report
from atlas.reports.tables import Cell, Row, Table
from atlas.reports.words import moved, number, percent, points, sentence


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as it is drawn, with all that stands around it."""

    chart: Chart
    drawing: Drawing
    sub: str
    legend: Sequence[str]
    table: Table


def day_by_day(report: Report) -> list[Figure]:
    """Four charts: movement, size, freshness, failures."""
    return [_movement(report), _live(report), _freshness(report), _failed(report)]


def _values(days: Sequence[Day], name: str) -> list[float | None]:
    return [getattr(day.figures, name) if day.figures else None for day in days]


def _movement(report: Report) -> Figure:
    chart = Chart(
        "movement",
        "Documents added, changed and gone",
        f"Added {number(report.totals['added'].now)}, changed "
        f"{number(report.totals['changed'].now)}, gone {number(report.totals['gone'].now)}.",
        [day.day for day in report.this_week],
        [
            Series(name.title(), _values(report.this_week, name))
            for name in ("added", "changed", "gone")
        ],
        number,
    )
    return _figure(chart, bars(chart), "per day", legend=True)


def _live(report: Report) -> Figure:
    totals = report.totals["live"]
    chart = Chart(
        "live",
        "Live documents",
        sentence(f"{number(totals.now)} at the end of the week", moved(totals)),
        [day.day for day in report.days],
        [Series("Live documents", _values(report.days, "live"))],
        number,
        tick=_short_number,
    )
    return _figure(chart, lines(chart), "at the end of each day, two weeks")


def _freshness(report: Report) -> Figure:
    totals = report.totals["fresh"]
    shares = [
        day.figures.fresh / day.figures.live if day.figures and day.figures.live else None
        for day in report.days
    ]
    chart = Chart(
        "freshness",
        "Checked on time",
        sentence(f"{percent(totals.now)} at the end of the week", points(totals)),
        [day.day for day in report.days],
        [Series("Checked on time", shares)],
        percent,
        whole=False,
        most=1.0,
    )
    return _figure(chart, lines(chart), "share of live documents not overdue, two weeks")


def _failed(report: Report) -> Figure:
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
    chart = Chart(
        "failed",
        "Requests that failed",
        sentence(f"{number(totals.now)} in the week", moved(totals)),
        [day.day for day in report.this_week],
        series or [Series("Failed", [0 if day.figures else None for day in report.this_week])],
        number,
    )
    return _figure(chart, bars(chart), "per day, by class", legend=True)


def _plus(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _short_number(value: float) -> str:
    return f"{value / 1000:,.6g}k" if value >= 10_000 else number(value)


def _figure(chart: Chart, drawing: Drawing, sub: str, *, legend: bool = False) -> Figure:
    return Figure(
        chart=chart,
        drawing=drawing,
        sub=sub,
        legend=[series.name for series in chart.series] if legend else [],
        table=Table(
            ["Day", *(series.name for series in chart.series)],
            [
                Row(words.long_day(day), [_cell(chart, series, place) for series in chart.series])
                for place, day in enumerate(chart.days)
            ],
        ),
    )


def _cell(chart: Chart, series: Series, place: int) -> Cell:
    value = series.values[place]
    return Cell("–" if value is None else chart.show(value))
