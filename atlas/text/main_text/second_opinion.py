"""A second opinion on an article that the forest is unsure of: trafilatura's choice (fast mode).

Its text is matched against the page's own blocks, by their words alone. Where it leaves out more
good text than it keeps, resiliparse's main text is added: the "rescue". A text that no block holds
is taken line by line. Slow, and better than the forest only where that is unsure
(`main_blocks.py`).
"""

import logging
from collections.abc import Iterable, Sequence

from lxml.html import HtmlElement, tostring
from resiliparse.extract.html2text import extract_plain_text
from trafilatura import bare_extraction

from atlas.text.blocks.blocks import Block, word_key
from atlas.text.blocks.boilerplate import Chrome, is_good, weights_of

_MATCHED = 8  # word characters from which a block found in an extractor's text is no coincidence
_HELD = 0.6  # share of trafilatura's text that the page's blocks must hold to stand for it
_BUDGET = 2_000_000_000  # character comparisons for matching by substring

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # its warnings name no page
logging.getLogger("htmldate").setLevel(logging.CRITICAL)


def article_blocks(tree: HtmlElement, root: HtmlElement, blocks: Sequence[Block]) -> list[Block]:
    """The blocks that trafilatura takes for the article, or none. Changes the tree."""
    return _Article(tree, root, blocks).chosen()


class _Article:
    """One page under choice: trafilatura's text matched against the page's own blocks."""

    def __init__(self, tree: HtmlElement, root: HtmlElement, blocks: Sequence[Block]) -> None:
        self._tree = tree
        self._root = root
        self._blocks = blocks
        self._text = _trafilatura(tree)
        self._kept = _matched(blocks, self._text)
        picked = [
            (block, block.letters) for block, kept in zip(blocks, self._kept, strict=True) if kept
        ]
        self._total = sum(size for _, size in picked)
        chrome = Chrome(root, weights_of(root, picked))
        self._chrome = [chrome.covers(block.element) for block in blocks]

    def chosen(self) -> list[Block]:
        # First, since a text that no block holds may well be the page, with all blocks around it.
        if self._total < _HELD * len(word_key(self._text)):
            return _paragraphs(self._root, self._text)
        missed = sum(
            block.letters
            for block, kept, chrome in self._rows()
            if not kept and not chrome and is_good(block)
        )
        return self._pick(self._rescue() if missed > self._total else self._kept)

    def _rescue(self) -> list[bool]:
        """Add resiliparse's main text, if it has as much good text as trafilatura left out."""
        other = _matched(self._blocks, _resiliparse(self._tree))
        gain = sum(
            block.letters
            for (block, was, chrome), found in zip(self._rows(), other, strict=True)
            if found and not was and not chrome and is_good(block)
        )
        if gain <= self._total:
            return self._kept
        return [was or found for was, found in zip(self._kept, other, strict=True)]

    def _rows(self) -> Iterable[tuple[Block, bool, bool]]:
        return zip(self._blocks, self._kept, self._chrome, strict=True)

    def _pick(self, kept: Sequence[bool]) -> list[Block]:
        return [block for block, keep in zip(self._blocks, kept, strict=True) if keep]


def _paragraphs(root: HtmlElement, text: str) -> list[Block]:
    """Text that no visible block holds, such as the articleBody of JSON-LD, line by line."""
    lines = (line.strip() for line in text.splitlines())
    return [Block(root, line, [line], 0, False, key=word_key(line)) for line in lines if line]


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
