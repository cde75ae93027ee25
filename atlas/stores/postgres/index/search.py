"""What a search shows, and what it may ask for; everything shown is read from what is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from asyncpg.transaction import Transaction

from atlas.domain.addresses.urls import with_fragment
from atlas.domain.extraction.outline import Outline, stored_outline
from atlas.domain.search.analysis import QueryTerm
from atlas.domain.search.snippet import snippet
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import EVERY_PAGE, PageScope, in_page_scope
from atlas.stores.postgres.index.past_search import PAGES_AT
from atlas.stores.postgres.sources.sources import held_by, holders

MAX_QUERY = 2_000  # characters
MAX_LIMIT = 1_000
MAX_OFFSET = 10_000


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
    """The headings above what matches best, the outermost first; empty where it stands before the
    first heading, or in the title alone. The snippet lies within this section, and may begin with
    a heading right above its own."""
    anchor: str | None = None
    """The fragment of the section, or of the term that it defines there; None without one."""
    section_url: str = ""
    """The URL with that fragment."""


@dataclass(frozen=True, slots=True)
class WordInstead:
    """A word of the query that no document has, and one that is near to it and that some have."""

    word: str
    """As the query has it."""
    instead: str
    """As a document has it that the search could show."""


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


def one_snapshot(connection: Connection) -> Transaction:
    """A transaction whose statements all see the same; within the caller's, what that one sees."""
    if connection.is_in_transaction():
        return connection.transaction()
    return connection.transaction(isolation="repeatable_read", readonly=True)


async def hits(
    connection: Connection,
    rows: Sequence[Mapping[str, Any] | asyncpg.Record],
    weights: Mapping[QueryTerm, float],
    scope: SearchScope,
    at: datetime | None = None,
) -> list[Hit]:
    """The results of a page; each row has text_hash, the first and last character of its best part,
    score, members of its cluster, and the texts of some of these as `similar`. `at`: as they were
    then."""
    pages = await _pages(connection, rows, scope, at)
    lexemes = {term.lexeme: worth for term, worth in weights.items()}
    hits = []
    for row in rows:
        page = pages.get(row["text_hash"])
        if page is None:
            continue  # no live page has it in this language and source
        outline = Outline(stored_outline(page["outline"]) or ())
        piece = snippet(page["passage"], lexemes, outline.cuts(page["passage"], row["first"]))
        place = outline.at(-1 if piece.at is None else row["first"] + piece.at)
        hits.append(
            Hit(
                url=page["url"],
                title=page["title"],
                snippet=piece.text,
                score=row["score"],
                source=next(iter(page["sources"]), None),
                lang=page["lang"],
                sources=tuple(page["sources"]),
                marks=piece.marks,
                copies=page["copies"],
                similar_count=row["members"] - 1,
                similar=tuple(pages[t]["url"] for t in row["similar"] if t in pages),
                truncated=page["truncated"],
                section=place.section,
                anchor=place.anchor,
                section_url=with_fragment(page["url"], place.anchor),
            )
        )
    return hits


async def _pages(
    connection: Connection,
    rows: Sequence[Mapping[str, Any] | asyncpg.Record],
    scope: SearchScope,
    at: datetime | None,
) -> dict[bytes, asyncpg.Record]:
    """The page that shows each text; the passage is the part that matched."""
    spans = [(row["text_hash"], row["first"], row["last"]) for row in rows]
    spans += [(text_hash, 0, 0) for row in rows for text_hash in row["similar"]]
    if not spans:
        return {}
    asked = [*zip(*spans, strict=True), scope.source, scope.lang]
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
  from unnest($1::bytea[], $2::int[], $3::int[]) as w(text_hash, first, last)
 cross join lateral (
       select p.url, d.title, d.lang, d.truncated, d.outline,
              substr(d.text, w.first + 1, w.last - w.first) as passage,
              count(*) over () - 1 as copies,
              {holders("d.page_id")} as sources
         from documents d
         join versions v on v.document_id = d.id and v.valid_to is null
         join pages p on p.id = d.page_id
         left join duplicates x on x.page_id = p.id
        where d.text_hash = w.text_hash and ($5::text is null or d.lang = $5)
          and {held_by(4, "d.page_id")}
          and {in_page_scope(6)}
        order by x.page_id is not null, p.url collate "C" limit 1) as shown
"""  # noqa: S608 (constants)
