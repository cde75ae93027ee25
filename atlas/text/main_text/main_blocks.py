"""Which blocks of a page are its text.

* A page of a few words gets everything but its chrome.
* On any other page a forest of small decision trees says of each block how likely it is text
  (`block_features.py`, `block_trees.py`), and the blocks are kept that are best together.
* What the page says twice stays once (`repeats.py`).
* Of a manual (code, definitions, parameters in number) a block stays unless it is chrome, or names
  nothing and is unlikely to be text: to lose a definition is worse than to keep a menu.
* Where a page calls itself an article, is mostly paragraphs, and the forest is unsure, trafilatura
  is asked (`second_opinion.py`): on a tenth of such pages, at several times the cost. What it takes
  is taken if that is less: it is good at leaving out, and keeps what the forest rightly left out.
* A page that is no article, and that is not mostly paragraphs, is a collection of things, which the
  forest tells badly from chrome: there a block stays unless it is chrome or surely no text.

An article that only JSON-LD holds, because scripts show it later, is taken from there; so is the
text in the data of a page that is empty until scripts fill it (`app_shell.py`). Nothing found
anywhere means all that is visible, chrome included: a page of links is a page.
"""

from collections.abc import Sequence
from itertools import islice

from lxml.html import HtmlElement

from atlas.text.blocks.blocks import BLOCK_TAGS, Block, blocks_of
from atlas.text.blocks.boilerplate import GOOD_LINKS, chrome_of
from atlas.text.main_text.app_shell import AppShell, is_notice
from atlas.text.main_text.block_features import BlockTable, block_table
from atlas.text.main_text.block_trees import Forest, best_choice, kept_forest, shared_likelihoods
from atlas.text.main_text.declared_text import declared_blocks
from atlas.text.main_text.embedded_state import embedded_blocks
from atlas.text.main_text.repeats import without_repeats
from atlas.text.main_text.second_opinion import article_blocks
from atlas.text.metadata.head import Head, title_element

_MANUAL_MARKS = 8  # code and definition elements that make a manual
_MANUAL_MARKS_ARTICLE = 30  # the same on a page that calls itself an article
_MANUAL_TAGS = ("pre", "dt", "code", "tt", "kbd", "samp", "var")
_SCRIPTLESS = 500  # word characters in <noscript> from which they may be the page
_FEW = 400  # word characters of a page up to which no choice is made but that of its chrome
_FEW_BLOCKS = 3  # the same of its blocks
_SURE = 0.9  # F1 that the forest must expect of its choice to decide on an article alone
_PARAGRAPHS = 50  # per cent of a page in long paragraphs from which it is the article it says it is
_COLLECTION = 0.8  # share of good text outside chrome up to which a page is a collection of things
_NO_TEXT = 100  # thousandths: what of a collection is less likely text than that is left out
_NO_DEFINITION = 200  # the same of a manual
_NAMES = ("h2", "h3", "h4", "h5", "h6", "dt")  # of what stands right below them
_THREADS = ("qapage", "forumposting")  # kinds of JSON-LD whose code is quoted in posts
_JUDGED = 20_000  # blocks of a page that are judged one by one: bounds the tables to some 100 MB


def blocks_in(tree: HtmlElement) -> list[Block]:
    """All blocks of the page, in document order."""
    return blocks_of(_root(tree))


def _root(tree: HtmlElement) -> HtmlElement:
    body = tree.find("body")
    return tree if body is None else body


def main_blocks(
    tree: HtmlElement,
    head: Head,
    blocks: Sequence[Block] | None = None,
    shell: AppShell | None = None,
    forest: Forest | None = None,
) -> list[Block]:
    """The blocks that are the page's text, in reading order, chosen from all of the page; empty
    only if nothing is visible. Of a page that is a `shell` only what it holds as data. `forest`:
    another than Atlas ships, to judge it.

    Raises PageError(INVALID, "needs_browser") for a shell without such data.
    """
    root = _root(tree)
    blocks = seen_blocks(blocks_in(tree) if blocks is None else blocks)
    if declared := declared_blocks(root, head, blocks):
        return declared
    if shell:
        if stated := embedded_blocks(tree, head):
            return stated
        raise shell.failure()
    if _is_judged(blocks) and (chosen := _judged(tree, head, blocks, forest or kept_forest())):
        return chosen
    return _without_chrome(root, blocks) or blocks


def _is_judged(blocks: Sequence[Block]) -> bool:
    if not _FEW_BLOCKS < len(blocks) <= _JUDGED:
        return False
    return sum(block.letters for block in blocks) > _FEW


def _judged(tree: HtmlElement, head: Head, blocks: Sequence[Block], forest: Forest) -> list[Block]:
    root, table = _root(tree), table_of(tree, head, blocks)
    likely = shared_likelihoods(forest.likely(table.rows), table.sizes, table.kin)
    choice = best_choice(likely, table.sizes)
    kept = choice.kept.tolist()
    if _is_manual(root, head):
        return _chosen(blocks, _of_manual(root, blocks, likely.tolist()), table)
    if head.is_article and not _is_thread(head):
        unsure = choice.expected < _SURE and table.paragraphs >= _PARAGRAPHS
        if unsure and (article := article_blocks(tree, root, blocks)):
            # More would be what the forest rightly left out.
            taken = int(table.sizes[choice.kept].sum())
            if sum(block.letters for block in article) < taken:
                return without_repeats(article)
    elif not head.is_article:
        kept = _with_things(root, blocks, kept, likely.tolist())
    return without_repeats(_chosen(blocks, kept, table))


