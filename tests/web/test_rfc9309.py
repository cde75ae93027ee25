"""robots.txt against RFC 9309: its own examples, a table, and an independent reading of it.

The table states what is expected of Atlas *and* of the reading, so that each holds the other.
"""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atlas.domain.addresses.urls import canonicalize
from tests.web.parsed import robots_of
from tests.web.rfc9309 import may

HOST = "http://a.example"
BOM = b"\xef\xbb\xbf"


def ours(body: bytes, target: str) -> bool:
    return robots_of(body).allows(HOST + target)


def both(body: bytes, target: str) -> bool:
    """What both say; the target in its canonical spelling, as every page has it."""
    spelt = canonicalize(HOST + target).removeprefix(HOST)
    found = ours(body, spelt)
    assert found is may("atlas", body, spelt.encode()), (body, spelt)
    return found


# -- rules and paths: `matches` says for each path whether the one rule is about it --

TABLE: list[tuple[str, str, str]] = [
    # rule, paths that match, paths that do not
    ("/", "/ /a /a/b /?q /%41", ""),
    ("/*", "/ /a /?q", ""),
    ("*", "/ /a /?q", ""),
    ("/$", "/", "/a /?q //"),
    ("/*$", "/ /a /a/b?c", ""),
    ("*$", "/ /a", ""),
    ("/a", "/a /a/ /ab /a.b /a?b /a/b/c", "/ /A /b /ba /%2fa"),
    ("/a/", "/a/ /a/b /a/?b", "/a /ab /A/ /b/a/"),
    ("/a$", "/a", "/ /a/ /ab /a?b /a$"),
    ("/a*", "/a /ab /a/", "/ /b /ba"),
    ("/a**b", "/ab /axb /axxb", "/a /b"),
    ("/*a", "/a /ba /b/a /xxab /?a", "/ /b /A"),
    ("*a", "/a /ba", "/ /b"),
    ("/*.php", "/.php /a.php /a/b.php?c /a.phpx", "/ /a.PHP /php /a.ph"),
    ("/*.php$", "/.php /a.php /a/b.php", "/a.php?b /a.php/ /a.php5 /PHP"),
    ("*.gif$", "/a.gif /.gif", "/a.gif?b /a.gifs /gif"),
    ("/fish*.php", "/fish.php /fishheads/catfish.php?id=1", "/Fish.PHP /fish"),
    ("/fish/", "/fish/ /fish/?id=1 /fish/salmon.htm", "/fish /fish.html /animals/fish/"),
    ("/a*b*c", "/abc /axbxc /a/b/c/d /aabbcc", "/ab /ac /acb /cba"),
    ("/a*b*c$", "/abc /axbxc /abcbc", "/abcd /ab"),
    ("/a*a*a", "/aaa /axaxa /aaaa", "/a /aa /axa"),
    ("/*/*/", "/a/b/ /// /a/b/c", "/ /a/ /a/b"),
    ("/a$b", "/a$b /a%24b /a$bc", "/a /ab /a$"),
    ("/a$$", "/a$ /a%24", "/a /a$b"),
    ("/%24", "/$ /$a /%24", "/ /a"),
    ("/a%2Ab", "/a*b /a%2Ab /a%2ab", "/ab /axb"),
    ("/a%24$", "/a$ /a%24", "/a /a$b"),
    ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html", "/path/file-with-a-b.html"),
    ("/path/foo-%24", "/path/foo-$ /path/foo-$a", "/path/foo-"),
    ("/foo/bar?baz=quz", "/foo/bar?baz=quz /foo/bar?baz=quzx", "/foo/bar /foo/bar?baz"),
    (
        "/foo/bar?baz=http://foo.bar",
        "/foo/bar?baz=http://foo.bar /foo/bar?baz=http%3A%2F%2Ffoo.bar",
        "/foo/bar?baz=http:/foo.bar /foo/bar",
    ),
    (
        "/foo/bar?baz=http%3A%2F%2Ffoo.bar",
        "/foo/bar?baz=http://foo.bar /foo/bar?baz=http%3a%2f%2ffoo.bar/x",
        "/foo/bar?baz=http",
    ),
    ("/foo/bar/ツ", "/foo/bar/ツ /foo/bar/%E3%83%84 /foo/bar/%e3%83%84x", "/foo/bar/ /foo/bar/ッ"),
    ("/foo/bar/%E3%83%84", "/foo/bar/ツ /foo/bar/%e3%83%84", "/foo/bar/E38384"),
    ("/foo/bar/%62%61%7A", "/foo/bar/baz /foo/bar/%62%61%7A /foo/bar/bazz", "/foo/bar/ba"),
    ("/foo/bar/baz", "/foo/bar/%62%61%7a /foo/bar/baz", "/foo/bar/%42az"),
    ("/%7Ejoe", "/~joe /%7ejoe /%7Ejoe/a", "/joe"),
    ("/~joe/", "/%7Ejoe/ /~joe/a", "/~joe /~joe%2Fa"),
    ("/a%3cd.html", "/a%3Cd.html /a%3cd.html", "/a3cd.html"),
    ("/a%2fb.html", "/a%2Fb.html /a%2fb.html", "/a/b.html"),
    ("/a/b.html", "/a/b.html", "/a%2fb.html /a%2Fb.html"),
    ("/a%3Fb", "/a%3Fb /a%3fb", "/a?b /a"),
    ("/a?b", "/a?b /a?bc /a?b=c", "/a%3Fb /a /a?c&b"),
    ("/a?", "/a?b /a?b?c", "/a /ab"),
    ("/*?", "/?a /a?b /a/b?c", "/ /a /a%3F"),
    ("/*?*a=", "/?a= /x?b=1&a=2", "/a= /?b"),
    ("/*&a=", "/?b&a=1 /x&a=", "/?a=1"),
    ("/a%26b", "/a%26b", "/a&b"),
    ("/a=b", "/a=b", "/a%3Db"),
    ("/a:b", "/a:b /a%3Ab /a%3ab", "/ab"),
    ("/a%3Ab", "/a:b /a%3Ab", "/a3Ab"),
    ("/a,b;c", "/a,b;c /a%2Cb%3Bc", "/a,b"),
    ("/a+b", "/a+b /a%2Bb", "/a%20b /a"),
    ("/(a)", "/(a) /%28a%29", "/a"),
    ("/@me", "/@me /%40me", "/me"),
    ("/a b", "/a%20b /a%20bc", "/a /ab /a+b"),
    ("/a%20b", "/a%20b", "/a /a+b"),
    ("/%", "/% /%a /%zz /%25", "/ /a"),
    ("/%zz", "/%zz /%25zz", "/zz"),
    ("/100%", "/100% /100%25 /100%x", "/100"),
    ("/a%00b", "/a%00b", "/ab /a"),
    ("/é", "/é /%C3%A9", "/%E9 /e"),
    ("/%E9", "/%E9 /%e9t", "/é"),
    ("/*/print/", "/a/print/ /?u=/print/", "/print/ /a/print"),
    ("/*u=%2Fprint", "/?u=%2Fprint /u=%2Fprint /?u=/print", "/u=/print"),
    ("/a//b", "/a//b", "/a/b /a///b"),
    ("/a/*/b", "/a/x/b /a//b /a/x/y/b", "/a/b"),
    ("/index.html", "/index.html /index.html?a", "/ /index"),
    ("/A", "/A /Ab /%41", "/a /%61"),
    ("a", "", "/ /a"),
    ("a/", "", "/a/"),
    ("?a", "", "/?a"),
    ("$", "", "/ /$"),
    ("", "", "/ /a"),
]
CASES = [
    (rule, path, about)
    for rule, yes, no in TABLE
    for about, paths in ((True, yes), (False, no))
    for path in paths.split()
]


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 200


