"""How many of the documents that a search matches have which source, language, host and year.

The engine names the texts, and one statement looks up the live documents that have them, within the
scope of the search. Near-duplicates count: a filter would find each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import cast, get_args

import asyncpg

from atlas.domain.search.analysis import TITLE_CHARACTERS, PhraseWord
from atlas.domain.search.occurrences import holds_phrase
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import SearchScope, shown_documents
from atlas.stores.postgres.index.search import FacetName, FacetValue, SearchFacet

FACETS: tuple[FacetName, ...] = get_args(FacetName)

COUNTED = 10_000
"""Parts of texts whose documents are counted, the best: looking them up takes a tenth of a
second."""
_VALUES = 20


def checked_facets(names: Sequence[str], as_of: datetime | None) -> tuple[FacetName, ...]:
    """Names of facets, each once. Raises ValueError, with the fix."""
    if names and as_of is not None:
        raise ValueError("facets: they count documents as they are now; leave out facets or as_of.")
    for name in names:
        if name not in FACETS:
            raise ValueError(f"facets: {name[:40]!r} is none; use {', '.join(FACETS)}.")
    return cast("tuple[FacetName, ...]", tuple(dict.fromkeys(names)))


def no_counts(names: Sequence[FacetName]) -> tuple[SearchFacet, ...]:
    """What nothing counts."""
    return tuple(_facet(name, (), exact=True) for name in names)


async def count_facets(
    connection: Connection,
    names: Sequence[FacetName],
    texts: Collection[bytes],
    scope: SearchScope,
    titles: Sequence[Sequence[PhraseWord]],
    *,
    exact: bool,
) -> tuple[SearchFacet, ...]:
    """Count the live documents with these texts; `titles` are phrases that a title must have."""
    if not names:
        return ()
    live = shown_documents("o.text_hash", scope, None, 4)
    rows = await connection.fetch(
        _DOCUMENTS.format(holders=live.holders, documents=live.rows),
        *(list(texts), TITLE_CHARACTERS if titles else 0, "source" in names),
        *live.parameters,
    )
    found = [row for row in rows if all(holds_phrase(row["title"], each) for each in titles)]
    return tuple(_facet(name, found, exact=exact) for name in names)


def _facet(name: FacetName, rows: Iterable[asyncpg.Record], *, exact: bool) -> SearchFacet:
    counts = Counter(value for row in rows for value in _values(name, row))
    # Of equal counts by name; what is not known comes last.
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0] is None, each[0] or ""))
    values = tuple(FacetValue(*each) for each in ordered[:_VALUES])
    return SearchFacet(name, values, max(len(ordered) - _VALUES, 0), exact)


def _values(name: FacetName, row: asyncpg.Record) -> Iterator[str | None]:
    if name == "source":
        yield from row["sources"] or (None,)
    elif name == "year":
        yield None if row["year"] is None else str(row["year"])
    else:
        yield row[name]


# Looked up one by one: the array is in nobody's statistics, and may be small.
_DOCUMENTS = """
select found.* from unnest($1::bytea[]) as o(text_hash)
 cross join lateral (
       select left(d.title, $2) as title, d.lang,
              substring(p.url from '^[^:]+://(?:[^/?#@]*@)?([^/?#]*)') as host,
              extract(year from d.published at time zone 'UTC')::int as year,
              case when $3 then {holders} end as sources
         from {documents}
       offset 0) as found
"""
