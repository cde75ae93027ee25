"""The results of a page of a search: what one statement reads of ten pages and their texts, and
what of it is shown.

Of a text only the chunks are read among which the engine found something; of one whose chunks are
not known, all of it and its Markdown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from atlas.domain.addresses.urls import with_fragment
from atlas.domain.chunking.chunk_bounds import CUTS_VERSION, stored_bounds
from atlas.domain.extraction.outline import stored_outline
from atlas.domain.search.analysis import PhraseWord, QueryTerm
from atlas.domain.search.stop_words import meant_terms
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import SearchScope, shown_documents
from atlas.stores.postgres.index.search import Hit

_TEXTS = 10
"""Documents whose texts are in memory at once: each may have some megabytes."""
_AHEAD = 100
"""Characters before the chunks that are read as well: whether a sentence ends depends on them."""

_Row = Mapping[str, Any] | asyncpg.Record


def prepare() -> None:
    """Load and make what the first search of a process would wait for: a tenth of a second."""
    from atlas.domain.chunking import sentences
    from atlas.domain.search import best_chunk, occurrences  # noqa: F401 (the parser of Markdown)

    occurrences.prepare()
    sentences.prepare()


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
    found: list[Hit] = []
    for first in range(0, len(rows), _TEXTS):
        some = rows[first : first + _TEXTS]
        pages = await _pages(connection, some, scope, at)
        # Some milliseconds: other work of this process goes on meanwhile.
        found += await asyncio.to_thread(_hits, some, pages, weights, quoted)
    return found


async def _pages(
    connection: Connection, rows: Sequence[_Row], scope: SearchScope, at: datetime | None
) -> dict[bytes, asyncpg.Record]:
    """The page that shows each text, and the part of the text."""
    similar = {text for row in rows for text in row["similar"]} - {row["text_hash"] for row in rows}
    parts = [(row["text_hash"], row["first"], row["last"]) for row in rows]
    parts += [(text, None, None) for text in similar]
    live = shown_documents("w.text_hash", scope, at, 4)
    statement = _PAGES.format(
        documents=live.rows,
        holders=live.holders,
        # Of pages that a deduplication marked, the one that is kept; that is known of now only.
        last="exists (select from duplicates x where x.page_id = p.id), " if at is None else "",
    )
    shown = await connection.fetch(statement, *zip(*parts, strict=True), *live.parameters)
    return {row["text_hash"]: row for row in shown}


def _hits(
    rows: Sequence[_Row],
    pages: Mapping[bytes, asyncpg.Record],
    weights: Mapping[QueryTerm, float],
    quoted: Sequence[Sequence[PhraseWord]],
) -> list[Hit]:
    meant = {
        lang: meant_terms(weights, quoted, lang) for lang in {row["lang"] for row in pages.values()}
    }
    # Those without are of no live page in this language and source.
    found = [row for row in rows if row["text_hash"] in pages]
    return [_hit(row, pages, meant[pages[row["text_hash"]]["lang"]], quoted) for row in found]


def _hit(
    row: _Row,
    pages: Mapping[bytes, asyncpg.Record],
    meant: Mapping[str, float],
    quoted: Sequence[Sequence[PhraseWord]],
) -> Hit:
    # The parser of Markdown: a worker has this module for what it says of the index only.
    from atlas.domain.search.best_chunk import ShownDocument, shown_chunk

    page = pages[row["text_hash"]]
    document = ShownDocument(
        url=page["url"],
        text=page["text"],
        markdown=page["markdown"],
        outline=stored_outline(page["outline"]),
        bounds=stored_bounds(page["chunk_bounds"]),
        offset=page["skipped"],
    )
    shown = shown_chunk(document, (row["first"], row["last"]), meant, quoted)
    return Hit(
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
        similar=tuple(pages[text]["url"] for text in row["similar"] if text in pages),
        truncated=page["truncated"],
        section=shown.section,
        anchor=shown.anchor,
        section_url=with_fragment(page["url"], shown.anchor),
        chunk_id=shown.chunk_id,
        terms=row.get("terms", ()),
    )


# Texts are looked up one by one: the arrays are small, and in nobody's statistics. A text is taken
# out of its TOAST for the page that is shown only. `part` are the chunks that `shown_chunk` looks
# at: those that overlap what the engine found, or else the first.
_PAGES = f"""
select w.text_hash, shown.*, said.*
  from unnest($1::bytea[], $2::int[], $3::int[]) as w(text_hash, first, last)
 cross join lateral (
       select p.url, d.title, d.lang, d.truncated, d.id as document,
              count(*) over () - 1 as copies, {{holders}} as sources
         from {{documents}}
        order by {{last}}p.url collate "C" limit 1) as shown
  left join lateral (
       select t.outline, t.chunk_bounds, case when part.cut then part.low else 0 end as skipped,
              case when part.cut then substr(t.text, part.low + 1, part.high - part.low)
                   else t.text end as text,
              case when part.cut then '' else t.markdown end as markdown
         from documents t
        cross join lateral (
              select t.chunk_bounds ->> 0 = '{CUTS_VERSION}' and count(*) > 0 as cut,
                     greatest(min((bounds ->> 1)::int) - {_AHEAD}, 0) as low,
                     max((bounds ->> 3)::int) as high
                from jsonb_array_elements(t.chunk_bounds) with ordinality as b(bounds, place)
               where (bounds ->> 1)::int < w.last and (bounds ->> 3)::int > w.first) as part
        where t.id = shown.document and w.last is not null offset 0) as said on true
"""  # noqa: S608 (constants)
