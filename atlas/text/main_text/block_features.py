"""What the choice of main text knows of each block of a page, as whole numbers.

Six kinds of evidence: the block's own text and markup; how near around it an element stands that
says what it is for (`block_places.py`); its heading and its card (`block_groups.py`); what the
elements around it and the blocks beside it hold; where the page says the same (`repeats.py`); what
the page is. Whole numbers only, so that
every machine decides alike.

Everything is counted per element and per block first, then spread over the tree level by level:
time grows with the size of the page, whatever its shape.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from lxml.html import HtmlElement
from numpy.typing import NDArray

from atlas.text.blocks.blocks import Block, InlineMark, word_key
from atlas.text.main_text.block_groups import card_columns, section_columns
from atlas.text.main_text.block_places import FAR, TAGS, BlockPlaces, Numbers
from atlas.text.main_text.repeats import repeat_columns
from atlas.text.metadata.head import Head

_GOOD_LENGTH = 20  # letters of a block that counts as good text
_GOOD_LINKS = 30  # per cent of link text up to which it does
_LONG_LENGTH = 80  # letters of a paragraph
_NEAR = 3  # blocks before and behind that are looked at one by one
_WINDOWS = (3, 10)  # blocks before and behind that are summed
_SHORT = 80  # characters of a block in which set phrases are looked for
_MENU = 4  # links in one block from which it may be a menu
_COUNTED = 9_999
_STATED = 20_000  # characters of JSON-LD in which blocks are looked for
_LETTERS_A_WORD = 5  # where no spaces are between words

_KINDS = ("product", "article", "forumposting", "qapage", "itemlist", "collectionpage", "faqpage")

_NAME = re.compile(r"[a-z]+")
_SENTENCE_END = frozenset(".!?。！？…:：")
_MONEY = re.compile(r"[$€£¥₹₽]\s?\d|\d\s?(?:€|kr|zł|руб|USD|EUR)")
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
# What the words of a short block say of it, in English: other pages go by the rest.
_SAYINGS = {
    word: bit
    for bit, words in enumerate(
        (
            "cookie cookies privacy terms policy copyright reserved imprint impressum",
            "subscribe newsletter sign signup signin log login logout register join account email"
            " mail",
            "share tweet facebook twitter linkedin pinterest print copy link follow",
            "add cart buy checkout shop stock sold wishlist quick compare sale",
            "read learn more view all see show load next previous back skip",
            "reply replies quote like likes report post posts views posted joined member comment"
            " comments votes vote answers answer asked edited",
            "related recommended popular similar also latest trending recent",
            "filter filters sort results result items products price clear apply search category"
            " categories",
            "ago january february march april may june july august september october november"
            " december",
        )
    )
    for word in words.split()
}


class BlockTable(NamedTuple):
    """The blocks of one page, one row each."""

    rows: Numbers
    sizes: NDArray[np.int64]
    """Word characters of each."""
    menus: NDArray[np.bool_]
    """Whether each is a row of links, one after another: words of its own that lead to them make a
    grammar rule, or the members of a set."""
    kin: NDArray[np.int64]
    """Which look alike: a number for the tags and first classes of the element around each and of
    all around that."""
    paragraphs: int
    """Per cent of the characters that stand in long paragraphs."""


def block_table(root: HtmlElement, blocks: Sequence[Block], head: Head, title: str) -> BlockTable:
    """What is known of each block, in the order given."""
    places = BlockPlaces(root, blocks)
    own = _own(blocks, title, head)
    sums = places.sums(_parts(own))
    parts = [own, places.distances(), *_around(places, own, sums), *_beside(own)]
    parts += [_likeness(places, own), card_columns(places, sums)]
    parts.append(section_columns(own[:, _TAG], _parts(own), own[:, _SAYS : _SAYS + _SAID + 3]))
    parts.append(repeat_columns(blocks))
    page = np.array(_page(own, head), dtype=np.int32)
    parts.append(np.broadcast_to(page, (len(blocks), len(page))))
    rows: Numbers = np.concatenate(parts, axis=1, dtype=np.int32)
    menus = (own[:, _LINKS] >= _MENU) & (own[:, _WORDS_FIRST] == 0) & (own[:, _LINKED] > 50)
    sizes = own[:, _SIZE].astype(np.int64)
    paragraphs = int(100 * own[:, _LONG].sum() // max(int(sizes.sum()), 1))
    return BlockTable(rows, sizes, menus, places.kin[places.at], paragraphs)


# Columns of `_own`.
_SIZE, _LINKED, _TAG, _GOOD, _LONG, _H1, _LINKS, _WORDS_FIRST, _SAYS = 0, 1, 2, 3, 4, 5, 7, 8, 21


def _own(blocks: Sequence[Block], title: str, head: Head) -> Numbers:
    seen = Counter(block.key for block in blocks)
    named = word_key(title).casefold()
    told = word_key(head.metas.get("description", "")).casefold()
    told += word_key(head.metas.get("og:description", "")).casefold()
    stated = _stated(head)
    return np.array([_own_row(each, seen, named, told, stated) for each in blocks], dtype=np.int32)


def _stated(head: Head) -> str:
    """What the objects of the page's JSON-LD say, in word characters."""
    found, left = [], _STATED
    for node in head.nodes[:200]:
        for name, value in node.items():
            if isinstance(value, str) and len(value) > 8 and name[:1] != "@" and left > 0:
                found.append(word_key(value[:left]).casefold())
                left -= len(value)
    return " ".join(found)


