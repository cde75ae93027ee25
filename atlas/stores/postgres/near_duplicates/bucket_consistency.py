"""Finding and mending sketches and buckets that are not what the live texts make them.

Settling keeps them right; they drift when `SKETCH_VERSION` is raised, when a backup of one table
is restored, or through a bug. `evidence.py` goes on from here: it believes the buckets.

Each check reads without a lock. Only where something is wrong, and is to be mended, it takes
SETTLE, looks again and mends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.near_duplicates import clusters
from atlas.stores.postgres.near_duplicates.clusters import BUCKET_CAP, TextSketch, hold_texts
from atlas.stores.postgres.near_duplicates.marks import LIVE, in_scope

_TEXTS_AT_ONCE = 50
"""Texts read and sketched for one transaction."""
_FIRST_BUCKET, _LAST_BUCKET = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Checked:
    """One part of a check. `cursor` is None where nothing is left."""

    cursor: str | None
    checked: int
    drifted: int = 0
    repaired: int = 0


async def check_sketches(
    connection: Connection, cursor: str, *, chunk: int, sources: Sequence[str], repair: bool
) -> Checked:
    """The next live texts in scope: each has a sketch of this version, and stands in its buckets.
    Of the whole corpus also: no sketch is left of a text that is not live."""
    after = bytes.fromhex(cursor)
    rows = await connection.fetch(_TEXTS, after, chunk, list(sources))
    texts = [row["text_hash"] for row in rows]
    last = texts[-1] if len(texts) == chunk else None
    wrong = await _wrong_sketches(connection, texts)
    ghosts = [] if sources else await _ghosts(connection, after, last)
    if repair:
        await _mend_ghosts(connection, ghosts, after, last)
        for start in range(0, len(wrong), _TEXTS_AT_ONCE):
            await _sketch_anew(connection, wrong[start : start + _TEXTS_AT_ONCE])
    drifted = len(wrong) + len(ghosts)
    return Checked(last and last.hex(), len(texts), drifted, drifted if repair else 0)


async def _wrong_sketches(connection: Connection, texts: Sequence[bytes]) -> list[bytes]:
    rows = await connection.fetch(_WRONG_SKETCHES, list(texts), SKETCH_VERSION)
    return [row["text_hash"] for row in rows]


async def _ghosts(connection: Connection, after: bytes, last: bytes | None) -> list[bytes]:
    rows = await connection.fetch(_GHOSTS, after, last)
    return [row["text_hash"] for row in rows]


async def _mend_ghosts(
    connection: Connection, found: Sequence[bytes], after: bytes, last: bytes | None
) -> None:
    if found:
        async with connection.transaction():
            await hold_texts(connection)
            await clusters.remove(connection, await _ghosts(connection, after, last))


async def _sketch_anew(connection: Connection, texts: Sequence[bytes]) -> None:
    rows = await connection.fetch(_WORDS, list(texts))
    words = [(row["text_hash"], row["text"]) for row in rows]
    made = await asyncio.to_thread(_sketched, words)
    async with connection.transaction():
        await hold_texts(connection)
        live = await connection.fetch(_STILL_LIVE, list(texts))
        wanted = {row["text_hash"] for row in live}
        wanted &= set(await _wrong_sketches(connection, texts))
        await clusters.remove(connection, sorted(wanted))
        fresh = [text for text in made if text.text_hash in wanted]
        # Rows that a lost sketch left behind would stand in the way of the same rows.
        await connection.executemany(
            "delete from bands where hash = any($1::bigint[]) and text_hash = $2",
            [(list(text.bands), text.text_hash) for text in fresh],
        )
        await clusters.add(connection, fresh)


def _sketched(rows: Sequence[tuple[bytes, str]]) -> list[TextSketch]:
    from atlas.domain.near_duplicates import sketch  # numpy: 0.3 s and 15 MB

    made = [(text_hash, sketch(text)) for text_hash, text in rows]
    return [TextSketch(text_hash, one.bands, one.signature) for text_hash, one in made]


async def check_buckets(
    connection: Connection, cursor: str, *, chunk: int, repair: bool, cap: int = BUCKET_CAP
) -> Checked:
    """The next buckets: nobody stands in one who does not belong, and crowds are recorded."""
    first = int(cursor) if cursor else _FIRST_BUCKET
    last = await connection.fetchval(_LAST_OF_BUCKETS, first, chunk * 32)
    until = _LAST_BUCKET if last is None else last
    strays = await connection.fetch(_STRAYS, first, until, SKETCH_VERSION)
    crowds = await connection.fetch(_WRONG_CROWDS, first, until, cap)
    drifted = len(strays) + len(crowds)
    if repair and drifted:
        async with connection.transaction():
            await hold_texts(connection)
            await connection.execute(_DELETE_STRAYS, first, until, SKETCH_VERSION)
            await _mend_crowds(connection, first, until, cap)
    more = str(last + 1) if last is not None and last < _LAST_BUCKET else None
    checked = await connection.fetchval(_COUNT_BUCKETS, first, until)
    return Checked(more, checked, drifted, drifted if repair else 0)


async def _mend_crowds(connection: Connection, first: int, until: int, cap: int) -> None:
    wrong = await connection.fetch(_WRONG_CROWDS, first, until, cap)
    hashes = [row["hash"] for row in wrong]
    await connection.execute("delete from crowded_bands where hash = any($1::bigint[])", hashes)
    crowded = [(row["hash"], row["members"]) for row in wrong if row["members"] is not None]
    await connection.executemany("insert into crowded_bands values ($1, $2)", crowded)


_TEXTS = f"""
select distinct d.text_hash from {LIVE}
 where d.text_hash > $1 and {in_scope(3)}
 order by d.text_hash limit $2
