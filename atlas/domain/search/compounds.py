"""Names that are made of several words or signs, and mean something as a whole: os.path.join, 3.11,
get_user_name, e-mail, C++, $PATH, RFC9110.

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
