"""The analyser: text to index lexemes, one versioned function for documents and queries.

NFKC and casefold; traditional Chinese to simplified; Han, kana and Hangul as bigrams; Thai, Lao,
Khmer and Burmese as trigrams; other words stemmed by Snowball for their script; Latin words also
give their first five letters without accents, at the same position (facts sheet, "Search in
PostgreSQL"), and names that are made of several words (`compounds.py`) stand before their parts.

A change of any output raises `ANALYSER_VERSION`: documents indexed by one version can only be
searched by the same one. A golden test fails when a library's new release changes the output.
"""

import functools
import re
import string
import threading
import unicodedata
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import takewhile

import Stemmer

from atlas.domain.search.compounds import Compound, compounds, compounds_near, letters_and_number
from atlas.domain.search.fold import (
    HAN,
    Alignment,
    character_ranges,
    characters,
    cluster_pattern,
    fold,
)
from atlas.domain.search.spelling import arabic_form, hebrew_form, without_accents

ANALYSER_VERSION = 3

PART_CHARACTERS = 12_000
"""Characters of text in one part: a long document competes by its best."""

TITLE_WEIGHT = 2
"""How often the title's words count, in each part of the document."""

PREFIX_MARK = "~"
"""Begins the lexemes that are first letters: apart from stems and always there, so that short and
long words weigh alike (.375 on Cranfield; mixed with the stems .365)."""

TITLE_CHARACTERS = 300
_MAX_LEXEME = 40  # letters of one word that count; a longer run is data, not language

_KANA = r"\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3105-\u312f"
_HANGUL = r"\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff"
BIGRAM = HAN + _KANA + _HANGUL
TRIGRAM = (  # letters and vowel signs of Thai, Lao, Burmese, Khmer; their digits are words
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ece\u0edc-\u0edf"
    r"\u1000-\u103f\u1050-\u108f\u109a-\u109d\uaa60-\uaa7f\u1780-\u17d3"
)
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_QUOTED = re.compile(
    r'"([^"]+)"|[“„]([^“”„]+)[”“]|«([^«»]+)»|＂([^＂]+)＂'
    r"|「([^「」]+)」|『([^『』]+)』"
)
"""Phrases: in straight, English, German, French, full-width and East Asian quotation marks."""

_HEBREW = "hebrew"  # Snowball has none

_SNOWBALL = (  # (first, last code point of the script, algorithm)
    (0x0041, 0x024F, "english"),
    (0x0370, 0x03FF, "greek"),
    (0x0400, 0x052F, "russian"),
    (0x0530, 0x058F, "armenian"),
    (0x0590, 0x05FF, _HEBREW),
    (0x0600, 0x077F, "arabic"),
    (0x0900, 0x097F, "hindi"),
    (0x0B80, 0x0BFF, "tamil"),
    (0x1E00, 0x1EFF, "english"),
    (0x1F00, 0x1FFF, "greek"),
)


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """One distinct lexeme of a query, and how often the query says it.

    `prefix` marks a run shorter than its script's n-gram (a single Han character): it stands for
    every n-gram that begins with it.
    """

    lexeme: str
    prefix: bool = False
    weight: int = 1

    @property
    def tsquery(self) -> str:
        """The term as a tsquery literal."""
        return _quote(self.lexeme) + (":*" if self.prefix else "")


@dataclass(frozen=True, slots=True)
class PhraseWord:
    """One word of a quoted phrase: how many positions after the first it stands, and its lexeme;
    `prefix` as of a `QueryTerm`."""

    offset: int
    lexeme: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """One position of a text: its lexemes, and where its characters stand in the text as given.

    `whole` is false for an n-gram cut short by the end of its run, kept for prefix searches.
    """

    lexemes: tuple[str, ...]
    start: int
    end: int
    whole: bool = True


def query_terms(query: str) -> tuple[QueryTerm, ...]:
    """The distinct terms of a query, in order; none if it has no word.

    An n-gram cut short by the end of its run counts only where the run is shorter than an n-gram.
    """
    counts: dict[tuple[str, bool], int] = {}
    for token, prefix in _query_tokens(query):
        for lexeme in token.lexemes:
            counts[lexeme, prefix] = counts.get((lexeme, prefix), 0) + 1
    return tuple(QueryTerm(lexeme, prefix, n) for (lexeme, prefix), n in counts.items())


