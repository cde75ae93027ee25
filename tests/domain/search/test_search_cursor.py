"""Cursors of a search: what they say comes back whole, and nothing else passes for one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.search_cursor import (
    MOST_SHOWN,
    SearchCursor,
    expect_search,
    parse_cursor,
    print_of,
    shown_before,
)

HASHES = st.binary(min_size=32, max_size=32)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))
SEARCH = print_of("corpus", "fog", None, None, collapse=True)


@given(st.lists(HASHES, max_size=50), st.none() | MOMENTS)
def test_a_cursor_comes_back_as_it_was(texts: list[bytes], as_of: datetime | None) -> None:
    cursor = SearchCursor(SEARCH, as_of=as_of).behind(texts)
    again = parse_cursor(f" {cursor}\n")
    assert again == cursor and all(map(again.has_shown, texts))
    assert shown_before(str(cursor)) == len(cursor.shown)
    expect_search(again, SEARCH)


@given(st.lists(HASHES, min_size=1, max_size=5), st.data())
def test_a_part_of_a_cursor_is_refused(texts: list[bytes], data: st.DataObject) -> None:
    cursor = str(SearchCursor(SEARCH).behind(texts))
    cut = data.draw(st.integers(0, len(cursor) - 2))
    with pytest.raises(ValueError, match=r"^after: .* is no cursor"):
        parse_cursor(cursor[:cut])


@given(st.text(max_size=200))
def test_what_is_no_cursor_is_refused_with_the_fix(text: str) -> None:
    with pytest.raises(ValueError, match=r"^after: .* give the `next` of the page before"):
        parse_cursor(text)


@pytest.mark.parametrize(
    "other",
    [
        ("another", "fog", None, None, True),
        ("corpus", "fogs", None, None, True),
        ("corpus", "fog", "docs", None, True),
        ("corpus", "fog", None, "docs", True),
        ("corpus", "fog", None, None, False),
    ],
)
def test_a_cursor_of_another_search_is_refused(
    other: tuple[str, str, str | None, str | None, bool],
) -> None:
    *said, collapse = other
    with pytest.raises(ValueError, match="of another search; repeat the query"):
        expect_search(SearchCursor(SEARCH), print_of(*said, collapse=collapse))  # type: ignore[arg-type]


def test_a_search_goes_so_far_and_no_further() -> None:
    texts = [number.to_bytes(5, "big") for number in range(MOST_SHOWN)]
    expect_search(SearchCursor(SEARCH).behind(texts[1:]), SEARCH)
    with pytest.raises(ValueError, match="narrow the query"):
        expect_search(SearchCursor(SEARCH).behind(texts), SEARCH)
