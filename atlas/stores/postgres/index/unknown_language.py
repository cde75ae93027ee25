"""Pages that a search for one language leaves out because theirs could not be determined: they are
counted, so that a wrong guess hides none without a word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import SearchScope
from atlas.stores.postgres.index.past_search import UNKNOWN_PAGES_AT
from atlas.stores.postgres.sources.sources import held_by
from atlas.stores.search.port import PartMatches, TextScope

_UNKNOWN = 1_000
"""Parts of unknown language that are looked at to count their pages."""


Ask = Callable[[TextScope, int], Awaitable[PartMatches]]
"""Asks an engine for the best parts within a scope, as many as that."""


async def unknown_texts(ask: Ask, scope: SearchScope, unknown: TextScope) -> list[bytes]:
    """Texts that match and may be of unknown language, if one language is asked for."""
    if scope.lang is None:
        return []
    found = await ask(unknown, _UNKNOWN)
    return list({match.text_hash for match in found.best})


async def unknown_pages_of(
    connection: Connection, texts: Sequence[bytes], scope: SearchScope, at: datetime | None
) -> int:
    """Live pages with any of the texts whose language is unknown."""
    if not texts:
        return 0
    if at is None:
        return int(await connection.fetchval(_UNKNOWN_PAGES, texts, scope.source))
    return int(await connection.fetchval(UNKNOWN_PAGES_AT, texts, scope.source, at))


_UNKNOWN_PAGES = f"""
select count(distinct d.page_id)
  from documents d join versions v on v.document_id = d.id and v.valid_to is null
 where d.text_hash = any($1::bytea[]) and d.lang is null and {held_by(2, "d.page_id")}
"""  # noqa: S608 (constants)
