"""Did you mean: words of a query that no document has, and near ones that the searcher could find.

The engine may still know words of texts that were removed. So a word is offered only as a live
document within the scope of the search has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator

from atlas.domain.search.near_words import nearest_word, words_to_check
from atlas.domain.search.query_language import parse_query
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import SearchScope
from atlas.stores.postgres.index.search import WordInstead
from atlas.stores.postgres.sources.sources import held_by
from atlas.stores.search.port import SearchIndex, TextScope

_TEXTS = 10
"""Texts in which a near word is looked for."""
_CHARACTERS = 100_000
"""Of each text."""


async def words_instead(
    connection: Connection,
    index: SearchIndex,
    query: str,
    scope: SearchScope,
    unknown: Collection[str],
) -> tuple[WordInstead, ...]:
    """For each word of the query that no document has, the nearest that some have, if any; the
    lexemes of such words are `unknown`."""
    asked = [each for each in _asked(query) if each[1] in unknown]
    within = TextScope(scope.source, scope.lang)
    near = await asyncio.gather(*(index.texts_near(each, within, _TEXTS) for _, each in asked))
    found = []
    for (word, _), texts in zip(asked, near, strict=True):
        if not texts:
            continue
        said = await connection.fetch(_LIVE_TEXTS, texts, scope.source, scope.lang, _CHARACTERS)
        if instead := nearest_word(word, (row["said"] for row in said)):
            found.append(WordInstead(word, instead))
    return tuple(found)


def _asked(query: str) -> Iterator[tuple[str, str]]:
    # In quotation marks it is meant as it is written.
    words = parse_query(query).words
    return words_to_check("" if any(mark in words for mark in '"“„«＂「『') else words)


_LIVE_TEXTS = f"""
select d.title || ' ' || left(d.text, $4) as said
  from documents d join versions v on v.document_id = d.id and v.valid_to is null
 where d.text_hash = any($1::bytea[]) and ($3::text is null or d.lang = $3)
   and {held_by(2, "d.page_id")}
 order by d.text_hash limit {_TEXTS}
"""  # noqa: S608 (constants)
