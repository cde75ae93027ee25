"""Elapsed times in histograms: days add up, and quantiles are read off."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.domain.daily_figures import SLOTS_PER_DOUBLING


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
