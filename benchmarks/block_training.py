"""Learn the forest that chooses a page's main text, and try it on hosts that it never saw.

`python -m benchmarks.block_training` prints the scores by cross-validation over hosts, of the
forest alone and with the rules around it; `python -m benchmarks.block_training write` first learns
from all pages and writes `atlas/text/main_text/block_trees.json`. Then raise `EXTRACTOR_VERSION`.
Pages whose text is not in their HTML (scripts write it later) teach nothing and are left out of
learning, not of the scores. Made pages (`practice_pages.py`) are learnt from, and never judged.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas.domain.errors import PageError
from atlas.text.blocks.blocks import Block
from atlas.text.blocks.markdown import to_text
from atlas.text.main_text import block_trees
from atlas.text.main_text.app_shell import shell_of
from atlas.text.main_text.block_features import BlockTable
from atlas.text.main_text.block_trees import Forest, best_choice, shared_likelihoods
from atlas.text.main_text.main_blocks import blocks_in, main_blocks, seen_blocks, table_of
from atlas.text.markup.dom import parse_html
from atlas.text.markup.unclosed import close
from atlas.text.metadata.head import read_head
from benchmarks.block_labels import labels, line_labels
from benchmarks.datasets import DATA
from benchmarks.oblivious_trees import Binned, Growth, grow
from benchmarks.page_sets import (
    FOLDS,
    KnownPage,
    PageScore,
    articles,
    f1_in_set_mix,
    mean_f1,
    mixed,
    score,
    snippet_f1,
)
from benchmarks.practice_pages import practice_pages

Shares = NDArray[np.float64]

WEIGHTS = Path(block_trees.__file__).with_name("block_trees.json")
_HELD = 0.4  # share of a page's text that its blocks must hold to teach anything
_LONG = 1_000  # characters from which a block counts no more
_ARTICLE_WEIGHT = 2.0  # of a page of the article set: they are fewer, and one kind
_PRACTICE_WEIGHT = 0.5  # of a made page


@dataclass(frozen=True, slots=True)
class Lesson:
    """A page as the forest sees it; `wanted` is the share of each block that is its text."""

    page: KnownPage
    blocks: list[Block]
    table: BlockTable
    wanted: Shares
    weights: Shares
    fold: int
    """In which its host is; -1: it is made, and of every forest's lessons."""


def lesson(page: KnownPage, label: Callable[[list[Block], str], Shares] = labels) -> Lesson | None:
    """None: the page has no visible block."""
    try:
        tree = parse_html(close(page.html).html)
    except PageError:
        return None
    blocks = seen_blocks(blocks_in(tree))
    if not blocks:
        return None
    table = table_of(tree, read_head(tree), blocks)
    wanted = label(blocks, page.wanted)
    sizes = table.sizes
    whole = min(max(len("".join(page.wanted.split())), 300), 12_000)
    weights = (np.minimum(sizes, _LONG) + 6.0) / (whole + 0.25 * sizes.sum() + 300)
    if (wanted * sizes).sum() < _HELD * whole:
        weights = np.zeros(len(blocks))
    elif page.kind == "article set":
        weights = weights * _ARTICLE_WEIGHT
    return Lesson(page, blocks, table, wanted, weights, page.fold)


def practice() -> list[Lesson]:
    """Those of made pages."""
    found = filter(None, (lesson(page, line_labels) for page in practice_pages()))
    return [replace(each, fold=-1, weights=each.weights * _PRACTICE_WEIGHT) for each in found]


class Course:
    """All lessons as one table."""

    def __init__(self, lessons: list[Lesson]) -> None:
        self.lessons = lessons
        self.rows = np.concatenate([each.table.rows for each in lessons])
        self._data = Binned.of(self.rows)
        self.ends = np.cumsum([len(each.blocks) for each in lessons])[:-1]
        self.wanted = np.concatenate([each.wanted for each in lessons])
        weights = np.concatenate([each.weights for each in lessons])
        self.weights = weights * len(weights) / weights.sum()
        self.folds = np.concatenate([np.full(len(each.blocks), each.fold) for each in lessons])

    def apart(self, growth: Growth) -> list[Forest]:
        """A forest for each fold, grown without it."""
        forests = []
        for fold in range(FOLDS):
            forests.append(self.grow(self.folds != fold, growth))
            print(f"  fold {fold + 1} of {FOLDS}", flush=True)
        return forests

    def grow(self, chosen: NDArray[np.bool_], growth: Growth) -> Forest:
        """A forest from the chosen rows that teach anything."""
        chosen = chosen & (self.weights > 0)
        return grow(self._data.some(chosen), self.wanted[chosen], self.weights[chosen], growth)

    def scores(self, forests: list[Forest], pages: list[KnownPage]) -> list[PageScore]:
        """What the forests alone choose of all pages, those without any block included."""
        texts: dict[str, str] = {}
        for each in (each for each in self.lessons if each.fold >= 0):
            table = each.table
            likely = forests[each.fold].likely(table.rows)
            shared = shared_likelihoods(likely, table.sizes, table.kin)
            kept = best_choice(shared, table.sizes).kept
            chosen = [block for block, keep in zip(each.blocks, kept, strict=True) if keep]
            texts[each.page.key] = to_text(chosen).text
        return [score(page, texts.get(page.key, "")) for page in pages]


def with_rules(forest: Forest, page: KnownPage) -> PageScore:
    """What is chosen of a page by the rules and this forest."""
    try:
        tree = parse_html(close(page.html).html)
        alive = list(tree.iter())
        found = blocks_in(tree)
        shell = shell_of(tree, found, seen_blocks(found))
        chosen = main_blocks(tree, read_head(tree), found, shell, forest)
        alive.clear()
    except PageError:
        chosen = []
    return score(page, to_text(chosen).text)


def show(name: str, scores: list[PageScore]) -> None:
    """One line for each kind of page."""
    print(name)
    for kind in sorted({each.kind for each in scores}):
        print(f"  {kind:20}{mean_f1(scores, kind):8.4f}")
    others = [each for each in scores if each.kind != "article set"]
    print(f"  {'mixed pages':20}{mean_f1(others):8.4f}")
    if (whole := f1_in_set_mix(others)) is not None:
        print(f"  {'in the mix of the set':20}{whole:8.4f}")
    print(f"  {'mixed snippets':20}{snippet_f1(others):8.4f}", flush=True)


def main() -> None:
    """Print the scores; write the forests if asked to."""
    pages = articles() + mixed()
    if not pages:
        print(f"skipped: no pages in {DATA.resolve()}; set ATLAS_BENCH_DATA to the data's folder")
        return
    growth = Growth()
    course = Course([*filter(None, map(lesson, pages)), *practice()])
    print(f"{len(course.lessons)} pages, {len(course.rows)} blocks", flush=True)
    if "write" in sys.argv[1:]:
        forest = course.grow(np.ones(len(course.rows), dtype=np.bool_), growth)
        WEIGHTS.write_text(json.dumps(forest.stored(), separators=(",", ":")) + "\n")
    forests = course.apart(growth)
    show("on hosts that it never saw", course.scores(forests, pages))
    show("with the rules around it", [with_rules(forests[page.fold], page) for page in pages])


if __name__ == "__main__":
    main()