_SAID = 1 + max(_SAYINGS.values())


def _own_row(block: Block, seen: Counter[str], named: str, told: str, stated: str) -> list[int]:
    text, key, tag = block.text, block.key, block.element.tag
    size = block.letters
    folded = " ".join(text.split())
    links = 0
    if block.linked:
        links = sum(1 for each in block.pieces if isinstance(each, InlineMark) and each.href)
    digits = len(_DIGIT.findall(folded[:100]))
    linked = min(100, 100 * block.linked // max(len(text), 1))
    good = size >= _GOOD_LENGTH and linked < _GOOD_LINKS
    short = folded if len(folded) <= _SHORT else ""
    low = key.casefold() if len(key) <= 300 else ""
    first = block.pieces[0] if block.pieces else ""
    return [
        size,
        linked,
        TAGS.get(tag, 0),
        size if good else 0,
        size if good and size >= _LONG_LENGTH else 0,
        tag == "h1",
        folded.count(" ") + 1 + (size - len(key)) // _LETTERS_A_WORD,
        links,
        not links or (isinstance(first, str) and word_key(first) != ""),
        block.joined,
        block.hidden,
        block.scriptless,
        folded[-1:] in _SENTENCE_END,
        folded.count(". ") + folded.count("。") + folded.count("? ") + folded.count("! "),
        folded.count(",") + folded.count("、") + folded.count("，"),
        digits,
        folded[:1].isupper(),
        folded.isupper(),
        "©" in folded or "|" in folded,
        digits > 0 and _MONEY.search(short) is not None,
        digits > 0 and _YEAR.search(short) is not None,
        *_sayings(short),
        min(seen[key], _COUNTED),
        2 * (low == named) + (size > 3 and low in named) if low else 0,
        size > 8 and low in told if low else 0,
        size > 8 and low in stated if low and stated else 0,
        100 * digits // max(len(folded[:100]), 1),
    ]


def _sayings(short: str) -> list[int]:
    found = [0] * _SAID
    for word in _NAME.findall(short.lower()):
        if word in _SAYINGS:
            found[_SAYINGS[word]] += 1
    return found


def _parts(own: Numbers) -> NDArray[np.int64]:
    """What is summed of blocks: characters, linked ones, good and long text, blocks, headings."""
    wide = own.astype(np.int64)
    linked = wide[:, _SIZE] * wide[:, _LINKED] // 100
    heading = np.isin(wide[:, _TAG], [TAGS[tag] for tag in ("h1", "h2", "h3")])
    columns = [wide[:, _SIZE], linked, wide[:, _GOOD], wide[:, _LONG], np.ones(len(own)), heading]
    return np.stack(columns, axis=1).astype(np.int64)


def _around(places: BlockPlaces, own: Numbers, sums: NDArray[np.int64]) -> Iterable[Numbers]:
    """What the elements around each block hold, and where it stands in the one that holds most of
    the page's good text."""
    whole = sums[0]
    for element in places.around():
        yield _shares(sums[element], whole)
    yield _containers(places, sums, own)


def _shares(held: NDArray[np.int64], whole: NDArray[np.int64]) -> Numbers:
    size = np.maximum(held[:, 0], 1)
    columns = [
        np.minimum(held[:, 0], 1_000_000),
        100 * held[:, 1] // size,
        100 * held[:, 2] // size,
        100 * held[:, 3] // size,
        1000 * held[:, 2] // max(whole[2], 1),
        np.minimum(held[:, 4], _COUNTED),
        np.minimum(held[:, 5], _COUNTED),
        held[:, 0] // np.maximum(held[:, 4], 1),
    ]
    return np.stack(columns, axis=1).astype(np.int32)


def _containers(places: BlockPlaces, sums: NDArray[np.int64], own: Numbers) -> Numbers:
    """Levels from each block up to the elements that hold most of the good text."""
    columns = []
    for column, share in ((2, 90), (2, 60), (3, 80), (3, 50)):
        holds = 100 * sums[:, column] >= share * max(sums[0, column], 1)
        holds[0] = True
        up = np.zeros(len(holds), dtype=np.int64)
        narrow = np.zeros(len(holds), dtype=np.int64)
        for level in places.levels[1:]:
            parents = places.parents[level]
            up[level] = np.where(holds[level], 0, up[parents] + 1)
            narrow[level] = np.where(holds[level], level, narrow[parents])
        inner = max(np.flatnonzero(holds), key=lambda each: places.depths[each])
        columns += [
            np.minimum(up[places.at], FAR),
            narrow[places.at] == inner,
            np.broadcast_to(places.depths[inner], len(own)),
        ]
    return np.stack(columns, axis=1).astype(np.int32)


def _beside(own: Numbers) -> Iterable[Numbers]:
    count = len(own)
    kept = own[:, [_SIZE, _LINKED, _TAG]]
    padded = np.full((count + 2 * _NEAR, 3), -1, dtype=np.int32)
    padded[_NEAR : _NEAR + count] = kept
    for shift in range(-_NEAR, _NEAR + 1):
        if shift:
            yield padded[_NEAR + shift : _NEAR + shift + count]
    yield _positions(own)


def _positions(own: Numbers) -> Numbers:
    count = len(own)
    places = np.arange(count)
    size, good = own[:, _SIZE].astype(np.int64), own[:, _GOOD].astype(np.int64)
    columns = [np.minimum(places, _COUNTED), np.minimum(count - places, _COUNTED)]
    columns.append(1000 * places // count)
    for values in (size, good, own[:, _LONG].astype(np.int64)):
        before = np.cumsum(values) - values
        columns.append(1000 * before // max(int(values.sum()), 1))
    linked = size * own[:, _LINKED] // 100
    for reach in _WINDOWS:
        for values in (size, good, linked):
            total = np.concatenate([[0], np.cumsum(values)])
            low, high = np.maximum(places - reach, 0), np.minimum(places + reach + 1, count)
            columns.append(np.minimum(total[high] - total[low], 1_000_000))
    columns += _to_next(own[:, _LONG] > 0) + _to_next(own[:, _H1] > 0)
    return np.stack(columns, axis=1).astype(np.int32)


def _to_next(marked: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Blocks since the last that is marked, and until the next one."""
    count = len(marked)
    places = np.arange(count)
    last = np.maximum.accumulate(np.where(marked, places, -_COUNTED))
    coming = np.minimum.accumulate(np.where(marked, places, count + _COUNTED)[::-1])[::-1]
    return [np.minimum(places - last, 200), np.minimum(coming - places, 200)]


def _likeness(places: BlockPlaces, own: Numbers) -> Numbers:
    """What the blocks in elements of the same looks are like."""
    _, group = np.unique(places.look[places.at], return_inverse=True)
    many = np.bincount(group)
    size = np.bincount(group, own[:, _SIZE]).astype(np.int64)
    linked = np.bincount(group, own[:, _SIZE].astype(np.int64) * own[:, _LINKED] // 100)
    good = np.bincount(group, own[:, _GOOD]).astype(np.int64)
    columns = [
        np.minimum(many, _COUNTED),
        size // many,
        100 * linked.astype(np.int64) // np.maximum(size, 1),
        1000 * good // max(int(good.sum()), 1),
    ]
    return np.stack(columns, axis=1)[group].astype(np.int32)


def _page(own: Numbers, head: Head) -> list[int]:
    size = max(int(own[:, _SIZE].sum()), 1)
    kinds = " ".join(str(node.get("@type", "")) for node in head.nodes[:200]).casefold()
    declared = head.metas.get("og:type", "").lower()
    linked = own[:, _SIZE].astype(np.int64) * own[:, _LINKED] // 100
    return [
        min(len(own), _COUNTED),
        min(size, 1_000_000),
        int(100 * linked.sum() // size),
        int(100 * own[:, _GOOD].sum() // size),
        int(100 * own[:, _LONG].sum() // size),
        int((own[:, _LONG] > 0).sum()),
        int(own[:, _H1].sum()),
        int(head.is_article),
        int("article" in declared),
        int("product" in declared),
        *(int(kind in kinds) for kind in _KINDS),
        *(int((own[:, _TAG] == TAGS[tag]).sum()) for tag in ("pre", "td", "li", "p")),
    ]
