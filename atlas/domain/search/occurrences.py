"""Where words that are looked for stand in a text: for marks, snippets and phrases.

The same as the tokens of the text that have these lexemes, and much faster where few are wanted.
"""

import functools
import re
import string
import unicodedata
from collections.abc import Collection, Iterator, Sequence, Set
from itertools import takewhile

from atlas.domain.search import analysis
from atlas.domain.search.analysis import (
    PREFIX_MARK,
    PhraseWord,
    camel_places,
    name_lexemes,
    run_pattern,
    said_by,
    tokens,
    word_lexemes,
    word_pattern,
    words_having,
)
from atlas.domain.search.compounds import Compound, compounds_near
from atlas.domain.search.fold import Alignment, fold


def prepare() -> None:
    """Make what the first search would wait for: some 50 ms."""
    analysis.prepare()
    may_have_marks_or_grams()


def occurrences(text: str, wanted: Collection[str]) -> list[tuple[str, int, int]]:
    """Where wanted lexemes stand in a text: (lexeme, start, end), in characters of `text`.

    Much faster than `tokens` where few are wanted. An n-gram, whole or not, is found wherever
    its characters are: as a prefix it stands for that too.
    """
    folded, wanted = fold(text), frozenset(wanted)
    grams = {lexeme for lexeme in wanted if _is_gram(lexeme)}
    found = list(_said_in_words(wanted - grams, folded))
    found += _said_in_camel_case(wanted - grams, text, folded)
    # The vowel signs of Thai are no letters: its n-grams are no names.
    signed = [each for each in wanted - grams if not each.isalnum() and each[0] != PREFIX_MARK]
    for name in compounds_near(folded, signed):
        (lexeme, *_) = name_lexemes(name.name)
        if lexeme in wanted and _is_said(name, folded):
            found.append((lexeme, name.start, name.end))
    found += [(gram, at, at + len(gram)) for gram in grams for at in _places(gram, folded)]
    if not found:
        return []
    way_back = Alignment(text, folded)
    return [(lexeme, way_back.start(a), way_back.end(b)) for lexeme, a, b in found]


def _said_in_words(wanted: Set[str], folded: str) -> Iterator[tuple[str, int, int]]:
    """Where the words of a folded text have any of the lexemes."""
    openings = frozenset(
        _opening(each) for each in wanted if each.removeprefix(PREFIX_MARK)[:1].isalnum()
    )
    if not openings:  # names that begin with a sign are no words
        return
    words = [(run[0], run.start()) for run in _words_that_may_be(openings, folded).finditer(folded)]
    having = {
        word: [each for each in said_by(word) if each[0] in wanted]
        for word in words_having({word for word, _ in words}, wanted)
    }
    for word, at in words:
        for lexeme, start, end in having.get(word, ()):
            yield lexeme, at + start, at + end


def _said_in_camel_case(wanted: Set[str], text: str, folded: str) -> Iterator[tuple[str, int, int]]:
    """Where the parts of names in camelCase have any of the lexemes."""
    if not wanted:
        return
    for name in camel_places(text, folded):
        for start, end in name.parts:
            for lexeme in word_lexemes(folded[start:end]):
                if lexeme in wanted:
                    yield lexeme, start, end


def _words_that_may_be(openings: frozenset[str], folded: str) -> re.Pattern[str]:
    """Finds the words of a folded text that may have lexemes with these openings. English and
    Russian stems begin as their words do; for others it finds all words."""
    ascii_ = folded.isascii()
    if not ascii_ and may_have_marks_or_grams().search(folded):
        return word_pattern()
    if any(each[0].isdecimal() for each in openings):
        openings |= set(string.ascii_lowercase)  # rfc9110 begins as it likes
    if all(each[0] <= "z" or "а" <= each[0] <= "я" for each in openings):
        return _beginning(openings, ascii_)
    return _PLAIN_WORD


def _opening(lexeme: str) -> str:
    """The letters with which a word begins that becomes this lexeme: three, of which an accent may
    be gone, or one of a short stem ("dying" becomes "die")."""
    said = lexeme.removeprefix(PREFIX_MARK)
    return said[:3] if len(said) > 3 else said[:1]


