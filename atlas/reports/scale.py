"""Axes: round steps that hold the values, and where a value lies between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


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


def scale(
    values: Sequence[float],
    low_at: float,
    high_at: float,
    *,
    from_zero: bool = True,
    whole: bool = True,
    most: float = math.inf,
) -> Scale:
    """A scale of about four steps that holds all values; `whole` keeps to whole numbers, `most` is
    what no value can exceed."""
    low = 0.0 if from_zero else min(values, default=0.0)
    high = max(values, default=0.0)
    if high - low < 1e-6:
        low, high = (0.0, 1.0) if from_zero else (low - 1, high + 1)
    if not from_zero:  # a little movement is not to look like a fall from the cliff
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
