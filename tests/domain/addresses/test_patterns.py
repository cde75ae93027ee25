"""Patterns run in linear time and mean what Python's regular expressions mean."""

import re
import string
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from atlas.domain.addresses.patterns import (
    MAX_PATTERN_LENGTH,
    MAX_SLOW,
    Linear,
    Timed,
    check_pattern,
    pattern_of,
)
from atlas.domain.addresses.scope import MAX_MATCHED, Scope, check_patterns
from atlas.domain.sources import SourceSpec

# What a canonical URL is made of.
URL_CHARACTERS = string.ascii_letters + string.digits + "-._~:/?[]@!$&'()*+,;=%|"

ORDINARY = [
    r"^https://h\.org/(en|de|fr)/docs/[^/]+/[^/]+/[^/]+/[^/]+/?$",
    r".*/docs/.*\.html$",
    r"\.html?$",
    r"/(?:19|20)\d{2}/\d{2}/\d+/",
    r"(?i)/Release-?Notes/",
    r"/v(?P<major>\d+)\.(?P<minor>\d+)/",
    r"[?&]lang=(en|de)(?:&|$)",
    r"/[a-z]{2}(?:-[A-Z]{2})?/",
    r"/(?:abc){3}/",
    r"(?:/[^/]+)*/page",
    r"[:/]x",
]
HOSTILE = [
    r".*print.*page",
    r"\w*\w*\w*!",
    r"(a+)+$",
    r"(a|aa)+b",
    r"((ab)*|c){2,9}x",
    r"a.*b.*c.*d.*e.*f.*g",
    r"a?" * 20 + r"a" * 20,
    r"(a|a)" * 30 + "b",
    r"(?:.*a){12}b",
    r"[^/]{1,300}!",
]
OF_PYTHON = [
    r"^(?!.*draft).*$",
    r"(?<=/docs/)a",
    r"(\w)\1",
    r"(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)\11",
    r"a{,3}b",
    r"(?x) / a",
    r"a++b",
    r"[[:alpha:]]",
    r".{1,2000}x",
]


@pytest.mark.parametrize("pattern", ORDINARY)
def test_ordinary_patterns_are_taken(pattern: str) -> None:
    check_pattern("include", pattern)
    assert isinstance(pattern_of("include", pattern), Linear)


@pytest.mark.parametrize(
    ("pattern", "mend"),
    [
        *((pattern, "linear time") for pattern in OF_PYTHON),
        (r"(/docs", r"backslash"),
        (r"*.html", r"backslash"),
        (r"a{99999999999999999999}", "backslash"),
        ("x" * (MAX_PATTERN_LENGTH + 1), "several shorter patterns"),
    ],
)
def test_a_bad_pattern_is_refused_with_field_value_and_mend(pattern: str, mend: str) -> None:
    with pytest.raises(ValueError, match=r"^exclude: ") as raised:
        check_pattern("exclude", pattern)
    assert pattern[:20] in str(raised.value).replace("\\\\", "\\")
    assert mend in str(raised.value)


@given(st.text(max_size=40))
def test_any_pattern_is_taken_or_refused_by_name(pattern: str) -> None:
    try:
        check_pattern("include", pattern)
    except ValueError as error:
        assert str(error).startswith("include: ")


@given(st.text(max_size=60).map(re.escape))
def test_escaped_text_may_be_declared(pattern: str) -> None:
    assume(len(pattern) <= MAX_PATTERN_LENGTH)
    check_pattern("include", pattern)


atoms = st.one_of(
    st.sampled_from([".", r"\d", r"\w", r"\W", r"\S", r"\b", "^", "$", r"\.", "[^/]", "[a-z0-9]"]),
    st.sampled_from(["[]a]", "[^]a]", "[-a]", r"[\w-]", "[[a]", r"\x61", r"\B", "a{", "ß", "[^ſ]"]),
    st.sampled_from(["a", "b", "/", "page", "print", "A", "?", "x", "%20"]).map(re.escape),
)
repeats = st.sampled_from(["", "", "", "*", "+", "?", "*?", "{2}", "{1,3}", "{2,}"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.tuples(st.sampled_from(["(", "(?:", "(?i:"]), inner, repeats)
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, inner).map("|".join),
        group.map(lambda parts: f"{parts[0]}{parts[1]}){parts[2]}"),
    )


single = st.tuples(atoms, repeats).map("".join)
written = st.tuples(st.sampled_from(["", "(?i)"]), st.recursive(single, grown, max_leaves=8))


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@given(written.map("".join), st.text(URL_CHARACTERS, min_size=1, max_size=30))
@example(r"(.)\1", "aa")
@example(r"a{,3}b$", "aab")
@example(r"(?i)[^k]", "K")
@example(r"^\S+/print\b.*page$", "https://h.org/print/a-page")
def test_the_meaning_is_pythons(pattern: str, text: str) -> None:
    try:
        plain = re.compile(pattern)
    except re.error:
        assume(False)
    assert pattern_of("include", pattern).finds(text) is (plain.search(text) is not None)


@pytest.mark.fault(7)
@pytest.mark.parametrize("pattern", HOSTILE)
def test_time_grows_with_the_address_and_no_faster(pattern: str) -> None:
    """In steps of the processor's time, not of the wall's: sixteen times the length, and not even
    the square of it."""
    check_pattern("exclude", pattern)
    search = Linear(pattern).finds
    evil = ("a" * 7 + "print") * 4096

    def cost(length: int) -> float:
        began = time.process_time()
        for _ in range(20):
            search(evil[:length])
        return time.process_time() - began

    cost(2048)
    assert min(cost(16 * 2048) for _ in range(3)) <= 16 * 8 * max(cost(2048) for _ in range(3))


@pytest.mark.fault(7)
def test_an_old_pattern_keeps_working_as_it_was() -> None:
    scope = Scope(include=(r"^(?!.*draft).*/docs/",), exclude=(r"([a-z])\1\1",))
    assert scope.allows("https://h.org/docs/a")
    assert not scope.allows("https://h.org/docs/draft")
    assert not scope.allows("https://h.org/docs/aaa")
    assert scope.overrun == ""


@pytest.mark.fault(7)
def test_an_old_pattern_that_takes_too_long_leaves_the_address_out_and_says_so() -> None:
    slow = Timed("exclude", r"(?:a+)+b(?!c)")
    assert [slow.finds("a" * MAX_MATCHED) for _ in range(MAX_SLOW + 3)] == [None] * (MAX_SLOW + 3)
    assert "exclude: " in slow.overrun
    assert "without lookaround" in slow.overrun
    assert slow.finds("x") is None  # it has had its chances
    scope = Scope(exclude=(r"(?:a+)+b(?!c)",))
    assert not scope.allows("https://h.org/" + "a" * MAX_MATCHED)
    assert scope.allows("https://h.org/x")
    assert "a" * 80 in scope.overrun


def test_an_edit_may_keep_an_old_pattern_and_bring_no_new_one() -> None:
    old = SourceSpec("docs", "site", ("https://h.org/",), include=("(?!x)",))
    check_patterns(old, old)
    with pytest.raises(ValueError, match="include: "):
        check_patterns(old)
    with pytest.raises(ValueError, match="exclude: "):
        check_patterns(SourceSpec("docs", "site", old.urls, exclude=("(?!y)",)), old)
