"""Which blocks of a page are its text.

Three kinds of page, three answers, each measured (benchmarks/extraction.py):

* A page that calls itself an article gets trafilatura's choice (fast mode). Where that leaves out
  more good text than it keeps, resiliparse's main text is added: the "rescue".
* A manual (code, definitions, parameters in number) and an index gets everything but its chrome,
  since trafilatura drops definition lists, headings and short items, a third of Apache's manual.
* Any other page gets everything but chrome inside the smallest element that holds trafilatura's
  choice, and is treated as a manual if most of its good text lies outside.

Nothing found anywhere means all that is visible, chrome included: a page of links is a page.
"""

import logging
from collections.abc import Iterable, Sequence
from itertools import islice

from lxml.html import HtmlElement, tostring
from resiliparse.extract.html2text import extract_plain_text
from trafilatura import bare_extraction

from atlas.text.blocks import Block, blocks_of, word_key
from atlas.text.boilerplate import Chrome
from atlas.text.metadata import Head

_MATCHED = 8  # word characters from which a block found in an extractor's text is no coincidence
_GOOD_LENGTH = 20  # word characters of a block that counts as good text
_GOOD_LINKS = 0.3  # share of link text up to which a block counts as good text
_LINKY = 0.5  # share of link text from which a block of an undeclared page is a list of links
_CONTAINER_SHARE = 0.9  # of trafilatura's choice that the main element must hold
_MANUAL_MARKS = 8  # code and definition elements that make a manual
_MANUAL_MARKS_ARTICLE = 30  # the same on a page that calls itself an article
_MANUAL_TAGS = ("pre", "dt", "code", "tt", "kbd", "samp", "var")
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "dt"))
_INDEX_TEXT = 0.4  # share of good text below which a page is an index
_CHOSEN = 0.3  # share of the good text that a choice must hold
_SCRIPTLESS = 500  # word characters in <noscript> from which they may be the page, not a notice
_HELD = 0.6  # share of trafilatura's text that the page's blocks must hold to stand for it
_BUDGET = 2_000_000_000  # character comparisons for matching by substring

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # its warnings name no page
logging.getLogger("htmldate").setLevel(logging.CRITICAL)


def blocks_in(tree: HtmlElement) -> list[Block]:
    """All blocks of the page, in document order."""
    return blocks_of(_root(tree))


def _root(tree: HtmlElement) -> HtmlElement:
    body = tree.find("body")
    return tree if body is None else body


def main_blocks(
    tree: HtmlElement, head: Head, blocks: Sequence[Block] | None = None
) -> list[Block]:
    """The blocks that are the page's text, in reading order, chosen from all of the page; empty
    only if nothing is visible."""
    root = _root(tree)
    blocks = seen_blocks(blocks_in(tree) if blocks is None else blocks)
    chosen = _chosen(tree, root, blocks, head) or _without_chrome(root, blocks)
    return chosen or blocks


def seen_blocks(blocks: Sequence[Block]) -> list[Block]:
    """Those of the blocks that a reader sees."""
    return _shown(_without_scripts(list(blocks)))


def _without_scripts(blocks: list[Block]) -> list[Block]:
    """What a browser with scripts shows; all that one without shows, if that is most of the page
    and more than a notice to turn scripts on."""
    scripted = [block for block in blocks if not block.scriptless]
    letters = sum(len(block.key) for block in scripted)
    scriptless = sum(len(block.key) for block in blocks) - letters
    return blocks if scriptless >= max(_SCRIPTLESS, letters) else scripted


def _shown(blocks: list[Block]) -> list[Block]:
    """The blocks the page shows; all, if a script seems to show most of it later."""
    shown = [block for block in blocks if not block.hidden]
    letters = sum(len(block.key) for block in blocks)
    return shown if 2 * sum(len(block.key) for block in shown) >= letters else blocks


def _chosen(
    tree: HtmlElement, root: HtmlElement, blocks: Sequence[Block], head: Head
) -> list[Block]:
    if _is_manual(root, head):
        return []
    if head.is_article:
        return _Page(tree, root, blocks).article()
    whole = _without_chrome(root, blocks)
    return whole if _mostly_links(whole) else _Page(tree, root, blocks).undeclared()


def _mostly_links(blocks: Sequence[Block]) -> bool:
    visible = sum(len(block.key) for block in blocks)
    good = sum(len(block.key) for block in blocks if block.link_share < _GOOD_LINKS)
    return good < _INDEX_TEXT * visible


def _is_manual(root: HtmlElement, head: Head) -> bool:
    wanted = _MANUAL_MARKS_ARTICLE if head.is_article else _MANUAL_MARKS
    return sum(1 for _ in islice(root.iter(*_MANUAL_TAGS), wanted)) == wanted


def _without_chrome(root: HtmlElement, blocks: Sequence[Block]) -> list[Block]:
    weights = _weights(root, ((block, len(block.key)) for block in blocks if _is_good(block)))
    chrome = Chrome(root, weights)
    return [block for block in blocks if not chrome.covers(block.element)]


