"""What a search shows, and what it may ask for; everything shown is read from what is live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
from asyncpg.transaction import Transaction

from atlas.domain.addresses.urls import with_fragment
from atlas.domain.chunking.chunk_bounds import stored_bounds
from atlas.domain.extraction.outline import stored_outline
from atlas.domain.search.analysis import PhraseWord, QueryTerm
from atlas.domain.search.score_explanation import ScoredTerm
from atlas.domain.search.stop_words import meant_terms
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import EVERY_PAGE, PageScope, in_page_scope
from atlas.stores.postgres.index.past_search import PAGES_AT
from atlas.stores.postgres.sources.sources import held_by, holders

if TYPE_CHECKING:
    from atlas.domain.search.best_chunk import ShownChunk

MAX_QUERY = 2_000  # characters
MAX_LIMIT = 1_000
MAX_OFFSET = 10_000

_TEXTS = 8
"""Documents whose texts are in memory at once: each may have some megabytes."""

FacetName = Literal["source", "lang", "host", "year"]

_Row = Mapping[str, Any] | asyncpg.Record


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Which texts may be found: those with a live page in this source, of this language."""

    source: str | None
    lang: str | None
    pages: PageScope = EVERY_PAGE

    @property
    def everything(self) -> bool:
        """Whether it leaves nothing out."""
        return self.source is None and self.lang is None


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


async def hits(
    connection: Connection,
    rows: Sequence[_Row],
    weights: Mapping[QueryTerm, float],
    scope: SearchScope,
    at: datetime | None = None,
    quoted: Sequence[Sequence[PhraseWord]] = (),
) -> list[Hit]:
    """The results of a page; each row has text_hash, the first and last character of its best part,
    score, members of its cluster, and the texts of some of these as `similar`. `at`: as they were
    then. `quoted` are the phrases of the query."""
    pages = await _pages(connection, rows, scope, at)
    # Those without are of no live page in this language and source.
    found = [(row, pages[row["text_hash"]]) for row in rows if row["text_hash"] in pages]
    hits = []
    async for row, page, text in _with_texts(connection, found):
        # Some milliseconds each: other work of this process goes on meanwhile.
        shown = await asyncio.to_thread(_shown, row, page, text, weights, quoted)
        hits.append(
            Hit(
                url=page["url"],
                title=page["title"],
                snippet=shown.snippet.text,
                score=row["score"],
                source=next(iter(page["sources"]), None),
                lang=page["lang"],
                sources=tuple(page["sources"]),
                marks=shown.snippet.marks,
                copies=page["copies"],
                similar_count=row["members"] - 1,
                similar=tuple(pages[t]["url"] for t in row["similar"] if t in pages),
                truncated=page["truncated"],
                section=shown.section,
                anchor=shown.anchor,
                section_url=with_fragment(page["url"], shown.anchor),
                chunk_id=shown.chunk_id,
                terms=row.get("terms", ()),
            )
        )
    return hits


async def _with_texts(
    connection: Connection, found: Sequence[tuple[_Row, asyncpg.Record]]
) -> AsyncIterator[tuple[_Row, asyncpg.Record, asyncpg.Record]]:
    """The same, each with the text of its document: a few at a time, since they may be long."""
    for first in range(0, len(found), _TEXTS):
        some = found[first : first + _TEXTS]
        read = await connection.fetch(
            "select id, text, markdown, outline, chunk_bounds "
            "from documents where id = any($1::bigint[])",
            [page["document"] for _, page in some],
        )
        texts = {text["id"]: text for text in read}
        for row, page in some:
            if page["document"] in texts:  # in a caller's transaction, it may have gone meanwhile
                yield row, page, texts[page["document"]]


def _shown(
    row: _Row,
    page: asyncpg.Record,
    text: asyncpg.Record,
    weights: Mapping[QueryTerm, float],
    quoted: Sequence[Sequence[PhraseWord]],
) -> ShownChunk:
    # The parser of Markdown: a worker has this module for what it says of the index only.
    from atlas.domain.search.best_chunk import ShownDocument, shown_chunk

    outline = stored_outline(text["outline"])
    bounds = stored_bounds(text["chunk_bounds"])
    said = ShownDocument(page["url"], text["text"], text["markdown"], outline, bounds)
    meant = meant_terms(weights, quoted, page["lang"])
    return shown_chunk(said, (row["first"], row["last"]), meant, quoted)


async def _pages(
    connection: Connection,
    rows: Sequence[_Row],
    scope: SearchScope,
    at: datetime | None,
) -> dict[bytes, asyncpg.Record]:
    """The page that shows each text, and the number of its document."""
    texts = [row["text_hash"] for row in rows]
    texts += [text_hash for row in rows for text_hash in row["similar"]]
    if not texts:
        return {}
    asked = [texts, scope.source, scope.lang]
    if at is None:
        shown = await connection.fetch(PAGES, *asked, *scope.pages.parameters)
    else:
        shown = await connection.fetch(PAGES_AT, *asked, at)
    return {row["text_hash"]: row for row in shown}


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


PAGES = f"""
select w.text_hash, shown.*
  from unnest($1::bytea[]) as w(text_hash)
 cross join lateral (
       select p.url, d.title, d.lang, d.truncated, d.id as document,
              count(*) over () - 1 as copies,
              {holders("d.page_id")} as sources
         from documents d
         join versions v on v.document_id = d.id and v.valid_to is null
         join pages p on p.id = d.page_id
         left join duplicates x on x.page_id = p.id
        where d.text_hash = w.text_hash and ($3::text is null or d.lang = $3)
          and {held_by(2, "d.page_id")}
          and {in_page_scope(4)}
        order by x.page_id is not null, p.url collate "C" limit 1) as shown
"""  # noqa: S608 (constants)
