"""Whose rules of a robots.txt are Atlas's: groups and product tokens (RFC 9309, 2.2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.addresses.urls import canonicalize
from tests.web.parsed import robots_of

pytestmark = pytest.mark.fault(13)

HOST = "http://a.example"


def allowed(text: str, path: str = "/x") -> bool:
    return robots_of(text).allows(HOST + path)


SHUT = "Disallow: /"
OPEN = "User-agent: *\nAllow: /\n\n"
CLOSED = "User-agent: *\nDisallow: /\n\n"


@pytest.mark.parametrize(
    "agent",
    [
        *("Atlas", "atlas", "ATLAS", "Atlas/0.3", "Atlas/0.3.1", "Atlas 0.3", "Atlas*", "Atlas;x"),
        *("Atlas # us", "Atlas (+https://a.example)", " \tAtlas\t", "Atlas/*", "atlas2"),
    ],
)
def test_is_our_name(agent: str) -> None:
    assert not allowed(f"{OPEN}User-agent: {agent}\n{SHUT}")
    assert allowed(f"{CLOSED}User-agent: {agent}\nAllow: /")


@pytest.mark.parametrize(
    "agent",
    [
        *("a", "at", "Atla", "A", "Atlass", "AtlasBot", "atlas-corpus", "Atlas_", "MyAtlas"),
        *("my-atlas", "/Atlas", "0Atlas", "tlas", "las", "*atlas", "Mozilla/5.0 (Atlas)", "", "1"),
    ],
)
def test_is_another_name(agent: str) -> None:
    assert allowed(f"{OPEN}User-agent: {agent}\n{SHUT}")
    assert not allowed(f"{CLOSED}User-agent: {agent}\nAllow: /")


@pytest.mark.parametrize("agent", ["*", " * ", "* # all"])
def test_is_everyone(agent: str) -> None:
    assert not allowed(f"User-agent: {agent}\n{SHUT}")
    assert allowed(f"User-agent: {agent}\n{SHUT}\nUser-agent: Atlas\nAllow: /")


@pytest.mark.parametrize("line", ["user-agent:Atlas", "User-Agent : Atlas", "User agent: Atlas"])
def test_spellings_of_the_line(line: str) -> None:
    assert not allowed(f"{OPEN}{line}\n{SHUT}")


SIMPLE = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("us", "path", "may"),
    [
        ("foobot", "/", False),
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("foobot", "/example/other.gif", False),
        ("foobot", "/publications/", False),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/example/picture.gif", True),
        ("quxbot", "/example/page.html", True),
        ("quxbot", "/picture.gif", True),
        ("nobody", "/picture.gif", False),
        ("nobody", "/example/page.html", False),
        ("nobody", "/publications/a", True),
    ],
)
def test_the_simple_example(us: str, path: str, may: bool) -> None:  # RFC 9309, 5.1
    assert allowed(SIMPLE.replace(us, "Atlas"), path) is may


def test_the_longest_match() -> None:  # RFC 9309, 5.2
    text = "User-Agent: Atlas\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert allowed(text, "/example/page/")
    assert not allowed(text, "/example/page/disallowed.gif")


def test_groups_of_one_token_are_one() -> None:  # RFC 9309, 2.2.1
    text = (
        "user-agent: Atlas\ndisallow: /foo\ndisallow: /bar\n\n"
        "user-agent: BarBot\ndisallow: /public\n\n"
        "user-agent: atlas/2.0\ndisallow: /baz\n"
    )
    assert [allowed(text, path) for path in ("/foo", "/bar", "/baz", "/public", "/other")] == [
        *(False, False, False, True, True)
    ]
    everyone = text.replace("Atlas", "*").replace("atlas/2.0", "*")
    assert not allowed(everyone, "/foo")
    assert not allowed(everyone, "/baz")


@pytest.mark.parametrize(
    "between", ["Sitemap: https://a.example/s.xml", "# a note", "", "Clean-param: s /", "Host: a"]
)
def test_a_line_that_is_no_rule_ends_no_group(between: str) -> None:  # RFC 9309, 2.2.4
    text = f"User-agent: Atlas\n{between}\nUser-agent: b\nDisallow: /x\n{between}\nDisallow: /y"
    assert not allowed(text, "/x")
    assert not allowed(text, "/y")


def test_an_empty_rule_ends_the_names_of_a_group() -> None:
    assert allowed("User-agent: Atlas\nDisallow:\nUser-agent: b\nDisallow: /")


def test_rules_before_any_name_are_nobodys() -> None:
    assert allowed("Disallow: /\nUser-agent: b\nDisallow: /")


def test_the_delay_is_that_of_our_group() -> None:
    text = "User-agent: a\nCrawl-delay: 9\nUser-agent: *\nCrawl-delay: 3\nDisallow: /x\n"
    assert robots_of(text).crawl_delay == 3.0
    assert robots_of(text + "User-agent: Atlas/1\nCrawl-delay: 5").crawl_delay == 5.0
    assert robots_of(text + "User-agent: Atlas\nAllow: /").crawl_delay is None


def test_sitemaps_are_everyones() -> None:
    text = "Sitemap: /a.xml\nUser-agent: b\nSitemap: /b.xml\nDisallow: /\nSitemap: /c.xml"
    assert robots_of(text).sitemaps == tuple(f"{HOST}/{name}.xml" for name in "abc")


# -- against a plain reading of the RFC --

_NAMES = ["*", "Atlas", "atlas/0.3", "ATLAS", "a", "at", "Atlass", "b", "Atlas-x", "1"]
_PATHS = ["/", "/a", "/a/b", "/a/b/c", "/b"]
_LINES = st.one_of(
    st.tuples(st.just("user-agent"), st.sampled_from(_NAMES)),
    st.tuples(st.sampled_from(["allow", "disallow"]), st.sampled_from(["", *_PATHS])),
    st.tuples(st.sampled_from(["sitemap", "host", "noarchive"]), st.just("/a")),
)


def plainly_allowed(lines: list[tuple[str, str]], path: str) -> bool:
    """RFC 9309, 2.2.1 and 2.2.2, read line by line, without patterns."""
    groups: list[tuple[list[str], list[tuple[str, str]]]] = []
    for field, value in lines:
        if field == "user-agent":
            if not groups or groups[-1][1]:
                groups.append(([], []))
            groups[-1][0].append(value)
        elif field in ("allow", "disallow") and groups:
            groups[-1][1].append((field, value))
    mine = [each for each in groups if any(_token(name) == "atlas" for name in each[0])]
    mine = mine or [each for each in groups if "*" in each[0]]
    best = max(
        (
            (len(value), field == "allow")
            for _, found in mine
            for field, value in found
            if value and path.startswith(value)
        ),
        default=(0, True),
    )
    return best[1]


def _token(name: str) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz-_"
    length = next((at for at, char in enumerate(name.lower()) if char not in letters), len(name))
    return name[:length].lower()


@given(st.lists(_LINES, max_size=12), st.sampled_from(_PATHS))
def test_reads_as_the_rfc_does(lines: list[tuple[str, str]], path: str) -> None:
    text = "\n".join(f"{field}: {value}" for field, value in lines)
    assert allowed(text, path) is plainly_allowed(lines, path)


def test_a_group_with_very_many_names_and_rules() -> None:
    names = "\n".join(f"User-agent: bot-{'x' * (number % 50)}" for number in range(12_000))
    text = f"{names}\nUser-agent: Atlas\n" + "Disallow: /x\n" * 12_000
    assert not allowed(text)
    assert allowed(text, "/y")


@pytest.mark.parametrize(
    ("rules", "path", "line"),
    [
        ("Disallow: /private/", "/private/a", "Disallow: /private/"),
        ("Disallow: /a\nDisallow: /*.pdf$\nDisallow: /b", "/x/y.pdf", "Disallow: /*.pdf$"),
        ("Disallow: /a\nAllow: /a/b\nDisallow: /a/b/c*d", "/a/b/cxd", "Disallow: /a/b/c*d"),
        ("Disallow: /a%2Fb:c?q=1", "/a%2Fb:c?q=1", "Disallow: /a%2Fb:c?q=1"),
        ("Disallow: /%00x", "/%00x", "Disallow: /%00x"),
        ("Disallow: /\nAllow: /public", "/public", ""),
        ("Disallow: /", "/robots.txt", ""),
        ("", "/a", ""),
    ],
)
def test_the_line_that_forbids_a_page_is_known(rules: str, path: str, line: str) -> None:
    found = robots_of(f"User-agent: *\n{rules}\n")
    assert found.line_against(HOST + path) == line
    assert found.allows(HOST + path) is (line == "")


_PATTERNS = st.lists(st.text("/ab*$%2F", min_size=1, max_size=8).map("/".__add__), max_size=8)


@given(_PATTERNS, _PATTERNS, st.text("/ab$", max_size=8))
def test_the_line_alone_forbids_what_the_file_forbids(
    allowed: list[str], forbidden: list[str], path: str
) -> None:
    lines = [*(f"Allow: {each}" for each in allowed), *(f"Disallow: {each}" for each in forbidden)]
    url = canonicalize(f"{HOST}/{path}")
    found = robots_of("\n".join(["User-agent: *", *lines]))
    if line := found.line_against(url):
        assert not robots_of(f"User-agent: *\n{line}").allows(url), line
    else:
        assert found.allows(url)
