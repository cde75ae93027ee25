"""The search index: one entry per part of each distinct live text, in generations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.domain.analysis import IndexPart
from atlas.domain.locks import GENERATIONS
from atlas.stores.postgres.pool import Connection


@dataclass(frozen=True, slots=True)
class IndexText:
    """A text that has become live: its 32 bytes of SHA-256, and its parts as analysed."""

    text_hash: bytes
    parts: Sequence[IndexPart]


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of the index: the analyser that made it, its entries (parts) and their tokens."""

    id: int
    analyser: int
    entries: int
    tokens: int


async def active_generation(connection: Connection) -> Generation:
    """The generation that searches read."""
    row = await connection.fetchrow(
        "select id, analyser, entries, tokens from generations where state = 'active'"
    )
    assert row is not None, "migration 0002 makes one, and only a switch replaces it"
    return Generation(**row)


async def add(connection: Connection, texts: Sequence[IndexText]) -> None:
    """Add texts to the active generation, and to the one being built. Idempotent.

    Call it last in a transaction, after every page lock: it locks the generations' counts.
    """
    rows = [
        (text.text_hash, number, part.length, part.start, part.end, part.tsv)
        for text in texts
        for number, part in enumerate(text.parts)
    ]
    if rows:
        await _hold_generations(connection)
        await connection.execute(_ADD, *zip(*rows, strict=True))


async def remove(connection: Connection, text_hashes: Sequence[bytes]) -> None:
    """Take texts out of the active generation and the one being built. Idempotent."""
    if text_hashes:
        await _hold_generations(connection)
        await connection.execute(_REMOVE, text_hashes)


async def _hold_generations(connection: Connection) -> None:
    # Shared: start and switch of a build wait for the writers under way, and no writer for another.
    await connection.execute("select pg_advisory_xact_lock_shared($1)", GENERATIONS)


_ADD = """
with added as (
    insert into index_entries (generation, text_hash, part, length, first, last, tsv)
    select g.id, e.*
      from unnest($1::bytea[], $2::int[], $3::int[], $4::int[], $5::int[],
                  $6::tsvector[]) as e
     cross join (select id from generations where state <> 'retired') g
    on conflict do nothing
    returning generation, length)
update generations g
   set entries = g.entries + a.parts, tokens = g.tokens + a.tokens
  from (select generation, count(*) as parts, sum(length) as tokens from added group by 1) a
 where g.id = a.generation
"""

_REMOVE = """
with removed as (
    delete from index_entries
     where generation in (select id from generations where state <> 'retired')
       and text_hash = any($1::bytea[])
    returning generation, length)
update generations g
   set entries = g.entries - r.parts, tokens = g.tokens - r.tokens
  from (select generation, count(*) as parts, sum(length) as tokens from removed group by 1) r
 where g.id = r.generation
"""
