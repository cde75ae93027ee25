"""Searching with a full-text engine: the engine ranks parts of texts, PostgreSQL says what
is live.

What the engine answers may be older than the corpus. So everything that is shown comes from
PostgreSQL, in one snapshot that begins after the engine has answered: a text that no page has any
more is left out, whatever the engine says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from atlas.domain.index_parts import LexemeQuery, parts_query
from atlas.domain.search import ranking
from atlas.domain.search.analysis import QueryTerm
from atlas.domain.search.query_language import QueryParts, parse_query
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.facets import COUNTED, checked_facets, count_facets, no_counts
from atlas.stores.postgres.index.live_clusters import ResultCluster, live_clusters
from atlas.stores.postgres.index.old_index import Cut, search_old
from atlas.stores.postgres.index.page_scope import EVERY_PAGE, PageScope, SearchScope
from atlas.stores.postgres.index.past_search import expect_kept
from atlas.stores.postgres.index.score_explanations import scored_terms
from atlas.stores.postgres.index.search import (
    LeftOut,
    SearchPage,
    check_query,
    one_snapshot,
    storable,
)
from atlas.stores.postgres.index.search_pages import (
    SearchedFor,
    cursor_behind,
    going_on,
    shown_first,
)
from atlas.stores.postgres.index.shown_hits import hits
from atlas.stores.postgres.index.spelling_hints import words_instead
from atlas.stores.postgres.index.unknown_language import unknown_pages_of, unknown_texts
from atlas.stores.search.port import (
    UNKNOWN_LANGUAGE,
    MissingGeneration,
    PartMatch,
    PartMatches,
    SearchIndex,
    TextScope,
)

_FIRST = 200
"""Parts that are looked at first: enough for ten results with their near-duplicates."""
_LOOKED_UP = 50
"""Of these, parts whose texts are looked up first, where the others are not to be counted: they
nearly always are enough, and looking up takes longer than ranking."""
_MOST = 50_000
"""From here on no more are looked at, however few of them are live."""


async def search_corpus(
    connection: Connection,
    index: SearchIndex,
    query: str,
    *,
    limit: int = 10,
    offset: int = 0,
    source: str | None = None,
    lang: str | None = None,
    collapse: bool = True,
    as_of: datetime | None = None,
    after: str | None = None,
    explain: bool = False,
    facets: Sequence[str] = (),
) -> SearchPage:
    """Search as people do: what `search_engine` finds; before a first generation is built, what
    the old index in PostgreSQL finds, if there is one. Raises as `search_engine` does."""
    check_query(query, limit, offset)
    scope = SearchScope(storable(source), storable(lang))
    cut = Cut(limit, offset, collapse)
    try:
        page = await search_engine(
            connection,
            index,
            query,
            limit=limit,
            offset=offset,
            source=source,
            lang=lang,
            collapse=collapse,
            as_of=as_of,
            after=after,
            explain=explain,
            facets=facets,
        )
        if page.as_of is not None or offset or after is not None:
            return page
        return replace(page, instead=await words_instead(connection, index, query, scope))
    except MissingGeneration:
        if as_of is not None:
            raise  # the old index knows live texts only
        # Nor does it know cursors, explanations or facets.
        found = None
        if after is None and not explain and not facets:
            found = await search_old(connection, query, scope, cut)
        if found is None and await _is_empty(connection):
            found = SearchPage((), 0, exact=True)
        if found is None:
            raise
        return found


async def _is_empty(connection: Connection) -> bool:
    """Whether nothing ever happened to the corpus: then there is nothing to find."""
    return bool(await connection.fetchval("select last = 0 from change_feed"))


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
    generation: int | None = None,
    as_of: datetime | None = None,
    after: str | None = None,
    explain: bool = False,
    facets: Sequence[str] = (),
) -> SearchPage:
    """Find the texts that match any word of the query best: live ones, or those that were live at
    the moment `as_of`. Quoted phrases must occur.

    A query without a word finds nothing. `collapse=False` shows every near-duplicate by itself.
    `generation` is searched instead of the one that serves. `after` is the `next` of the page
    before. `explain` says what each term adds to the scores, and what was left out;
    `facets` are properties by which the documents that match are counted.
    Raises ValueError, with the fix, for a query or a page that is too long, for a moment of which
    the index keeps nothing, and for a cursor of another search; `SearchIndexError`.
    """
    check_query(query, limit, offset)
    searched = SearchedFor(query, source, lang, collapse)
    cursor = await going_on(connection, searched, after, offset=offset, as_of=as_of)
    as_of = cursor.as_of
    names = checked_facets(facets, as_of)
    parts = parse_query(query)
    said = parts_query(parts)
    scope = SearchScope(storable(source), storable(lang), _pages(parts))
    if as_of is not None:
        if scope.pages != EVERY_PAGE or said.titles:
            raise ValueError(
                "query: site:, source:, lang:, title:, after: and before: ask for pages as they "
                "are now. Leave them out of a search of the past; source and lang may be given."
            )
        await expect_kept(connection, index, as_of)
    if not said.terms:
        return SearchPage((), 0, exact=True, as_of=as_of, facets=no_counts(names))
    ask = partial(_ask, index, said, generation)
    # Sources of the past are known to PostgreSQL only.
    source = scope.source if as_of is None else None
    at = None if as_of is None else math.floor(as_of.timestamp())
    unknown = await unknown_texts(ask, scope, TextScope(source, UNKNOWN_LANGUAGE, at=at))
    wanted = offset + limit
    above = len(cursor.shown)
    asked = narrowed(TextScope(source, scope.lang, at=at), scope.pages)
    matched, counted = PartMatches((), 0), set[bytes]()
    if names:
        matched = await _ask(index, said, generation, asked, COUNTED)
        without = await _texts_with(index, said, generation, matched.best, at)
        counted = _texts(matched.best) - without
    # In steps of four: pages of one list are cut from one order.
    window = _FIRST
    while window < 4 * (above + wanted):
        window *= 4
    while True:
        found = await _ask(index, said, generation, asked, window)
        whole = found.total <= len(found.best)
        without = await _texts_with(index, said, generation, found.best, at)
        async with one_snapshot(connection):
            best = [match for match in found.best if match.text_hash not in without]
            best = shown_first(best, cursor)
            clusters: list[ResultCluster] = []
            below: list[ResultCluster] = []
            unseen = 0
            for some in [best] if whole else [best[: max(_LOOKED_UP, above + 4 * wanted)], best]:
                clusters = await live_clusters(
                    *(connection, some, scope, said.titles, as_of),
                    collapse=collapse,
                    # How many there are in all is said only where all were looked at.
                    shown=None if whole else above + wanted,
                )
                below = [each for each in clusters if not cursor.has_shown(each.best.text_hash)]
                unseen = len(_texts(best) - _texts(some))
                if len(below) >= wanted:
                    break
            if not whole and len(below) < wanted and window < _MOST:
                window *= 4
                continue
            cut = below[offset:wanted]
            shown = [cluster.row() for cluster in cut]
            left_out = None
            if explain:
                parts_shown = [cluster.best for cluster in cut]
                terms = await scored_terms(index, parts.words, found, parts_shown, generation)
                shown = [{**row, "terms": terms[row["text_hash"]]} for row in shown]
                live = sum(1 + len(cluster.others) for cluster in clusters)
                looked_up = len(_texts(best)) - unseen
                left_out = LeftOut(
                    parts=found.total,
                    texts=looked_up + len(without),
                    excluded=len(without),
                    not_shown=looked_up - live,
                    near_duplicates=live - len(clusters),
                )
            # Only to choose snippets: the engine has scored already. It does not say how many
            # parts it holds; the number of those that match is good enough for that.
            weights = {
                each.term: ranking.weight(each, max(found.total, each.frequency) + 1)
                for each in found.counted
            }
            results = await hits(connection, shown, weights, scope, as_of, said.quoted)
            unknown_pages = await unknown_pages_of(connection, unknown, scope, as_of)
            counts = await count_facets(
                *(connection, names, counted, scope, said.titles),
                exact=len(matched.best) == matched.total,
            )
            further = None
            if len(below) > wanted or not whole:
                # With what is above an offset: the cursor goes on behind this page.
                seen = [cluster.best.text_hash for cluster in below[:wanted]]
                further = await cursor_behind(connection, searched, cursor, seen)
        return SearchPage(
            results=tuple(results),
            total=len(clusters) + unseen,
            exact=whole,
            unknown_language=unknown_pages,
            as_of=as_of,
            next=further,
            left_out=left_out,
            facets=counts,
        )


def _texts(matches: Sequence[PartMatch]) -> set[bytes]:
    return {match.text_hash for match in matches}


async def _ask(
    index: SearchIndex,
    query: LexemeQuery,
    generation: int | None,
    scope: TextScope,
    window: int,
) -> PartMatches:
    try:
        return await index.search(query, scope, window, generation=generation)
    except MissingGeneration:
        # Perhaps replaced, and dropped, after this search had chosen it.
        return await index.search(query, scope, window, generation=generation)


def _pages(parts: QueryParts) -> PageScope:
    return PageScope(
        sources=tuple(storable(each) or "" for each in parts.sources),
        langs=tuple(storable(each) or "" for each in parts.langs),
        sites=tuple(storable(each) or "" for each in parts.sites),
        not_sites=tuple(storable(each) or "" for each in parts.not_sites),
        after=parts.after,
        before=parts.before,
    )


def narrowed(scope: TextScope, pages: PageScope) -> TextScope:
    """The scope, with as much of the pages asked for as an engine knows: what it leaves out has no
    such page. Otherwise thousands of texts would be looked up for ten of a small site."""
    hosts = [_host(site) for site in pages.sites]
    return replace(
        scope,
        sources=pages.sources,
        languages=pages.langs,
        hosts=() if None in hosts else tuple(filter(None, hosts)),
        published_from=None if pages.after is None else math.floor(pages.after.timestamp()),
        published_before=None if pages.before is None else math.floor(pages.before.timestamp()),
    )


def _host(site: str) -> str | None:
    """The host of a `site:`; None where it is not spelled as that of an address."""
    try:
        return urlsplit(f"//{site}").hostname
    except ValueError:
        return None


async def _texts_with(
    index: SearchIndex,
    query: LexemeQuery,
    generation: int | None,
    matches: Sequence[PartMatch],
    at: int | None,
) -> set[bytes]:
    """Those texts with anything that must not occur: the engine leaves out parts, and another
    part of a text may have none of it."""
    found: set[bytes] = set()
    # These texts only: a common word is in half of all.
    among = TextScope(texts=tuple(_texts(matches)), at=at)
    for phrase in query.without:
        terms = tuple(QueryTerm(word.lexeme, word.prefix) for word in phrase)
        having = LexemeQuery(terms, (phrase,))
        parts = await _ask(index, having, generation, among, _MOST)
        found |= _texts(parts.best)
    return found
