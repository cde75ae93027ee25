"""Parts: a document as a full-text engine takes it, and queries in the same lexemes.

The analyser stays ours (`analysis.py`); an engine only cuts at blanks. A part is ranked by three
fields: `body` has one lexeme for each position, so that phrases can be found; `prefixes` has the
first letters of Latin words; `initials` has the first characters of n-grams, for queries of one
character, which would otherwise have to be expanded into thousands of n-grams.

BM25 penalises long fields. So the other two are as long as `body`, with a filler where they have
nothing: otherwise a Chinese text with one Latin name would be a very short one in `prefixes`,
and the name would count for more than all the rest.

`title` has the lexemes of the title once more, as the body has them. It only narrows, for `title:`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from atlas.domain.search.analysis import (
    BIGRAM,
    FILLER,
    PREFIX_MARK,
    TITLE_CHARACTERS,
    TITLE_WEIGHT,
    TRIGRAM,
    PhraseWord,
    QueryTerm,
    phrase_of,
    phrase_words,
    positions,
    query_terms,
    split,
)
from atlas.domain.search.fold import fold
from atlas.domain.search.query_language import QueryParts
from atlas.domain.search.stop_words import asked_terms

Field: TypeAlias = Literal["body", "prefixes", "initials"]

_BIGRAM, _TRIGRAM = re.compile(f"[{BIGRAM}]"), re.compile(f"[{TRIGRAM}]")


@dataclass(frozen=True, slots=True)
class IndexPart:
    """One part: the lexemes of each field with a blank between, and the characters of the
    document's text from `start` to `end` that it covers."""

    body: str
    prefixes: str
    initials: str
    title: str
    start: int
    end: int
    length: int
    """Positions of the body."""


@dataclass(frozen=True, slots=True)
class LexemeQuery:
    """A query as an engine takes it: any of the terms, all of the phrases, one of each group, and
    none of those that it is `without`, in the same part; all `titles` in the title."""

    terms: tuple[QueryTerm, ...]
    phrases: tuple[tuple[PhraseWord, ...], ...] = ()
    either: tuple[tuple[tuple[PhraseWord, ...], ...], ...] = ()
    without: tuple[tuple[PhraseWord, ...], ...] = ()
    titles: tuple[tuple[PhraseWord, ...], ...] = ()

    @property
    def quoted(self) -> tuple[tuple[PhraseWord, ...], ...]:
        """The phrases that a text has, or may have."""
        return (*self.phrases, *(phrase for group in self.either for phrase in group))


def index_parts(title: str, text: str) -> tuple[IndexPart, ...]:
    """Analyse a document for an engine. There is always at least one part, if an empty one.

    The title counts `TITLE_WEIGHT` times in each.
    """
    return tuple(index_part(title, text, start, end) for start, end in split(text))


def lexeme_query(query: str) -> LexemeQuery:
    """Analyse a query; it has no term if it has no word."""
    quoted = phrase_words(query)
    return LexemeQuery(asked_terms(query_terms(query), quoted), quoted)


def parts_query(parts: QueryParts) -> LexemeQuery:
    """Analyse a query that was taken apart."""
    groups = (tuple(filter(None, map(phrase_of, group))) for group in parts.either)
    return replace(
        lexeme_query(parts.words),
        either=tuple(filter(None, groups)),
        without=tuple(filter(None, map(phrase_of, parts.without))),
        titles=tuple(filter(None, map(phrase_of, parts.titles))),
    )


def field_of(term: QueryTerm) -> tuple[Field, str]:
    """The field in which a term of a query is looked up, and the lexeme that stands there."""
    if term.prefix:
        return "initials", term.lexeme
    if term.lexeme.startswith(PREFIX_MARK):
        return "prefixes", term.lexeme.removeprefix(PREFIX_MARK)
    return "body", term.lexeme


def index_part(title: str, text: str, start: int, end: int) -> IndexPart:
    """One of them: a document's text from one character to another."""
    heading = _fields(title[:TITLE_CHARACTERS])
    body, prefixes, initials = (
        " ".join(filter(None, pieces))
        for pieces in zip(*[heading] * TITLE_WEIGHT, _fields(text[start:end]), strict=True)
    )
    length = body.count(" ") + 1 if body else 0
    return IndexPart(body, prefixes, initials, heading[0], start, end, length)


def _fields(text: str) -> tuple[str, str, str]:
    body: list[str] = []
    prefixes: list[str] = []
    initials: list[str] = []
    for lexemes, _, _, _ in positions(text, fold(text)):
        body.append(lexemes[0])
        if len(lexemes) > 1:
            prefixes.append(lexemes[1].removeprefix(PREFIX_MARK))
        else:
            prefixes.append(FILLER)
        initials += _initials(lexemes[0])
    if not any(each != FILLER for each in initials):
        initials = []  # most texts of most corpora
    return " ".join(body), " ".join(prefixes), " ".join(initials)


def _initials(lexeme: str) -> tuple[str, ...]:
    """What a query shorter than the n-grams of its script may say of this one."""
    if lexeme[0].isascii():
        return (FILLER,)  # nearly all lexemes of most corpora end here
    if _BIGRAM.match(lexeme):
        return (lexeme[:1],)
    if _TRIGRAM.match(lexeme):
        return (lexeme[:1], lexeme[:2]) if len(lexeme) > 1 else (lexeme,)
    return (FILLER,)
