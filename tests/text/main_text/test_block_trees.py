"""The forest that chooses a page's text: what it is asked, how it answers, what is kept."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atlas.text.main_text.block_features import BlockTable
from atlas.text.main_text.block_trees import (
    UNIT,
    Forest,
    best_choice,
    kept_forest,
    shared_likelihoods,
)
from atlas.text.main_text.main_blocks import blocks_in, table_of
from atlas.text.markup.dom import parse_html
from atlas.text.metadata.head import read_head

LIKELY = st.lists(st.tuples(st.integers(0, UNIT), st.integers(0, 5_000)), min_size=1, max_size=30)
PAGE = (
    "<html><head><title>Harbour | Site</title></head><body>"
    "<nav class='main-nav'><a href=/>Start</a></nav><main><h1>Harbour</h1>"
    "<div class='entry-content'><p>The first sentence of a text that goes on for a while, about "
    "boats.</p><ul><li>One thing</li><li>And another</li></ul></div>"
    "<div class='related-posts'><a href=/b>Another page</a></div></main></body></html>"
)


def table(html: str) -> BlockTable:
    tree = parse_html(html)
    return table_of(tree, read_head(tree), blocks_in(tree))


def expected(likely: np.ndarray, sizes: np.ndarray, kept: np.ndarray) -> float:
    right = float((likely * sizes)[kept].sum()) / UNIT
    return 2 * right / max(float(sizes[kept].sum() + (likely * sizes).sum() / UNIT), 1e-3)


@given(LIKELY)
def test_no_other_cut_is_expected_to_be_better(rows: list[tuple[int, int]]) -> None:
    likely, sizes = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    kept = best_choice(likely, sizes).kept
    best = expected(likely, sizes, kept)
    assert kept.any()
    for cut in {int(each) for each in likely}:
        assert best >= expected(likely, sizes, likely >= cut) - 1e-3


@given(st.integers(1, UNIT), st.lists(st.integers(1, 5_000), min_size=1, max_size=30))
def test_blocks_of_which_nothing_tells_one_from_another_are_all_kept(
    likely: int, sizes: list[int]
) -> None:
    same = np.full(len(sizes), likely, dtype=np.int64)
    assert best_choice(same, np.array(sizes, dtype=np.int64)).kept.all()


def test_blocks_that_look_alike_share_half_of_their_likelihood() -> None:
    likely, sizes, kin = np.array([[900, 100, 400], [9, 29, 4], [7, 7, 2]], dtype=np.int64)
    assert shared_likelihoods(likely, sizes, kin).tolist() == [600, 200, 400]


@given(st.integers(0, 2**32 - 1))
def test_a_forest_adds_the_leaf_that_each_tree_leads_to(seed: int) -> None:
    chance = np.random.default_rng(seed)
    trees, depth, rows = 4, 3, chance.integers(-5, 6, (7, 6)).astype(np.int32)
    forest = Forest(
        int(chance.integers(-500, 500)),
        chance.integers(0, 6, (trees, depth)),
        chance.integers(-5, 6, (trees, depth)).astype(np.int32),
        chance.integers(-900, 900, (trees, 2**depth)),
    )
    for row, likely in zip(rows, forest.likely(rows), strict=True):
        score = forest.base
        for tree in range(trees):
            said = row[forest.columns[tree]] > forest.thresholds[tree]
            score += int(forest.leaves[tree][int("".join("01"[int(a)] for a in said), 2)])
        assert abs(likely - UNIT / (1 + np.exp(-score / UNIT))) <= 3
    answers = forest.likely(rows).tolist()
    assert Forest.of(forest.stored()).likely(rows).tolist() == answers
    many = np.tile(rows, (300, 1))  # more than are asked at once
    assert forest.likely(many).tolist() == answers * 300
    assert len(forest.likely(rows[:0])) == 0


def test_the_kept_forest_asks_for_columns_that_there_are() -> None:
    found, forest = table(PAGE), kept_forest()
    assert forest.columns.max() < found.rows.shape[1]
    assert len(forest.likely(found.rows)) == len(found.sizes) == 6


def test_the_same_page_has_the_same_features() -> None:
    one, other = table(PAGE), table(PAGE)
    assert one.rows.dtype == np.int32
    assert one.rows.tolist() == other.rows.tolist()


@given(st.lists(st.sampled_from(("<p>", "<div class=x>", "word ", "</div>", "<li>", "<br>", "字")),
                max_size=40))  # fmt: skip
def test_any_page_has_features(parts: list[str]) -> None:
    found = table(f"<html><body>a {''.join(parts)}</body></html>")
    assert len(kept_forest().likely(found.rows)) == len(found.sizes)
