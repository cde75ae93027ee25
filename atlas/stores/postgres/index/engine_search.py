"""Searching with a full-text engine: the engine ranks parts of texts, PostgreSQL says what
is live.

What the engine answers may be older than the corpus. So everything that is shown comes from
PostgreSQL, in one snapshot that begins after the engine has answered: a text that no page has any
more is left out, whatever the engine says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from atlas.domain.search import ranking
from atlas.domain.search.analysis import SHORTEST_PIECE, QueryTerm
from atlas.domain.search.index_parts import LexemeQuery, parts_query
from atlas.domain.search.query_language import QueryParts, parse_query
from atlas.domain.search.search_cursor import SearchCursor
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.facets import COUNTED, checked_facets, count_facets, no_counts
from atlas.stores.postgres.index.live_clusters import ResultCluster, live_clusters
from atlas.stores.postgres.index.old_index import Cut, search_old
from atlas.stores.postgres.index.page_scope import EVERY_PAGE, SearchScope, asked_pages, narrowed
from atlas.stores.postgres.index.past_search import expect_kept
from atlas.stores.postgres.index.score_explanations import scored_terms
from atlas.stores.postgres.index.search import (
    FacetName,
    Hit,
    LeftOut,
    SearchPage,
    SearchRequest,
    WordInstead,
    check_query,
    one_snapshot,
    storable,
)
from atlas.stores.postgres.index.search_pages import cursor_behind, going_on, shown_first
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
_LOOKED_UP = (2, 8)
"""Times the results that are wanted: parts of these whose texts are looked up first, and then,
where the others are not to be counted. The fewest nearly always are enough, and looking up takes
longer than ranking."""
_MOST = 50_000
"""From here on no more are looked at, however few of them are live."""


async def search_corpus(
    connection: Connection, index: SearchIndex, request: SearchRequest
) -> SearchPage:
    """Search as people do: what `search_engine` finds; before a first generation is built, what
    the old index in PostgreSQL finds, if there is one. Raises as `search_engine` does."""
    check_query(request.query, request.limit, request.offset)
    try:
        return await search_engine(connection, index, request)
    except MissingGeneration:
        if request.as_of is not None:
            raise  # the old index knows live texts only
        # Nor does it know cursors, explanations or facets.
        found = None
        if request.after is None and not request.explain and not request.facets:
            scope = SearchScope(storable(request.source), storable(request.lang))
            cut = Cut(request.limit, request.offset, request.collapse)
            found = await search_old(connection, request.query, scope, cut)
        if found is None and await _is_empty(connection):
            found = SearchPage((), 0, exact=True)
        if found is None:
            raise
        return found


async def _is_empty(connection: Connection) -> bool:
    """Whether nothing ever happened to the corpus: then there is nothing to find."""
    return bool(await connection.fetchval("select last = 0 from change_feed"))


async def search_engine(
    connection: Connection, index: SearchIndex, request: SearchRequest
) -> SearchPage:
    """Find the texts that match any word of the query best: live ones, or those that were live
    then. Quoted phrases must occur. A query without a word finds nothing.

    Raises ValueError, with the fix, for a query or a page that is too long, for a moment of which
    the index keeps nothing, and for a cursor of another search; `SearchIndexError`.
    """
    check_query(request.query, request.limit, request.offset)
    cursor = await going_on(connection, request)
    names = checked_facets(request.facets, cursor.as_of)
    parts = parse_query(request.query)
    search = _EngineSearch(connection, index, request, cursor, parts, parts_query(parts))
    if cursor.as_of is not None:
        if search.scope.pages != EVERY_PAGE or search.query.titles:
            raise ValueError(
                "query: site:, source:, lang:, title:, after: and before: ask for pages as they "
                "are now. Leave them out of a search of the past; source and lang may be given."
            )
        await expect_kept(connection, index, cursor.as_of)
    if not search.query.terms:
        return SearchPage((), 0, exact=True, as_of=cursor.as_of, facets=no_counts(names))
    return await search.page(names)


@dataclass(frozen=True, slots=True)
class _Window:
    """The best parts that an engine named, and what is live of them."""

    found: PartMatches
    without: set[bytes]
    """Texts of these that have what must not occur."""
    clusters: list[ResultCluster]
    """The results, those that pages before have shown first."""
    below: list[ResultCluster]
    """Of these, those that no page before has shown."""
    looked_up: int
    """Texts that were looked for among what is live."""
    unseen: int
    """Texts that were not."""

    @property
    def whole(self) -> bool:
        """Whether it has all parts that match."""
        return self.found.total <= len(self.found.best)

    def left_out(self) -> LeftOut:
        """What of it is no result."""
        live = sum(1 + len(cluster.others) for cluster in self.clusters)
        return LeftOut(
            parts=self.found.total,
            texts=self.looked_up + len(self.without),
            excluded=len(self.without),
            not_shown=self.looked_up - live,
            near_duplicates=live - len(self.clusters),
        )


@dataclass(frozen=True, slots=True)
class _EngineSearch:
    """One search that has words."""

    connection: Connection
    index: SearchIndex
    request: SearchRequest
    cursor: SearchCursor
    parts: QueryParts
    query: LexemeQuery

    @property
    def scope(self) -> SearchScope:
        """What may be shown."""
        return SearchScope(
            storable(self.request.source), storable(self.request.lang), asked_pages(self.parts)
        )

    @property
    def wanted(self) -> int:
        """How many results are ordered."""
        return self.request.offset + self.request.limit

    def texts(self, lang: str | None) -> TextScope:
        """What the engine knows of the scope, in this language."""
        as_of = self.cursor.as_of
        # Sources of the past are known to PostgreSQL only.
        source = self.scope.source if as_of is None else None
        return TextScope(source, lang, at=None if as_of is None else math.floor(as_of.timestamp()))

    async def page(self, names: Sequence[FacetName]) -> SearchPage:
        """The page that is asked for."""
        scope, as_of = self.scope, self.cursor.as_of
        unknown = await unknown_texts(self._ask, scope, self.texts(UNKNOWN_LANGUAGE))
        asked = narrowed(self.texts(scope.lang), scope.pages)
        matched = await self._ask(asked, COUNTED) if names else PartMatches((), 0)
        counted = texts_of(matched.best) - await self._texts_without(matched.best, asked.at)
        size = self._first_window()
        while True:
            found = await self._ask(asked, size)
            without = await self._texts_without(found.best, asked.at)
            async with one_snapshot(self.connection):
                window = await self._live(found, without)
                if not window.whole and len(window.below) < self.wanted and size < _MOST:
                    size *= 4
                    continue
                page = SearchPage(
                    await self._results(window),
                    total=len(window.clusters) + window.unseen,
                    exact=window.whole,
                    unknown_language=await unknown_pages_of(self.connection, unknown, scope, as_of),
                    as_of=as_of,
                    next=await self._next(window),
                    left_out=window.left_out() if self.request.explain else None,
                    facets=await count_facets(
                        *(self.connection, names, counted, scope, self.query.titles),
                        exact=len(matched.best) == matched.total,
                    ),
                )
            break
        return replace(page, instead=await self._instead(found))

    async def _instead(self, found: PartMatches) -> tuple[WordInstead, ...]:
        """On the first page: words in place of those that no document has, by the generation that
        serves."""
        request = self.request
        if request.generation is not None or request.offset or request.after is not None:
            return ()
        if self.cursor.as_of is not None:
            return ()
        unknown = {each.lexeme for each in self.query.terms}
        unknown -= {each.term.lexeme for each in found.counted if each.frequency}
        return await words_instead(self.connection, self.index, request.query, self.scope, unknown)

    def _first_window(self) -> int:
        # In steps of four: pages of one list are cut from one order.
        size = _FIRST
        while size < 4 * (len(self.cursor.shown) + self.wanted):
            size *= 4
        return size

    async def _live(self, found: PartMatches, without: set[bytes]) -> _Window:
        """What is live of these parts, as few looked up as the page needs."""
        best = [match for match in found.best if match.text_hash not in without]
        best = shown_first(best, self.cursor)
        every, above = len(texts_of(best)), len(self.cursor.shown)
        few = [best[: above + times * self.wanted] for times in _LOOKED_UP]
        whole = found.total <= len(found.best)
        for some in [best] if whole else [*few, best]:
            clusters = await live_clusters(
                *(self.connection, some, self.scope, self.query.titles, self.cursor.as_of),
                collapse=self.request.collapse,
                # How many there are in all is said only where all were looked at.
                shown=None if whole else above + self.wanted,
            )
            below = [each for each in clusters if not self.cursor.has_shown(each.best.text_hash)]
            looked_up = len(texts_of(some))
            window = _Window(found, without, clusters, below, looked_up, every - looked_up)
            if len(below) >= self.wanted:
                break
        return window

    async def _results(self, window: _Window) -> tuple[Hit, ...]:
        """The results of the page, if it is asked for with how their scores come about."""
        cut = window.below[self.request.offset : self.wanted]
        rows = [cluster.row() for cluster in cut]
        if self.request.explain:
            terms = await scored_terms(
                *(self.index, self.parts.words, window.found, [each.best for each in cut]),
                self.request.generation,
            )
            rows = [{**row, "terms": terms[row["text_hash"]]} for row in rows]
        # Only to choose snippets: the engine has scored already. It does not say how many parts it
        # holds; the number of those that match is good enough for that.
        weights = {
            each.term: ranking.weight(each, max(window.found.total, each.frequency) + 1)
            for each in window.found.counted
        }
        results = await hits(
            *(self.connection, rows, weights, self.scope, self.cursor.as_of, self.query.quoted)
        )
        return tuple(results)

    async def _next(self, window: _Window) -> str | None:
        if len(window.below) <= self.wanted and window.whole:
            return None
        # With what is above an offset: the cursor goes on behind this page.
        seen = [cluster.best.text_hash for cluster in window.below[: self.wanted]]
        return await cursor_behind(self.connection, self.request, self.cursor, seen)

    async def _ask(
        self, scope: TextScope, window: int, query: LexemeQuery | None = None
    ) -> PartMatches:
        ask = partial(
            self.index.search,
            *(query or self.query, scope, window),
            generation=self.request.generation,
        )
        try:
            return await ask()
        except MissingGeneration:
            # Perhaps replaced, and dropped, after this search had chosen it.
            return await ask()

    async def _texts_without(self, matches: Sequence[PartMatch], at: int | None) -> set[bytes]:
        """Those texts with anything that must not occur: the engine leaves out parts, and another
        part of a text may have none of it."""
        found: set[bytes] = set()
        # These texts only: a common word is in half of all.
        pieces = [each for each in matches if each.end - each.start >= SHORTEST_PIECE]
        if not pieces:
            return found
        among = TextScope(texts=tuple(texts_of(pieces)), at=at)
        for phrase in self.query.without:
            terms = tuple(QueryTerm(word.lexeme, word.prefix) for word in phrase)
            parts = await self._ask(among, _MOST, LexemeQuery(terms, (phrase,)))
            found |= texts_of(parts.best)
        return found


def texts_of(matches: Sequence[PartMatch]) -> set[bytes]:
    """The texts that parts are of."""
    return {match.text_hash for match in matches}
