"""A document in chunks: parts of its sections that are small enough to embed, cite and compare.

A chunk never spans two sections. Its id is made of the page's address, the headings above it and
what it says: an edit changes the ids of the chunks that it changes, and one id always names one
text. docs/chunks.md has the rules and what they guarantee.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from atlas.domain.addresses.urls import url_key, with_fragment
from atlas.domain.chunking.chunk import DocumentChunk
from atlas.domain.chunking.chunk_bounds import DIGEST, ChunkBounds
from atlas.domain.chunking.cuts import RANKED, CutPlace, chosen_cuts, rank_of
from atlas.domain.chunking.markdown_block import MarkdownBlock
from atlas.domain.chunking.markdown_blocks import headings_in, markdown_blocks, plain_blocks
from atlas.domain.chunking.pieces import Piece, pieces_of
from atlas.domain.chunking.sentences import Cuttable
from atlas.domain.chunking.text_places import MarkdownSpan, TextPlaces, TextSpan
from atlas.domain.extraction.outline import TERM, Outline, OutlineSection, SectionPlace

DEFAULT_CHUNK_SIZE = 1_500
MIN_CHUNK_SIZE = 200
MAX_CHUNK_SIZE = 100_000
OVERLAP_SHARE = 5
"""A chunk repeats at most a fifth of its size from the one before."""
CODE_SIZES = 4
"""Code is cut only if it is longer than so many sizes."""


def document_chunks(
    url: str,
    text: str,
    markdown: str,
    outline: Sequence[OutlineSection] | None,
    size: int = DEFAULT_CHUNK_SIZE,
) -> list[DocumentChunk]:
    """The chunks of a document in order, from its plain text, its Markdown and its outline (None:
    not known; headings are then those of the Markdown, without anchors).

    `markdown` of a chunk has at most `size` characters, unless it is code, one link or one cluster
    of characters; together, the chunks say all that the document says. Raises ValueError for a size
    out of bounds.
    """
    if not MIN_CHUNK_SIZE <= size <= MAX_CHUNK_SIZE:
        raise ValueError(f"size: {size}; use {MIN_CHUNK_SIZE} to {MAX_CHUNK_SIZE}.")
    return _Document(url, text, markdown or text, outline, size).chunks()


def cut_bounds(
    text: str, markdown: str, outline: Sequence[OutlineSection]
) -> tuple[ChunkBounds, ...]:
    """Where the chunks of the default size stand."""
    cut = _Document("", text, markdown or text, outline, DEFAULT_CHUNK_SIZE)
    return tuple(bounds for _, bounds in cut.cuts())


@dataclass(slots=True)
class _Cut:
    """A chunk under way: its own pieces, and where in the Markdown its overlap begins."""

    place: SectionPlace
    pieces: Sequence[Piece]
    overlap: int | None = None


class _Document:
    def __init__(
        self,
        url: str,
        text: str,
        markdown: str,
        outline: Sequence[OutlineSection] | None,
        size: int,
    ) -> None:
        self._url, self._text, self._markdown = url, text, markdown
        self._size = size
        self._places: TextPlaces | None = None
        self._same = markdown == text  # as of a file: every mark is a character of the text
        plain = self._same and not outline
        self._blocks = plain_blocks(text) if plain else markdown_blocks(markdown)
        spans = self._spans([_part(block) for block in self._blocks])
        if outline is None:
            outline = headings_in(markdown, self._blocks, [span.start for span in spans])
        self._outline = Outline(outline)
        self._headings = [each.start for each in outline if each.level < TERM]
        self._placed = list(self._by_heading(spans))

    def chunks(self) -> list[DocumentChunk]:
        page = url_key(self._url)
        return [
            self._chunk(page, cut, bounds, number)
            for number, (cut, bounds) in enumerate(self.cuts(), 1)
        ]

    def cuts(self) -> Iterator[tuple[_Cut, ChunkBounds]]:
        cuts = [cut for place, blocks in self._sections() for cut in self._cut(place, blocks)]
        said: Counter[str] = Counter()
        for cut, (begin, own, end) in zip(cuts, self._texts(cuts), strict=True):
            if own < end:
                digest = self._digest(cut, begin, end, said)
                yield cut, ChunkBounds(digest[:DIGEST], begin, own, end, cut.place.start)

    # Sections

    def _spans(self, parts: Sequence[MarkdownSpan]) -> list[TextSpan]:
        if self._same:
            return [TextSpan(part.start, part.end) for part in parts]
        return self._text_places().spans(self._markdown, parts)

    def _text_places(self) -> TextPlaces:
        if self._places is None:
            self._places = TextPlaces(self._text)
        return self._places

    def _by_heading(self, spans: Sequence[TextSpan]) -> Iterator[tuple[MarkdownBlock, int]]:
        """The blocks, each with its place in the text. A list whose items have headings is split
        into a list for each item."""
        for block, span in zip(self._blocks, spans, strict=True):
            first = bisect_left(self._headings, span.start)
            holds = first < len(self._headings) and self._headings[first] < span.end
            if not (block.kind == "list" and holds):
                yield block, span.start
                continue
            bounds = [*block.parts[1:], block.end]
            starts = [block.start, *block.parts[1:]]
            items = [
                replace(block, start=a, end=a + len(self._markdown[a:b].rstrip()), parts=(a,))
                for a, b in zip(starts, bounds, strict=True)
            ]
            yield from zip(items, self._starts(span, items), strict=True)

    def _starts(self, span: TextSpan, items: Sequence[MarkdownBlock]) -> list[int]:
        """Where the items of a list begin in the text."""
        if self._same:
            return [item.start for item in items]
        parts = [MarkdownSpan(item.start, item.end, True) for item in items]
        inside = TextPlaces(self._text[span.start : span.end]).spans(self._markdown, parts)
        return [span.start + each.start for each in inside]

    def _sections(self) -> Iterator[tuple[SectionPlace, list[MarkdownBlock]]]:
        """The blocks of each section. Headings with nothing but another heading below them come
        with the section of that one."""
        blocks: list[MarkdownBlock] = []
        last: SectionPlace | None = None
        for block, at in self._placed:
            place = self._outline.at(at)
            if last is not None and place.start != last.start:
                outer = all(each.kind == "heading" for each in blocks) and blocks
                if not (outer and place.section[: len(last.section)] == last.section):
                    yield last, blocks
                    blocks = []
            last = self._outline.at(place.start)
            blocks.append(block)
        if last is not None:
            yield last, blocks

    # Cuts

    def _cut(self, place: SectionPlace, blocks: Sequence[MarkdownBlock]) -> Iterator[_Cut]:
        start, end = blocks[0].start, blocks[-1].end
        if end - start <= self._size:
            yield _Cut(place, [Piece(start, end, "text", 0)])
            return
        room = self._size // OVERLAP_SHARE
        most = self._size - room
        pieces = pieces_of(self._markdown, blocks, most, CODE_SIZES * self._size)
        cuts = self._cuts(pieces, most)
        before: Sequence[Piece] = ()
        for a, b in zip([0, *cuts], [*cuts, len(pieces)], strict=True):
            own = pieces[a:b]
            yield _Cut(place, own, self._overlap(before, own[0], room))
            before = own

    def _cuts(self, pieces: Sequence[Piece], most: int) -> list[int]:
        def size(a: int, b: int) -> int:
            first, last = pieces[a], pieces[b - 1]
            return last.end - first.start + len(first.before) + len(last.after)

        places = [
            CutPlace(rank_of(self._words(piece), number), piece.joined)
            for number, piece in enumerate(pieces)
        ]
        return chosen_cuts(places, size, most)

    def _words(self, piece: Piece) -> str:
        said = self._markdown[piece.start : min(piece.end, piece.start + 200)]
        return "".join(itertools.islice(filter(str.isalnum, said), RANKED))

    def _overlap(self, before: Sequence[Piece], first: Piece, room: int) -> int | None:
        """Where the sentences begin that are repeated from the end of the chunk before; None: none
        are, as behind a table or code."""
        if not before or before[-1].kind not in ("text", "list"):
            return None
        last = before[-1]
        start = next(each.start for each in before if each.block == last.block)
        sentences = Cuttable(self._markdown, start, last.end).sentences()
        fitting = [at for at in sentences if first.start - at <= room]
        return fitting[0] if fitting else None

    # Texts

    def _texts(self, cuts: Sequence[_Cut]) -> Iterator[tuple[int, int, int]]:
        """Of each chunk: where its text begins, where what is its own begins, where it ends."""
        splits = sorted({cut.overlap for cut in cuts if cut.overlap is not None})
        if self._same:
            starts = {at: at for at in (*splits, *(cut.pieces[0].start for cut in cuts))}
            ends = {cut.pieces[-1].end: cut.pieces[-1].end for cut in cuts}
        else:
            runs = [run for cut in cuts for run in _runs(cut.pieces, splits)]
            spans = self._text_places().run_spans(self._markdown, runs)
            starts = {run[0].start: span.start for run, span in zip(runs, spans, strict=True)}
            ends = {run[-1].end: span.end for run, span in zip(runs, spans, strict=True)}
        for cut in cuts:
            own = starts[cut.pieces[0].start]
            begin = own if cut.overlap is None else starts[cut.overlap]
            yield min(begin, own), own, max(ends[cut.pieces[-1].end], own)

    def _digest(self, cut: _Cut, begin: int, end: int, said: Counter[str]) -> str:
        before = cut.pieces[0].before
        named = json.dumps([cut.place.section, before, self._text[begin:end]]).encode()
        digest = hashlib.sha256(named).hexdigest()
        said[digest] += 1
        if said[digest] > 1:
            return hashlib.sha256(f"{digest} {said[digest]}".encode()).hexdigest()
        return digest

    def _chunk(self, page: str, cut: _Cut, bounds: ChunkBounds, number: int) -> DocumentChunk:
        first, last = cut.pieces[0], cut.pieces[-1]
        start = first.start if cut.overlap is None else cut.overlap
        anchor = self._outline.at(max(bounds.own, bounds.section)).anchor
        return DocumentChunk(
            id=f"{page}-{bounds.digest}",
            url=self._url,
            section_url=with_fragment(self._url, anchor),
            number=number,
            section=cut.place.section,
            anchor=anchor,
            text=self._text[bounds.begin : bounds.end],
            markdown=first.before + self._markdown[start : last.end] + last.after,
            start=bounds.begin,
            end=bounds.end,
            overlap=bounds.own - bounds.begin,
        )


def _part(block: MarkdownBlock | Piece) -> MarkdownSpan:
    return MarkdownSpan(block.start, block.end, block.kind == "list")


def _runs(pieces: Sequence[Piece], splits: Sequence[int]) -> Iterator[list[MarkdownSpan]]:
    """The pieces of a chunk, in runs that end where an overlap begins, in a piece or before it."""
    run: list[MarkdownSpan] = []
    for piece in pieces:
        part = _part(piece)
        low, high = bisect_left(splits, piece.start), bisect_left(splits, piece.end)
        for at in splits[low:high]:
            if at > part.start:
                run.append(part._replace(end=at))
                part = part._replace(start=at)
            if run:
                yield run
                run = []
        run.append(part)
    yield run
