"""Charts as SVG: bars per day and lines over days, with axes, a title and a description.

Colours come from the page's style sheet by class (`s1`, `s2`, …), so that light and dark differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from atlas.reports.markup import Markup, join, tag
from atlas.reports.scale import Scale, scale
from atlas.reports.words import weekday

WIDTH, HEIGHT = 440.0, 212.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 430.0, 24.0, 184.0

Show = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    """Values by day; None: no figure."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart for one name on the page; `id` is unique there."""

    id: str
    title: str
    says: str
    """What it shows, in a sentence for who cannot see it."""
    days: Sequence[date]
    series: Sequence[Series]
    show: Show
    """A value in words."""
    tick: Show | None = None
    """The same at an axis, when that has to be shorter."""
    whole: bool = True
    most: float = float("inf")


def bars(chart: Chart) -> Markup:
    """One group of bars per day, from zero."""
    vertical = scale(_known(chart), _BOTTOM, _TOP, whole=chart.whole, most=chart.most)
    group = (_RIGHT - _LEFT) / len(chart.days)
    width = min(14.0, group * 0.72 / len(chart.series))
    drawn: list[Markup] = []
    for number, series in enumerate(chart.series):
        offset = (group - width * len(chart.series)) / 2 + width * number
        for place, value in enumerate(series.values):
            if value is None:
                continue
            top = vertical.at(value)
            drawn.append(
                tag(
                    "rect",
                    x=_LEFT + group * place + offset + 0.5,
                    y=top,
                    width=width - 1,
                    height=_BOTTOM - top,
                    class_=f"bar s{number + 1}",
                )
            )
    labels = [_LEFT + group * (place + 0.5) for place in range(len(chart.days))]
    return _framed(chart, vertical, join(drawn), labels)


def lines(chart: Chart, *, from_zero: bool = False) -> Markup:
    """One line per series; a day without a figure interrupts it."""
    vertical = scale(
        _known(chart), _BOTTOM, _TOP, from_zero=from_zero, whole=chart.whole, most=chart.most
    )
    pace = (_RIGHT - 12 - _LEFT - 8) / max(len(chart.days) - 1, 1)
    across = [_LEFT + 8 + pace * place for place in range(len(chart.days))]
    drawn: list[Markup] = []
    for number, series in enumerate(chart.series):
        points = [
            None if value is None else (x, vertical.at(value))
            for x, value in zip(across, series.values, strict=True)
        ]
        drawn += _line(points, f"s{number + 1}")
    return _framed(chart, vertical, join(drawn), across, _this_week(across))


def _line(points: Sequence[tuple[float, float] | None], colour: str) -> list[Markup]:
    drawn = []
    for known, run in groupby(points, key=lambda point: point is not None):
        if not known:
            continue
        there = [point for point in run if point is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in there)
        drawn.append(tag("polyline", points=path, class_=f"line {colour}"))
        drawn += [tag("circle", cx=x, cy=y, r=2.5, class_=f"dot {colour}") for x, y in there]
    return drawn


def _this_week(across: Sequence[float]) -> Markup:
    """A ground that sets this week apart, on a chart of two."""
    if len(across) != 14:
        return Markup()
    x = (across[6] + across[7]) / 2
    return join(
        [
            tag(
                "rect", x=x, y=_TOP - 18, width=_RIGHT - x, height=_BOTTOM - _TOP + 18, class_="now"
            ),
            tag("text", "this week", x=x + 5, y=_TOP - 6, class_="tick"),
        ]
    )


def _framed(
    chart: Chart,
    vertical: Scale,
    drawn: Markup,
    across: Sequence[float],
    ground: Markup | None = None,
) -> Markup:
    every = 1 if len(chart.days) <= 7 else 2
    title, says = f"{chart.id}-title", f"{chart.id}-says"
    parts = [
        tag("title", chart.title, id=title),
        tag("desc", chart.says, id=says),
        *([ground] if ground else []),
        *(_gridline(tick, vertical, chart.tick or chart.show) for tick in vertical.ticks),
        drawn,
        *(
            tag("text", weekday(day), x=x, y=_BOTTOM + 17, class_="tick middle")
            for place, (day, x) in enumerate(zip(chart.days, across, strict=True))
            if (len(chart.days) - 1 - place) % every == 0
        ),
    ]
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
        aria_labelledby=f"{title} {says}",
        xmlns="http://www.w3.org/2000/svg",
    )


def _gridline(tick: float, vertical: Scale, show: Show) -> Markup:
    y = vertical.at(tick)
    base = " base" if tick == vertical.ticks[0] else ""
    return join(
        [
            tag("line", x1=_LEFT, y1=y, x2=_RIGHT, y2=y, class_=f"grid{base}"),
            tag("text", show(tick), x=_LEFT - 7, y=y + 4, class_="tick end"),
        ]
    )


def meter(share: float, colour: str) -> Markup:
    """A small bar in a table cell; `share` of its width, 0 to 1. The cell has the number, too."""
    width = max(1.0, 100 * min(share, 1.0))
    return tag(
        "svg",
        tag("rect", x=0, y=1, width=100, height=6, rx=2, class_="track"),
        *([tag("rect", x=0, y=1, width=width, height=6, rx=2, class_=colour)] if share else []),
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        class_="meter",
        aria_hidden="true",
    )


def _known(chart: Chart) -> list[float]:
    return [value for series in chart.series for value in series.values if value is not None]