def phrase_words(query: str) -> tuple[tuple[PhraseWord, ...], ...]:
    """The quoted phrases of a query, each by its words, which must stand side by side."""
    quoted = (found[found.lastindex or 0] for found in _QUOTED.finditer(query))
    return tuple(phrase for phrase in map(_phrase, quoted) if phrase)


def phrase_of(words: str) -> tuple[PhraseWord, ...]:
    """Words, in quotation marks or not, as one phrase; empty if there is none."""
    return _phrase(words)


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


def query_phrases(query: str) -> tuple[str, ...]:
    """The quoted phrases of a query, each a tsquery literal that its words stand side by side."""
    return tuple(map(_tsquery, phrase_words(query)))


def tokens(text: str) -> Iterator[Token]:
    """Cut a text into tokens, in order. Offsets are characters of `text`, not of its folding."""
    folded = fold(text)
    way_back = Alignment(text, folded)
    for lexemes, start, end, whole in positions(folded):
        yield Token(lexemes, way_back.start(start), way_back.end(end), whole)


def occurrences(text: str, wanted: Collection[str]) -> list[tuple[str, int, int]]:
    """Where wanted lexemes stand in a text: (lexeme, start, end), in characters of `text`.

    Much faster than `tokens` where few are wanted. An n-gram, whole or not, is found wherever
    its characters are: as a prefix it stands for that too.
    """
    folded, wanted = fold(text), frozenset(wanted)
    grams = {lexeme for lexeme in wanted if _is_gram(lexeme)}
    found = list(_said_in_words(wanted - grams, folded))
    signed = [each for each in wanted if not each.isalnum() and each[0] != PREFIX_MARK]
    for name in compounds_near(folded, signed):
        (lexeme, *_) = _name_lexemes(name.name)
        if lexeme in wanted and _is_said(name, folded):
            found.append((lexeme, name.start, name.end))
    found += [(gram, at, at + len(gram)) for gram in grams for at in _places(gram, folded)]
    if not found:
        return []
    way_back = Alignment(text, folded)
    return [(lexeme, way_back.start(a), way_back.end(b)) for lexeme, a, b in found]


def _said_in_words(wanted: Set[str], folded: str) -> Iterator[tuple[str, int, int]]:
    """Where the words of a folded text have any of the lexemes."""
    if not wanted:
        return
    said: dict[str, list[tuple[str, int, int]]] = {}
    for run in _words_that_may_be(wanted, folded):
        word = run[0]
        if (having := said.get(word)) is None:
            # Most have none: what a word becomes is remembered.
            none = _lexemes_within(word).isdisjoint(wanted)
            having = [] if none else [each for each in _said_by(word) if each[0] in wanted]
            said[word] = having
        for lexeme, start, end in having:
            yield lexeme, run.start() + start, run.start() + end


def _words_that_may_be(wanted: Set[str], folded: str) -> Iterator[re.Match[str]]:
    """The words of a folded text that begin as one of the lexemes. English and Russian stems begin
    as their words do; words of other scripts are all gone through."""
    openings = frozenset(
        _opening(each) for each in wanted if each.removeprefix(PREFIX_MARK)[:1].isalnum()
    )
    if not openings:  # names that begin with a sign are no words
        return iter(())
    if any(each[0].isdecimal() for each in openings):
        openings |= set(string.ascii_lowercase)  # rfc9110 begins as it likes
    ascii_ = folded.isascii()
    if ascii_ or not may_have_marks_or_grams().search(folded):
        return _beginning(openings, ascii_).finditer(folded)
    first = {each[0] for each in openings}
    runs = _word_pattern().finditer(folded)
    return (run for run in runs if run[0][0] in first or not _begins_as_stem(run[0]))


def _opening(lexeme: str) -> str:
    """The letters with which a word begins that becomes this lexeme: three, of which an accent may
    be gone, or one of a short stem ("dying" becomes "die")."""
    said = lexeme.removeprefix(PREFIX_MARK)
    return said[:3] if len(said) > 3 else said[:1]


