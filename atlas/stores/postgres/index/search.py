"""What a search shows, and what it may ask for; everything shown is read from what is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asyncpg.transaction import Transaction

from atlas.domain.search.score_explanation import ScoredTerm
from atlas.stores.postgres.connection import Connection

MAX_QUERY = 2_000  # characters
MAX_LIMIT = 1_000
MAX_OFFSET = 10_000

FacetName = Literal["source", "lang", "host", "year"]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a search is asked for."""

    query: str
    limit: int = 10
    offset: int = 0
    source: str | None = None
    lang: str | None = None
    collapse: bool = True
    """Whether one of near-duplicates stands for all, instead of each for itself."""
    generation: int | None = None
    """The generation of the index to read, instead of the one that serves."""
    as_of: datetime | None = None
    """The moment whose live texts are searched; None: now."""
    after: str | None = None
    """The `next` of the page before."""
    explain: bool = False
    """Whether to say what each term adds to the scores, and what was left out."""
    facets: Sequence[str] = ()
    """The properties by which the documents that match are counted."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: the best-matching text of its cluster, on the smallest URL that holds it (of
    pages that a deduplication marked, on the one that is kept)."""

    url: str
    """The canonical URL of the page."""
    title: str
    snippet: str
    """The part of the text that matches best."""
    score: float
    """Comparable within one answer only."""
    source: str | None
    """The first of `sources`."""
    lang: str | None
    """ISO 639 code, as in `de`; None when it could not be determined."""
    sources: tuple[str, ...]
    """Names of the sources that hold the page."""
    marks: tuple[tuple[int, int], ...]
    """Matches in `snippet`: start and end, in characters."""
    copies: int
    """Other pages with exactly this text."""
    similar_count: int
    """Near-duplicates that match as well and are not shown."""
    similar: tuple[str, ...]
    """URLs of the best five of them."""
    truncated: str | None = None
    """What is missing of the body, as in `pages 2001 to 2400`; None when nothing is."""
    section: tuple[str, ...] = ()
    """The headings above the chunk that matches best, the outermost first; empty where it stands
    before the first heading, or where the title alone matches."""
    anchor: str | None = None
    """The fragment of the section, or of the term that it defines there; None without one."""
    section_url: str = ""
    """The URL with that fragment."""
    chunk_id: str | None = None
    """The `id` of that chunk, as exports and `docs chunks` of the default size have it; the snippet
    lies within it. None where the document has no words."""
    terms: tuple[ScoredTerm, ...] = ()
    """What each term of the query adds to the score, if that is asked for; what adds most first."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the index found, and what of it is no result."""

    parts: int
    """Parts of texts that match, within what the index knows of the sources, languages, sites and
    dates asked for."""
    texts: int
    """Texts of these that were looked up: all, or the best."""
    excluded: int
    """Texts that have what must not occur in another part than the one that matches; such parts do
    not match."""
    not_shown: int
    """Texts that are on no live page, or on none that was asked for."""
    near_duplicates: int
    """Texts that are left out as near-duplicates of results."""


@dataclass(frozen=True, slots=True)
class WordInstead:
    """A word of the query that no document has, and one that is near to it and that some have."""

    word: str
    """As the query has it."""
    instead: str
    """As a document has it that the search could show."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value, and how many documents have it."""

    value: str | None
    """A source, a language, a host, or a year of publication; None: not known, or no source."""
    documents: int
    """How many of the documents that match have it."""


@dataclass(frozen=True, slots=True)
class SearchFacet:
    """The documents that match, counted by one of their properties."""

    name: FacetName
    values: tuple[FacetValue, ...]
    """The 20 most frequent, most documents first. A document of several sources counts for each."""
    more: int
    """Values beyond these."""
    exact: bool
    """False where so many parts of texts match that only the best 10,000 were counted."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Results, best first, and how many there are in all."""

    results: tuple[Hit, ...]
    total: int
    """How many there are in all."""
    exact: bool
    """False where the index is so large that only the promising texts were scored: `total` counts
    those."""
    unknown_language: int = 0
    """Pages that match too, but that a search for one language left out because theirs could not
    be determined."""
    as_of: datetime | None = None
    """The moment whose live texts were searched; None: now."""
    instead: tuple[WordInstead, ...] = ()
    """Words that may be misspelt. They were searched for as they are, all the same."""
    next: str | None = None
    """The cursor to go on with behind this page; None where nothing follows."""
    left_out: LeftOut | None = None
    """What was left out, if that is asked for."""
    facets: tuple[SearchFacet, ...] = ()
    """The documents that match, on this page or not, counted by what was asked for."""


def one_snapshot(connection: Connection) -> Transaction:
    """A transaction whose statements all see the same; within the caller's, what that one sees."""
    if connection.is_in_transaction():
        return connection.transaction()
    return connection.transaction(isolation="repeatable_read", readonly=True)


def check_query(query: str, limit: int, offset: int) -> None:
    """Raise ValueError, with the fix, for a query or a page that is too long."""
    if len(query) > MAX_QUERY:
        raise ValueError(
            f"query: {len(query)} characters; at most {MAX_QUERY} are searched for. Shorten it."
        )
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit: {limit}; use 1 to {MAX_LIMIT}.")
    if not 0 <= offset <= MAX_OFFSET:
        raise ValueError(f"offset: {offset}; use 0 to {MAX_OFFSET}.")


def storable(name: str | None) -> str | None:
    """A name PostgreSQL can compare: what it cannot store, no row holds."""
    return name and name.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
