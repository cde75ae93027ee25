"""Dates as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.text.languages.date_words import _MONTH_OF, date_in_path, dates_in, moment_in, parse_date


@pytest.mark.parametrize(
    "text",
    [
        "12 mars 2024", "le 12 mars 2024 à 10 h", "12. März 2024", "March 12th, 2024",
        "Mar. 12, 2024", "12 de março de 2024", "12 de marzo de 2024", "2024年3月12日",
        "2024년 3월 12일", "12 марта 2024 г.", "12 มีนาคม 2567", "12 tháng 3, 2024",
        "2024. március 12.", "12 Μαρτίου 2024", "12 مارس 2024", "12 במרץ 2024", "12 मार्च 2024",
        "12 marca 2024", "12. března 2024", "12 maaliskuuta 2024", "12 Mart 2024", "12.3.2024",
        "2024/03/12", "12-03-2024", "Posted on March 12, 2024 by Ada",
    ],
)  # fmt: skip
def test_a_date_is_read_in_many_languages(text: str) -> None:
    assert [each.day for each in dates_in(text)] == [date(2024, 3, 12)]


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("", date(2024, 3, 4)),
        ("en-US", date(2024, 3, 4)),
        ("en_GB", date(2024, 4, 3)),
        ("fr", date(2024, 4, 3)),
    ],
)
def test_the_language_decides_which_number_is_the_month(language: str, day: date) -> None:
    assert [each.day for each in dates_in("3/4/2024", language)] == [day]


@pytest.mark.parametrize("text", ["31.2.2024", "version 1.2.2024.3", "3/13/1812", "May 2024", ""])
def test_what_is_no_date_is_none(text: str) -> None:
    assert dates_in(text) == []


def test_the_longest_beginning_names_the_month() -> None:
    days = [dates_in(text)[0].day.month for text in ("1 červen 2024", "1 červenec 2024")]
    assert days == [6, 7]


@given(st.sampled_from(sorted(_MONTH_OF)), st.integers(1, 28), st.integers(1990, 2099))
def test_every_name_of_a_month_is_read(name: str, day: int, year: int) -> None:
    found = dates_in(f"{day} {name} {year}")
    assert [each.day for each in found] == [date(year, _MONTH_OF[name], day)]


@given(st.text(max_size=200), st.text(max_size=8))
def test_no_text_is_too_strange(text: str, language: str) -> None:
    assert all(text[each.start : each.end].strip() for each in dates_in(text, language))
    moment_in(text, language)
    date_in_path(text)


@given(st.text("0123456789 /-.ſİıKJaneDec年月日", max_size=60))
def test_letters_that_match_only_in_the_other_case_are_no_month(text: str) -> None:
    dates_in(text)


@pytest.mark.parametrize("path", ["/2024/03/12/storm/", "/a/storm-20240312.html", "/2024-03-12"])
def test_an_address_may_name_the_date(path: str) -> None:
    assert date_in_path(path) == date(2024, 3, 12)


@pytest.mark.parametrize("path", ["/2024/03/storm", "/item/20241399", "/p/120240312345"])
def test_a_number_is_no_date(path: str) -> None:
    assert date_in_path(path) is None


def test_a_stamp_is_told_in_utc() -> None:
    found = parse_date("2024-03-12T23:30:00-05:00")
    assert found and found.isoformat() == "2024-03-13T04:30:00+00:00"
