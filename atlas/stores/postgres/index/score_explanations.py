"""Why results rank as they do, and what was left out, for a search that asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atlas.domain.search.score_explanation import ScoredTerm, words_of_terms
from atlas.stores.search.port import PartMatch, PartMatches, SearchIndex


async def scored_terms(
    index: SearchIndex,
    words: str,
    found: PartMatches,
    shown: Sequence[PartMatch],
    generation: int | None,
) -> dict[bytes, tuple[ScoredTerm, ...]]:
    """The terms of each part that is shown, by its text: what counts most first."""
    terms = [each.term for each in found.counted]
    explained = await index.explain(terms, shown, generation=generation)
    said = words_of_terms(words)
    return {
        match.text_hash: tuple(
            replace(each, words=said.get(term.lexeme, ()))
            for term, each in sorted(parts, key=lambda part: -part[1].score)
        )
        for match, parts in zip(shown, explained, strict=True)
    }
