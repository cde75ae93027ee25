"""Which blocks of a page are the text that a person chose of it."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from atlas.text.blocks.blocks import Block

Shares = NDArray[np.float64]

_RUN = 4  # words in a row that are no coincidence
_MOST = 0.5  # share of a block's words from which it is one that is wanted
_NEAR = 4  # blocks to both sides that tell of two same lines which one is meant


def labels(blocks: Sequence[Block], wanted: str) -> Shares:
    """The share of each block's words that stand in the wanted text, in runs of four; a shorter
    block counts where it is a line of that text. Of blocks that say the same as many count as that
    text has, those that are nearest to what is wanted."""
    said = [_words(block.text) for block in blocks]
    sizes = np.array([len(each) for each in said])
    text = _words(wanted)
    found = _in_runs(said, text)
    shares = np.array([float(np.mean(each)) if len(each) else 0.0 for each in found])
    _count_copies(said, shares, f" {' '.join(text)} ")
    lines = Counter(" ".join(_words(line)) for line in wanted.split("\n"))
    same: defaultdict[str, list[int]] = defaultdict(list)
    for at, words in enumerate(said):
        line = " ".join(words)
        if not 0 < len(words) < _RUN:
            continue
        if shares[at] == 1:
            lines[line] -= 1
        else:
            shares[at] = 0
            same[line].append(at)
    near = _nearness(shares, sizes)
    for line, places in same.items():
        for at in sorted(places, key=lambda each: -near[each])[: max(lines[line], 0)]:
            shares[at] = float(near[at] > 0)
    return shares


def _count_copies(said: Sequence[Sequence[str]], shares: Shares, text: str) -> None:
    """Of long blocks that say the same, leave as many in `shares` as the text has."""
    same: defaultdict[str, list[int]] = defaultdict(list)
    for at, words in enumerate(said):
        if len(words) >= _RUN and shares[at] > _MOST:
            same[" ".join(words)].append(at)
    near = _nearness(shares, np.array([len(each) for each in said]))
    for line, places in same.items():
        wanted = max(text.count(f" {line} "), 1)
        for at in sorted(places, key=lambda each: -near[each])[wanted:]:
            shares[at] = 0


def line_labels(blocks: Sequence[Block], wanted: str) -> Shares:
    """1 for each block that is a line of the wanted text, where that is known line by line."""
    lines = {" ".join(_words(line)) for line in wanted.split("\n")}
    return np.array([float(" ".join(_words(block.text)) in lines) for block in blocks])


def _in_runs(said: Sequence[Sequence[str]], wanted: Sequence[str]) -> list[NDArray[np.bool_]]:
    """For each word of each block whether it stands in a run of four of the wanted text. Runs go
    on from block to block: a short one between two that are wanted is wanted too."""
    runs = {tuple(wanted[at : at + _RUN]) for at in range(len(wanted) - _RUN + 1)}
    words = [word for each in said for word in each]
    hit = np.zeros(len(words), dtype=np.bool_)
    for at in range(len(words) - _RUN + 1):
        if tuple(words[at : at + _RUN]) in runs:
            hit[at : at + _RUN] = True
    return np.split(hit, np.cumsum([len(each) for each in said])[:-1])


def _nearness(shares: Shares, sizes: NDArray[np.int64]) -> Shares:
    """The share of the words around each block that is wanted."""
    sure = shares * sizes
    wanted = [_near(sure, at) / (_near(sizes, at) + 1) for at in range(len(sizes))]
    return np.array(wanted).round(6)


def _near(values: Shares | NDArray[np.int64], at: int) -> float:
    return float(values[max(0, at - _NEAR) : at + _NEAR + 1].sum())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
