"""Which of the texts that an engine found are live, and which of these are copies of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from atlas.domain.search.analysis import TITLE_CHARACTERS, PhraseWord
from atlas.domain.search.occurrences import holds_phrase
from atlas.domain.similarity.likeness import ComparedText, ShownTexts
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import SearchScope, shown_documents
from atlas.stores.search.port import PartMatch

_SIMILAR = 5
"""Near-duplicates that a result names."""
_COMPARED = 5_000
"""Texts of a list that are compared with those above them: a fifth of a second."""


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
    documents = shown_documents("o.text_hash", scope, at, 4, pages=False)
    statement = _LIVE.format(documents=documents.rows)
    compared = _COMPARED if collapse else 0
    title = TITLE_CHARACTERS if titles else 0
    rows = await connection.fetch(statement, list(best), title, compared, *documents.parameters)
    live = {row["text_hash"]: row for row in rows if _is_titled(row["title"], titles)}
    found = [live[text] for text in best if text in live]
    copy_of = _copies(found, shown) if collapse else {}
    clusters: dict[bytes, ResultCluster] = {}
    for row in found:
        text = row["text_hash"]
        if text in copy_of:
            clusters[copy_of[text]].others.append(text)
        else:
            clusters[text] = ResultCluster(best[text], [])
    return list(clusters.values())


def _is_titled(title: str, phrases: Sequence[Sequence[PhraseWord]]) -> bool:
    return all(holds_phrase(title, phrase) for phrase in phrases)


def _copies(texts: Iterable[asyncpg.Record], shown: int | None) -> dict[bytes, bytes]:
    """Of texts in the order of a list, those that are copies of one shown above them, and of which;
    of the first `shown` only, or of any. A text whose sketch an older version made is compared with
    none."""
    list_ = ShownTexts(shown)
    answers = (
        (row["text_hash"], list_.show(ComparedText.of(dict(row))))
        for row in texts
        if row["signature"] is not None
    )
    return {text: copied for text, copied in answers if copied is not None}


# The array is small and in nobody's statistics: looked up one by one, never joined whole.
_LIVE = f"""
select o.text_hash, live.title, s.signature, s.name, s.body, s.size, s.hosts
  from unnest($1::bytea[]) with ordinality as o(text_hash, place)
 cross join lateral (select left(d.title, $2) as title from {{documents}} limit 1) as live
  left join lateral (
       select signature, name, body, size, hosts from sketches s
        where s.text_hash = o.text_hash and s.version = {SKETCH_VERSION} and o.place <= $3
       offset 0) as s on true
"""  # noqa: S608 (constants)
