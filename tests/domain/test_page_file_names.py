"""A file name from any URL is safe anywhere, and its own."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.page_file_names import page_file_name

HOSTILE = (
    "https://example.org/../../etc/passwd",
    "https://example.org/%2e%2e/%2e%2e/etc/passwd",
    "https://example.org/a%2f..%2f..%2fb",
    "https://example.org/C:%5Cwindows%5Cwin.ini",
    "https://example.org/con/nul.txt/aux",
    "https://example.org/.htaccess",
    "https://example.org/.git/config",
    "https://example.org/trailing./dots.../",
    "https://example.org/%00%0a%1b%5b31m",
    "https://example.org/" + "a" * 1900,
    "https://example.org/" + "a/" * 900,
    "https://example.org/" + "%e7%81%af" * 200,
    "https://[2001:db8::1]:8080/?q=/../x",
    "https://example.org/" + "%f0%9f%8f%a0" * 100,
)
PATHS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def expect_safe(name: str) -> None:
    assert not name.startswith("/") and len(name.encode()) < 4000
    for step in name.split("/"):
        assert step and step.strip(" .") == step
        assert len(step.encode()) <= 255
        assert not re.search(r'[\x00-\x1f\x7f<>:"\\|?*]', step)
        assert not re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", step, re.IGNORECASE)


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls(url: str) -> None:
    expect_safe(page_file_name(canonicalize(url), ".md"))


@given(PATHS, PATHS)
def test_any_url_gives_a_safe_name_and_two_urls_two(one: str, other: str) -> None:
    found = {}
    for path in (one, other, one.upper(), one + "/"):
        try:
            url = canonicalize(f"https://example.org/{path}")
        except InvalidUrl:
            continue
        name = page_file_name(url, ".md")
        expect_safe(name)
        # Also where upper and lower case are the same.
        assert found.setdefault(name.casefold(), url) == url


def test_a_name_says_what_the_page_is() -> None:
    name = page_file_name("https://docs.example.org/Guide/Tides%20and%20fog.html?x=1", ".md")
    assert re.fullmatch(r"docs\.example\.org/guide/Tides-and-fog\.html-[0-9a-f]{16}\.md", name)
    assert page_file_name("https://example.org/", ".md").startswith("example.org/index-")
