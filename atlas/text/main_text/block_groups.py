"""What blocks have in common with others of their page: the heading that they stand under, and the
cards of a list. Both hold in every language, and where classes say nothing.

A card is an element that stands on the page several times, by the tags and first classes of it and
of all around it: a posting of a thread, a product of a shelf, a teaser.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas.text.main_text.block_places import FAR, TAGS, BlockPlaces, Numbers

_CARDS = 3  # elements that look alike, from which they are cards
_HEADINGS = {TAGS["h1"]: 1, TAGS["h2"]: 2, TAGS["h3"]: 3}  # rank of the tags' groups
_COUNTED = 9_999
_SIZED = 1_000_000

Counts = NDArray[np.int64]


def section_columns(tags: Numbers, parts: Counts, said: Numbers) -> Numbers:
    """For each block: what its last heading is and says, how far up that stands, and what the
    section between it and the next one holds.

    `tags` are those of the blocks, `parts` their characters, those that are linked and those of
    good text, `said` what is known of the words of each.
    """
    count = len(tags)
    places = np.arange(count)
    ranks = np.zeros(count, dtype=np.int64)
    for tag, rank in _HEADINGS.items():
        ranks[tags == tag] = rank
    last = np.maximum.accumulate(np.where(ranks > 0, places, -1))
    headed = last >= 0
    sections = np.cumsum(ranks > 0)
    many = np.bincount(sections)
    sums = [np.bincount(sections, column).astype(np.int64) for column in parts.T]
    size = np.maximum(sums[0], 1)
    columns = [
        np.where(headed, ranks[last], 0),
        np.where(headed, np.minimum(places - last, 200), 200),
        np.where(headed, parts[last, 0], 0),
        sections,
        sections[-1] - sections,
        np.minimum(many, _COUNTED)[sections],
        np.minimum(sums[0], _SIZED)[sections],
        (100 * sums[1] // size)[sections],
        (100 * sums[2] // size)[sections],
        (1000 * sums[2] // max(int(sums[2].sum()), 1))[sections],
    ]
    words = np.where(headed[:, None], said[last], 0)
    return np.concatenate([np.stack(columns, axis=1), words], axis=1).astype(np.int32)


def card_columns(places: BlockPlaces, sums: Counts) -> Numbers:
    """For each block the smallest and the largest card around it: how far up, how many there are,
    and what they hold on average. `sums` are what each element holds: characters, linked ones,
    those of good text and of long paragraphs, blocks, headings."""
    alike = np.bincount(places.kin)
    groups = np.stack(
        [np.bincount(places.kin, column, len(alike)) for column in sums.T], axis=1
    ).astype(np.int64)
    repeated = alike[places.kin] >= _CARDS
    repeated[0] = False
    inner = np.zeros(len(repeated), dtype=np.int64)
    outer = np.zeros(len(repeated), dtype=np.int64)
    for level in places.levels[1:]:
        above = places.parents[level]
        inner[level] = np.where(repeated[level], level, inner[above])
        outer[level] = np.where((outer[above] == 0) & repeated[level], level, outer[above])
    held = [_held(places, sums, groups, alike, cards[places.at]) for cards in (inner, outer)]
    return np.concatenate(held, axis=1).astype(np.int32)


def _held(places: BlockPlaces, sums: Counts, groups: Counts, alike: Counts, card: Counts) -> Counts:
    kin = places.kin[card]
    many, held, own = alike[kin], groups[kin], sums[card]
    size = np.maximum(held[:, 0], 1)
    columns = [
        np.minimum(places.depths[places.at] - places.depths[card], FAR),
        np.minimum(many, _COUNTED),
        np.minimum(held[:, 0] // many, _SIZED),
        100 * held[:, 1] // size,
        100 * held[:, 2] // size,
        1000 * held[:, 2] // max(int(sums[0, 2]), 1),
        10 * held[:, 4] // many,
        10 * held[:, 5] // many,
        np.minimum(10 * own[:, 0] * many // size, _COUNTED),
    ]
    return np.stack([np.where(card > 0, column, -1) for column in columns], axis=1)