def _begins_as_stem(word: str) -> bool:
    return word[0] <= "z" or "а" <= word[0] <= "я"


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
    # A letter behind the first one may have an accent that its lexeme has not.
    letter = str if ascii_ else f"(?:{{}}|{_OTHER})".format
    ways = [
        f"(?<={each})(?:{'|'.join(''.join(map(letter, rest)) for rest in sorted(rests))})"
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


def _said_by(word: str) -> Iterator[tuple[str, int, int]]:
    """The lexemes of a word and of its parts, and where in it they stand."""
    for part, start in _with_parts(word):
        for lexeme in _word_lexemes(part):
            yield lexeme, start, start + len(part)


def _goes_on(folded: str, start: int) -> bool:
    """Whether a letter goes on with a word, behind marks that stand on the one before."""
    before = start
    while before and unicodedata.category(folded[before - 1])[0] == "M":
        before -= 1
    return 0 < before < start and _word_pattern().match(folded, before - 1) is not None


def _is_said(name: Compound, folded: str) -> bool:
    """Whether a name stands at a word of the text, or has one or two signs before it."""
    runs = _run_pattern().finditer(folded, name.start)
    return any(
        run.lastindex == 1 and run.end() <= name.end and not _goes_on(folded, run.start())
        for run in takewhile(lambda run: run.start() <= name.start + 2, runs)
    )


def _is_gram(lexeme: str) -> bool:
    """Whether it is no word, nor the first letters of one."""
    run = _run_pattern().fullmatch(lexeme)
    return run is not None and run.lastindex != 1


def _places(said: str, folded: str) -> Iterator[int]:
    at = folded.find(said)
    while at >= 0:
        yield at
        at = folded.find(said, at + 1)


def _query_tokens(query: str) -> Iterator[tuple[Token, bool]]:
    """The tokens that a query searches for, and whether each is a prefix."""
    return ((token, prefix) for _, token, prefix in _placed_tokens(query))


def _placed_tokens(query: str) -> Iterator[tuple[int, Token, bool]]:
    """The same, each with its position."""
    end_of_whole = -1
    for at, token in enumerate(tokens(query)):
        if token.whole:
            end_of_whole = token.end
            yield at, token, False
        elif token.start >= end_of_whole:  # no whole n-gram covers it: the run is a short one
            end_of_whole = token.end
            yield at, token, True


def _phrase(words: str) -> tuple[PhraseWord, ...]:
    """The words of a phrase; of one that is a name, as C++ or 3.11, the name itself."""
    found = list(_placed_tokens(words))
    if len(names := list(compounds(fold(words)))) == 1 and names[0].name == fold(words).strip():
        found = [each for each in found if each[1].lexemes == _name_lexemes(names[0].name)]
    return tuple(PhraseWord(at - found[0][0], t.lexemes[0], prefix) for at, t, prefix in found)


def _tsquery(phrase: tuple[PhraseWord, ...]) -> str:
    literal = ""
    for number, word in enumerate(phrase):
        term = QueryTerm(word.lexeme, word.prefix).tsquery
        literal += f" <{word.offset - phrase[number - 1].offset}> {term}" if number else term
    return f"({literal})"


def split(text: str) -> Iterator[tuple[int, int]]:
    """Cut a long text into parts of even length, at a line or word end where one is near."""
    count = -(-len(text) // PART_CHARACTERS) or 1
    start = 0
    for number in range(1, count):
        target = len(text) * number // count
        near = target - PART_CHARACTERS // 20
        cut = max(text.rfind("\n", near, target), near) + 1
        if cut == near + 1:
            cut = max(text.rfind(" ", near, target) + 1, 0) or target
        yield start, cut
        start = cut
    yield start, len(text)


def positions(folded: str) -> Iterator[tuple[tuple[str, ...], int, int, bool]]:
    """The positions of a folded text: lexemes, start, end, and whether the n-gram is whole."""
    names = {name.start: name for name in compounds(folded)}
    words = _ASCII_WORD if folded.isascii() else _run_pattern()
    for run in words.finditer(folded):
        if (run.lastindex or 1) == 1:
            yield from _word_positions(run, names)
        else:
            yield from _grams(run[0], 2 if run.lastindex == 2 else 3, run.start())


def _word_positions(
    run: re.Match[str], names: dict[int, Compound]
) -> Iterator[tuple[tuple[str, ...], int, int, bool]]:
    """A word; before it the name that begins right here or at a sign before it, and after it its
    parts, as of rfc9110. What is no word has none."""
    if (run.lastindex or 1) != 1:
        return
    start, end, word = run.start(), run.end(), run[0]
    if names:
        for at in (start - 2, start - 1, start):
            if (name := names.pop(at, None)) is not None and name.end >= end:
                yield _name_lexemes(name.name), name.start, name.end, True
    for part, place in _with_parts(word):
        yield _word_lexemes(part), start + place, start + place + len(part), True


def _with_parts(word: str) -> Iterator[tuple[str, int]]:
    """A word and the parts that are found as well, and where in it they begin."""
    yield word, 0
    if (parts := letters_and_number(word)) is not None:
        yield parts[0], 0
        yield parts[1], len(parts[0])


@functools.lru_cache(maxsize=65_536)
def _lexemes_within(word: str) -> frozenset[str]:
    """All of a word and of its parts."""
    return frozenset(lexeme for lexeme, _, _ in _said_by(word))


def _name_lexemes(name: str) -> tuple[str, ...]:
    """What a name is found by: one that is only linked by hyphens or underscores by its words
    written as one, so that e-mail meets email, and get_user_name getUserName."""
    return _word_lexemes(name)[:1] if name.isalnum() else (name,)


def _grams(run: str, size: int, offset: int) -> Iterator[tuple[tuple[str, ...], int, int, bool]]:
    """N-grams from every position of a run; those at its end are shorter."""
    for start in range(len(run)):
        gram = run[start : start + size]
        yield (gram,), offset + start, offset + start + len(gram), len(gram) == size


@functools.lru_cache(maxsize=65_536)
def _word_lexemes(word: str) -> tuple[str, ...]:
    word = word[:_MAX_LEXEME]
    algorithm = _algorithm(ord(word[0]))
    if algorithm is None or word.isdecimal():
        return (word,)
    if algorithm == _HEBREW:
        return hebrew_form(word)
    if algorithm == "arabic":
        word = arabic_form(word)
    stem = _stem(algorithm, word)
    if algorithm == "english":
        return (stem, PREFIX_MARK + (without_accents(word) or word)[:5])
    return (stem,)


def _stem(algorithm: str, word: str) -> str:
    """Snowball's stem; the word itself where nothing is left of it, as of Greek "όταν" and of
    Arabic tatweel: PostgreSQL takes no empty lexeme, neither in a tsvector nor in a query."""
    stem: str = _stemmers.of(algorithm).stemWord(word)
    return stem or word


def _algorithm(code: int) -> str | None:
    for first, last, algorithm in _SNOWBALL:
        if first <= code <= last:
            return algorithm
    return None


def prepare() -> None:
    """Make what the first analysis would wait for: some 50 ms."""
    for pattern in (_run_pattern, may_have_marks_or_grams, _word_pattern, cluster_pattern):
        pattern()


class _Stemmers(threading.local):
    """Snowball stemmers of this thread: one object must not be used by two at once."""

    def __init__(self) -> None:
        self._made: dict[str, Stemmer.Stemmer] = {}

    def of(self, algorithm: str) -> Stemmer.Stemmer:
        if algorithm not in self._made:
            self._made[algorithm] = Stemmer.Stemmer(algorithm, 0)  # the cache is ours
        return self._made[algorithm]


_stemmers = _Stemmers()


@functools.cache
def may_have_marks_or_grams() -> re.Pattern[str]:
    """Finds out quickly that a text has neither marks nor n-grams, as most in Latin, Greek,
    Cyrillic, Hebrew and Arabic letters; finds some other characters as well."""
    return re.compile(
        r"[^\x00-\u02ff\u0370-\u0482\u048a-\u0590\u05c8-\u060f\u061b-\u064a\u0671-\u06d5"
        r"\u2000-\u20cf\u2100-\u2bff]"
    )


@functools.cache
def _word() -> str:
    """A word; combining marks belong to it (Devanagari vowel signs), but `\\w` leaves them out."""
    marks = character_ranges(map(unicodedata.category, characters()), "(?:M.)+", 2)
    letter = rf"[^\W_{BIGRAM}{TRIGRAM}]"
    return rf"{letter}+(?:[{marks}]+{letter}*)*"


@functools.cache
def _word_pattern() -> re.Pattern[str]:
    return re.compile(_word())


@functools.cache
def _run_pattern() -> re.Pattern[str]:
    """Runs of one kind: (1) words, (2) bigram scripts, (3) trigram scripts."""
    return re.compile(rf"({_word()})|([{BIGRAM}]+)|([{TRIGRAM}]+)")


def _quote(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
