"""Where a section that is too long is cut, so that an edit moves the cuts next to it and no others.

Filling chunks from the first to the last would move every cut behind an edit. Here the places
compete instead: each has a rank, taken from the words that follow it, and in the order of ranks a
place becomes a cut unless what it would divide is small enough already, or a cut is near. So which
places are cuts depends on their neighbourhood alone (decision 0025 has the figures).
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

RANKED = 40  # characters by which a place is ranked: most edits leave them as they are


class CutPlace(NamedTuple):
    """A place between two pieces."""

    rank: tuple[int, int]
    joined: bool
    """Whether what is before it introduces what follows."""


def rank_of(words: str, number: int) -> tuple[int, int]:
    """The rank of a place, by the words that follow it; of equal words, by their number."""
    digest = blake2b(words[:RANKED].encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big"), int(f"{number & 0xFFFFF:020b}"[::-1], 2)


def chosen_cuts(
    places: Sequence[CutPlace], size: Callable[[int, int], int], most: int
) -> list[int]:
    """The numbers of the pieces that begin a chunk, without the first.

    `places[n]` is the place before piece n; `size(a, b)` that of the pieces from a to b. No two
    cuts are nearer than a quarter of `most` where that can be had; no chunk of more than one piece
    is larger than `most`.
    """
    least = most // 4
    cuts = [0, len(places)]
    free = (number for number in range(1, len(places)) if not places[number].joined)
    for number in sorted(free, key=lambda number: places[number].rank):
        at = bisect_right(cuts, number)
        low, high = cuts[at - 1], cuts[at]
        if size(low, high) <= most:
            continue
        if size(low, number) >= least and size(number, high) >= least:
            insort(cuts, number)
    return _forced(places, size, most, cuts)[1:-1]


def _forced(
    places: Sequence[CutPlace], size: Callable[[int, int], int], most: int, cuts: list[int]
) -> list[int]:
    """Cut what is too long still, since its places are all near a cut: next to its middle."""
    pending = list(itertools.pairwise(cuts))
    while pending:
        low, high = pending.pop()
        if high - low < 2 or size(low, high) <= most:
            continue
        inside = range(low + 1, high)
        free = [number for number in inside if not places[number].joined] or list(inside)
        cut = min(free, key=lambda number: abs(size(low, number) - size(number, high)))
        insort(cuts, cut)
        pending += [(low, cut), (cut, high)]
    return cuts
