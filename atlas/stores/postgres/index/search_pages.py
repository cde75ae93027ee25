"""Going on with a search behind what its pages have shown (`atlas.domain.search.search_cursor`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atlas.domain.search.search_cursor import SearchCursor, expect_search, parse_cursor, print_of
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.search.port import PartMatch


async def going_on(connection: Connection, request: SearchRequest) -> SearchCursor:
    """Behind the cursor `after`, or at the beginning. Raises ValueError, with the fix."""
    if request.after is None:
        return SearchCursor(b"", as_of=request.as_of)
    if request.offset:
        raise ValueError("offset: a cursor says what was shown; give offset or after, not both.")
    if request.as_of is not None:
        raise ValueError(
            "as_of: the cursor goes on at the moment of its own search; leave as_of out."
        )
    cursor = parse_cursor(request.after)
    expect_search(cursor, await _print(connection, request))
    return cursor


def shown_first(matches: Sequence[PartMatch], cursor: SearchCursor) -> list[PartMatch]:
    """The parts in their order, those of texts that were shown before all others: what is a copy
    of one of them is not shown, even if it ranks above it by now."""
    if not cursor.shown:
        return list(matches)
    return sorted(matches, key=lambda match: not cursor.has_shown(match.text_hash))


async def cursor_behind(
    connection: Connection, request: SearchRequest, cursor: SearchCursor, texts: Sequence[bytes]
) -> str | None:
    """The cursor behind a page that shows these texts; None behind an empty one."""
    if not texts:
        return None
    if not cursor.search:
        cursor = replace(cursor, search=await _print(connection, request))
    return str(cursor.behind(texts))


async def _print(connection: Connection, request: SearchRequest) -> bytes:
    """Of what all pages of a search have in common, whatever their length."""
    corpus = str(await connection.fetchval("select corpus_id from corpus limit 1"))
    return print_of(corpus, request.query, request.source, request.lang, collapse=request.collapse)
