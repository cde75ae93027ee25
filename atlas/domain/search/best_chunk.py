"""The chunk of a document that a hit names: the one that says most of what was asked for.

The engine ranks whole texts: ranked by their best chunks they are found less well (decision 36). So
the chunk is chosen when a hit is shown, from the text that is shown, with the cuts of the export.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from atlas.domain.chunking.chunk_bounds import ChunkBounds
from atlas.domain.chunking.document_chunks import DEFAULT_CHUNK_SIZE
from atlas.domain.extraction.outline import Outline, OutlineSection
from atlas.domain.search.analysis import PhraseWord
from atlas.domain.search.chunk_places import ChunkPlace, ChunkPlaces, stored_places
from atlas.domain.search.ranking import K1, B
from atlas.domain.search.snippet import Snippet, snippet
from atlas.domain.search.term_matches import TermMatch, phrase_matches, term_matches, within

_USUAL = DEFAULT_CHUNK_SIZE // 2
"""Characters of a chunk that count as usual, below which it is not favoured: a heading with one
line says less than a paragraph that has the same words."""
_CLOSE = 120
"""Characters, about a sentence, within which words belong together."""
_PLACES = ChunkPlaces()


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """A document as it is shown; its outline is None where none is known, the bounds of its chunks
    where none are stored. With them, `text` may be without what stands before the character
    `offset`, and behind the chunks that are looked at; places are those in the whole text."""

    url: str
    text: str
    markdown: str
    outline: Sequence[OutlineSection] | None
    bounds: Sequence[ChunkBounds] | None = None
    offset: int = 0

    def places(self, part: tuple[int, int], outline: Outline) -> Sequence[ChunkPlace]:
        """Where its chunks stand that overlap a part of its text, in order; the first if none
        does: an older index may have been made of a text that differs in blanks."""
        if self.bounds is not None:
            chosen = [each for each in self.bounds if each.begin < part[1] and each.end > part[0]]
            return stored_places(self.url, chosen or self.bounds[:1], outline)
        chunks = _PLACES.of(self.url, self.text, self.markdown, self.outline)
        return [each for each in chunks if each.start < part[1] and each.end > part[0]] or chunks[
            :1
        ]


@dataclass(frozen=True, slots=True)
class ShownChunk:
    """What a hit shows of a document, and where that stands."""

    snippet: Snippet
    chunk_id: str | None
    """None: the document has no words."""
    section: tuple[str, ...]
    anchor: str | None


def shown_chunk(
    document: ShownDocument,
    part: tuple[int, int],
    weights: Mapping[str, float],
    phrases: Iterable[Sequence[PhraseWord]] = (),
) -> ShownChunk:
    """The best chunk within the part of a text that the engine found, and the best snippet of it;
    `weights` gives each lexeme its worth. A phrase weighs as much as all lexemes together: who
    quotes wants to see it. Without any match it is the first chunk."""
    text, skipped = document.text, document.offset
    outline = Outline(document.outline or ())
    chunks = [each.moved(-skipped) for each in document.places(part, outline)]
    if not chunks:
        return ShownChunk(Snippet("", ()), None, (), None)
    matches = term_matches(text, weights, chunks[0].start, chunks[-1].end)
    if quoted := [match for each in phrases for match in phrase_matches(text, matches, each)]:
        matches = sorted(matches + quoted)
        weights = {
            **dict.fromkeys((each.term for each in quoted), sum(weights.values())),
            **weights,
        }
    chunk = _best(chunks, matches, weights)
    piece = snippet(text, within(matches, chunk.start, chunk.end), weights, chunk)
    if piece.at is None:
        return ShownChunk(piece, chunk.id, (), None)
    # In API manuals a term that the section defines may have an anchor of its own.
    place = outline.at(piece.at + skipped)
    anchor = place.anchor if place.section == chunk.section else chunk.anchor
    return ShownChunk(piece, chunk.id, chunk.section, anchor)


def _best(
    chunks: Sequence[ChunkPlace], matches: Sequence[TermMatch], weights: Mapping[str, float]
) -> ChunkPlace:
    """By BM25, and what it says close together; of equal ones the first."""
    starts = [match.start for match in matches]
    best, best_score = chunks[0], 0.0
    for chunk in chunks:
        inside = matches[bisect_left(starts, chunk.start) : bisect_left(starts, chunk.end)]
        found = within(inside, chunk.start, chunk.end)
        counts = Counter(match.term for match in found)
        length = max(chunk.end - chunk.start, _USUAL)
        norm = K1 * (1 - B + B * length / _USUAL)
        score = sum(weights[term] * (K1 + 1) * n / (n + norm) for term, n in counts.items())
        score += _close(found, weights)
        if score > best_score + 1e-9:
            best, best_score = chunk, score
    return best


def _close(matches: Sequence[TermMatch], weights: Mapping[str, float]) -> float:
    """What the distinct terms are worth that stand closest together."""
    most = worth = 0.0
    counts: Counter[str] = Counter()
    first = 0
    for match in matches:
        worth += 0.0 if counts[match.term] else weights[match.term]
        counts[match.term] += 1
        while match.end - matches[first].start > _CLOSE and matches[first] is not match:
            counts[matches[first].term] -= 1
            worth -= 0.0 if counts[matches[first].term] else weights[matches[first].term]
            first += 1
        most = max(most, worth)
    return most
