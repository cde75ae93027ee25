"""What the search index asks of a full-text engine.

An engine keeps numbered generations. One process writes to a generation at a time, in steps: each
`apply` makes its changes and its cursor visible and durable together, so that whoever goes on after
a crash reads the cursor and goes on from there; a step that is applied twice changes nothing.
Searches read the generation that serves unless they name one.

What an index says may be behind the corpus: the reader looks up in PostgreSQL what is live.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from atlas.domain.search.analysis import QueryTerm
from atlas.domain.search.index_parts import IndexPart, LexemeQuery
from atlas.domain.search.ranking import CountedTerm
from atlas.domain.search.score_explanation import ScoredTerm

UNKNOWN_LANGUAGE = "-"
"""Stands in `languages`, and in a scope, for a language that could not be determined."""


LIVE = 253_402_300_800
"""Stands in `until` of a text that is live: the year 10000, in seconds since the epoch."""

NEAR_EDITS = 2
"""By how many edits a term may differ to be near to another."""

LAYOUT = 5
"""Of the fields of a part; a generation of another layout is built anew."""


class SearchIndexError(Exception):
    """Something is wrong with the index; the message says what to do."""


class MissingGeneration(SearchIndexError):
    """The generation is not there: dropped meanwhile, never built, or deleted by hand."""


class DamagedGeneration(SearchIndexError):
    """The generation is there, and cannot be read: rebuild it."""


class IndexInUse(SearchIndexError):
    """Another process writes to this generation."""


class QueryTooBroad(SearchIndexError):
    """A phrase stands for more words than the engine looks through."""

    def __init__(self) -> None:
        super().__init__(
            "query: a single character in a phrase stands for too many words; "
            "add a character, or leave out the quotes"
        )


class EngineUnavailable(SearchIndexError):
    """The engine does not answer, or refuses; trying again later may help."""


@dataclass(frozen=True, slots=True)
class IndexedText:
    """One distinct text with everything that searches filter by.

    `pages` are the numbers of the pages that have it, by which what changes on them finds it again;
    `sources` and `hosts` are theirs, `languages` those of its documents. `since` and `until` are
    the seconds since the epoch between which it was live, perhaps with gaps; `published` those at
    which its documents were published, as far as that is known.
    """

    text_hash: bytes
    parts: Sequence[IndexPart]
    pages: Sequence[int]
    sources: Sequence[str]
    languages: Sequence[str]
    hosts: Sequence[str]
    since: int = 0
    until: int = LIVE
    published: Sequence[int] = ()


def part_document(text: IndexedText, number: int) -> dict[str, Any]:
    """One part of a text by the fields that every engine has. The pages stand on the first only:
    they find the text again, not its parts."""
    part = text.parts[number]
    return {
        "text": text.text_hash.hex(),
        "page": [] if number else list(text.pages),
        "start": part.start,
        "end": part.end,
        "body": part.body,
        "prefixes": part.prefixes,
        "initials": part.initials,
        "title": part.title,
        "length": part.length,
        "source": list(text.sources),
        "language": list(text.languages),
        "host": sorted({domain for host in text.hosts for domain in _domains(host)}),
        "published": list(text.published),
        "since": text.since,
        "until": text.until,
    }


def _domains(host: str) -> Iterator[str]:
    """A host, and the domains above it."""
    yield host
    while host := host.partition(".")[2]:
        yield host


@dataclass(frozen=True, slots=True)
class TextChanges:
    """One step of an index: texts to put in, or in again as they are now, and texts to take out.
    Afterwards the index has read the feed up to `cursor`."""

    put: Sequence[IndexedText]
    remove: Sequence[bytes]
    cursor: int


@dataclass(frozen=True, slots=True)
class IndexOrigin:
    """What a generation was built from, kept with it: the corpus, by its id, the version of the
    analyser, the days for which it keeps past texts, and the layout. None may be mixed with
    another."""

    corpus: str
    analyser: int
    past: int = 0
    layout: int = LAYOUT

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> IndexOrigin:
        """As it was kept; the first layout kept no past texts and did not say so."""
        return cls(state["corpus"], state["analyser"], state.get("past", 0), state.get("layout", 1))


@dataclass(frozen=True, slots=True)
class StoredGeneration:
    """A generation as the engine has it."""

    number: int
    origin: IndexOrigin
    cursor: int
    texts: int
    parts: int
    tokens: int
    """Positions of all parts."""
    size: int
    """Bytes on disk."""


@dataclass(frozen=True, slots=True)
class TextScope:
    """Which texts may be found; None, and an empty list, leave nothing out, but None for `at` what
    is not live. A text of several pages may be found because of different ones of them."""

    source: str | None = None
    language: str | None = None
    sources: tuple[str, ...] = ()
    """Any of these, as well."""
    languages: tuple[str, ...] = ()
    """Any of these, as well."""
    hosts: tuple[str, ...] = ()
    """Any of these, or below any of them."""
    published_from: int | None = None
    published_before: int | None = None
    """Seconds since the epoch. A text of which no document says when it was published is in
    neither."""
    texts: tuple[bytes, ...] | None = None
    """These texts only."""
    at: int | None = None
    """Texts that may have been live in this second since the epoch, instead of what is live."""


@dataclass(frozen=True, slots=True)
class PartMatch:
    """One part that matches; `start` and `end` are its characters in the document's text."""

    text_hash: bytes
    start: int
    end: int
    score: float
    """Comparable within one answer only."""


