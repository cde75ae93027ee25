"""Which of the texts that an engine found are live, and which of these are copies of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atlas.domain.search.analysis import TITLE_CHARACTERS, PhraseWord, holds_phrase
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import in_page_scope
from atlas.stores.postgres.index.past_search import LIVE_AT
from atlas.stores.postgres.index.search import SearchScope
from atlas.stores.postgres.index.shown_copies import copies_of_shown
from atlas.stores.postgres.sources.sources import held_by
from atlas.stores.search.port import PartMatch

_SIMILAR = 5
"""Near-duplicates that a result names."""


@dataclass(slots=True)
class ResultCluster:
    """A result: the best part of a text, and the copies of the text that match as well."""

    best: PartMatch
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


async def live_clusters(
    connection: Connection,
    matches: Sequence[PartMatch],
    scope: SearchScope,
    titles: Sequence[Sequence[PhraseWord]],
    at: datetime | None,
    *,
    collapse: bool,
    shown: int | None,
) -> list[ResultCluster]:
    """What is live, or was then, each with its copies, in the order of the best parts; copies of
    the first `shown` only, or of all."""
    best: dict[bytes, PartMatch] = {}
    for match in matches:
        best.setdefault(match.text_hash, match)
    if at is None:
        scoped = (scope.source, scope.lang, *scope.pages.parameters)
        rows = await connection.fetch(_LIVE, list(best), *scoped)
        live = {row["text_hash"] for row in rows if _is_titled(row["title"], titles)}
    else:
        rows = await connection.fetch(LIVE_AT, list(best), scope.source, scope.lang, at)
        live = {row["text_hash"] for row in rows}
    found = [text for text in best if text in live]
    copy_of = await copies_of_shown(connection, found, shown) if collapse else {}
    clusters: dict[bytes, ResultCluster] = {}
    for text in found:
        if text in copy_of:
            clusters[copy_of[text]].others.append(text)
        else:
            clusters[text] = ResultCluster(best[text], [])
    return list(clusters.values())


def _is_titled(title: str, phrases: Sequence[Sequence[PhraseWord]]) -> bool:
    return all(holds_phrase(title[:TITLE_CHARACTERS], phrase) for phrase in phrases)


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
