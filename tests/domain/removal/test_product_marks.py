"""The marks of products are searched for all at once, and found as if each were searched for."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.removal.bad_bodies.markers import _WIDGET, PAGES, products_in, widgets_in

MARKS = {
    f"{kind}:{name}": re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for kind, rows in PAGES.items()
    for name, pattern in rows.items()
}
NOISE = st.text("<>=\"'/ -_abcſé\n\ud800", max_size=30)


def one_by_one(source: str) -> tuple[str, ...]:
    return tuple(name for name, mark in MARKS.items() if mark.search(source))


def widgets_one_by_one(source: str) -> set[str]:
    return {found.lastgroup or "" for found in _WIDGET.finditer(source)}


@pytest.mark.parametrize("kind", PAGES)
def test_every_mark_is_found_wherever_it_stands(kind: str) -> None:
    names = [name for name in MARKS if name.startswith(f"{kind}:")]
    marked = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), NOISE, st.from_regex(MARKS[name]), NOISE)
    )

    @settings(max_examples=10, deadline=None)
    @given(marked)
    def check(parts: tuple[str, str, str, str]) -> None:
        name, *around = parts
        source = "".join(around)
        assert products_in(source) == one_by_one(source)
        assert name in products_in(f"{around[0]} {around[1]} ")

    check()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.one_of(st.from_regex(_WIDGET), NOISE), max_size=4))
def test_every_human_check_is_found(parts: list[str]) -> None:
    source = "".join(parts)
    assert set(widgets_in(source)) == widgets_one_by_one(source)


def test_marks_in_a_long_page_are_found() -> None:
    source = "consent-form login-form plesk magento " * 3_000 + "kpsdk. wp-maintenance-mode"
    assert products_in(source) == one_by_one(source)
    assert {"challenge_page:Kasada", "maintenance_page:WordPress"} <= set(products_in(source))
