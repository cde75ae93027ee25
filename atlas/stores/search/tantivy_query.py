"""What searches ask for, as queries of tantivy's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import tantivy
from tantivy import FieldType, Occur, Query

from atlas.domain.search.analysis import PhraseWord, QueryTerm
from atlas.domain.search.common_pairs import CommonWords
from atlas.domain.search.index_parts import Field, LexemeQuery, field_of
from atlas.stores.search.near_terms import SAME_LETTERS, nearest_terms, one_edit
from atlas.stores.search.port import LIVE, NEAR_EDITS, IndexOrigin, TextScope
from atlas.stores.search.tantivy_parts import LATER_FIELDS, SCHEMA

_NEAR_TERMS = 50
"""Terms near to one, beyond which others are too far or too rare to be meant."""


def tantivy_query(
    terms: Sequence[QueryTerm],
    query: LexemeQuery,
    scope: TextScope,
    origin: IndexOrigin,
    common: CommonWords,
) -> Query:
    """The parts within a scope that match, ranked by the terms that count."""
    either = Query.boolean_query([(Occur.Should, weighed(term)) for term in terms])
    demands = [_phrase(each, common) for each in query.phrases]
    demands += [_any_of([_phrase(each, common) for each in some]) for some in query.either]
    demands += within(scope)
    demands += _titled(query.titles, origin)
    parts = [(Occur.Must, either), *((Occur.Must, _unscored(each)) for each in demands)]
    parts += [(Occur.MustNot, _phrase(each, common)) for each in query.without]
    if scope.at is not None:
        parts.append((Occur.MustNot, ended(scope.at - 1)))
        parts.append((Occur.MustNot, _number_range("since", scope.at + 1, None)))
    elif origin.past:  # else nothing has to be left out, and a common word is answered faster
        parts.append((Occur.MustNot, ended(LIVE - 1)))
    return Query.boolean_query(parts)


def ended(until: int) -> Query:
    """Parts whose texts were live until then, or not so long."""
    return _number_range("until", None, until)


def _number_range(name: str, lower: int | None, upper: int | None) -> Query:
    return Query.range_query(SCHEMA, name, FieldType.Integer, lower, upper)


def weighed(term: QueryTerm) -> Query:
    """A term, as often as the query says it."""
    found = _term(*field_of(term))
    return found if term.weight == 1 else Query.boost_query(found, float(term.weight))


def _term(name: Field, lexeme: str) -> Query:
    return Query.term_query(SCHEMA, name, lexeme, index_option="freq")


def exactly(name: str, value: object) -> Query:
    """Parts with that value."""
    return Query.term_query(SCHEMA, name, value, index_option="basic")


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


def _phrase(words: Sequence[PhraseWord], common: CommonWords) -> Query:
    if len(words) == 1:
        return _term(*field_of(QueryTerm(words[0].lexeme, words[0].prefix)))
    compared = _side_by_side("body", words)
    pairs = common.pairs_in(words)
    if not pairs:
        return compared
    if len(words) == 2:
        ((pair, older),) = pairs
        return _any_of([exactly("pairs", pair), _all_of([_marked(older), compared])])
    return _all_of([*(_any_of([exactly("pairs", a), _marked(b)]) for a, b in pairs), compared])


def _marked(marks: Sequence[str]) -> Query:
    return _any_of([exactly("pairs", mark) for mark in marks])


def _titled(titles: Sequence[Sequence[PhraseWord]], origin: IndexOrigin) -> Iterator[Query]:
    """What the title must have. Of a generation without a field for it, which serves until another
    is built: what all of the part must have, where that can be looked for."""
    for words in titles:
        if origin.layout < LATER_FIELDS:
            if len(words) == 1 or not any(word.prefix for word in words):
                yield _phrase(words, CommonWords())
        elif len(words) == 1:
            yield Query.regex_query(SCHEMA, "title", _pattern(words[0]))
        else:
            yield _side_by_side("title", words)


def _side_by_side(name: str, words: Sequence[PhraseWord]) -> Query:
    if any(word.prefix for word in words):
        patterns = [(word.offset, _pattern(word)) for word in words]
        return Query.regex_phrase_query(SCHEMA, name, patterns)  # type: ignore[arg-type]
    placed = [(word.offset, word.lexeme) for word in words]
    return Query.phrase_query(SCHEMA, name, placed)  # type: ignore[arg-type]


def _pattern(word: PhraseWord) -> str:
    # Names such as C++ are lexemes as well: their signs mean themselves.
    return re.escape(word.lexeme) + (".*" if word.prefix else "")


def _any_of(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, each) for each in queries])


def _all_of(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Must, each) for each in queries])


def within(scope: TextScope) -> Iterator[Query]:
    """What a scope demands, but for the time."""
    for name in ("source", "language"):
        if (wanted := getattr(scope, name)) is not None:
            yield exactly(name, wanted)
    for name in ("source", "language", "host"):
        if any_of := getattr(scope, f"{name}s"):
            yield _any_of([exactly(name, each) for each in any_of])
    if scope.published_from is not None:
        yield _number_range("published", scope.published_from, None)
    if scope.published_before is not None:
        yield _number_range("published", None, scope.published_before - 1)
    if scope.texts is not None:
        yield Query.term_set_query(SCHEMA, "text", [each.hex() for each in scope.texts])


def near_queries(searcher: tantivy.Searcher, lexeme: str) -> Iterator[Query]:
    """Terms one edit from a lexeme; then those of two edits."""
    yield Query.regex_query(SCHEMA, "body", one_edit(lexeme))
    alike = searcher.terms_with_prefix("body", lexeme[:SAME_LETTERS])
    if terms := nearest_terms(lexeme, alike, NEAR_EDITS, _NEAR_TERMS):
        yield _any_of([exactly("body", each) for each in terms])
