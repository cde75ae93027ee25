"""What a page says twice stays once; refrains, code, tables and manuals stay as they are."""

import pytest

from atlas.text.blocks.blocks import Block
from atlas.text.main_text.main_blocks import blocks_in
from atlas.text.main_text.repeats import repeat_columns, without_repeats
from atlas.text.markup.dom import parse_html

LINE = "The ferry leaves the quay at six in the morning, and at nine."
OTHER = "It comes back when the tide has turned, whatever the hour is."


def _blocks(body: str) -> list[Block]:
    return blocks_in(parse_html(f"<html><body>{body}</body></html>"))


def _kept(body: str) -> list[str]:
    return [block.text for block in without_repeats(_blocks(body))]


def test_a_stretch_that_stands_in_another_element_again_is_left_out() -> None:
    section = f"<div><h2>Boats</h2><p>{LINE}</p></div>"
    assert _kept(f"{section}<p>{OTHER}</p>{section}") == ["Boats", LINE, OTHER]


@pytest.mark.parametrize(
    "body",
    [
        f"<div><p>{LINE}</p><p>{OTHER}</p><p>{LINE}</p></div>",
        f"<div><pre>{LINE}</pre></div><div><p>{OTHER}</p><pre>{LINE}</pre></div>",
        f"<table><tr><td>{LINE}</td></tr></table><table><tr><td>{LINE}</td></tr></table>",
        f"<dl><dt>a</dt><dd>{LINE}</dd></dl><dl><dt>b</dt><dd>{LINE}</dd></dl>",
        f"<div><h2>Price</h2><p>{LINE}</p></div><div><h2>Price</h2><p>{OTHER}</p></div>",
    ],
    ids=["refrain", "code", "cells", "definitions", "short headings"],
)
def test_what_means_something_where_it_stands_is_kept(body: str) -> None:
    assert _kept(body) == [block.text for block in _blocks(body)]


def test_columns_tell_where_the_same_stands() -> None:
    body = f"<p>{LINE}</p><p>{OTHER}</p><div><p>{LINE}</p><p>{OTHER}</p></div><p>Other</p>"
    assert repeat_columns(_blocks(body)).tolist() == [
        [0, 1, 0, 0],
        [0, 1, 0, 0],
        [1, 0, 2, 1],
        [1, 0, 2, 2],
        [0, 0, 0, 0],
    ]
    assert repeat_columns([]).shape == (0, 4)
