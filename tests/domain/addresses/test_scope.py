"""Bounds of a source: prefix by whole segments, include and exclude patterns."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.addresses.scope import (
    MAX_MATCHED,
    MAX_PATTERNS,
    Scope,
    directory_of,
    looks_like_page,
)
from atlas.domain.addresses.urls import canonicalize

segments = st.text(string.ascii_letters + string.digits + "-_.~", min_size=1, max_size=8).filter(
    lambda text: text not in (".", "..")
)
paths = st.lists(segments, min_size=0, max_size=5).map("/".join)


@pytest.mark.parametrize(
    ("prefix", "url", "allowed"),
    [
        ("https://h.org/docs", "https://h.org/docs", True),
        ("https://h.org/docs", "https://h.org/docs/a", True),
        ("https://h.org/docs", "https://h.org/docs?page=2", True),
        ("https://h.org/docs", "https://h.org/docs-old", False),
        ("https://h.org/docs/", "https://h.org/docs", True),
        ("https://h.org/docs/", "https://h.org/docs-old/", False),
        ("https://h.org/", "https://h.org/anything", True),
        ("https://h.org", "https://h.org.evil.net/", False),
        ("https://h.org/docs/", "https://h.org/docs/%2e%2e/private", False),
        ("http://h.org/docs/", "https://h.org/docs/a", True),
        ("http://h.org:8080/docs/", "https://h.org:8080/docs/a", False),
        ("http://h.org:8080/docs/", "http://h.org/docs/a", False),
    ],
)
def test_prefix_bounds_by_whole_segments(prefix: str, url: str, allowed: bool) -> None:
    assert Scope(prefix=prefix).allows(canonicalize(url)) is allowed


def test_patterns_include_and_exclude() -> None:
    scope = Scope(include=(r"/blog/", r"/docs/"), exclude=(r"/docs/old", r"\?print="))
    assert scope.allows("https://h.org/blog/a")
    assert scope.allows("https://h.org/docs/new")
    assert not scope.allows("https://h.org/about")
    assert not scope.allows("https://h.org/docs/old/a")
    assert not scope.allows("https://h.org/blog/a?print=1")


def test_no_bounds_allow_everything() -> None:
    assert Scope().allows("https://h.org/")


@given(paths, paths)
def test_what_lies_under_a_directory_is_allowed(folder: str, rest: str) -> None:
    scope = Scope(prefix=f"https://h.org/{folder}")
    assert scope.allows(
        canonicalize(f"https://h.org/{folder}/{rest}" if folder else "https://h.org/")
    )


@given(segments, segments)
def test_a_longer_last_segment_is_outside(segment: str, more: str) -> None:
    # A "." could make the segment a dot segment, which canonicalisation resolves.
    assert not Scope(prefix=f"https://h.org/x{segment}").allows(f"https://h.org/x{segment}{more}")


@given(paths)
def test_a_start_lies_in_its_own_directory(path: str) -> None:
    start = canonicalize(f"https://h.org/{path}?q=1#top")
    folder = directory_of(start)
    assert folder.endswith("/")
    assert directory_of(folder) == folder
    assert Scope(prefix=folder).allows(start)


def test_directory_of_a_page_without_a_slash_is_its_parent() -> None:
    assert directory_of("https://h.org/docs") == "https://h.org/"
    assert directory_of("https://h.org/docs/") == "https://h.org/docs/"
    assert directory_of("https://h.org/docs/index.html?x#y") == "https://h.org/docs/"


def test_too_many_patterns_are_refused() -> None:
    with pytest.raises(ValueError, match=f"include: {MAX_PATTERNS + 1} patterns"):
        Scope(include=("a",) * (MAX_PATTERNS + 1))


def test_a_bad_prefix_is_refused_with_its_mend() -> None:
    with pytest.raises(ValueError, match=r"prefix: 'h\.org/docs' lacks a scheme; write https://"):
        Scope(prefix="h.org/docs")


def test_of_a_long_address_the_beginning_counts() -> None:
    url = "https://h.org/" + "a" * MAX_MATCHED
    assert Scope(exclude=("secret",)).allows(url + "secret")
    assert not Scope(include=("secret",)).allows(url + "secret")


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://h.org/", True),
        ("https://h.org/a.b/c", True),
        ("https://h.org/a.html", True),
        ("https://h.org/a.pdf", True),
        ("https://h.org/v1.2", True),
        ("https://h.org/download.php?f=a.zip", True),
        ("https://h.org/A.PNG?x=1", False),
        ("https://h.org/a.tar.gz", False),
        ("https://h.org/style.css?v=3", False),
        ("https://h.org/a%2Ejs", False),
        ("https://h.org/news/Feed.xml", False),
        ("https://h.org/news.rss", False),
        ("https://h.org/manual.xml", True),
    ],
)
def test_obvious_non_documents_are_no_pages(url: str, page: bool) -> None:
    assert looks_like_page(url) is page


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://h.org/docs/new", None),
        ("https://h.org/blog/new", "prefix https://h.org/docs/"),
        ("https://h.org/docs/old/new", "exclude /old/"),
        ("https://h.org/docs/a", "include new | start"),
    ],
)
def test_a_refusal_names_the_rule_as_it_is_declared(url: str, rule: str | None) -> None:
    scope = Scope(include=("new", "start"), exclude=("x=1", "/old/"), prefix="https://h.org/docs/")
    assert scope.refusal(url) == rule
    assert scope.allows(url) is (rule is None)
