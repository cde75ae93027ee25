"""The search index: one entry per part of each distinct live text, in generations.

Searches read the active generation. Writers write to every one that is not retired: to the one
being built, so that nothing is missing when it takes over, and to the previous one, so that a
rollback loses nothing. `generations.py` starts, switches and drops them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.domain.search.analysis import ANALYSER_VERSION, IndexPart
from atlas.stores.postgres.advisory_locks import GENERATIONS
from atlas.stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class IndexText:
    """A text that has become live: its 32 bytes of SHA-256, and its parts as analysed."""

    text_hash: bytes
    parts: Sequence[IndexPart]
    analyser: int = ANALYSER_VERSION


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of the index: the analyser that made it, its entries (parts) and their tokens."""

    id: int
    analyser: int
    entries: int
    tokens: int

    @property
    def outdated(self) -> bool:
        """Whether queries are analysed by a newer version than the one that built it: it answers,
        but worse than it could until the index is rebuilt."""
        return self.analyser < ANALYSER_VERSION


@dataclass(frozen=True, slots=True)
class IndexState:
    """Which generations there are."""

    active: Generation
    building: Generation | None
    previous: Generation | None


async def active_generation(connection: Connection) -> Generation:
    """The generation that searches read."""
    return (await state(connection)).active


async def state(connection: Connection) -> IndexState:
    """The generations in use."""
    rows = await connection.fetch(
        "select state, id, analyser, entries, tokens from generations where state <> 'retired'"
    )
    found = {state: Generation(*values) for state, *values in rows}
    assert "active" in found, "migration 0002 makes one, and only a switch replaces it"
    return IndexState(found["active"], found.get("building"), found.get("previous"))


async def add(
    connection: Connection, texts: Sequence[IndexText], *, only: int | None = None
) -> None:
    """Add texts to every generation in use, or to `only` one of them. Idempotent; where a text
    is there already, the parts of the newer analyser stay.

    Call it last in a transaction, after every page lock: it locks the generations' counts. The
    caller holds SETTLE.
    """
    rows = [
        (text.text_hash, number, text.analyser, part.length, part.start, part.end, part.tsv)
        for text in texts
        for number, part in enumerate(text.parts)
    ]
    if rows:
        await hold_generations(connection)
        await _remove_older(connection, texts, only)
        await connection.execute(_ADD, *zip(*rows, strict=True), only)


async def _remove_older(
    connection: Connection, texts: Sequence[IndexText], only: int | None
) -> None:
    """Make room for the parts of a newer analyser. Nearly always there is nothing to do."""
    versions = [(text.text_hash, text.analyser) for text in texts]
    older = await connection.fetch(_OLDER, *zip(*versions, strict=True), only)
    if older:
        found = [(row["id"], row["text_hash"]) for row in older]
        await connection.execute(_REMOVE_OLDER, *zip(*found, strict=True))


async def carry_over(connection: Connection, text_hashes: Sequence[bytes], target: int) -> None:
    """Copy the entries of texts from the active generation to another where they are missing."""
    if text_hashes:
        await hold_generations(connection)
        await connection.execute(_CARRY_OVER, target, text_hashes)


async def remove(connection: Connection, text_hashes: Sequence[bytes]) -> None:
    """Take texts out of every generation in use. Idempotent. The caller holds SETTLE."""
    if text_hashes:
        await hold_generations(connection)
        await connection.execute(_REMOVE, text_hashes)


async def hold_generations(connection: Connection) -> None:
    """Keep every generation in its state until the end of the transaction."""
    # Shared: start and switch of a build wait for the writers under way, and no writer for another.
    await connection.execute("select pg_advisory_xact_lock_shared($1)", GENERATIONS)


def _counted(statement: str) -> str:
    """The statement with what it added or removed counted: BM25 needs both figures exact."""
    for name, sign in (("added", "+"), ("removed", "-")):
        statement = statement.replace(
            f"/* count {name} */", _COUNT.replace("/* changed */", name).replace("/* sign */", sign)
        )
    return statement


_COUNT = """
update generations g
   set entries = g.entries /* sign */ c.parts, tokens = g.tokens /* sign */ c.tokens
  from (select generation, count(*) as parts, sum(length) as tokens
          from /* changed */ group by 1) c
 where g.id = c.generation
"""

# A text is looked up by a subquery with LIMIT: that stays a look-up in the primary key, while the
# planner turns EXISTS into a join that may read the whole generation.
_ADD = _counted("""
with added as (
    insert into index_entries (generation, text_hash, part, analyser, length, first, last, tsv)
    select g.id, e.*
      from unnest($1::bytea[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[],
                  $7::tsvector[]) as e(text_hash, part, analyser, length, first, last, tsv)
     cross join (select id from generations
                  where state <> 'retired' and ($8::int is null or id = $8)) g
     where (select true from index_entries known
             where known.generation = g.id and known.text_hash = e.text_hash limit 1) is null
    on conflict do nothing
    returning generation, length)
/* count added */
""")

_CARRY_OVER = _counted("""
with added as (
    insert into index_entries (generation, text_hash, part, analyser, length, first, last, tsv)
    select $1, e.text_hash, e.part, e.analyser, e.length, e.first, e.last, e.tsv
      from index_entries e
     where e.generation = (select id from generations where state = 'active')
       and e.text_hash = any($2::bytea[])
       and not exists (select from index_entries known
                        where known.generation = $1 and known.text_hash = e.text_hash)
    on conflict do nothing
    returning generation, length)
/* count added */
""")

_REMOVE = _counted("""
with removed as (
    delete from index_entries
     where generation in (select id from generations where state <> 'retired')
       and text_hash = any($1::bytea[])
    returning generation, length)
/* count removed */
""")

_OLDER = """
select g.id, n.text_hash
  from unnest($1::bytea[], $2::int[]) as n(text_hash, analyser)
 cross join (select id from generations
              where state <> 'retired' and ($3::int is null or id = $3)) g
 where (select known.analyser from index_entries known
         where known.generation = g.id and known.text_hash = n.text_hash limit 1) < n.analyser
"""

_REMOVE_OLDER = _counted("""
with removed as (
    delete from index_entries e
     using unnest($1::int[], $2::bytea[]) as o(generation, text_hash)
     where e.generation = o.generation and e.text_hash = o.text_hash
    returning e.generation, e.length)
/* count removed */
""")
