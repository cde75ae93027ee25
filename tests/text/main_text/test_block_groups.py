"""What blocks of a page have in common: their heading, and the cards of a list."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.text.blocks.blocks import blocks_of
from atlas.text.main_text.block_features import block_table
from atlas.text.main_text.block_groups import card_columns, section_columns
from atlas.text.main_text.block_places import TAGS, BlockPlaces
from atlas.text.markup.dom import parse_html
from atlas.text.metadata.head import read_head

LIST = (
    "<body><h1>Harbours</h1><div class='shelf'>"
    + "".join(
        f"<div class='c{'' if number else ' first'}'><h3>Harbour {number}</h3>"
        f"<p class='t'><span>In the year {number}</span></p></div>"
        for number in range(4)
    )
    + "</div><p>Below.</p></body>"
)


def cards(html: str) -> dict[str, list[int]]:
    """By text of the block: distance, number, mean size … of its inner card, then its outer one."""
    tree = parse_html(html)
    root = tree.find("body")
    assert root is not None
    blocks = blocks_of(root)
    places = BlockPlaces(root, blocks)
    sizes = np.array([[block.letters, 0, 0, 0, 1, 0] for block in blocks], dtype=np.int64)
    rows = card_columns(places, places.sums(sizes)).tolist()
    return {block.text: row for block, row in zip(blocks, rows, strict=True)}


def test_what_stands_several_times_is_a_card_around_what_it_holds() -> None:
    found = cards(LIST)
    inner, outer = found["In the year 3"][:9], found["In the year 3"][9:]
    assert inner[:3] == [0, 4, 10]  # the paragraph itself, four of them, of ten letters
    assert outer[:3] == [1, 4, 18]  # the card with its heading
    assert outer[6] == 20  # two blocks in each, in tenths
    assert found["Harbours"] == found["Below."] == [-1] * 18


def test_two_of_a_kind_are_no_cards_and_the_first_class_decides_what_is_alike() -> None:
    twice = "<body>" + "<div class='a x'><p>Text</p></div>" * 2 + "<div class='b'><p>T</p></div>"
    assert cards(twice)["Text"] == [-1] * 18
    thrice = "<body>" + "".join(f"<div class='a x{n}'><p>Text</p></div>" for n in range(3))
    assert cards(thrice)["Text"][1] == 3


def test_a_block_knows_its_heading_and_what_its_section_holds() -> None:
    tags = np.array([TAGS["p"], TAGS["h1"], TAGS["p"], TAGS["p"], TAGS["h3"], TAGS["p"]])
    parts = np.array([[5, 0, 0], [9, 0, 0], [100, 20, 0], [91, 0, 91], [4, 4, 0], [6, 6, 0]])
    said = np.arange(6)[:, None] * 10
    rows = section_columns(tags.astype(np.int32), parts, said.astype(np.int32)).tolist()
    #                  rank, blocks since, size of the heading, sections above and below, ...
    assert rows[0][:5] == [0, 200, 0, 0, 2]
    assert rows[3][:5] == [1, 2, 9, 1, 1]
    assert rows[5][:5] == [3, 1, 4, 2, 0]
    #                  blocks, size, linked and good share of the section, share of the page's good
    assert rows[3][5:10] == [3, 200, 10, 45, 1000]
    assert rows[5][5:10] == [2, 10, 100, 0, 0]
    assert [row[10] for row in rows] == [0, 10, 10, 10, 40, 40]


@pytest.mark.parametrize(
    ("written", "said"),
    [('{"description": "A lamp that burns."}', 1), ('{"description": "A boat."}', 0), ("{", 0)],
)
def test_what_json_ld_says_is_evidence_for_the_block_that_says_it(written: str, said: int) -> None:
    tree = parse_html(
        f'<html><head><script type="application/ld+json">{written}</script></head>'
        "<body><p>A lamp, that burns!</p><p>Something else on it</p></body></html>"
    )
    root = tree.find("body")
    assert root is not None
    table = block_table(root, blocks_of(root), read_head(tree), "")
    assert table.rows[:, 33].tolist() == [said, 0]
