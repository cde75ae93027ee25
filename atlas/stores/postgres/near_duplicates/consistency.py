"""Checks of sketches, buckets and clusters against the live texts, and their repair.

Settling keeps them right; they drift when `SKETCH_VERSION` is raised, when a backup of one table
is restored, or through a bug. The order is that of the definitions in `clusters.py`: sketches
follow from texts and pages, buckets from sketches, by whom a text stands from the leaders of its
buckets, clusters from that; each check believes what the one before has put right.

Each check reads without a lock, so that settling does not wait for it. Only where something is
wrong, and is to be repaired, it takes SETTLE, looks again and repairs: in small transactions,
since settling waits for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from atlas.contracts.deduplicate_documents import PartDone
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.near_duplicates import clusters, leaders, sketched_texts
from atlas.stores.postgres.near_duplicates.clusters import BUCKET_CAP, TextSketch, hold_texts
from atlas.stores.postgres.near_duplicates.marks import LAST_OF_CLUSTERS, LIVE, in_scope

_TEXTS_AT_ONCE = 50
"""Texts read and sketched for one transaction."""
_COMPARED_AT_ONCE = 100
"""Texts that are compared with leaders, and moved to them, in one transaction."""
_FIRST_BUCKET, _LAST_BUCKET = -(2**63), 2**63 - 1


def _done(cursor: str | None, checked: int, drifted: int, *, repair: bool) -> PartDone:
    return PartDone(
        cursor=cursor, checked=checked, drifted=drifted, repaired=drifted if repair else 0
    )


async def check_sketches(
    connection: Connection, cursor: str, *, chunk: int, sources: Sequence[str], repair: bool
) -> PartDone:
    """The next live texts in scope: each has a sketch of this version, and is in its buckets.
    Of the whole corpus also: no sketch is left of a text that is not live."""
    after = bytes.fromhex(cursor)
    rows = await connection.fetch(_LIVE_TEXTS, after, chunk, list(sources))
    texts = [row["text_hash"] for row in rows]
    last = texts[-1] if len(texts) == chunk else None
    wrong = await _wrong_sketches(connection, texts)
    ghosts = [] if sources else await _ghosts(connection, after, last)
    if repair:
        await _remove_ghosts(connection, ghosts, after, last)
        for start in range(0, len(wrong), _TEXTS_AT_ONCE):
            await _sketch_again(connection, wrong[start : start + _TEXTS_AT_ONCE])
    drifted = len(wrong) + len(ghosts)
    return _done(last and last.hex(), len(texts), drifted, repair=repair)


async def _wrong_sketches(connection: Connection, texts: Sequence[bytes]) -> list[bytes]:
    rows = await connection.fetch(_WRONG_SKETCHES, list(texts), SKETCH_VERSION)
    wrong = {row["text_hash"] for row in rows}
    places = await sketched_texts.places(connection, texts)
    kept = await sketched_texts.places_kept(connection, texts)
    return [text for text in texts if text in wrong or places[text] != kept.get(text)]


async def _ghosts(connection: Connection, after: bytes, last: bytes | None) -> list[bytes]:
    rows = await connection.fetch(_GHOSTS, after, last)
    return [row["text_hash"] for row in rows]


async def _remove_ghosts(
    connection: Connection, found: Sequence[bytes], after: bytes, last: bytes | None
) -> None:
    if found:
        async with connection.transaction():
            await hold_texts(connection)
            await clusters.remove(connection, await _ghosts(connection, after, last))


async def _sketch_again(connection: Connection, texts: Sequence[bytes]) -> None:
    rows = await connection.fetch(_TEXTS_TO_SKETCH, list(texts))
    words = [(row["text_hash"], row["text"]) for row in rows]
    made = await asyncio.to_thread(_sketched, words)
    async with connection.transaction():
        await hold_texts(connection)
        live = await connection.fetch(_STILL_LIVE, list(texts))
        wanted = {row["text_hash"] for row in live}
        wanted &= set(await _wrong_sketches(connection, texts))
        await clusters.remove(connection, sorted(wanted))
        fresh = [text for text in made if text.text_hash in wanted]
        # Rows that a lost sketch left behind would conflict with the new ones.
        await connection.executemany(
            "delete from bands where hash = any($1::bigint[]) and text_hash = $2",
            [(list(text.bands), text.text_hash) for text in fresh],
        )
        await clusters.add(connection, fresh)


def _sketched(rows: Sequence[tuple[bytes, str]]) -> list[TextSketch]:
    from atlas.domain.similarity.near_duplicates import sketch  # numpy: 0.3 s and 15 MB

    made = [(text_hash, sketch(text)) for text_hash, text in rows]
    return [TextSketch(text_hash, one.bands, one.signature) for text_hash, one in made]


async def check_buckets(
    connection: Connection, cursor: str, *, chunk: int, repair: bool
) -> PartDone:
    """The next buckets: membership is exact."""
    first = int(cursor) if cursor else _FIRST_BUCKET
    last = await connection.fetchval(_LAST_OF_BUCKETS, first, chunk * 32)
    until = _LAST_BUCKET if last is None else last
    strays = await connection.fetch("select b.hash" + _STRAYS, first, until, SKETCH_VERSION)
    if repair and strays:
        async with connection.transaction():
            await hold_texts(connection)
            await connection.execute("delete" + _STRAYS, first, until, SKETCH_VERSION)
    more = str(last + 1) if last is not None and last < _LAST_BUCKET else None
    checked = await connection.fetchval(_COUNT_BUCKETS, first, until)
    return _done(more, checked, len(strays), repair=repair)


async def check_evidence(
    connection: Connection,
    cursor: str,
    *,
    chunk: int,
    sources: Sequence[str],
    repair: bool,
    cap: int = BUCKET_CAP,
) -> PartDone:
    """The next texts in scope: each stands by the leader that its buckets and its sketch say, as
    similar as they say, and leads in its buckets if it stands by itself."""
    after = bytes.fromhex(cursor)
    rows = await connection.fetch(_SKETCHED_TEXTS, after, chunk, list(sources))
    texts = [row["text_hash"] for row in rows]
    last = texts[-1] if len(texts) == chunk else None
    wrong = await _wrong_texts(connection, texts, cap)
    if repair:
        for start in range(0, len(wrong), _COMPARED_AT_ONCE):  # settling waits for each
            async with connection.transaction():
                await hold_texts(connection)
                some = wrong[start : start + _COMPARED_AT_ONCE]
                await leaders.reconsider(connection, some, cap)
    return _done(last and last.hex(), len(texts), len(wrong), repair=repair)


async def _wrong_texts(connection: Connection, texts: Sequence[bytes], cap: int) -> list[bytes]:
    wrong: list[bytes] = []
    for start in range(0, len(texts), _COMPARED_AT_ONCE):
        found = await leaders.due(connection, texts[start : start + _COMPARED_AT_ONCE], cap)
        wrong += [
            text for text, (kept, should, marked) in found.items() if kept != should or not marked
        ]
    return sorted(wrong)


async def check_clusters(
    connection: Connection, cursor: str, *, chunk: int, repair: bool, cap: int = BUCKET_CAP
) -> PartDone:
    """The next clusters: each is named by a text that is there, and leads it."""
    after = bytes.fromhex(cursor)
    last = await connection.fetchval(LAST_OF_CLUSTERS, after, chunk)
    if last is None:
        return PartDone()
    checked = await connection.fetchval(_COUNT_CLUSTERS, after, last)
    wrong = await _without_leader(connection, after, last)
    if repair and wrong:
        async with connection.transaction():
            await hold_texts(connection)
            texts = await _without_leader(connection, after, last)
            await leaders.reconsider(connection, [text for text, _ in texts], cap)
    return _done(last.hex(), checked, len({name for _, name in wrong}), repair=repair)


async def _without_leader(
    connection: Connection, after: bytes, last: bytes
) -> list[tuple[bytes, bytes]]:
    rows = await connection.fetch(_WITHOUT_LEADER, after, last)
    return [(row["text_hash"], row["representative"]) for row in rows]


_LIVE_TEXTS = f"""
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

_TEXTS_TO_SKETCH = """
select distinct on (d.text_hash) d.text_hash, d.text from documents d
 where d.text_hash = any($1::bytea[]) order by d.text_hash
"""

_LAST_OF_BUCKETS = """
select max(hash) from (select hash from bands where hash >= $1 order by hash limit $2) s
"""

_COUNT_BUCKETS = "select count(distinct hash) from bands where hash between $1 and $2"

_STRAYS = """
 from bands b
 where b.hash between $1 and $2 and not exists (
       select from sketches k
        where k.text_hash = b.text_hash and b.hash = any(k.bands) and k.version = $3)
"""

_SKETCHED_TEXTS = f"""
select distinct k.text_hash from {LIVE} join sketches k on k.text_hash = d.text_hash
 where k.text_hash > $1 and {in_scope(3)}
 order by k.text_hash limit $2
"""  # noqa: S608 (constants)

_COUNT_CLUSTERS = """
select count(distinct representative) from sketches
 where representative > $1 and representative <= $2
"""

_WITHOUT_LEADER = """
select k.text_hash, k.representative from sketches k
 where k.representative > $1 and k.representative <= $2
   and not exists (select from sketches l
                    where l.text_hash = k.representative and l.representative = l.text_hash)
"""
