"""A diff turns the old text into the new one, whatever they are; it is small where the change is,
and stays within its budget."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.text_diff import STEPS, Budget, DiffPart, word_diff

WORDS = st.lists(
    st.sampled_from(["the ", "harbour ", "bell", ". ", "\n", "灯", "台", "fog", " ", "x\r\n", "é"]),
    max_size=40,
).map("".join)
TEXTS = st.one_of(WORDS, st.text(max_size=80))


def applied(parts: list[DiffPart]) -> tuple[str, str]:
    """The old and the new text."""
    return (
        "".join(part.text for part in parts if part.change != "added"),
        "".join(part.text for part in parts if part.change != "removed"),
    )


@given(TEXTS, TEXTS, st.sampled_from([0, 10, 200, STEPS]))
def test_a_diff_turns_the_old_text_into_the_new_one(old: str, new: str, steps: int) -> None:
    parts = word_diff(old, new, Budget(steps))
    assert applied(parts) == (old, new)
    assert all(part.text for part in parts)
    kinds = [part.change for part in parts]
    assert all(one != other for one, other in pairwise(kinds))
    assert ("added", "removed") not in pairwise(kinds)


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert word_diff(text, text) == ([DiffPart("same", text)] if text else [])


@given(st.lists(WORDS, min_size=2, max_size=8), st.data())
def test_only_what_changed_is_shown(lines: list[str], data: st.DataObject) -> None:
    """One more line is one added part, at most as long as that line and what equals it."""
    at = data.draw(st.integers(0, len(lines)))
    old = "".join(f"{number} {line}\n" for number, line in enumerate(lines))
    pieces = old.splitlines(keepends=True)
    extra = "a line that is quite new\n"
    parts = word_diff(old, "".join([*pieces[:at], extra, *pieces[at:]]))
    assert sum(len(part.text) for part in parts if part.change == "added") == len(extra)
    assert not [part for part in parts if part.change == "removed"]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("The bell rings twice.", "The bell rings thrice.", "The bell rings [-twice-]{+thrice+}."),
        (
            "Open from nine to five daily.",
            "Open from ten to four daily.",
            "Open from [-nine-]{+ten+} to [-five-]{+four+} daily.",
        ),
        ("a slow boat", "two quick ships", "[-a slow boat-]{+two quick ships+}"),
        ("灯台は白い。", "灯台は赤い。", "灯台は[-白-]{+赤+}い。"),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
    ],
)
def test_words_are_compared(old: str, new: str, shown: str) -> None:
    marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    assert "".join(marks[p.change].format(p.text) for p in word_diff(old, new)) == shown


def long_text(seed: int, words: int, *, line: int, length: int = 50_000) -> list[str]:
    dice = random.Random(seed)
    return [
        f"{dice.randrange(words)}{chr(10) if at % line == line - 1 else ' '}"
        for at in range(length)
    ]


@pytest.mark.parametrize("words", [2, 50, 100_000])
@pytest.mark.parametrize("line", [12, 200_000])
def test_a_long_text_stays_within_the_budget(words: int, line: int) -> None:
    """Of few words or many, in lines or in one: edits here and there, and another text altogether.
    Each step of a comparison is paid for, so the time is bounded by the budget and the length."""
    tokens = long_text(1, words, line=line)
    edited = list(tokens)
    for at in range(500, len(edited), 3_000):
        edited[at] = "edited "
    other = long_text(2, words, line=line)
    for new in ("".join(edited), "".join(other)):
        budget = Budget()
        assert applied(word_diff("".join(tokens), new, budget)) == ("".join(tokens), new)
        assert 0 <= budget.steps <= STEPS


def test_a_few_edits_of_a_megabyte_are_found_word_by_word() -> None:
    tokens = long_text(1, 100_000, line=12, length=170_000)
    edited = list(tokens)
    places = range(500, len(edited), 9_000)
    for at in places:
        edited[at] = "edited "
    parts = word_diff("".join(tokens), "".join(edited))
    assert [part.text for part in parts if part.change == "added"] == ["edited"] * len(places)
