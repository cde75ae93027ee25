"""Names that are made of several words or signs, and mean something as a whole: os.path.join, 3.11,
get_user_name, getUserName, e-mail, C++, $PATH, RFC9110.

Part of the analyser (`analysis.py`): a change of any output raises its version.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

MAX_NAME = 64  # characters; what is longer is an address or data
_MAX_WORDS = 8

# Letters and digits, but for those of scripts that are cut into n-grams (from Thai on, U+0E00).
_LETTER = r"[^\W\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\uffff]"
_WORD = r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\uffff]"
_NAME = re.compile(
    rf"""
    (?<!{_LETTER})
    (?:
        (?P<signed> (?:\$|@|--|(?<!\S)\.) (?=[^\W\d]) {_WORD}{{1,40}} (?:[_-]{_WORD}+){{0,6}} )
      | (?P<linked> {_WORD}+ (?: (?:[._/@&\-\u2010\u2011]|::|->) {_WORD}+ )+ (?:\+\+|\#)? )
      | (?P<marked> [^\W\d_]{{1,3}} (?:\+\+|\#) )
    )
    (?!{_LETTER})
    """,
    re.VERBOSE,
)
_INNER = re.compile(r"[A-Z](?<=[A-Za-z0-9].)(?:(?<=[a-z0-9].)|(?=[a-z]))")
_RUN = re.compile(r"[A-Za-z0-9]+")
_HUMP = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMBERED = re.compile(r"([a-z]{2,8})([0-9]{2,8})")
_HYPHENS = re.compile("[_\\-\u2010\u2011]")
_IS_LATIN = re.compile("[a-z]")
_BLANK = re.compile(r"\s")
_SIGNS = re.compile(r"[^\w]|_")


@dataclass(frozen=True, slots=True)
class Compound:
    """A name in a folded text: what it is found by, and where it stands."""

    name: str
    start: int
    end: int


def letters_and_number(word: str) -> tuple[str, str] | None:
    """The two parts of a word like rfc9110."""
    if word[-1:].isdecimal() and (found := _NUMBERED.fullmatch(word)):
        return found[1], found[2]
    return None


def compounds(folded: str) -> Iterator[Compound]:
    """The names of a folded text, in order. None overlaps another."""
    for found in _NAME.finditer(folded):
        written = found[0]
        if len(written) > MAX_NAME or len(_SIGNS.findall(written)) > _MAX_WORDS:
            continue
        if found.lastgroup == "linked" and (joined := _HYPHENS.sub("", written)).isalnum():
            if not _IS_LATIN.search(joined):
                continue  # dates and ranges, and scripts where a hyphen seldom makes a name
            written = joined
        yield Compound(written, found.start(), found.end())


def compounds_near(folded: str, signed: Collection[str]) -> Iterator[Compound]:
    """Of these, those that stand in a run without a blank that has a hyphen, an underscore or one
    of the names given: a name that is found by letters and digits alone, or by one of those, is
    nowhere else. Going through all of a text takes several times as long."""
    places = {found.start() for found in _HYPHENS.finditer(folded)}
    for name in signed:
        at = folded.find(name)
        while at >= 0:
            places.add(at)
            at = folded.find(name, at + 1)
    done = 0
    for at in sorted(places):
        if at < done:
            continue
        start = at
        while start > done and not folded[start - 1].isspace():
            start -= 1
        found = _BLANK.search(folded, at)
        done = found.start() if found else len(folded)
        for each in compounds(folded[start:done]):
            yield Compound(each.name, start + each.start, start + each.end)


@dataclass(frozen=True, slots=True)
class CamelName:
    """A name in camelCase, and where its parts begin and end in the text as given."""

    start: int
    end: int
    parts: tuple[tuple[int, int], ...]


def camel_names(text: str) -> Iterator[CamelName]:
    """The names in camelCase of a text that is not folded yet, in order."""
    end = 0
    # Few texts have a capital within a word: to look at all words takes nine times as long.
    for inner in _INNER.finditer(text):
        if inner.start() < end:
            continue
        start = inner.start()
        while start > end and text[start - 1].isascii() and text[start - 1].isalnum():
            start -= 1
        run = _RUN.match(text, start)
        assert run  # the capital at least
        end = run.end()
        if end - start <= MAX_NAME and (parts := _humps(run[0])):
            yield CamelName(start, end, tuple((start + a, start + b) for a, b in parts))


def _humps(word: str) -> list[tuple[int, int]]:
    """The parts of getUserName, HTTPServer, parseXML2JSON and XMLHttpRequest. None of words with
    one capital inside that are names of people, places and products, in which nobody looks for
    them, or means something else: McDonald, iPhone, JavaScript, PostgreSQL; nor of data."""
    humps = [*_HUMP.finditer(word)]
    words = [each[0] for each in humps if each[0].isalpha()]
    single = sum(len(each) == 1 for each in words)
    if not 2 <= len(words) <= len(humps) <= _MAX_WORDS or single > 1:
        return []
    first, second = words[:2]
    if first.islower():
        is_name = len(first) > 1
    elif len(words) == 2:
        is_name = len(first) > 1 and first.isupper() and second[1:].islower() and len(second) > 2
    else:
        is_name = len(words[-1]) > 1  # not LaTeX
    return [each.span() for each in humps] if is_name else []
