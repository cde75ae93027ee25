"""How the forest is learnt: what counts as text of a page; trees learn what they are shown."""

import numpy as np

from atlas.text.main_text.main_blocks import blocks_in
from atlas.text.markup.dom import parse_html
from benchmarks.block_labels import labels, line_labels
from benchmarks.block_training import lesson
from benchmarks.generated_pages import languages
from benchmarks.oblivious_trees import Binned, Growth, grow
from benchmarks.page_sets import SET_MIX, KnownPage, PageScore, f1_in_set_mix, score, snippet_f1
from benchmarks.practice_pages import practice_pages

BODY = (
    "<nav><p>Boats</p><p>Prices</p></nav><h1>Boats</h1>"
    "<p>The ferry leaves the quay at six in the morning.</p><p>Not on Sundays</p>"
    "<p>It comes back when the tide has turned.</p>"
    "<footer><p>All rights reserved by us</p></footer>"
)
WANTED = (
    "Boats\nThe ferry leaves the quay at six in the morning.\nNot on Sundays\n"
    "It comes back when the tide has turned."
)


def test_blocks_are_text_by_runs_of_words_and_short_ones_by_their_place() -> None:
    blocks = blocks_in(parse_html(f"<html><body>{BODY}</body></html>"))
    assert [block.text for block in blocks][:3] == ["Boats", "Prices", "Boats"]
    assert labels(blocks, WANTED).tolist() == [0, 0, 1, 1, 1, 1, 0]


def test_made_pages_teach_by_their_lines_in_every_language() -> None:
    made = list(practice_pages(each=1))
    assert [page.html for page in made] == [page.html for page in practice_pages(each=1)]
    assert {page.kind for page in made} == {"article", "thread", "product", "listing"}
    assert len(made) == 4 * len(languages())
    for page in made[:8]:
        learnt = lesson(page, line_labels)
        assert learnt is not None
        wanted = page.wanted.split("\n")
        taught = [
            b.text for b, is_text in zip(learnt.blocks, learnt.wanted, strict=True) if is_text
        ]
        assert {text.strip() for text in taught} == set(wanted)
        assert len(taught) < len(learnt.blocks)  # there is something to be told apart


def test_trees_learn_what_two_columns_say_only_together() -> None:
    chance = np.random.default_rng(3)
    rows = chance.integers(0, 100, (4_000, 5)).astype(np.int32)
    wanted = ((rows[:, 1] > 50) ^ (rows[:, 3] > 30)).astype(np.float64)
    growth = Growth(trees=20, depth=4, rate=0.5, rows=0.8, columns=1.0)
    forest = grow(Binned.of(rows), wanted, np.ones(len(rows)), growth)
    right = (forest.likely(rows) > 500) == (wanted > 0.5)
    assert right.mean() > 0.95
    again = grow(Binned.of(rows), wanted, np.ones(len(rows)), growth)
    assert again.stored() == forest.stored()


def test_scores_are_those_of_the_sets() -> None:
    page = KnownPage(
        "1", "forum", "https://a.example/", "", "one two three four", ("two", "x"), ("y",)
    )
    found = score(page, "one two five y")
    assert (found.f1, found.found, found.missing, found.unwanted) == (0.5, 1, 1, 1)
    assert snippet_f1([found]) == 0.5
    article = KnownPage("1", "article set", "https://a.example/", "", "one two three four five")
    assert score(article, "one two three four").f1 == 2 / 3


def test_pages_of_a_part_are_weighed_by_the_mix_of_the_whole_set() -> None:
    scores = [PageScore(kind, kind, 0.5) for kind in SET_MIX] + [PageScore("b", "forum", 0.7)]
    whole = f1_in_set_mix(scores)
    assert whole is not None
    assert abs(whole - (0.5 + 0.1 * 113 / 1497)) < 1e-9
    assert f1_in_set_mix([PageScore("a", "article", 1.0)]) is None