@dataclass(frozen=True, slots=True)
class PartMatches:
    """The best parts, best first, and how many match in all."""

    best: tuple[PartMatch, ...]
    total: int
    counted: tuple[CountedTerm, ...] = ()
    """The terms of the query that counted, and in how many parts each is."""


class SearchIndex(Protocol):
    """A full-text engine. Every method raises `EngineUnavailable` when the engine does not answer,
    and `MissingGeneration` or `DamagedGeneration` for one that it needs and cannot read."""

    async def generations(self) -> list[StoredGeneration]:
        """Every complete generation, by number."""

    async def begin(self, generation: int, origin: IndexOrigin, cursor: int) -> None:
        """Make an empty generation. One that is there stays as it is, if its origin is the same;
        otherwise an empty one replaces it."""

    async def cursor(self, generation: int) -> int:
        """How far the generation has read the feed."""

    async def apply(self, generation: int, changes: TextChanges) -> None:
        """Make one step, visible and durable as a whole when this returns. Raises `IndexInUse`."""

    async def release(self, generation: int) -> None:
        """Let another process write to the generation."""

    async def serving(self) -> int | None:
        """The generation that searches read; None before the first switch."""

    async def switch(self, generation: int) -> None:
        """Let searches read this generation from now on, at once and for all."""

    async def drop(self, generation: int) -> None:
        """Remove a generation, if it is there. Raises ValueError for the one that serves."""

    async def texts_of(self, generation: int, pages: Sequence[int]) -> set[bytes]:
        """The hashes of the texts that were put with any of these pages."""

    async def texts_until(self, generation: int, before: int, limit: int) -> set[bytes]:
        """Some of the past texts that ended before that second since the epoch."""

    async def parts_of(self, generation: int, beginning: str) -> dict[bytes, int]:
        """How many parts it has of each text whose hash begins so, in hex."""

    async def search(
        self,
        query: LexemeQuery,
        scope: TextScope,
        limit: int,
        *,
        generation: int | None = None,
    ) -> PartMatches:
        """The parts that have any term of the query and all its phrases, best first by BM25;
        of equal ones the smaller hash first, then the earlier part. A query without a term
        finds nothing. Raises `QueryTooBroad`."""

    async def explain(
        self,
        terms: Sequence[QueryTerm],
        matches: Sequence[PartMatch],
        *,
        generation: int | None = None,
    ) -> list[list[tuple[QueryTerm, ScoredTerm]]]:
        """For each match, those of the terms that it has, and what each adds to its score; none of
        a part that is not there any more."""

    async def texts_near(self, lexeme: str, scope: TextScope, limit: int) -> list[bytes]:
        """Some of the texts with a term that is at most two edits from this one (a letter left out,
        put in, replaced, or swapped with its neighbour); two only if they begin alike. None if it
        is a term of the index."""

    async def expunge(self, generation: int, texts: Collection[bytes]) -> bool:
        """Remove what the files of the generation keep of texts that were removed from it, as far
        as the engine can; false: only a generation that is built anew is without it."""

    async def traces(self, texts: Collection[bytes]) -> set[bytes]:
        """The texts of which any file of the index keeps something, whatever became of them."""

    async def close(self) -> None:
        """Close all files and connections."""
