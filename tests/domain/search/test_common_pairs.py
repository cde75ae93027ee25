"""Which words an index takes for common, and what parts and phrases say of their pairs."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from atlas.domain.search.analysis import FILLER, phrase_of
from atlas.domain.search.common_pairs import CommonWords

COUNTED = [("the", 900), (FILLER, 800), ("of", 500), ("灯塔", 200), ("fog", 99)]


def learnt() -> CommonWords:
    first = CommonWords().learn(1_000, COUNTED)
    return first.learn(9_000, [("the", 8_000), ("и", 3_000), ("fog", 1_000)])


def test_words_are_learnt_as_the_index_grows_and_kept() -> None:
    common = CommonWords()
    assert not common.is_due(999)
    assert common.is_due(1_000)
    common = learnt()
    assert common.rounds == (("the", "of", "灯塔"), ("и",))
    assert not common.is_due(71_999)
    assert common.is_due(72_000)
    assert common.learn(72_000, [("of", 70_000)]).rounds == common.rounds
    assert CommonWords.read({"common": json.loads(json.dumps(asdict(common)))}) == common
    assert CommonWords.read({"cursor": 3}) == CommonWords()


def test_a_part_says_its_pairs_and_when_it_was_written() -> None:
    said = learnt().terms_of("the of the fog of и 灯塔 . the the")
    assert sorted(said.split()) == sorted(
        ["|2", "the|of", "of|the", "of|и", "и|灯塔", "the|the"],
    )
    assert CommonWords().terms_of("") == "|0"


@pytest.mark.parametrize(
    ("phrase", "pairs"),
    [
        ("the of", [("the|of", ("|0",))]),
        ("the и of", [("the|и", ("|0", "|1")), ("и|of", ("|0", "|1"))]),
        ("the fog of", []),
        ("of the fog", [("of|the", ("|0",))]),
        ("the 灯塔", [("the|灯塔", ("|0",))]),
        ("灯塔守 the", []),  # a place is between them: that of the last character
        ("the 灯", []),  # which stands for all that begins with it
    ],
)
def test_pairs_of_a_phrase(phrase: str, pairs: list[tuple[str, tuple[str, ...]]]) -> None:
    assert learnt().pairs_in(phrase_of(phrase)) == pairs