@functools.lru_cache(maxsize=256)
def _beginning(openings: frozenset[str], ascii_: bool) -> re.Pattern[str]:
    """Words that begin with one of these letters, or with one of another script than Latin and
    Russian, in a text without marks and n-grams. It goes through all of the text, which is most of
    what a snippet costs: a class comes first, and what is before and behind it is looked at
    afterwards. The pattern is made for each query, so it has no class that takes long to
    compile."""
    going_on: dict[str, set[str]] = {}
    for each in openings:
        going_on.setdefault(each[0], set()).add(each[1:])
    first = re.escape("".join(sorted(going_on)))
    goes_on = str if ascii_ else _or_otherwise
    ways = [
        f"(?<={each})(?:{'|'.join(map(goes_on, sorted(rests)))})"
        for each, rests in sorted(going_on.items())
        if "" not in rests
    ]
    ways += [f"(?<={each})" for each, rests in sorted(going_on.items()) if "" in rests]
    if ascii_:
        return re.compile(rf"[{first}](?<![a-z0-9].)(?:{'|'.join(ways)})[a-z0-9]*")
    # Two classes: that of both takes 5 ms to compile.
    begins, ways = f"(?:[{first}]|{_OTHER})", [*ways, f"(?<={_OTHER})"]
    return re.compile(rf"{begins}(?<=[^\W_])(?<![^\W_].)(?:{'|'.join(ways)})[^\W_]*", re.DOTALL)


_OTHER = r"[^\x00-zа-я]"
_PLAIN_WORD = re.compile(r"[^\W_]+")
"""A word of a text without marks and n-grams."""


def _or_otherwise(letters: str) -> str:
    """These letters; behind one that a lexeme may have without its accent, or as two ("cœur" has
    "~coeur"), whatever there is."""
    way = ""
    for letter in reversed(letters):
        way = f"(?:{_OTHER}|{letter}{way})"
    return way


def holds_phrase(text: str, phrase: Sequence[PhraseWord]) -> bool:
    """Whether the words of a phrase stand side by side in a text."""
    wanted = {word.lexeme for word in phrase if not word.prefix}
    # Several times as fast as all tokens, and most texts have not all of the words.
    if wanted - {lexeme for lexeme, *_ in occurrences(text, wanted)}:
        return False
    if len(phrase) == 1 and wanted:
        return True
    places: dict[int, tuple[str, ...]] = {at: t.lexemes for at, t in enumerate(tokens(text))}
    return any(
        all(_says(places.get(start + word.offset, ()), word) for word in phrase) for start in places
    )


def _says(lexemes: tuple[str, ...], word: PhraseWord) -> bool:
    if word.prefix:
        return any(lexeme.startswith(word.lexeme) for lexeme in lexemes)
    return word.lexeme in lexemes


def _goes_on(folded: str, start: int) -> bool:
    """Whether a letter goes on with a word, behind marks that stand on the one before."""
    before = start
    while before and unicodedata.category(folded[before - 1])[0] == "M":
        before -= 1
    return 0 < before < start and word_pattern().match(folded, before - 1) is not None


def _is_said(name: Compound, folded: str) -> bool:
    """Whether a name stands at a word of the text, or has one or two signs before it."""
    runs = run_pattern().finditer(folded, name.start)
    return any(
        run.lastindex == 1 and run.end() <= name.end and not _goes_on(folded, run.start())
        for run in takewhile(lambda run: run.start() <= name.start + 2, runs)
    )


def _is_gram(lexeme: str) -> bool:
    """Whether it is no word, nor the first letters of one."""
    run = run_pattern().fullmatch(lexeme)
    return run is not None and run.lastindex != 1


def _places(said: str, folded: str) -> Iterator[int]:
    at = folded.find(said)
    while at >= 0:
        yield at
        at = folded.find(said, at + 1)


@functools.cache
def may_have_marks_or_grams() -> re.Pattern[str]:
    """Finds out quickly that a text has neither marks nor n-grams, as most in Latin, Greek,
    Cyrillic, Hebrew and Arabic letters; finds some other characters as well."""
    return re.compile(
        r"[^\x00-\u02ff\u0370-\u0482\u048a-\u0590\u05c8-\u060f\u061b-\u064a\u0671-\u06d5"
        r"\u2000-\u20cf\u2100-\u2bff]"
    )
