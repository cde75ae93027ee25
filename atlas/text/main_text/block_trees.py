"""How likely each block of a page is its text: a forest of small decision trees.

A tree asks a few questions ("feature above threshold?") of every block, the same of all, and adds
what is kept for the answers. All numbers are whole, so every machine gives the same answer. The
forest is learnt by `python -m benchmarks.block_training` from pages whose text is known.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from atlas.text.main_text.block_places import Numbers

UNIT = 1000
"""Leaves are kept in thousandths of a logit, likelihoods in thousandths of 1."""
_STEP = 10  # of a leaf's unit, in the table of likelihoods
_SURE = 8_000  # from here on a likelihood is 0 or 1
_ROWS = 1_000  # that are asked at once: the leaves of all of them stand in memory, 5 KB each
_WEIGHTS = Path(__file__).with_name("block_trees.json")

_LIKELY = np.array(
    [
        math.floor(UNIT / (1 + math.exp(-score / UNIT)) + 0.5)
        for score in range(-_SURE, _SURE + 1, _STEP)
    ],
    dtype=np.int64,
)


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees of one depth: for each, the columns and thresholds asked in order, and its leaves."""

    base: int
    columns: NDArray[np.int64]
    thresholds: NDArray[np.int32]
    leaves: NDArray[np.int64]

    def likely(self, rows: Numbers) -> NDArray[np.int64]:
        """Thousandths, one a row."""
        parts = [self._likely(rows[at : at + _ROWS]) for at in range(0, max(len(rows), 1), _ROWS)]
        return np.concatenate(parts)

    def _likely(self, rows: Numbers) -> NDArray[np.int64]:
        trees, depth = self.columns.shape
        columns = np.ascontiguousarray(rows.T)
        leaf = np.zeros((trees, len(rows)), dtype=np.int64)
        for level in range(depth):
            leaf <<= 1
            leaf |= columns[self.columns[:, level]] > self.thresholds[:, level, None]
        leaf += (np.arange(trees) << depth)[:, None]
        score = self.base + self.leaves.ravel()[leaf].sum(axis=0)
        likely: NDArray[np.int64] = _LIKELY[(np.clip(score, -_SURE, _SURE) + _SURE) // _STEP]
        return likely

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Forest:
        """From its JSON."""
        return cls(
            stored["base"],
            np.array(stored["columns"], dtype=np.int64),
            np.array(stored["thresholds"], dtype=np.int32),
            np.array(stored["leaves"], dtype=np.int64),
        )

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "base": self.base,
            "columns": self.columns.tolist(),
            "thresholds": self.thresholds.tolist(),
            "leaves": self.leaves.tolist(),
        }


@cache
def kept_forest() -> Forest:
    """That of the tree."""
    return Forest.of(json.loads(_WEIGHTS.read_text()))


def shared_likelihoods(
    likely: NDArray[np.int64], sizes: NDArray[np.int64], kin: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Likelihoods that come half from the block and half from all blocks in elements of its kin, by
    their word characters: one posting, row or teaser of many is seldom text alone."""
    _, group = np.unique(kin, return_inverse=True)
    weights = sizes + 1
    total = np.bincount(group, weights * likely).astype(np.int64)
    mean = total // np.bincount(group, weights).astype(np.int64)
    return (likely + mean[group]) // 2


class BlockChoice(NamedTuple):
    """Which blocks are kept, and the F1 that is to be expected of their characters, 0 to 1."""

    kept: NDArray[np.bool_]
    expected: float


def best_choice(likely: NDArray[np.int64], sizes: NDArray[np.int64]) -> BlockChoice:
    """The blocks that are best taken together: the likeliest, down to where the expected F1 is
    highest. Unsure pages are read generously, sure ones strictly."""
    order = np.argsort(-likely, kind="stable")
    right = np.cumsum((likely * sizes)[order])
    taken = UNIT * np.cumsum(sizes[order])
    expected = 2 * right / np.maximum(taken + right[-1], 1)
    best = int(expected.argmax())
    kept = np.zeros(len(likely), dtype=np.bool_)
    kept[order[: best + 1]] = True
    return BlockChoice(kept, float(expected[best]))
