"""Charts as plain geometry: bars per day and lines over days, in pixels of a fixed frame.

`templates/charts.svg.jinja` draws them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import ClassVar

from atlas.reports.words import weekday

WIDTH, HEIGHT = 440.0, 212.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 430.0, 24.0, 184.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Show = Callable[[float], str]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """Values by day; None: no figure."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows; `id` is unique on the page."""

    id: str
    title: str
    says: str
    """What it shows, in a sentence for people who cannot see it."""
    days: Sequence[date]
    series: Sequence[Series]
    sub: str
    """What the figures are, below the title."""
    show: Show
    """A value in words."""
    tick: Show | None = None
    """The same for an axis, if it has to be shorter."""
    whole: bool = True
    most: float = math.inf
    as_bars: bool = False
    """Bars per day, with a legend; otherwise lines."""

    @property
    def drawing(self) -> Drawing:
        return _bars(self) if self.as_bars else _lines(self)


@dataclass(frozen=True, slots=True)
class Scale:
    """Ticks from low to high, and the pixels of both ends."""

    ticks: tuple[float, ...]
    low_at: float
    high_at: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.low_at + (value - low) / (high - low) * (self.high_at - self.low_at)


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A bar, or a background; `series` counts from 1."""

    x: float
    y: float
    width: float
    height: float
    series: int = 0


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything inside the frame, lowest layer first."""

    grid: Sequence[tuple[float, str]]
    """Ticks of the vertical axis: y, and the value there."""
    labels: Sequence[tuple[float, str]]
    """Ticks of the horizontal axis: x, and the day."""
    bars: Sequence[Rectangle] = ()
    lines: Sequence[tuple[int, Sequence[Point]]] = ()
    """The number of the series, from 1, and its days in a row that have figures."""
    ground: Rectangle | None = None
    """Marks this week on a chart of two weeks."""
    width: ClassVar[float] = WIDTH
    height: ClassVar[float] = HEIGHT
    left: ClassVar[float] = LEFT
    right: ClassVar[float] = RIGHT
    top: ClassVar[float] = TOP
    bottom: ClassVar[float] = BOTTOM


def _bars(chart: Chart) -> Drawing:
    """One group of bars per day, from zero."""
    vertical = scale(_known(chart), BOTTOM, TOP, whole=chart.whole, most=chart.most)
    group = (RIGHT - LEFT) / len(chart.days)
    width = min(14.0, group * 0.72 / len(chart.series))
    drawn = []
    for number, series in enumerate(chart.series):
        offset = (group - width * len(chart.series)) / 2 + width * number
        for place, value in enumerate(series.values):
            if value is not None:
                top = vertical.at(value)
                x = LEFT + group * place + offset + 0.5
                drawn.append(Rectangle(x, top, width - 1, BOTTOM - top, number + 1))
    across = [LEFT + group * (place + 0.5) for place in range(len(chart.days))]
    return Drawing(_grid(chart, vertical), _labels(chart, across), bars=drawn)


def _lines(chart: Chart) -> Drawing:
    """One line per series; a day without a figure interrupts it."""
    known = _known(chart)
    vertical = scale(known, BOTTOM, TOP, from_zero=False, whole=chart.whole, most=chart.most)
    pace = (RIGHT - 12 - LEFT - 8) / max(len(chart.days) - 1, 1)
    across = [LEFT + 8 + pace * place for place in range(len(chart.days))]
    drawn = [
        (number, points)
        for number, series in enumerate(chart.series, 1)
        for points in _runs(
            [
                None if value is None else (x, vertical.at(value))
                for x, value in zip(across, series.values, strict=True)
            ]
        )
    ]
    return Drawing(
        _grid(chart, vertical), _labels(chart, across), lines=drawn, ground=_this_week(across)
    )


def _runs(points: Sequence[Point | None]) -> list[list[Point]]:
    """The points between days without a figure."""
    grouped = groupby(points, key=lambda point: point is not None)
    return [[point for point in run if point is not None] for known, run in grouped if known]


def _this_week(across: Sequence[float]) -> Rectangle | None:
    if len(across) != 14:
        return None
    x = (across[6] + across[7]) / 2
    return Rectangle(x, TOP - 18, RIGHT - x, BOTTOM - TOP + 18)


def _grid(chart: Chart, vertical: Scale) -> list[tuple[float, str]]:
    show = chart.tick or chart.show
    return [(vertical.at(tick), show(tick)) for tick in vertical.ticks]


def _labels(chart: Chart, across: Sequence[float]) -> list[tuple[float, str]]:
    """Every day of a week, every second of two: the last one always."""
    every = 1 if len(chart.days) <= 7 else 2
    return [
        (x, weekday(day))
        for place, (day, x) in enumerate(zip(chart.days, across, strict=True))
        if (len(chart.days) - 1 - place) % every == 0
    ]


def _known(chart: Chart) -> list[float]:
    return [value for series in chart.series for value in series.values if value is not None]


def scale(
    values: Sequence[float],
    low_at: float,
    high_at: float,
    *,
    from_zero: bool = True,
    whole: bool = True,
    most: float = math.inf,
) -> Scale:
    """A scale of about four steps that holds all values; `whole` allows only whole numbers,
    `most` is what no value can exceed."""
    low = 0.0 if from_zero else min(values, default=0.0)
    high = max(values, default=0.0)
    if high - low < 1e-6:
        low, high = (0.0, 1.0) if from_zero else (low - 1, high + 1)
    if not from_zero:  # a small movement must not look like a steep fall
        low = max(0.0, min(low, high - abs(high) * 0.02))
    step = _round_step((min(high, most) - low) / 4)
    if whole:
        step = max(1.0, math.ceil(step))
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(min(high, most) / step - 1e-9), first + 1)
    ticks = tuple(round(number * step, 9) for number in range(first, last + 1))
    return Scale(ticks, low_at, high_at)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
