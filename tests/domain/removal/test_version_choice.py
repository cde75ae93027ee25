"""Which version of a page comes back: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.removal.version_choice import (
    NOTHING,
    REASONS,
    KeptVersion,
    RestoreChoice,
    Wanted,
    choose,
)

START = datetime(2026, 11, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def history(said: str, *, left: bool = False, first: int = 1) -> list[KeptVersion]:
    """A version for each letter, one a day, each brought and ended by the run of its day; a small
    letter was restored, a space is a day without a text. Without those before `first`."""
    found: list[KeptVersion] = []
    for number, letter in enumerate(said):
        if letter == " ":
            continue
        ends = number + 1 < len(said) or left
        found.append(
            KeptVersion(
                seq=len(found) + 1,
                text=letter.upper().encode(),
                valid_from=day(number),
                valid_to=day(number + 1) if ends else None,
                opened_by=f"run-{number}",
                closed_by=f"run-{number + 1}" if ends else None,
                restored=letter.islower(),
            )
        )
    return found[first - 1 :]


GONE = RestoreChoice(code="version_expired")


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [
        (history("A", left=True), RestoreChoice(1)),
        (history("AB"), RestoreChoice(1)),
        (history("ABB"), RestoreChoice(1)),  # a newer extractor read the same
        (history("ABC"), RestoreChoice(2)),
        (history("AB", left=True), RestoreChoice(2)),
        (history("ABa"), NOTHING),
        (history("ABaC"), RestoreChoice(3)),
        (history("A"), NOTHING),
        (history("AA"), NOTHING),
        (history("AB", first=2), GONE),
        ([], RestoreChoice(code="no_text")),
    ],
)
def test_before_the_last_change(versions: list[KeptVersion], chosen: RestoreChoice) -> None:
    assert choose(versions, Wanted(), purged=False) == chosen


@pytest.mark.parametrize(
    ("versions", "run", "chosen"),
    [
        (history("AB"), "run-1", RestoreChoice(1)),
        (history("A", left=True), "run-1", RestoreChoice(1)),
        (history("AB", left=True), "run-1", RestoreChoice(1)),
        (history("ABC"), "run-1", RestoreChoice(code="changed_since")),
        (history("A C"), "run-1", RestoreChoice(code="changed_since")),
        (history("A A"), "run-1", NOTHING),
        (history("ABA"), "run-1", NOTHING),
        (history("ABa"), "run-1", NOTHING),
        (history("AB"), "run-9", NOTHING),
    ],
)
def test_what_a_run_took(versions: list[KeptVersion], run: str, chosen: RestoreChoice) -> None:
    assert choose(versions, Wanted(run=run), purged=False) == chosen


@pytest.mark.parametrize(
    ("versions", "since", "chosen"),
    [
        (history("ABC"), day(0.5), RestoreChoice(1)),
        (history("ABC"), day(1), RestoreChoice(2)),
        (history("ABC"), day(2.5), NOTHING),
        (history("ABA"), day(0.5), NOTHING),
        (history("AB", left=True), day(0.5), RestoreChoice(1)),
        (history("  A", left=True), day(0.5), RestoreChoice(1)),  # it came and left since
        (history("  AB"), day(0.5), NOTHING),  # it is new since
        (history("A", left=True), day(4), NOTHING),  # it left before
        (history("ABC", first=3), day(0.5), GONE),
        (history("ABC", first=3, left=True), day(0.5), RestoreChoice(3)),
    ],
)
def test_what_it_said_then(
    versions: list[KeptVersion], since: datetime, chosen: RestoreChoice
) -> None:
    assert choose(versions, Wanted(since=since), purged=False) == chosen


def test_a_version_by_its_number() -> None:
    versions = history("ABC", first=2)
    found = [choose(versions, Wanted(version=number), purged=False) for number in (1, 2, 3, 4)]
    assert found == [GONE, RestoreChoice(2), NOTHING, RestoreChoice(code="version_unknown")]


def test_what_was_purged_says_so() -> None:
    assert choose([], Wanted(), purged=True) == RestoreChoice(code="purged")


WANTED = st.one_of(
    st.builds(Wanted),
    st.builds(Wanted, run=st.integers(0, 8).map(lambda number: f"run-{number}")),
    st.builds(Wanted, since=st.floats(-1, 9).map(day)),
    st.builds(Wanted, version=st.integers(1, 9)),
)


@given(st.text("ABCab ", max_size=8), st.booleans(), st.integers(1, 4), WANTED)
def test_what_comes_back_is_kept_and_twice_is_once(
    said: str, left: bool, first: int, wanted: Wanted
) -> None:
    versions = history(said.rstrip(), left=left, first=first)
    chosen = choose(versions, wanted, purged=False)
    assert chosen.code in {"", *REASONS}
    if chosen.seq is None:
        return
    back = next(version for version in versions if version.seq == chosen.seq)
    now = day(20)
    *earlier, last = versions
    ended = KeptVersion(
        last.seq, last.text, last.valid_from, last.valid_to or now, last.opened_by,
        last.closed_by or "restore",
    )  # fmt: skip
    new = KeptVersion(last.seq + 1, back.text, now, None, "restore", None, restored=True)
    assert choose([*earlier, ended, new], wanted, purged=False) == NOTHING
