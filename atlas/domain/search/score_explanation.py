"""A score term by term, as BM25 adds it up; read from what an engine says of one term of one part.

tantivy and Lucene explain alike: a tree of numbers, each with a description that begins with its
letter, as in `n, number of docs containing this term`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from atlas.domain.search.analysis import QueryTerm, tokens
from atlas.domain.search.index_parts import Field, field_of
from atlas.domain.search.ranking import B


@dataclass(frozen=True, slots=True)
class ScoredTerm:
    """What one term adds to the score of a result: `weight` times `saturation`. A result is ranked
    by the part of its text that matches best."""

    words: tuple[str, ...]
    """The words of the query that the term stands for."""
    lexeme: str
    """The term: a stem, the first letters of a word, a name, or some characters side by side."""
    field: Field
    """Where it was found: `body`, `prefixes` (first letters), `initials` (single characters)."""
    frequency: int
    """How often the part has it; words of the title count twice."""
    parts: int
    """In how many parts of texts it is."""
    of_parts: int
    """How many parts there are; tantivy counts one of its own as well."""
    weight: float
    """How rare it is, and how often the query has it."""
    length: int
    """Words of the part."""
    average_length: float
    """Words of a part on average."""
    length_factor: float
    """What the length does: above 1, the part is longer than the average, and counts less."""
    saturation: float
    """What the frequency counts at this length: more of it counts less and less, up to 2.2."""
    score: float
    """What the term adds to the score of the result."""


def read_explanation(
    term: QueryTerm, tree: Mapping[str, Any], *, factor: float = 1.0, length: int | None = None
) -> ScoredTerm:
    """What an engine explains; `factor` is what the score was multiplied with afterwards, `length`
    the exact one if the engine rounds it."""
    said: dict[str, float] = {}
    for name, value in _numbers(tree):
        said.setdefault(name, value)
    parts, of_parts = int(said["n"]), int(said["N"])
    long, average = int(said["dl"]) if length is None else length, max(said["avgdl"], 1.0)
    weight = term.weight * math.log1p(max(of_parts - parts + 0.5, 0.0) / (parts + 0.5))
    score = float(tree["value"]) * factor
    return ScoredTerm(
        words=(),
        lexeme=field_of(term)[1],
        field=field_of(term)[0],
        frequency=round(said["freq"]),
        parts=parts,
        of_parts=of_parts,
        weight=weight,
        length=long,
        average_length=average,
        length_factor=1 - B + B * long / average,
        saturation=score / weight if weight else 0.0,
        score=score,
    )


def words_of_terms(query: str) -> dict[str, tuple[str, ...]]:
    """The words of a query, as they stand there, by their lexemes."""
    found: dict[str, dict[str, None]] = {}
    for token in tokens(query):
        for lexeme in token.lexemes:
            found.setdefault(lexeme, {})[query[token.start : token.end]] = None
    return {lexeme: tuple(words) for lexeme, words in found.items()}


def _numbers(tree: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    name, comma, _ = str(tree["description"]).partition(",")
    if comma:
        yield name, float(tree["value"])
    for each in tree.get("details", ()):
        yield from _numbers(each)