"""  # noqa: S608 (constants)

_WRONG_SKETCHES = """
select o.text_hash from unnest($1::bytea[]) as o(text_hash) left join sketches k using (text_hash)
 where k.text_hash is null or k.version <> $2
    or exists (select from unnest(k.bands) as own(hash)
                where not exists (select from bands b
                                   where b.hash = own.hash and b.text_hash = o.text_hash))
"""

_GHOSTS = f"""
select k.text_hash from sketches k
 where k.text_hash > $1 and ($2::bytea is null or k.text_hash <= $2)
   and not exists (select from {LIVE} where d.text_hash = k.text_hash)
"""  # noqa: S608 (constants)

_STILL_LIVE = f"""
select distinct d.text_hash from {LIVE} where d.text_hash = any($1::bytea[])
"""  # noqa: S608 (constants)

_WORDS = """
select distinct on (d.text_hash) d.text_hash, d.text from documents d
 where d.text_hash = any($1::bytea[]) order by d.text_hash
"""

_LAST_OF_BUCKETS = """
select max(hash) from (select hash from bands where hash >= $1 order by hash limit $2) s
"""

_COUNT_BUCKETS = "select count(distinct hash) from bands where hash between $1 and $2"

_STRAYS = """
select b.hash, b.text_hash from bands b
 where b.hash between $1 and $2 and not exists (
       select from sketches k
        where k.text_hash = b.text_hash and b.hash = any(k.bands) and k.version = $3)
"""

_DELETE_STRAYS = """
delete from bands b
 where b.hash between $1 and $2 and not exists (
       select from sketches k
        where k.text_hash = b.text_hash and b.hash = any(k.bands) and k.version = $3)
"""

_WRONG_CROWDS = """
select hash, counted.members
  from (select hash, members from crowded_bands where hash between $1 and $2) recorded
  full join (select hash, count(*) as members from bands where hash between $1 and $2
              group by hash having count(*) > $3) counted using (hash)
 where recorded.members is distinct from counted.members
"""
