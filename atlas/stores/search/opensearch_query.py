"""Searches in the query language of OpenSearch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from atlas.domain.search.analysis import PhraseWord, QueryTerm
from atlas.domain.search.index_parts import LexemeQuery, field_of
from atlas.stores.search.near_terms import SAME_LETTERS
from atlas.stores.search.port import LIVE, NEAR_EDITS, PartMatch, TextScope

Body = dict[str, Any]
"""Of a request or an answer: JSON."""
EXPANSIONS = 1_000
"""N-grams that a single character stands for within a phrase; Lucene takes 1,024 clauses."""


IN_ORDER: Body = {"sort": ["_score", {"text": "asc"}, {"start": "asc"}], "track_scores": True}
"""Of equal scores the smaller hash first, then the earlier part; Lucene's own order of these is by
segment."""


def search_request(terms: Sequence[QueryTerm], query: LexemeQuery, scope: TextScope) -> Body:
    """The best parts of texts within the scope that have any of the terms and all that must be."""
    found: Body = {
        "must": [{"bool": {"should": list(map(weighed, terms)), "minimum_should_match": 1}}],
        "filter": [
            *(*map(_phrase, query.phrases), *map(_one_of, query.either)),
            *(*map(_titled, query.titles), *_within(scope)),
        ],
        "must_not": [*map(_phrase, query.without), *_outside(scope)],
    }
    return {
        "track_total_hits": True,
        "query": {"bool": found},
        # From columns: reading and parsing 200 stored documents took most of a search.
        "docvalue_fields": ["text", "start", "end"],
        "stored_fields": "_none_",
    }


def part_match(hit: Body) -> PartMatch:
    """A part as the answer to `search_request` has it."""
    (text,), (start,), (end,) = (hit["fields"][name] for name in ("text", "start", "end"))
    return PartMatch(bytes.fromhex(text), start, end, float(f"{hit['_score']:.6g}"))


def weighed(term: QueryTerm) -> Body:
    """A term with its weight in the query."""
    name, lexeme = field_of(term)
    return {"term": {name: {"value": lexeme, "boost": float(term.weight)}}}


def near_terms(lexeme: str) -> Body:
    """Terms one edit from a lexeme, and of two edits those that begin alike."""
    alike = {"value": lexeme, "fuzziness": NEAR_EDITS, "prefix_length": SAME_LETTERS}
    return any_of(
        [{"fuzzy": {"body": {"value": lexeme, "fuzziness": 1}}}, {"fuzzy": {"body": alike}}]
    )


def _phrase(words: Sequence[PhraseWord]) -> Body:
    if len(words) == 1:
        name, lexeme = field_of(QueryTerm(words[0].lexeme, words[0].prefix))
        return {"term": {name: lexeme}}
    if all(
        word.offset == words[0].offset + at and not word.prefix for at, word in enumerate(words)
    ):
        # For less than spans, which also know gaps and beginnings of words.
        return {"match_phrase": {"body": " ".join(word.lexeme for word in words)}}
    return _side_by_side("body", words)


def _titled(words: Sequence[PhraseWord]) -> Body:
    """In the title, or in a generation that has no field for it, and serves until another is
    built."""
    said = _side_by_side("title", words) if len(words) > 1 else _span("title", words[0])
    return any_of([said, {"bool": {"must_not": {"exists": {"field": "title"}}}}])


def _side_by_side(name: str, words: Sequence[PhraseWord]) -> Body:
    clauses: list[Body] = []
    for number, word in enumerate(words):
        if number and (gap := word.offset - words[number - 1].offset - 1):
            clauses.append({"span_gap": {name: gap}})
        clauses.append(_span(name, word))
    return {"span_near": {"clauses": clauses, "slop": 0, "in_order": True}}


def _one_of(phrases: Sequence[Sequence[PhraseWord]]) -> Body:
    return any_of([*map(_phrase, phrases)])


def any_of(clauses: Sequence[Body]) -> Body:
    """At least one of the clauses."""
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def _span(name: str, word: PhraseWord) -> Body:
    if not word.prefix:
        return {"span_term": {name: word.lexeme}}
    best = f"top_terms_{EXPANSIONS}"
    return {"span_multi": {"match": {"prefix": {name: {"value": word.lexeme, "rewrite": best}}}}}


def _outside(scope: TextScope) -> Iterator[Body]:
    """What was not live then; of now, what is past."""
    yield {"range": {"until": {"lt": LIVE if scope.at is None else scope.at}}}
    if scope.at is not None:
        yield {"range": {"since": {"gt": scope.at}}}


def _within(scope: TextScope) -> Iterator[Body]:
    for name in ("source", "language"):
        if (wanted := getattr(scope, name)) is not None:
            yield {"term": {name: wanted}}
    for name in ("source", "language", "host"):
        if any_of := getattr(scope, f"{name}s"):
            yield {"terms": {name: list(any_of)}}
    if scope.published_from is not None:
        yield {"range": {"published": {"gte": scope.published_from}}}
    if scope.published_before is not None:
        yield {"range": {"published": {"lt": scope.published_before}}}
    if scope.texts is not None:
        yield {"terms": {"text": [each.hex() for each in scope.texts]}}
