"""Going on with a search behind what its pages have shown (`atlas.domain.search.search_cursor`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from atlas.domain.search.search_cursor import SearchCursor, expect_search, parse_cursor, print_of
from atlas.stores.postgres.connection import Connection
from atlas.stores.search.port import PartMatch


@dataclass(frozen=True, slots=True)
class SearchedFor:
    """What all pages of a search have in common, whatever their length."""

    query: str
    source: str | None
    lang: str | None
    collapse: bool


async def going_on(
    connection: Connection,
    searched: SearchedFor,
    after: str | None,
    *,
    offset: int,
    as_of: datetime | None,
) -> SearchCursor:
    """Behind the cursor `after`, or at the beginning. Raises ValueError, with the fix."""
    if after is None:
        return SearchCursor(b"", as_of=as_of)
    if offset:
        raise ValueError("offset: a cursor says what was shown; give offset or after, not both.")
    if as_of is not None:
        raise ValueError(
            "as_of: the cursor goes on at the moment of its own search; leave as_of out."
        )
    cursor = parse_cursor(after)
    expect_search(cursor, await _print(connection, searched))
    return cursor


def shown_first(matches: Sequence[PartMatch], cursor: SearchCursor) -> list[PartMatch]:
    """The parts in their order, those of texts that were shown before all others: what is a copy
    of one of them is not shown, even if it ranks above it by now."""
    if not cursor.shown:
        return list(matches)
    return sorted(matches, key=lambda match: not cursor.has_shown(match.text_hash))


async def cursor_behind(
    connection: Connection, searched: SearchedFor, cursor: SearchCursor, texts: Sequence[bytes]
) -> str | None:
    """The cursor behind a page that shows these texts; None behind an empty one."""
    if not texts:
        return None
    if not cursor.search:
        cursor = replace(cursor, search=await _print(connection, searched))
    return str(cursor.behind(texts))


async def _print(connection: Connection, searched: SearchedFor) -> bytes:
    corpus = str(await connection.fetchval("select corpus_id from corpus limit 1"))
    return print_of(
        corpus, searched.query, searched.source, searched.lang, collapse=searched.collapse
    )
