"""What a page says twice: a variant for phones, a quotation of the post above, the same review
in two lists. Its text says it once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from lxml.html import HtmlElement

from atlas.text.blocks.blocks import Block
from atlas.text.main_text.block_places import Numbers

_STRETCH = 40  # word characters of blocks in a row from which they are no coincidence
_KEPT_TAGS = ("pre", "td", "th", "dt", "dd")  # code, cells and definitions mean what they stand in
_MOST, _FAR, _LONGEST = 9, 999, 99


def repeat_columns(blocks: Sequence[Block]) -> Numbers:
    """For each block: how often its text stands before and behind it, how many blocks ago it stood
    last (0: never), and how many blocks in a row up to it stand for at least a second time."""
    left = Counter(block.key for block in blocks)
    last: dict[str, int] = {}
    before: Counter[str] = Counter()
    rows, run = [], 0
    for at, block in enumerate(blocks):
        key = block.key
        left[key] -= 1
        run = run + 1 if key in last else 0
        ago = at - last.get(key, at)
        rows.append(
            (min(before[key], _MOST), min(left[key], _MOST), min(ago, _FAR), min(run, _LONGEST))
        )
        before[key] += 1
        last[key] = at
    return np.array(rows, dtype=np.int32).reshape(-1, 4)


def without_repeats(blocks: Sequence[Block]) -> list[Block]:
    """The blocks without the stretches that say what blocks before them in other elements say. The
    same line twice in one element is a refrain."""
    parents: defaultdict[str, set[HtmlElement | None]] = defaultdict(set)
    rows = []
    for block in blocks:
        parent = block.element.getparent()
        seen = parents[block.key]
        again = bool(seen) and parent not in seen and block.element.tag not in _KEPT_TAGS
        rows.append((again, block))
        seen.add(parent)
    kept: list[Block] = []
    for again, stretch in groupby(rows, key=lambda row: row[0]):
        found = [block for _, block in stretch]
        if not again or sum(block.letters for block in found) < _STRETCH:
            kept += found
    return kept
