"""A copy of the corpus that a reader of the feed keeps, and the corpus to compare it with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import asyncpg

from atlas.domain.change_cursors import ChangeCursor
from atlas.stores.postgres.changes import change_reader
from atlas.stores.postgres.changes.change_reader import CorpusChange

Kept = tuple[str | None, int | None, str | None, tuple[str, ...]]
"""URL, version, text hash, and the sources that hold it."""


@dataclass
class FeedCopy:
    """What a reader has: it knows nothing but the changes."""

    pages: dict[int, Kept] = field(default_factory=dict)
    seen: list[CorpusChange] = field(default_factory=list)

    def apply(self, changes: Iterable[CorpusChange]) -> None:
        for change in changes:
            self.seen.append(change)
            if change.kind in ("removed", "erased"):
                self.pages.pop(change.page, None)
            else:
                self.pages[change.page] = (
                    change.url,
                    change.version,
                    change.text_hash,
                    change.sources,
                )


async def replayed(
    connection: asyncpg.Connection, cursor: ChangeCursor, *, limit: int = 500
) -> FeedCopy:
    """The copy of a reader that begins at a cursor (with a page: with what is live)."""
    copy = FeedCopy()
    more = True
    while more:
        reading = change_reader.read if cursor.page is None else change_reader.live
        part = await reading(connection, cursor, limit)
        copy.apply(read.change for read in part.changes)
        cursor, more = part.cursor, part.more
    return copy


async def corpus(connection: asyncpg.Connection) -> dict[int, Kept]:
    """What is live, by page."""
    rows = await connection.fetch(
        "select p.id, p.url, v.seq, encode(d.text_hash, 'hex') as text, "
        "array(select s.name from source_pages sp join sources s on s.id = sp.source_id "
        "where sp.page_id = p.id order by 1) as sources from versions v "
        "join pages p on p.id = v.page_id join documents d on d.id = v.document_id "
        "where v.valid_to is null"
    )
    return {row["id"]: (row["url"], row["seq"], row["text"], tuple(row["sources"])) for row in rows}


async def assert_feed_is_the_corpus(pool: asyncpg.Pool) -> None:
    """Whoever has read the feed from its beginning (if that is kept), and whoever begins now, has
    what is live."""
    async with pool.acquire() as connection:
        state = await change_reader.state(connection)
        live = await corpus(connection)
        begun = await replayed(connection, ChangeCursor(state.corpus, state.trimmed, page=0))
        assert begun.pages == live, "a reader that begins now differs from the corpus"
        if state.trimmed == 0:
            whole = await replayed(connection, ChangeCursor(state.corpus, 0))
            assert whole.pages == live, "the whole feed differs from the corpus"
            numbers = [change.number for change in whole.seen]
            assert numbers == list(range(1, state.last + 1)), "the feed has a gap"
