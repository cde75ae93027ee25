"""Rules of extraction as they are declared: what is accepted, and what an error says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.extraction.css_selectors import MAX_SELECTOR_LENGTH, check_selector
from atlas.domain.extraction.extraction_rules import (
    MAX_RULES,
    NO_RULES,
    ExtractionRules,
    faults,
    mapping_of,
    pattern_in,
    rules_from_json,
    unmatched,
)
from atlas.domain.sources import InvalidSource, SourceSpec, check_source

RULES = st.builds(
    ExtractionRules,
    *[st.lists(st.text(max_size=20), max_size=3).map(tuple) for _ in range(4)],
    st.none() | st.sampled_from(["en", "de"]),
)


@given(RULES)
def test_rules_are_kept_and_known_by_their_digest(rules: ExtractionRules) -> None:
    assert rules_from_json(rules.as_json()) == rules
    assert (rules.digest is None) == (not rules)


def test_rules_without_a_language_have_the_digest_they_had() -> None:
    """Or every page that has rules would be extracted again after an upgrade."""
    rules = ExtractionRules(content=("main",))
    assert rules.as_json() == '{"content": ["main"], "ignore": [], "metadata": [], "remove": []}'
    assert ExtractionRules(lang="en") and not ExtractionRules(lang="en").selects


@pytest.mark.parametrize("lang", ["", "EN", "en-GB", "english", "e", "e1"])
def test_a_language_is_a_code(lang: str) -> None:
    with pytest.raises(InvalidSource, match=f"lang: '{lang}' refused: give an ISO 639 code"):
        check_source(SourceSpec("docs", "site", ("https://a.example/",), lang=lang))
    check_source(SourceSpec("docs", "site", ("https://a.example/",), lang="en"))


@given(RULES, RULES)
def test_only_equal_rules_have_the_same_digest(
    one: ExtractionRules, other: ExtractionRules
) -> None:
    assert (one.digest == other.digest) == (one == other)


@pytest.mark.parametrize(
    "selector",
    ["article", ".ad", "#main > p:first-child", "div:has(> img)", ":is(h1, h2)", "a[href*='|']",
     "li:nth-child(2n+1)", "meta[property='og:title']", "p:not(.x)"],
)  # fmt: skip
def test_selectors_of_stored_pages_are_accepted(selector: str) -> None:
    check_selector("remove", selector)


@pytest.mark.parametrize(
    ("kind", "rule", "said"),
    [
        ("content", "", "content: '' is no CSS selector: Expected selector"),
        ("content", "p[", "content: 'p[' is no CSS selector"),
        ("remove", "a::before", "Pseudo-elements are not supported; write one such as"),
        ("remove", "a:hover", "remove: 'a:hover' would never match: :hover depends on a reader"),
        ("remove", "svg|a", "remove: 'svg|a' refused: pages have no name spaces"),
        ("remove", "p" * 301, "has 301 characters, at most 300"),
        ("ignore", "/[0-9/", "ignore: '[0-9' is no regular expression"),
        ("ignore", r"/(a)\1/", "ignore: '(a)\\\\1' cannot be used"),
        ("ignore", "//", "ignore: '//' is no CSS selector"),
        ("metadata", "author", "metadata: 'author' names no element: write one such as"),
        ("metadata", "author=", "metadata: 'author=' names no element"),
        ("metadata", "writer=.by", "metadata: 'writer' in 'writer=.by' refused: give one of title"),
        ("metadata", "author=..by", "metadata: '..by' is no CSS selector"),
    ],
)
def test_an_error_names_field_value_and_fix(kind: str, rule: str, said: str) -> None:
    spec = SourceSpec("docs", "site", ("https://example.org/",), **{kind: (rule,)})
    with pytest.raises(InvalidSource) as refused:
        check_source(spec)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{kind}: ")


def test_every_fault_is_found_and_lists_are_bounded() -> None:
    many = ExtractionRules(content=("..", "p"), remove=("p",) * (MAX_RULES + 1), ignore=("[",))
    found = list(faults(many))
    assert [fault.split(":")[0] for fault in found] == ["content", "remove", "ignore"]
    assert list(faults(NO_RULES)) == []
    assert MAX_SELECTOR_LENGTH >= 300


@given(st.text(max_size=40))
def test_no_text_brings_the_check_down(text: str) -> None:
    for rules in (
        ExtractionRules(content=(text,)),
        ExtractionRules(ignore=(text, f"/{text}/")),
        ExtractionRules(metadata=(text, f"title={text}")),
    ):
        for fault in faults(rules):
            assert fault.partition(":")[0] in ("content", "ignore", "metadata")


def test_a_mapping_takes_the_text_or_an_attribute() -> None:
    for rule, found in {
        "author=.byline": (".byline", None),
        "published = time.posted@datetime": ("time.posted", "datetime"),
        "title=meta[content='a@b.c']@content": ("meta[content='a@b.c']", "content"),
        "author=a[href='x@y']": ("a[href='x@y']", None),
    }.items():
        mapping = mapping_of(rule)
        assert (mapping.selector, mapping.attribute) == found


def test_patterns_stand_between_slashes() -> None:
    assert pattern_in("/[0-9]+ views/") == "[0-9]+ views"
    assert pattern_in(".views") is None
    assert pattern_in("//") is None
    rules = ExtractionRules(ignore=(".views", "/x/"))
    assert (rules.ignored_selectors, rules.ignored_patterns) == ((".views",), ("x",))


def test_what_matched_nothing_is_named_in_the_order_of_the_counts() -> None:
    rules = ExtractionRules(content=("a",), remove=("b", "c"), metadata=("title=h1",))
    named = [(each.kind, each.rule) for each in unmatched(rules, (1, 0, 2, 0))]
    assert named == [("remove", "b"), ("metadata", "title=h1")]