class _Page:
    """One page under choice: trafilatura's text matched against the page's own blocks."""

    def __init__(self, tree: HtmlElement, root: HtmlElement, blocks: Sequence[Block]) -> None:
        self._tree = tree
        self._root = root
        self._blocks = blocks
        self._text = _trafilatura(tree)
        self._kept = _matched(blocks, self._text)
        picked = [
            (block, len(block.key)) for block, kept in zip(blocks, self._kept, strict=True) if kept
        ]
        self._total = sum(size for _, size in picked)
        self._weights = _weights(root, picked)
        chrome = Chrome(root, self._weights)
        self._chrome = [chrome.covers(block.element) for block in blocks]

    def article(self) -> list[Block]:
        # First, since a text that no block holds may well be the page, with all blocks around it.
        if self._total < _HELD * len(word_key(self._text)):
            return _paragraphs(self._root, self._text)
        missed = sum(
            len(block.key)
            for block, kept, chrome in self._rows()
            if not kept and not chrome and _is_good(block)
        )
        return self._pick(self._rescue() if missed > self._total else self._kept)

    def undeclared(self) -> list[Block]:
        inside = set(self._main_element().iter()) if self._total else set()
        kept = [
            was or (block.element in inside and not chrome and _is_text(block))
            for block, was, chrome in self._rows()
        ]
        if self._misses_most(kept):
            kept = [was or not chrome for _, was, chrome in self._rows()]
        return self._pick(kept)

    def _rescue(self) -> list[bool]:
        """Add resiliparse's main text, if it has as much good text as trafilatura left out."""
        other = _matched(self._blocks, _resiliparse(self._tree))
        gain = sum(
            len(block.key)
            for (block, was, chrome), found in zip(self._rows(), other, strict=True)
            if found and not was and not chrome and _is_good(block)
        )
        if gain <= self._total:
            return self._kept
        return [was or found for was, found in zip(self._kept, other, strict=True)]

    def _misses_most(self, kept: Sequence[bool]) -> bool:
        """Whether most of the good text outside chrome is not among the kept."""
        rows = list(zip(self._rows(), kept, strict=True))
        chosen = sum(len(block.key) for (block, _, _), keep in rows if keep)
        good = sum(
            len(block.key)
            for (block, _, chrome), _ in rows
            if not chrome and block.link_share < _GOOD_LINKS
        )
        return chosen < _CHOSEN * good

    def _main_element(self) -> HtmlElement:
        main, wanted = self._root, _CONTAINER_SHARE * self._total
        while True:
            narrower = next((e for e in main if self._weights.get(e, 0) >= wanted), None)
            if narrower is None:
                return main
            main = narrower

    def _rows(self) -> Iterable[tuple[Block, bool, bool]]:
        return zip(self._blocks, self._kept, self._chrome, strict=True)

    def _pick(self, kept: Sequence[bool]) -> list[Block]:
        return [block for block, keep in zip(self._blocks, kept, strict=True) if keep]


def _is_good(block: Block) -> bool:
    return len(block.key) >= _GOOD_LENGTH and block.link_share < _GOOD_LINKS


def _is_text(block: Block) -> bool:
    return block.link_share <= _LINKY or block.element.tag in _HEADINGS or _begins_with_words(block)


def _begins_with_words(block: Block) -> bool:
    """Whether words of the block's own lead to its links: a grammar rule, the members of a set.
    A menu begins with a link."""
    first = block.pieces[0] if block.pieces else ""
    return isinstance(first, str) and word_key(first) != ""


def _paragraphs(root: HtmlElement, text: str) -> list[Block]:
    """Text that no visible block holds, such as the articleBody of JSON-LD, line by line."""
    lines = (line.strip() for line in text.splitlines())
    return [Block(root, line, [line], 0, False, key=word_key(line)) for line in lines if line]


def _weights(root: HtmlElement, sized: Iterable[tuple[Block, int]]) -> dict[HtmlElement, int]:
    """Characters below each element, from the sizes of the given blocks."""
    weights: dict[HtmlElement, int] = {root: 0}
    for block, size in sized:
        weights[block.element] = weights.get(block.element, 0) + size
    for element in reversed(list(root.iter())):  # children first: each passes its sum on once
        parent = element.getparent()
        if parent is not None and element is not root and element in weights:
            weights[parent] = weights.get(parent, 0) + weights[element]
    return weights


def _matched(blocks: Sequence[Block], text: str) -> list[bool]:
    """Which blocks another extractor's text holds, by their words alone.

    Both are in reading order, so a block too short to be sure of ("Yes.") counts where it stands
    right behind the block matched before it.
    """
    if len(blocks) * len(text) > _BUDGET:
        lines = {word_key(line) for line in text.splitlines()}
        return [len(block.key) >= _MATCHED and block.key in lines for block in blocks]
    key = word_key(text)
    found: list[bool] = []
    place = 0
    for block in blocks:
        at = _find(key, block.key, place)
        found.append(at >= 0)
        place = at + len(block.key) if at >= 0 else place
    return found


def _find(text: str, part: str, place: int) -> int:
    if text.startswith(part, place):
        return place if part else -1
    if len(part) < _MATCHED:
        return -1
    at = text.find(part, place)
    return at if at >= 0 else text.find(part)


def _trafilatura(tree: HtmlElement) -> str:
    document = bare_extraction(tree, fast=True, include_comments=False)
    return str(getattr(document, "text", None) or "")


def _resiliparse(tree: HtmlElement) -> str:
    """Its main text. From the tree and not from the page as sent: lexbor needs time in the square
    of the depth, and only the tree is bounded (`dom.py`)."""
    html = tostring(tree, encoding="unicode")
    return extract_plain_text(html, main_content=True, alt_texts=False, list_bullets=False)