def _chosen(blocks: Sequence[Block], kept: list[bool], table: BlockTable) -> list[Block]:
    """The blocks kept, with what belongs to them; without rows of links, unless all are."""
    kept = _with_code(blocks, _with_headings(blocks, kept))
    menus = table.menus.tolist()
    chosen = [b for b, keep, menu in zip(blocks, kept, menus, strict=True) if keep and not menu]
    return chosen or [block for block, keep in zip(blocks, kept, strict=True) if keep]


def _of_manual(root: HtmlElement, blocks: Sequence[Block], likely: list[int]) -> list[bool]:
    """Of a manual all that is no chrome, and that names something or may be text."""
    naming = set()  # elements of blocks that name what is explained: short, and so like no text
    for element in root.iter(*_MANUAL_TAGS):
        while element.tag not in BLOCK_TAGS and element is not root:
            element = element.getparent()
        naming.add(element)
    rows = zip(blocks, _outside(root, blocks), likely, strict=True)
    return [out and (sure >= _NO_DEFINITION or b.element in naming) for b, out, sure in rows]


def _with_things(
    root: HtmlElement, blocks: Sequence[Block], kept: list[bool], likely: list[int]
) -> list[bool]:
    """The choice, and of a collection all that is neither chrome nor surely no text."""
    outside = _outside(root, blocks)
    seen = sum(block.letters for block, out in zip(blocks, outside, strict=True) if out)
    good = sum(
        block.letters
        for block, out in zip(blocks, outside, strict=True)
        if out and block.link_share < GOOD_LINKS
    )
    if good >= _COLLECTION * seen:
        return kept
    rows = zip(kept, outside, likely, strict=True)
    return [was or (out and sure >= _NO_TEXT) for was, out, sure in rows]


def _outside(root: HtmlElement, blocks: Sequence[Block]) -> list[bool]:
    """Which blocks are no chrome."""
    chrome = chrome_of(root, blocks)
    return [not chrome.covers(block.element) for block in blocks]


def _with_headings(blocks: Sequence[Block], kept: Sequence[bool]) -> list[bool]:
    """The choice, with the headings of what is kept right below them, by which sections and anchors
    are named, and the terms of kept definitions."""
    found = list(kept)
    for place in range(len(blocks) - 2, -1, -1):
        if found[place + 1] and not found[place] and blocks[place].element.tag in _NAMES:
            found[place] = True
    return found


def _with_code(blocks: Sequence[Block], kept: Sequence[bool]) -> list[bool]:
    """The choice, with the code that stands right beside what is kept: it is no prose, and so looks
    like no text."""
    beside = [False, *kept, False]
    return [
        was or (block.element.tag == "pre" and (beside[at] or beside[at + 2]))
        for at, (block, was) in enumerate(zip(blocks, kept, strict=True))
    ]


def _is_thread(head: Head) -> bool:
    kinds = (str(node.get("@type", "")).casefold() for node in head.nodes)
    return any(thread in kind for kind in kinds for thread in _THREADS)


def table_of(tree: HtmlElement, head: Head, blocks: Sequence[Block]) -> BlockTable:
    """What the forest is asked about these blocks of a page."""
    title = head.metas.get("og:title") or title_element(tree)
    return block_table(_root(tree), blocks, head, title)


def seen_blocks(blocks: Sequence[Block]) -> list[Block]:
    """Those of the blocks that a reader sees."""
    return _shown(_without_scripts(list(blocks)))


def _without_scripts(blocks: list[Block]) -> list[Block]:
    """What a browser with scripts shows; all that one without shows, if that is most of the page
    and no notice to turn scripts on."""
    scripted = [block for block in blocks if not block.scriptless]
    if is_notice([block for block in blocks if block.scriptless]):
        return scripted
    letters = sum(block.letters for block in scripted)
    scriptless = sum(block.letters for block in blocks) - letters
    return blocks if scriptless >= max(_SCRIPTLESS, letters) else scripted


def _shown(blocks: list[Block]) -> list[Block]:
    """The blocks the page shows; all, if a script seems to show most of it later."""
    shown = [block for block in blocks if not block.hidden]
    letters = sum(block.letters for block in blocks)
    return shown if 2 * sum(block.letters for block in shown) >= letters else blocks


def _is_manual(root: HtmlElement, head: Head) -> bool:
    if _is_thread(head):
        return False
    wanted = _MANUAL_MARKS_ARTICLE if head.is_article else _MANUAL_MARKS
    return sum(1 for _ in islice(root.iter(*_MANUAL_TAGS), wanted)) == wanted


def _without_chrome(root: HtmlElement, blocks: Sequence[Block]) -> list[Block]:
    return [block for block, out in zip(blocks, _outside(root, blocks), strict=True) if out]
