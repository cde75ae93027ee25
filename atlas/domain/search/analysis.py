"""The analyser: text to index lexemes, one versioned function for documents and queries.

NFKC and casefold; traditional Chinese to simplified; Han, kana and Hangul as bigrams; Thai, Lao,
Khmer and Burmese as trigrams; other words stemmed by Snowball for their script; Latin words also
give their first five letters without accents, at the same position (facts sheet, "Search in
PostgreSQL"), and names that are made of several words (`compounds.py`) stand before their parts;
the parts of camelCase stand behind all of the text, so that a name has its neighbours at its sides
in either case: "httpserver starts" is in "the HTTPServer starts".

A change of any output raises `ANALYSER_VERSION`: documents indexed by one version can only be
searched by the same one. A golden test fails when a library's new release changes the output.
"""

import functools
import re
import threading
import unicodedata
from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass
from itertools import takewhile

import Stemmer

from atlas.domain.search.compounds import (
    CamelName,
    Compound,
    camel_names,
    compounds,
    letters_and_number,
)
from atlas.domain.search.fold import (
    HAN,
    Alignment,
    character_ranges,
    characters,
    cluster_pattern,
    fold,
)
from atlas.domain.search.spelling import arabic_forms, hebrew_form, without_accents

ANALYSER_VERSION = 4

PART_CHARACTERS = 12_000
"""Characters of text in one part: a long document competes by its best."""

SHORTEST_PIECE = PART_CHARACTERS // 2 - PART_CHARACTERS // 20 - 1
"""Characters of the shortest part of a text that has more than one."""

TITLE_WEIGHT = 2
"""How often the title's words count, in each part of the document."""

PREFIX_MARK = "~"
"""Begins the lexemes that are first letters: apart from stems and always there, so that short and
long words weigh alike (.375 on Cranfield; mixed with the stems .365)."""

FILLER = "."
"""Where there is nothing for a position. It is no lexeme, so that no query finds it."""
_NOTHING = (FILLER,)

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


def query_phrases(query: str) -> tuple[str, ...]:
    """The quoted phrases of a query, each a tsquery literal that its words stand side by side."""
    return tuple(map(_tsquery, phrase_words(query)))


def tokens(text: str) -> Iterator[Token]:
    """Cut a text into tokens, in order, and behind them the parts of names in camelCase. Offsets
    are characters of `text`, not of its folding."""
    folded = fold(text)
    way_back = Alignment(text, folded)
    for lexemes, start, end, whole in positions(text, folded):
        yield Token(lexemes, way_back.start(start), way_back.end(end), whole)


def said_by(word: str) -> Iterator[tuple[str, int, int]]:
    """The lexemes of a word and of its parts, and where in it they stand."""
    for part, start in _with_parts(word):
        for lexeme in word_lexemes(part):
            yield lexeme, start, start + len(part)


def _query_tokens(query: str) -> Iterator[tuple[Token, bool]]:
    """The tokens that a query searches for, and whether each is a prefix."""
    placed = _placed_tokens(query)
    return ((token, prefix) for _, token, prefix in placed if token.lexemes != _NOTHING)


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
    """The words of a phrase; of one that is a name, as C++ or 3.11, the name itself. Parts of
    camelCase are none of its words."""
    found = list(takewhile(lambda each: each[1].lexemes != _NOTHING, _placed_tokens(words)))
    if len(names := list(compounds(fold(words)))) == 1 and names[0].name == fold(words).strip():
        found = [each for each in found if each[1].lexemes == name_lexemes(names[0].name)]
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


def positions(text: str, folded: str) -> Iterator[tuple[tuple[str, ...], int, int, bool]]:
    """The positions of a text that was folded: lexemes, start, end, and whether the n-gram is
    whole. Offsets are characters of `folded`."""
    names = {name.start: name for name in compounds(folded)}
    words = _ASCII_WORD if folded.isascii() else run_pattern()
    for run in words.finditer(folded):
        if (run.lastindex or 1) == 1:
            yield from _word_positions(run, names)
        else:
            yield from _grams(run[0], 2 if run.lastindex == 2 else 3, run.start())
    yield from _behind(text, folded)


def _behind(text: str, folded: str) -> Iterator[tuple[tuple[str, ...], int, int, bool]]:
    """The parts of camelCase, name by name. What comes next begins at a distance."""
    name = None
    for name in camel_places(text, folded):
        yield _NOTHING, name.start, name.start, True
        for start, end in name.parts:
            yield word_lexemes(folded[start:end]), start, end, True
    if name is not None:
        yield _NOTHING, name.end, name.end, True


