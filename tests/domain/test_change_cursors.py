"""Cursors of the feed: what they say, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.change_cursors import (
    UNMARKED,
    ChangeCursor,
    ExpiredCursor,
    InvalidCursor,
    expect_mark,
    expect_place,
    mark_of,
    parse,
)

CORPUS = "3f2a9c01"
HEX = st.text("0123456789abcdef", min_size=8, max_size=8)
CURSORS = st.builds(
    ChangeCursor,
    corpus=HEX,
    number=st.integers(0, 10**17),
    mark=HEX | st.just(UNMARKED),
    page=st.none() | st.integers(0, 10**17),
)


@given(CURSORS)
def test_a_cursor_is_read_back_as_it_was_given(cursor: ChangeCursor) -> None:
    assert parse(str(cursor)) == cursor
    assert parse(f" {cursor}\n") == cursor


@given(st.text(max_size=60))
def test_any_other_text_is_refused_with_what_to_give(text: str) -> None:
    try:
        assert str(parse(text)) == text.strip()
    except InvalidCursor as error:
        assert "'start'" in str(error)
        assert len(str(error)) < 400


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_only_what_is_kept_can_be_read_from(number: int, one: int, other: int) -> None:
    trimmed, last = sorted((one, other))
    cursor = ChangeCursor(CORPUS, number)
    if trimmed <= number <= last:
        expect_place(cursor, corpus=CORPUS, last=last, trimmed=trimmed)
        return
    with pytest.raises(InvalidCursor) as refused:
        expect_place(cursor, corpus=CORPUS, last=last, trimmed=trimmed)
    assert isinstance(refused.value, ExpiredCursor) == (number < trimmed)


def test_a_cursor_of_another_corpus_is_refused_before_all_else() -> None:
    with pytest.raises(InvalidCursor, match=f"of corpus {CORPUS}, and this is corpus ffffffff"):
        expect_place(ChangeCursor(CORPUS, 7), corpus="ffffffff", last=3, trimmed=0)


def test_marks_tell_changes_apart_and_not_time_zones() -> None:
    at = datetime(2026, 11, 30, 4, tzinfo=UTC)
    assert mark_of(at, 5) == mark_of(at.astimezone(timezone(timedelta(hours=8))), 5)
    assert len({mark_of(at, 5), mark_of(at, 6), mark_of(at + timedelta(microseconds=1), 5)}) == 3
    cursor = ChangeCursor(CORPUS, 7, mark_of(at, 5))
    expect_mark(cursor, mark_of(at, 5))
    expect_mark(cursor, UNMARKED)  # the change itself is past its retention
    with pytest.raises(InvalidCursor, match="restored from a backup"):
        expect_mark(cursor, mark_of(at, 6))
