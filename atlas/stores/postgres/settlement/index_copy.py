"""Copying the live texts into a generation that is being built, while others write.

A text is read, analysed (seconds may pass) and inserted. Meanwhile its last page may have gone,
and with it its entries: inserted blindly it would be a ghost that no search may show and nothing
removes. So the insert holds SETTLE, under which no text becomes live or ceases to be, and leaves
out what is live no more (decision 7). What a writer has put into the generation meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index import entries
from atlas.stores.postgres.index.entries import IndexText
from atlas.stores.postgres.settlement import settle

_COUNT_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class TextToCopy:
    """A live text missing from a generation, by the document whose page shows it."""

    text_hash: bytes
    document: int
    size: int
    """Bytes as stored; what the text takes once read is a few times as much."""


@dataclass(frozen=True, slots=True)
class LiveText:
    """A text to be analysed."""

    text_hash: bytes
    title: str
    text: str


async def count_live(connection: Connection) -> int:
    """How many distinct texts are live."""
    found = await connection.fetchval(
        "select count(distinct d.text_hash) from documents d "
        "join versions v on v.document_id = d.id and v.valid_to is null",
        timeout=_COUNT_SECONDS,
    )
    return int(found)


async def next_texts(connection: Connection, after: bytes, limit: int) -> tuple[bytes | None, int]:
    """The cursor past the next `limit` live texts in order of their hash, and how many they are;
    None where there is none."""
    rows = await connection.fetch(_NEXT, after, limit)
    return (rows[-1]["text_hash"] if rows else None), len(rows)


async def missing(
    connection: Connection, generation: int, after: bytes, last: bytes
) -> list[TextToCopy]:
    """Of the live texts after one hash, up to another: those that are missing from the
    generation, or that another analyser than its own has read."""
    rows = await connection.fetch(_MISSING, generation, after, last)
    return [TextToCopy(**row) for row in rows]


async def read(connection: Connection, texts: Sequence[TextToCopy]) -> list[LiveText]:
    """The texts themselves."""
    rows = await connection.fetch(
        "select text_hash, title, text from documents where id = any($1::bigint[])",
        [text.document for text in texts],
    )
    return [LiveText(**row) for row in rows]


async def insert(
    connection: Connection,
    generation: int,
    texts: Sequence[IndexText],
    *,
    unreadable: Sequence[bytes] = (),
) -> bool:
    """Put analysed texts into a generation that is being built; false: it no longer is.

    An `unreadable` text, one that the analyser failed on, keeps the entries that the active
    generation has of it.
    """
    async with connection.transaction():
        await settle.lock_corpus(connection)
        building = await connection.fetchval(
            "select state = 'building' from generations where id = $1", generation
        )
        if not building:
            return False
        live = await _still_live(connection, [text.text_hash for text in texts])
        await entries.add(
            connection, [text for text in texts if text.text_hash in live], only=generation
        )
        kept = await _still_live(connection, unreadable)
        await entries.carry_over(connection, sorted(kept), generation)
    return True


async def mark_settled(
    connection: Connection, generation: int, after: int, limit: int
) -> int | None:
    """Mark, of the next `limit` pages after one, those whose text a generation has from its own
    analyser as settled with that: no sync need process them again. Returns the last page looked
    at; None: there was none."""
    last: int | None = await connection.fetchval(_MARK_SETTLED, generation, after, limit)
    return last


async def _still_live(connection: Connection, texts: Sequence[bytes]) -> set[bytes]:
    if not texts:
        return set()
    rows = await connection.fetch(
        """
        select o.text_hash from unnest($1::bytea[]) as o(text_hash)
        where exists (
            select from documents d join versions v on v.document_id = d.id
            where d.text_hash = o.text_hash and v.valid_to is null)
        """,
        texts,
    )
    return {row["text_hash"] for row in rows}


_NEXT = """
select distinct d.text_hash from documents d
 where d.text_hash > $1
   and exists (select from versions v where v.document_id = d.id and v.valid_to is null)
 order by d.text_hash limit $2
"""

# The document that search shows: the smallest URL. Offsets of parts are offsets in its text.
_MISSING = """
select distinct on (d.text_hash) d.text_hash, d.id as document,
       pg_column_size(d.text) as size
  from documents d
  join versions v on v.document_id = d.id and v.valid_to is null
  join pages p on p.id = d.page_id
 where d.text_hash > $2 and d.text_hash <= $3
   and coalesce((select e.analyser from index_entries e
                  where e.generation = $1 and e.text_hash = d.text_hash limit 1), -1)
       < (select g.analyser from generations g where g.id = $1)
 order by d.text_hash, p.url collate "C"
"""

# Rows are locked in the order of their ids, like everywhere.
_MARK_SETTLED = """
with next as materialized (
    select page_id from page_state where page_id > $2 order by page_id limit $3),
outdated as (
    select ps.page_id, g.analyser
      from next
      join page_state ps on ps.page_id = next.page_id
      join generations g on g.id = $1
      join versions v on v.page_id = ps.page_id and v.valid_to is null
      join documents d on d.id = v.document_id
     where ps.settled_analyser < g.analyser
       and (select e.analyser from index_entries e
             where e.generation = $1 and e.text_hash = d.text_hash limit 1) >= g.analyser
     order by ps.page_id
       for update of ps),
marked as (
    update page_state ps set settled_analyser = o.analyser
      from outdated o where ps.page_id = o.page_id)
select max(page_id) from next
"""
