"""Queries taken apart: operators with a value, and everything else as words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.search.index_parts import lexeme_query, parts_query
from atlas.domain.search.query_language import QueryParts, parse_query


def test_every_operator_at_once() -> None:
    assert parse_query(
        'backup -tape -"old disk" "exit code" site:https://Example.org/docs/ -site:a.b'
        " source:manual lang:DE title:restore title:«full copy» after:2025-06 before:2026"
    ) == QueryParts(
        words='backup "exit code"',
        without=("tape", '"old disk"'),
        titles=("restore", "«full copy»"),
        sites=("example.org/docs",),
        not_sites=("a.b",),
        sources=("manual",),
        langs=("de",),
        after=datetime(2025, 6, 1, tzinfo=UTC),
        before=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "query",
    ["C++ --force e-mail -", "site: x", "http://a.b/c", "foo:bar 3:4", 'foo"bar', "- a", "or else"],
)
def test_what_is_no_operator_is_a_word(query: str) -> None:
    assert parse_query(query) == QueryParts(words=query)


@pytest.mark.parametrize(
    ("query", "words", "either"),
    [
        ('x "a b" OR «c d» OR e y', "x a b c d e y", (('"a b"', "«c d»", "e"),)),
        ("foo OR bar", "foo bar", ()),
        ("OR x", "x", ()),
        ('"a b" OR', '"a b"', ()),
    ],
)
def test_or(query: str, words: str, either: tuple[tuple[str, ...], ...]) -> None:
    parts = parse_query(query)
    assert (parts.words, parts.either) == (words, either)


def test_a_title_alone_is_looked_for_too() -> None:
    assert parse_query("title:restore").words == "restore"


@pytest.mark.parametrize("value", ["soon", "2025-13", "2025-02-30", "0000", "31.12.2025"])
def test_a_date_that_is_none_is_refused_with_the_fix(value: str) -> None:
    with pytest.raises(ValueError, match=rf"after: '{value}' is no date; use 2025, 2025-06 or"):
        parse_query(f"fog after:{value}")


@given(st.text(alphabet='abc -"«»:OR+灯塔 ', max_size=40))
def test_no_query_breaks_it_and_one_without_operators_means_what_it_meant(query: str) -> None:
    found = parts_query(parse_query(query))
    if not any(sign in query for sign in ("-", "OR")):
        assert found == lexeme_query(query)
