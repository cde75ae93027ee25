"""What the choice of main text knows of each block of a page, as whole numbers.

Four kinds of evidence: the block's own text and markup; how near around it an element stands that
says what it is for (`_WORDS` in classes and ids, `_TAGS`, roles); what the elements around it and
the blocks beside it hold; what the page is. Whole numbers only, so that every machine decides
alike.

Everything is counted per element and per block first, then spread over the tree level by level:
time grows with the size of the page, whatever its shape.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from lxml.html import HtmlElement
from numpy.typing import NDArray

from atlas.text.blocks import Block, InlineMark, word_key
from atlas.text.metadata import Head

Numbers = NDArray[np.int32]

_FAR = 15  # levels up from which an element around a block says nothing of it
_GOOD_LENGTH = 20  # letters of a block that counts as good text
_GOOD_LINKS = 30  # per cent of link text up to which it does
_LONG_LENGTH = 80  # letters of a paragraph
_LEVELS = (1, 2, 3, 5)  # elements around a block whose content is summed
_NEAR = 3  # blocks before and behind that are looked at one by one
_WINDOWS = (3, 10)  # blocks before and behind that are summed
_SHORT = 80  # characters of a block in which set phrases are looked for
_MENU = 4  # links in one block from which it may be a menu
_COUNTED = 9_999
_LETTERS_A_WORD = 5  # where no spaces are between words

# Words of class names and ids, by what they say of the element. One group a line.
_WORDS = {
    word: bit
    for bit, words in enumerate((
        "nav navbar navigation menu submenu topbar toolbar navi",
        "header masthead banner hero",
        "footer foot colophon copyright legal",
        "sidebar aside rail widget widgets secondary complementary",
        "comment comments reply replies respond disqus commentlist",
        "share sharing social follow facebook twitter sharedaddy addtoany",
        "related recommend recommended recommendations similar also trending popular upsell more",
        "ad ads advert advertisement promo promotion sponsor sponsored banner outbrain taboola",
        "cookie cookies consent gdpr modal popup overlay newsletter subscribe signup login signin",
        "breadcrumb breadcrumbs pagination pager paging skip",
        "meta byline author date time timestamp tags tag category categories info credit avatar",
        "content article entry body text story prose markdown richtext rte copy wysiwyg blog",
        "description desc details detail summary overview intro excerpt lead",
        "main primary page wrapper container center",
        "post message thread answer question topic forum discussion posts postbody bbcode",
        "product price cart shop sku buy variant variants swatch pdp atc stock shipping",
        "card item grid tile list result results collection listing teaser products",
        "carousel slider slide swiper slick gallery thumb thumbnail image media caption",
        "faq accordion tab tabs panel collapse toggle",
        "review reviews rating ratings stars testimonial testimonials",
        "filter filters sort facet facets search form select dropdown option",
        "user username profile signature member account role rank votes vote score",
        "title heading headline subtitle",
        "toc contents index references footnotes reflist",
        "cta button btn action actions",
    ))
    for word in words.split()
}  # fmt: skip
_FIRST_TAG = 1 + max(_WORDS.values())
_TAGS = {
    tag: bit
    for bit, tags in enumerate((
        "article", "main", "section", "li", "ul ol dl menu dir", "table", "td th", "p",
        "h1", "h2", "h3 h4 h5 h6", "form fieldset", "button label select option textarea legend",
        "figure figcaption picture", "blockquote", "pre listing xmp", "aside", "nav", "footer",
        "header", "dialog", "a", "details summary", "dt dd", "caption thead", "noscript",
    ), _FIRST_TAG)
    for tag in tags.split()
}  # fmt: skip
_ROLES = {
    "navigation": 1 << _TAGS["nav"],
    "menu": 1 << _TAGS["nav"],
    "menubar": 1 << _TAGS["nav"],
    "banner": 1 << _TAGS["header"],
    "contentinfo": 1 << _TAGS["footer"],
    "complementary": 1 << _TAGS["aside"],
    "main": 1 << _TAGS["main"],
    "article": 1 << _TAGS["article"],
    "dialog": 1 << _TAGS["dialog"],
    "alertdialog": 1 << _TAGS["dialog"],
    "search": 1 << _WORDS["search"],
    "button": 1 << _TAGS["button"],
    "tab": 1 << _TAGS["button"],
}
_GROUPS = 1 + max(_TAGS.values())
_KINDS = ("product", "article", "forumposting", "qapage", "itemlist", "collectionpage", "faqpage")

_HUMP = re.compile(r"([a-z])([A-Z])")
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
    paragraphs: int
    """Per cent of the characters that stand in long paragraphs."""


def block_table(root: HtmlElement, blocks: Sequence[Block], head: Head, title: str) -> BlockTable:
    """What is known of each block, in the order given."""
    places = _Places(root, blocks)
    own = _own(blocks, title, head)
    parts = [own, places.distances(), *_around(places, own), *_beside(own)]
    parts.append(_likeness(places, own))
    page = np.array(_page(own, head), dtype=np.int32)
    parts.append(np.broadcast_to(page, (len(blocks), len(page))))
    rows: Numbers = np.concatenate(parts, axis=1, dtype=np.int32)
    menus = (own[:, _LINKS] >= _MENU) & (own[:, _WORDS_FIRST] == 0) & (own[:, _LINKED] > 50)
    sizes = own[:, _SIZE].astype(np.int64)
    paragraphs = int(100 * own[:, _LONG].sum() // max(int(sizes.sum()), 1))
    return BlockTable(rows, sizes, menus, paragraphs)


# Columns of `_own`.
_SIZE, _LINKED, _TAG, _GOOD, _LONG, _H1, _LINKS, _WORDS_FIRST = 0, 1, 2, 3, 4, 5, 7, 8


def _own(blocks: Sequence[Block], title: str, head: Head) -> Numbers:
    seen = Counter(block.key for block in blocks)
    named = word_key(title).casefold()
    told = word_key(head.metas.get("description", "")).casefold()
    told += word_key(head.metas.get("og:description", "")).casefold()
    return np.array([_own_row(block, seen, named, told) for block in blocks], dtype=np.int32)


_SAID = 1 + max(_SAYINGS.values())


def _own_row(block: Block, seen: Counter[str], named: str, told: str) -> list[int]:
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
        _TAGS.get(tag, 0),
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
    ]


def _sayings(short: str) -> list[int]:
    found = [0] * _SAID
    for word in _NAME.findall(short.lower()):
        if word in _SAYINGS:
            found[_SAYINGS[word]] += 1
    return found


class _Places:
    """The elements around the blocks, as numbers: parents come before children."""

    def __init__(self, root: HtmlElement, blocks: Sequence[Block]) -> None:
        self._known: dict[HtmlElement, int] = {root: 0}
        self._parents = [0]
        self._depths = [0]
        self._says = [0]
        self._looks: dict[tuple[object, ...], int] = {}
        self._look = [0]
        self.at = np.array([self._number(block.element) for block in blocks], dtype=np.int64)
        self.parents = np.array(self._parents, dtype=np.int64)
        self.look = np.array(self._look, dtype=np.int64)
        depths = np.array(self._depths, dtype=np.int64)
        order = np.argsort(depths, kind="stable")
        ends = np.cumsum(np.bincount(depths))
        self.levels = np.split(order, ends[:-1])
        self.depths = depths

    def _number(self, element: HtmlElement) -> int:
        chain = []
        each: HtmlElement | None = element
        while each is not None and each not in self._known:
            chain.append(each)
            each = each.getparent()
        number = 0 if each is None else self._known[each]
        for each in reversed(chain):
            number = self._add(each, number)
        return number

    def _add(self, element: HtmlElement, parent: int) -> int:
        number = len(self._parents)
        self._known[element] = number
        get = element.get
        names, tag = get("class") or "", element.tag
        says = _says(names) | _says(get("id") or "")
        if tag in _TAGS:
            says |= 1 << _TAGS[tag]
        if role := get("role"):
            says |= _ROLES.get(role, 0)
        self._parents.append(parent)
        self._depths.append(self._depths[parent] + 1)
        self._says.append(says)
        look = (self._look[parent] if self._depths[parent] else 0, tag, names)
        self._look.append(self._looks.setdefault(look, len(self._looks) + 1))
        return number

    def distances(self) -> Numbers:
        """For each group how many levels above the block an element of it stands, and depth."""
        says = np.array(self._says, dtype=np.uint64)
        bits = (says[:, None] >> np.arange(_GROUPS, dtype=np.uint64)) & np.uint64(1)
        far = np.full((len(says), _GROUPS), _FAR, dtype=np.int8)
        for level in self.levels[1:]:
            above = np.minimum(far[self.parents[level]] + 1, _FAR)
            far[level] = np.where(bits[level] == 1, 0, above)
        return np.concatenate([far[self.at], self.depths[self.at][:, None]], axis=1)

    def around(self) -> Iterable[NDArray[np.int64]]:
        """The elements around each block, one level after the other."""
        element = self.at
        for level in range(1, max(_LEVELS) + 1):
            element = self.parents[element]
            if level in _LEVELS:
                yield element

    def sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """What each element holds, from what each block does."""
        total = np.zeros((len(self.parents), values.shape[1]), dtype=np.int64)
        np.add.at(total, self.at, values)
        for level in reversed(self.levels[1:]):
            np.add.at(total, self.parents[level], total[level])
        return total


def _around(places: _Places, own: Numbers) -> Iterable[Numbers]:
    """What the elements around each block hold, and where it stands in the one that holds most of
    the page's good text."""
    wide = own.astype(np.int64)
    linked = wide[:, _SIZE] * wide[:, _LINKED] // 100
    heading = np.isin(wide[:, _TAG], [_TAGS[tag] for tag in ("h1", "h2", "h3")])
    columns = [wide[:, _SIZE], linked, wide[:, _GOOD], wide[:, _LONG], np.ones(len(own)), heading]
    sums = places.sums(np.stack(columns, axis=1).astype(np.int64))
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


def _containers(places: _Places, sums: NDArray[np.int64], own: Numbers) -> Numbers:
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
            np.minimum(up[places.at], _FAR),
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


def _likeness(places: _Places, own: Numbers) -> Numbers:
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
        *(int((own[:, _TAG] == _TAGS[tag]).sum()) for tag in ("pre", "td", "li", "p")),
    ]


@lru_cache(maxsize=8192)
def _says(names: str) -> int:
    """The groups that the words of class names or an id stand for."""
    if not names:
        return 0
    words = _NAME.findall(_HUMP.sub(r"\1 \2", names[:500]).lower())
    says = 0
    for word in words:
        if word in _WORDS:
            says |= 1 << _WORDS[word]
    return says