def camel_places(text: str, folded: str) -> Iterator[CamelName]:
    """The names in camelCase of a text, by where they stand when it is folded."""
    way = None
    for name in camel_names(text):
        way = way or Alignment(text, folded)
        moved = way.folded(name.start) - name.start
        start, end = name.start + moved, name.end + moved
        words = _ASCII_WORD if folded.isascii() else word_pattern()
        run = words.match(folded, start)
        # Accents and invisible characters can make another word of it.
        if run and run.end() == end and not (start and words.match(folded, start - 1)):
            parts = tuple((a + moved, b + moved) for a, b in name.parts)
            yield CamelName(start, end, parts)


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
                yield name_lexemes(name.name), name.start, name.end, True
    for part, place in _with_parts(word):
        yield word_lexemes(part), start + place, start + place + len(part), True


def _with_parts(word: str) -> Iterator[tuple[str, int]]:
    """A word and the parts that are found as well, and where in it they begin."""
    yield word, 0
    if (parts := letters_and_number(word)) is not None:
        yield parts[0], 0
        yield parts[1], len(parts[0])


def words_having(words: Collection[str], wanted: Set[str]) -> Iterator[str]:
    """Of folded words those that have any of the lexemes. Most have none, so that Snowball is asked
    once for all words of a script whose stems are all that a word has."""
    by_algorithm: dict[str | None, list[str]] = {}
    for word in words:
        by_algorithm.setdefault(_algorithm(ord(word[0])), []).append(word)
    for algorithm, some in by_algorithm.items():
        if algorithm in (None, "english", _HEBREW):
            yield from (word for word in some if not _lexemes_within(word).isdisjoint(wanted))
            continue
        forms = [word[:_MAX_LEXEME] for word in some]
        if algorithm == "arabic":
            forms = arabic_forms(forms)
        stems = _stemmers.of(algorithm).stemWords(forms)
        yield from (
            word
            for word, form, stem in zip(some, forms, stems, strict=True)
            if (stem or form) in wanted or word in wanted  # numbers have no stem
        )


@functools.lru_cache(maxsize=65_536)
def _lexemes_within(word: str) -> frozenset[str]:
    """All of a word and of its parts."""
    return frozenset(lexeme for lexeme, _, _ in said_by(word))


def name_lexemes(name: str) -> tuple[str, ...]:
    """What a name is found by: one that is only linked by hyphens or underscores by its words
    written as one, so that e-mail meets email, and get_user_name getUserName."""
    return word_lexemes(name)[:1] if name.isalnum() else (name,)


def _grams(run: str, size: int, offset: int) -> Iterator[tuple[tuple[str, ...], int, int, bool]]:
    """N-grams from every position of a run; those at its end are shorter."""
    for start in range(len(run)):
        gram = run[start : start + size]
        yield (gram,), offset + start, offset + start + len(gram), len(gram) == size


@functools.lru_cache(maxsize=65_536)
def word_lexemes(word: str) -> tuple[str, ...]:
    """What a word is found by."""
    word = word[:_MAX_LEXEME]
    algorithm = _algorithm(ord(word[0]))
    if algorithm is None or word.isdecimal():
        return (word,)
    if algorithm == _HEBREW:
        return hebrew_form(word)
    if algorithm == "arabic":
        (word,) = arabic_forms([word])
    stem = _stem(algorithm, word)
    if algorithm == "english":
        return (stem, PREFIX_MARK + (without_accents(word) or word)[:5])
    return (stem,)


def _stem(algorithm: str, word: str) -> str:
    """Snowball's stem; the word itself where nothing is left of it, as of Greek "όταν" and of
    Arabic tatweel: PostgreSQL takes no empty lexeme, neither in a tsvector nor in a query."""
    stem: str = _stemmers.of(algorithm).stemWord(word)
    return stem or word


@functools.lru_cache(maxsize=4_096)
def _algorithm(code: int) -> str | None:
    for first, last, algorithm in _SNOWBALL:
        if first <= code <= last:
            return algorithm
    return None


def prepare() -> None:
    """Make what the first analysis would wait for: some 50 ms."""
    for pattern in (run_pattern, word_pattern, cluster_pattern):
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
def _word() -> str:
    """A word; combining marks belong to it (Devanagari vowel signs), but `\\w` leaves them out."""
    marks = character_ranges(map(unicodedata.category, characters()), "(?:M.)+", 2)
    letter = rf"[^\W_{BIGRAM}{TRIGRAM}]"
    return rf"{letter}+(?:[{marks}]+{letter}*)*"


@functools.cache
def word_pattern() -> re.Pattern[str]:
    return re.compile(_word())


@functools.cache
def run_pattern() -> re.Pattern[str]:
    """Runs of one kind: (1) words, (2) bigram scripts, (3) trigram scripts."""
    return re.compile(rf"({_word()})|([{BIGRAM}]+)|([{TRIGRAM}]+)")


def _quote(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
