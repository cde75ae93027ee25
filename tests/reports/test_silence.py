"""When a source has fallen silent."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.timing.silent_sources import SourceHistory, silence

LAST = date(2026, 11, 22)


def history(*ago: int, known: int = 200) -> SourceHistory:
    """A source known for so many days, with changes so many days ago."""
    days = sorted(LAST - timedelta(days=each) for each in ago)
    return SourceHistory(LAST - timedelta(days=known - 1), tuple(days))


@pytest.mark.parametrize(
    ("found", "days", "usual"),
    [
        (history(4, 5, 6, 7), 4, 1.0),
        (history(22, 29, 36, 43), 22, 7.0),
        (history(91, 121, 151), 91, 30.0),
        (history(known=7), 7, None),
    ],
)
def test_silent(found: SourceHistory, days: int, usual: float | None) -> None:
    silent = silence(found, LAST)
    assert silent is not None
    assert (silent.days, silent.usual) == (days, usual)


@pytest.mark.parametrize(
    "found",
    [
        history(3, 4, 5),  # a long weekend
        history(21, 28, 35, 42),  # just three times its usual
        history(100, 101),  # two changes are no habit
        history(known=6),  # a new source
        history(0, 100, 150),
    ],
)
def test_not_silent(found: SourceHistory) -> None:
    assert silence(found, LAST) is None


@given(st.sets(st.integers(0, 364), min_size=3), st.integers(1, 60))
def test_once_silent_a_source_stays_so_until_it_speaks(ago: set[int], later: int) -> None:
    found = history(*ago, known=365)
    if silence(found, LAST):
        assert silence(found, LAST + timedelta(days=later))
        spoke = SourceHistory(found.first_day, (*found.change_days, LAST + timedelta(days=later)))
        assert silence(spoke, LAST + timedelta(days=later)) is None
