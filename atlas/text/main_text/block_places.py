"""The elements around a page's blocks, as numbers: what each says it is for, by the words of its
classes and ids, its tag and role; which look alike.

Everything is spread over the tree level by level: time grows with the size of the page, whatever
its shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from lxml.html import HtmlElement
from numpy.typing import NDArray

from atlas.text.blocks.blocks import Block

Numbers = NDArray[np.int32]

FAR = 15
"""Levels up from which an element around a block says nothing of it."""
LEVELS = (1, 2, 3, 5)
"""Elements around a block whose content is summed."""

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
FIRST_TAG = 1 + max(_WORDS.values())
TAGS = {
    tag: bit
    for bit, tags in enumerate((
        "article", "main", "section", "li", "ul ol dl menu dir", "table", "td th", "p",
        "h1", "h2", "h3 h4 h5 h6", "form fieldset", "button label select option textarea legend",
        "figure figcaption picture", "blockquote", "pre listing xmp", "aside", "nav", "footer",
        "header", "dialog", "a", "details summary", "dt dd", "caption thead", "noscript",
    ), FIRST_TAG)
    for tag in tags.split()
}  # fmt: skip
_ROLES = {
    "navigation": 1 << TAGS["nav"],
    "menu": 1 << TAGS["nav"],
    "menubar": 1 << TAGS["nav"],
    "banner": 1 << TAGS["header"],
    "contentinfo": 1 << TAGS["footer"],
    "complementary": 1 << TAGS["aside"],
    "main": 1 << TAGS["main"],
    "article": 1 << TAGS["article"],
    "dialog": 1 << TAGS["dialog"],
    "alertdialog": 1 << TAGS["dialog"],
    "search": 1 << _WORDS["search"],
    "button": 1 << TAGS["button"],
    "tab": 1 << TAGS["button"],
}
GROUPS = 1 + max(TAGS.values())

_HUMP = re.compile(r"([a-z])([A-Z])")
_NAME = re.compile(r"[a-z]+")


class BlockPlaces:
    """The elements around the blocks, as numbers: parents come before children."""

    def __init__(self, root: HtmlElement, blocks: Sequence[Block]) -> None:
        self._known: dict[HtmlElement, int] = {root: 0}
        self._parents = [0]
        self._depths = [0]
        self._says = [0]
        self._looks: dict[tuple[object, ...], int] = {}
        self._look = [0]
        self._kins: dict[tuple[object, ...], int] = {}
        self._kin = [0]
        self.at = np.array([self._number(block.element) for block in blocks], dtype=np.int64)
        self.parents = np.array(self._parents, dtype=np.int64)
        self.look = np.array(self._look, dtype=np.int64)
        self.kin = np.array(self._kin, dtype=np.int64)
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
        says = _says(names) | _says(get("id") or "") | _says(get("itemprop") or "")
        if tag in TAGS:
            says |= 1 << TAGS[tag]
        if role := get("role"):
            says |= _ROLES.get(role, 0)
        self._parents.append(parent)
        self._depths.append(self._depths[parent] + 1)
        self._says.append(says)
        look = (self._look[parent] if self._depths[parent] else 0, tag, names)
        self._look.append(self._looks.setdefault(look, len(self._looks) + 1))
        kin = (self._kin[parent], tag, names.split(None, 1)[0] if names.strip() else "")
        self._kin.append(self._kins.setdefault(kin, len(self._kins) + 1))
        return number

    def distances(self) -> Numbers:
        """For each group how many levels above the block an element of it stands, and depth."""
        says = np.array(self._says, dtype=np.uint64)
        bits = (says[:, None] >> np.arange(GROUPS, dtype=np.uint64)) & np.uint64(1)
        far = np.full((len(says), GROUPS), FAR, dtype=np.int8)
        for level in self.levels[1:]:
            above = np.minimum(far[self.parents[level]] + 1, FAR)
            far[level] = np.where(bits[level] == 1, 0, above)
        return np.concatenate([far[self.at], self.depths[self.at][:, None]], axis=1)

    def around(self) -> Iterable[NDArray[np.int64]]:
        """The elements around each block, one level after the other."""
        element = self.at
        for level in range(1, max(LEVELS) + 1):
            element = self.parents[element]
            if level in LEVELS:
                yield element

    def sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """What each element holds, from what each block does."""
        total = np.zeros((len(self.parents), values.shape[1]), dtype=np.int64)
        np.add.at(total, self.at, values)
        for level in reversed(self.levels[1:]):
            np.add.at(total, self.parents[level], total[level])
        return total


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
