"""docs/peers.md: each point names a source for what peers do, and a test for what Atlas does."""

import re

import pytest

from tests.docs.pages import read
from tests.docs.test_security import functions

TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
SOURCE = re.compile(r"\]\((https://[^)\s]+)\)")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in read("docs/peers.md").splitlines()
    if re.match(r"\| \d+\. ", line)
]


def test_all_twelve_points_are_there() -> None:
    assert [int(row[0].partition(".")[0]) for row in ROWS] == list(range(1, 13))


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_point_has_a_source_a_test_and_where_the_peer_is_better(row: list[str]) -> None:
    _, peer, atlas, better = row
    assert SOURCE.findall(peer)
    assert better
    named = TEST.findall(atlas)
    assert named
    for file, name in named:
        assert name in functions(file), f"{file}::{name}"
