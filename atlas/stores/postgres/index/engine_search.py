"""Searching with a full-text engine: the engine ranks passages, PostgreSQL says what is live.

What the engine answers may be older than the corpus. So everything that is shown comes from
PostgreSQL, in one snapshot that begins after the engine has answered: a text that no page has any
more is left out, whatever the engine says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atlas.domain.passages import LexemeQuery, parts_query
from atlas.domain.search import ranking
from atlas.domain.search.analysis import PhraseWord, QueryTerm, holds_phrase, phrase_of
from atlas.domain.search.query_language import QueryParts, parse_query
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.bm25 import SearchScope
from atlas.stores.postgres.index.page_scope import PageScope, in_page_scope
from atlas.stores.postgres.index.search import (
    SearchPage,
    check_query,
    hits,
    one_snapshot,
    storable,
)
from atlas.stores.postgres.index.shown_copies import copies_of_shown
from atlas.stores.postgres.sources.sources import held_by
from atlas.stores.search.port import (
    UNKNOWN_LANGUAGE,
    MissingGeneration,
    PassageMatch,
    PassageMatches,
    SearchIndex,
    TextScope,
)

_FIRST = 200
"""Passages that are looked at first: enough for ten results with their near-duplicates."""
_MOST = 50_000
"""From here on no more are looked at, however few of them are live."""
_SIMILAR = 5
"""Near-duplicates that a result names."""
_UNKNOWN = 1_000
"""Passages of unknown language that are looked at to count their pages."""


@dataclass(slots=True)
class _Cluster:
    """A result: the best passage of a text, and the copies of the text that match as well."""

    best: PassageMatch
    others: list[bytes]

    def row(self) -> dict[str, Any]:
        return {
            "text_hash": self.best.text_hash,
            "first": self.best.start,
            "last": self.best.end,
            "score": self.best.score,
            "members": 1 + len(self.others),
            "similar": self.others[:_SIMILAR],
        }


async def search_engine(
    connection: Connection,
    index: SearchIndex,
    query: str,
    *,
    limit: int = 10,
    offset: int = 0,
    source: str | None = None,
    lang: str | None = None,
    collapse: bool = True,
) -> SearchPage:
    """Find the live texts that match any word of the query best. Quoted phrases must occur.

    A query without a word finds nothing. `collapse=False` shows every near-duplicate by itself.
    Raises ValueError, with the fix, for a query or a page that is too long; `SearchIndexError`.
    """
    check_query(query, limit, offset)
    parts = parse_query(query)
    said = parts_query(parts)
    scope = SearchScope(storable(source), storable(lang), _pages(parts))
    titles = [phrase for title in parts.titles if (phrase := phrase_of(title))]
    without = await _texts_with(index, said, scope)
    if not said.terms:
        return SearchPage((), 0, exact=True)
    unknown = await _unknown_texts(index, said, scope)
    wanted = offset + limit
    # In steps of four: pages of one list are cut from one order.
    window = _FIRST
    while window < 4 * wanted:
        window *= 4
    while True:
        found = await _ask(index, said, TextScope(scope.source, scope.lang), window)
        whole = found.total <= len(found.best)
        async with one_snapshot(connection):
            best = [match for match in found.best if match.text_hash not in without]
            clusters = await _live_clusters(connection, best, scope, titles, collapse=collapse)
            if not whole and len(clusters) < wanted and window < _MOST:
                window *= 4
                continue
            shown = [cluster.row() for cluster in clusters[offset:wanted]]
            # Only to choose snippets: the engine has scored already. It does not say how many
            # passages it holds; the number of those that match is good enough for that.
            weights = {
                each.term: ranking.weight(each, max(found.total, each.frequency) + 1)
                for each in found.counted
            }
            results = await hits(connection, shown, weights, scope)
            unknown_pages = await _count_pages(connection, unknown, scope)
        return SearchPage(tuple(results), len(clusters), whole, unknown_pages)


async def _ask(
    index: SearchIndex, query: LexemeQuery, scope: TextScope, window: int
) -> PassageMatches:
    try:
        return await index.search(query, scope, window)
    except MissingGeneration:
        # Perhaps replaced, and dropped, after this search had chosen it.
        return await index.search(query, scope, window)


async def _live_clusters(
    connection: Connection,
    matches: Sequence[PassageMatch],
    scope: SearchScope,
    titles: Sequence[Sequence[PhraseWord]],
    *,
    collapse: bool,
) -> list[_Cluster]:
    """What is live, each with its copies, in the order of the best passages."""
    best: dict[bytes, PassageMatch] = {}
    for match in matches:
        best.setdefault(match.text_hash, match)
    scoped = (scope.source, scope.lang, *scope.pages.parameters)
    rows = await connection.fetch(_LIVE, list(best), *scoped)
    live = {row["text_hash"] for row in rows if _titled(row["title"], titles)}
    found = [text for text in best if text in live]
    copy_of = await copies_of_shown(connection, found) if collapse else {}
    clusters: dict[bytes, _Cluster] = {}
    for text in found:
        if text in copy_of:
            clusters[copy_of[text]].others.append(text)
        else:
            clusters[text] = _Cluster(best[text], [])
    return list(clusters.values())


def _pages(parts: QueryParts) -> PageScope:
    return PageScope(
        sources=tuple(storable(each) or "" for each in parts.sources),
        langs=tuple(storable(each) or "" for each in parts.langs),
        sites=tuple(storable(each) or "" for each in parts.sites),
        not_sites=tuple(storable(each) or "" for each in parts.not_sites),
        after=parts.after,
        before=parts.before,
    )


def _titled(title: str, phrases: Sequence[Sequence[PhraseWord]]) -> bool:
    return all(holds_phrase(title, phrase) for phrase in phrases)


async def _texts_with(index: SearchIndex, query: LexemeQuery, scope: SearchScope) -> set[bytes]:
    """Texts with anything that must not occur: the engine leaves out passages, and another passage
    of a text may have none of it."""
    found: set[bytes] = set()
    for phrase in query.without:
        terms = tuple(QueryTerm(word.lexeme, word.prefix) for word in phrase)
        having = LexemeQuery(terms, (phrase,))
        matches = await _ask(index, having, TextScope(scope.source, scope.lang), _MOST)
        found |= {match.text_hash for match in matches.best}
    return found


async def _unknown_texts(index: SearchIndex, query: LexemeQuery, scope: SearchScope) -> list[bytes]:
    """Texts that match and may be of unknown language, if one language is asked for."""
    if scope.lang is None:
        return []
    found = await _ask(index, query, TextScope(scope.source, UNKNOWN_LANGUAGE), _UNKNOWN)
    return list({match.text_hash for match in found.best})


async def _count_pages(connection: Connection, texts: Sequence[bytes], scope: SearchScope) -> int:
    """Live pages with any of the texts whose language is unknown."""
    return int(await connection.fetchval(_UNKNOWN_PAGES, texts, scope.source)) if texts else 0


# The array is small and in nobody's statistics: looked up one by one, never joined whole.
_LIVE = f"""
select o.text_hash, live.title from unnest($1::bytea[]) as o(text_hash)
 cross join lateral (
       select d.title
         from documents d
         join versions v on v.document_id = d.id and v.valid_to is null
         join pages p on p.id = v.page_id
        where d.text_hash = o.text_hash and ($3::text is null or d.lang = $3)
          and {held_by(2, "d.page_id")} and {in_page_scope(4)} limit 1) as live
"""  # noqa: S608 (constants)

_UNKNOWN_PAGES = f"""
select count(distinct d.page_id)
  from documents d join versions v on v.document_id = d.id and v.valid_to is null
 where d.text_hash = any($1::bytea[]) and d.lang is null and {held_by(2, "d.page_id")}
"""  # noqa: S608 (constants)
