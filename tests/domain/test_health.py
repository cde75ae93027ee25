"""What is told of a part's health: each transition once, no flicker, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.contracts.health import Check, PartHealth, Status
from atlas.domain.health import AS_IT_WAS, after_telling, judged

STATUSES = st.sampled_from(("ok", "degraded", "failing"))


def told(statuses: str, arrives: str = "") -> list[list[str]]:
    """What each of a series of checks tells: `o`, `d`, `f`; `arrives` has x where nothing does."""
    names: dict[str, Status] = {"o": "ok", "d": "degraded", "f": "failing"}
    past: list[PartHealth] = []
    said = []
    for number, letter in enumerate(statuses):
        check = Check(part="x", status=names[letter])
        parts, transitions = judged([check], [], past, float(number))
        said.append([f"{each.before}>{each.after}" for each in transitions])
        past = after_telling(parts, arrived=arrives[number : number + 1] != "x")
    return said


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ("oo", [[], []]),
        ("ffo", [["ok>failing"], [], ["failing>ok"]]),
        ("odod", [[], [], [], []]),
        ("ddo", [[], ["ok>degraded"], ["degraded>ok"]]),
        ("dff", [[], ["ok>failing"], []]),
        ("fdd", [["ok>failing"], ["failing>degraded"], []]),
        ("ddf", [[], ["ok>degraded"], ["degraded>failing"]]),
    ],
)
def test_transitions_are_told_once(statuses: str, expected: list[list[str]]) -> None:
    assert told(statuses) == expected


@pytest.mark.parametrize(
    ("statuses", "arrives", "expected"),
    [
        ("fff", "xx", [["ok>failing"], ["ok>failing"], ["ok>failing"]]),
        ("ffff", "x", [["ok>failing"], ["ok>failing"], [], []]),
        ("foo", "x", [["ok>failing"], ["failing>ok"], []]),
        ("foo", "xx", [["ok>failing"], ["failing>ok"], ["failing>ok"]]),
        ("ffoo", " xxx", [["ok>failing"], [], ["failing>ok"], ["failing>ok"]]),
        ("ffofo", "  x  ", [["ok>failing"], [], ["failing>ok"], [], ["failing>ok"]]),
    ],
)
def test_what_did_not_arrive_is_told_again(
    statuses: str, arrives: str, expected: list[list[str]]
) -> None:
    assert told(statuses, arrives) == expected


@given(st.text(alphabet="odf", min_size=1, max_size=12), st.text(alphabet=" x", max_size=12))
def test_whoever_listens_knows_in_the_end(statuses: str, arrives: str) -> None:
    """Two deliveries after the last change, what was heard is what is."""
    last = {"o": "ok", "d": "degraded", "f": "failing"}[statuses[-1]]
    series = statuses + statuses[-1] * 3
    lost = arrives.ljust(len(statuses))[: len(statuses)]
    heard = "ok"
    for number, said in enumerate(told(series, lost)):
        if lost[number : number + 1] != "x" and said:
            heard = said[-1].split(">")[1]
    assert heard == last


@given(st.lists(STATUSES, min_size=1, max_size=10))
def test_since_is_the_first_check_of_the_present_status(statuses: list[Status]) -> None:
    past: list[PartHealth] = []
    for number, status in enumerate(statuses):
        parts, _ = judged([Check(part="x", status=status)], [], past, float(number))
        past = after_telling(parts, arrived=True)
    run = len(statuses) - 1
    while run and statuses[run - 1] == statuses[-1]:
        run -= 1
    assert past[0].since == run


def test_an_unknown_part_stays_as_it_was_and_a_missing_one_is_forgotten() -> None:
    parts, _ = judged([Check(part="a", status="failing"), Check(part="b")], [], [], 1.0)
    past = after_telling(parts, arrived=True)
    parts, transitions = judged([], ["a"], past, 2.0)
    assert transitions == []
    assert [(each.part, each.status, each.told, each.since) for each in parts] == [
        ("a", "failing", "failing", 1.0)
    ]
    assert parts[0].detail == AS_IT_WAS
    _, transitions = judged([Check(part="a")], [], parts, 3.0)
    assert [(each.before, each.after) for each in transitions] == [("failing", "ok")]