def test_a_rule_is_about_a_path() -> None:
    for rule, path, about in CASES:
        shut = f"User-agent: *\nDisallow: {rule}".encode()
        assert both(shut, path) is not about, (rule, path)
        opened = b"User-agent: *\nDisallow: /\nAllow: " + rule.encode()
        assert both(opened, path) is (about or rule == "/"), (rule, path)


# -- which rule decides --


@pytest.mark.parametrize(
    ("rules", "allowed", "forbidden"),
    [
        # 5.2, and the table that search engines publish
        ("a/example/page/ d/example/page/disallowed.gif", "/example/page/", ""),
        ("a/example/page/ d/example/page/disallowed.gif", "", "/example/page/disallowed.gif"),
        ("a/p d/", "/page /p", "/ /a"),
        ("a/folder d/folder", "/folder /folder/page", ""),
        ("d/folder a/folder", "/folder /folder/page", ""),
        ("a/page d/*.htm", "/page", "/page.htm /page.html"),
        ("a/page d/*.ph", "/page.php5 /page", "/a.php"),
        ("a/$ d/", "/", "/page.htm /?a"),
        ("d/a a/a/b d/a/b/c", "/a/b /a/bc /a/b/x", "/a /a/ /a/b/c"),
        ("d/*a a/b", "/b /bb", "/a /ca"),
        ("d/*b a/ba", "/ba", "/b /ab /bxb"),
        ("d/a* a/a", "/b", "/a /ab"),
        ("d/a a/a*", "/a /ab", ""),
        ("d/a$ a/a", "/ab", "/a"),
        ("d/a a/a$", "/a /b", "/ab"),
        ("d/a** a/ab", "/b", "/abc /a"),
        ("a/%61%62 d/abc", "/ab /abx", "/abc"),
        ("d/%61 a/a", "/a", ""),
        ("a/a:b d/a%3Ab", "/a:b /a%3Ab", ""),
        ("a/a:b d/a%3A", "/a:b", "/a:c"),
        ("d/ツ a/%E3%83%84x", "/ツx", "/ツ /ツy"),
        ("d/?a a/", "/ /a", "/?a /?ab"),
        ("d", "/ /a", ""),
        ("d a/b", "/ /a", ""),
        ("a", "/ /a", ""),
        ("d/ d", "", "/ /a"),
        ("d/ a", "", "/ /a"),
        ("d/robots.txt", "/robots.txt /robot", "/robots.txt2 /robots.txt?a"),
        ("d/", "/robots.txt", "/robots.txt?a /Robots.txt /robots.txt/"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_the_most_specific_rule_decides(
    rules: str, allowed: str, forbidden: str, backwards: bool
) -> None:
    words = rules.split()[:: -1 if backwards else 1]
    names = {"a": "Allow", "d": "Disallow"}
    lines = [f"{names[word[0]]}: {word[1:]}" for word in words]
    body = "\n".join(["User-agent: *", *lines]).encode()
    for path in allowed.split():
        assert both(body, path), path
    for path in forbidden.split():
        assert not both(body, path), path


# -- the file --

GROUPS = "User-agent: other|Disallow: /|User-agent: Atlas|Disallow: /a|Allow: /a/b"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\n\n", "\r\r\n", " \t\n", " # note\r\n"])
@pytest.mark.parametrize("mark", [b"", BOM])
@pytest.mark.parametrize("last", ["", "end"])
def test_line_ends_marks_and_comments(end: str, mark: bytes, last: str) -> None:
    body = mark + (end.join(GROUPS.split("|")) + (end if last else "")).encode()
    assert [both(body, path) for path in ("/a", "/a/b", "/c")] == [False, True, True]


@pytest.mark.parametrize(
    "line",
    [
        *("Disallow: /a", "disallow:/a", "DISALLOW\t:\t/a", "  Disallow : /a  ", "Disallow:/a#b"),
        *("Disallow: /a # b", "Disallow: /a\t"),
    ],
)
def test_spellings_of_a_rule(line: str) -> None:
    body = f"User-agent: *\n{line}\n".encode()
    assert [both(body, path) for path in ("/a", "/b")] == [False, True]


@pytest.mark.parametrize(
    "line",
    [
        *("Disallow /a", "Dissallow: /a", "disalow: /a", "Disallow: http://a.example/a"),
        *("Disallow: https://b.example/a", "Disallow /a:b"),
    ],
)
def test_what_is_written_wrong_is_still_meant(line: str) -> None:  # more than the RFC asks
    assert not ours(f"User-agent: *\n{line}\n".encode(), "/a:b")


@pytest.mark.parametrize(
    "line",
    [
        *("Disallow: a", "Disallow:", "Disallow", "# Disallow: /", "Disavow: /a", ":/a", ": ", ":"),
        *("Disallow: #/a", "Noindex: /a", "<p>Disallow</p>", "Allow: /", "\x00", "\ufeff"),
        *("Disallow\u2028: /a", "Disallow: \u00a0/a"),
    ],
)
def test_what_forbids_nothing(line: str) -> None:
    assert both(f"User-agent: *\n{line}\n".encode(), "/a")


def test_separators_of_unicode_end_no_line() -> None:
    for char in ("\u2028", "\u0085", "\x0b", "\x0c", "\x1c"):
        body = f"User-agent: *\nDisallow: /a{char}Disallow: /b".encode()
        assert [both(body, path) for path in ("/a", "/b")] == [True, True]


# -- generated --

_PIECES = ["/", "/", "a", "b", "*", "*", "$", "?", "&", "=", ":", "%2F", "%2f", "%61", "%41", "%2A"]
_PIECES += ["%24", "%3A", "%", "%zz", "é", "%C3%A9", "%c3%a9", "+", "~", "%7E", "ab", "/a/"]
_patterns = st.lists(st.sampled_from(_PIECES), max_size=7).map("".join)
_targets = st.lists(st.sampled_from(_PIECES), max_size=8).map(lambda found: "/" + "".join(found))
_rules = st.tuples(st.sampled_from(["Allow", "Disallow"]), _patterns.map(lambda text: "/" + text))
_agents = st.sampled_from(["*", "Atlas", "atlas/1.0", "a", "ATLAS", "Atlas-x", "other"])
_lines = st.one_of(
    st.tuples(st.just("User-agent"), _agents),
    _rules,
    st.tuples(st.sampled_from(["Allow", "Disallow"]), _patterns),
    st.tuples(st.sampled_from(["Sitemap", "Crawl-delay", "x"]), st.just("1")),
)


@settings(max_examples=150)
@given(_patterns.map(lambda text: "/" + text), _targets)
@example("/a*b*a$", "/abba")
@example("/*a*a*a$", "/aaaa")
def test_generated_rules_are_about_the_paths_that_the_rfc_says(rule: str, target: str) -> None:
    both(f"User-agent: *\nDisallow: {rule}".encode(), target)


@settings(max_examples=150)
@given(st.lists(_rules, min_size=1, max_size=6), _targets)
def test_of_generated_rules_the_one_decides_that_the_rfc_says(
    rules: list[tuple[str, str]], target: str
) -> None:
    lines = [f"{name}: {value}" for name, value in rules]
    both("\n".join(["User-agent: *", *lines]).encode(), target)


@settings(max_examples=150)
@given(
    st.lists(_lines, max_size=12),
    st.sampled_from(["\n", "\r", "\r\n"]),
    st.sampled_from([b"", BOM]),
    _targets,
)
def test_generated_files_say_what_the_rfc_says(
    lines: list[tuple[str, str]], end: str, mark: bytes, target: str
) -> None:
    both(mark + end.join(f"{name}: {value}" for name, value in lines).encode(), target)


@settings(max_examples=200)
@given(st.binary(max_size=300), _targets)
def test_any_bytes_have_a_meaning(body: bytes, target: str) -> None:
    robots_of(body).allows(canonicalize(HOST + target))
