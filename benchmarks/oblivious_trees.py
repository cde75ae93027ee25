"""Gradient boosting of trees that ask the same question on a whole level (as CatBoost's), in numpy.

Few lines instead of a library of a hundred megabytes, for a forest of kilobytes that numpy asks in
a few operations. Deterministic: seeded, one thread, and whole numbers in what is kept.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas.text.main_text.block_trees import UNIT, Forest

BINS = 32

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Growth:
    """How a forest is grown; `rows` and `columns` are the shares that each tree sees."""

    trees: int = 300
    depth: int = 6
    rate: float = 0.06
    rows: float = 0.3
    columns: float = 0.3
    smoothing: float = 5.0
    seed: int = 2  # with 1 short made articles keep their bylines; elsewhere both score alike


@dataclass(frozen=True, slots=True)
class Binned:
    """Rows whose columns are cut into at most `BINS` parts, column by column."""

    thresholds: list[NDArray[np.int32]]
    bins: NDArray[np.uint8]

    @classmethod
    def of(cls, rows: NDArray[np.int32]) -> "Binned":
        """Cut each column at its quantiles."""
        thresholds = [_cuts(column) for column in rows.T]
        bins = np.empty(rows.T.shape, dtype=np.uint8)
        for at, cuts in enumerate(thresholds):
            bins[at] = np.searchsorted(cuts, rows[:, at], side="left")
        return cls(thresholds, bins)

    def some(self, chosen: NDArray[np.bool_]) -> "Binned":
        """The chosen rows alone."""
        return Binned(self.thresholds, np.ascontiguousarray(self.bins[:, chosen]))


def _cuts(column: NDArray[np.int32]) -> NDArray[np.int32]:
    values = np.unique(column)
    if len(values) <= BINS:
        return values[:-1]
    shares = np.linspace(0, 1, BINS + 1)[1:-1]
    cuts = np.unique(np.quantile(column, shares, method="lower"))
    return cuts[cuts < values[-1]].astype(np.int32)


def grow(data: Binned, wanted: Floats, weights: Floats, growth: Growth) -> Forest:
    """A forest for shares between 0 and 1, by weighted logistic loss."""
    chance = np.random.default_rng(growth.seed)
    usable = [at for at, cuts in enumerate(data.thresholds) if len(cuts)]
    mean = float(np.average(wanted, weights=weights))
    base = round(UNIT * np.log(mean / (1 - mean)))
    score = np.full(len(wanted), base / UNIT)
    columns, thresholds, leaves = [], [], []
    for _ in range(growth.trees):
        likely = 1 / (1 + np.exp(-score))
        some = np.flatnonzero(chance.random(len(wanted)) < growth.rows)
        slope = (weights * (wanted - likely))[some]
        curve = (weights * likely * (1 - likely))[some] + 1e-9
        asked = chance.choice(usable, max(1, int(len(usable) * growth.columns)), replace=False)
        seen = {int(at): data.bins[at, some].astype(np.int64) for at in asked}
        questions, leaf = _questions(seen, data, slope, curve, growth)
        total = np.bincount(leaf, slope, 1 << growth.depth)
        bend = np.bincount(leaf, curve, 1 << growth.depth)
        values = np.round(UNIT * growth.rate * total / (bend + growth.smoothing))
        everyone = np.zeros(len(wanted), dtype=np.int64)
        for at, cut in questions:
            everyone = 2 * everyone + (data.bins[at] > cut)
        score += values[everyone] / UNIT
        columns.append([at for at, _ in questions])
        thresholds.append([int(data.thresholds[at][cut]) for at, cut in questions])
        leaves.append([int(value) for value in values])
    stored = {"base": base, "columns": columns, "thresholds": thresholds, "leaves": leaves}
    return Forest.of(stored)


def _questions(
    seen: dict[int, NDArray[np.int64]],
    data: Binned,
    slope: Floats,
    curve: Floats,
    growth: Growth,
) -> tuple[list[tuple[int, int]], NDArray[np.int64]]:
    """The best question for each level, and the leaf that each row comes to."""
    leaf = np.zeros(len(slope), dtype=np.int64)
    questions: list[tuple[int, int]] = []
    for level in range(growth.depth):
        best = (-1.0, -1, -1)
        for at, bins in seen.items():
            gains = _gains(leaf * BINS + bins, slope, curve, 1 << level, growth.smoothing)
            gains = gains[: len(data.thresholds[at])]
            cut = int(gains.argmax())
            best = max(best, (float(gains[cut]), -at, -cut))
        at, cut = -best[1], -best[2]
        questions.append((at, cut))
        leaf = 2 * leaf + (seen[at] > cut)
    return questions, leaf


def _gains(
    cells: NDArray[np.int64], slope: Floats, curve: Floats, leaves: int, smoothing: float
) -> Floats:
    """What is won by cutting all leaves behind each bin."""
    total = np.bincount(cells, slope, leaves * BINS).reshape(leaves, BINS).cumsum(axis=1)
    bend = np.bincount(cells, curve, leaves * BINS).reshape(leaves, BINS).cumsum(axis=1)
    rest, unbent = total[:, -1:] - total, bend[:, -1:] - bend
    gains: Floats = total**2 / (bend + smoothing) + rest**2 / (unbent + smoothing)
    return gains.sum(axis=0)
