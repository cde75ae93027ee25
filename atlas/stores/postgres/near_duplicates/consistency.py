"""Checks of sketches, buckets, pairs and clusters against the live texts, and their repair.

Settling keeps them right; they drift when `SKETCH_VERSION` is raised, when a backup of one table
is restored, or through a bug. The order is that of the definitions in `clusters.py`: sketches
follow from texts, buckets from sketches, pairs from buckets and signatures, clusters from pairs;
each check believes what the one before has put right.

Each check reads without a lock, so that settling does not wait for it. Only where something is
wrong, and is to be repaired, it takes SETTLE, looks again and repairs: in small transactions,
since settling waits for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from atlas.contracts.deduplicate_documents import PartDone
from atlas.domain.similarity.connected_components import DisjointSets
from atlas.domain.similarity.duplicates import Pair
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.near_duplicates import clusters, similarity
from atlas.stores.postgres.near_duplicates.clusters import BUCKET_CAP, TextSketch, hold_texts
from atlas.stores.postgres.near_duplicates.marks import LAST_OF_CLUSTERS, LIVE, in_scope

_TEXTS_AT_ONCE = 50
"""Texts read and sketched for one transaction."""
_COMPARED_AT_ONCE = 100
"""Texts whose pairs are compared, and replaced in one transaction."""
_PAIRS_AT_ONCE = 20_000
"""Pairs compared at once: 10 MB of signatures."""
_FIRST_BUCKET, _LAST_BUCKET = -(2**63), 2**63 - 1

_Gap = tuple[bytes, bytes | None]
"""All hashes after one, up to another or the end."""


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
    return [row["text_hash"] for row in rows]


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
    connection: Connection, cursor: str, *, chunk: int, repair: bool, cap: int = BUCKET_CAP
) -> PartDone:
    """The next buckets: membership is exact, and oversized buckets are recorded."""
    first = int(cursor) if cursor else _FIRST_BUCKET
    last = await connection.fetchval(_LAST_OF_BUCKETS, first, chunk * 32)
    until = _LAST_BUCKET if last is None else last
    strays = await connection.fetch("select b.hash" + _STRAYS, first, until, SKETCH_VERSION)
    crowds = await connection.fetch(_WRONG_CROWDS, first, until, cap)
    drifted = len(strays) + len(crowds)
    if repair and drifted:
        async with connection.transaction():
            await hold_texts(connection)
            await connection.execute("delete" + _STRAYS, first, until, SKETCH_VERSION)
            await _record_crowds(connection, first, until, cap)
    more = str(last + 1) if last is not None and last < _LAST_BUCKET else None
    checked = await connection.fetchval(_COUNT_BUCKETS, first, until)
    return _done(more, checked, drifted, repair=repair)


async def _record_crowds(connection: Connection, first: int, until: int, cap: int) -> None:
    wrong = await connection.fetch(_WRONG_CROWDS, first, until, cap)
    hashes = [row["hash"] for row in wrong]
    await connection.execute("delete from crowded_bands where hash = any($1::bigint[])", hashes)
    crowded = [(row["hash"], row["members"]) for row in wrong if row["members"] is not None]
    await connection.executemany("insert into crowded_bands values ($1, $2)", crowded)


async def check_evidence(
    connection: Connection,
    cursor: str,
    *,
    chunk: int,
    sources: Sequence[str],
    repair: bool,
    cap: int = BUCKET_CAP,
) -> PartDone:
    """The next texts in scope: the pairs in which each is the smaller are those that its buckets
    and signatures make, and each pair is within one cluster. Of the whole corpus also: there is
    no evidence of texts without a sketch."""
    after = bytes.fromhex(cursor)
    rows = await connection.fetch(_SKETCHED_TEXTS, after, chunk, list(sources))
    texts = [row["text_hash"] for row in rows]
    last = texts[-1] if len(texts) == chunk else None
    orphans = [] if sources else await _orphans(connection, (after, last))
    wrong = await _wrong_texts(connection, texts, cap)
    if repair:
        await _drop_orphans(connection, orphans)
        for start in range(0, len(wrong), _COMPARED_AT_ONCE):  # settling waits for each
            async with connection.transaction():
                await hold_texts(connection)
                await _replace_pairs(connection, wrong[start : start + _COMPARED_AT_ONCE], cap)
    drifted = len(wrong) + len(orphans)
    return _done(last and last.hex(), len(texts), drifted, repair=repair)


async def _wrong_texts(connection: Connection, texts: Sequence[bytes], cap: int) -> list[bytes]:
    wrong: set[bytes] = set()
    for start in range(0, len(texts), _COMPARED_AT_ONCE):
        some = texts[start : start + _COMPARED_AT_ONCE]
        due, kept = await _pairs_due(connection, some, cap), await _pairs_kept(connection, some)
        wrong |= {low for (low, _), _ in due.items() ^ kept.items()}
    rows = await connection.fetch(_APART, list(texts))
    return sorted(wrong | {row["low"] for row in rows})


async def _pairs_due(connection: Connection, lows: Sequence[bytes], cap: int) -> dict[Pair, float]:
    """The pairs that there should be, with their similarity, straight from the definition."""
    found: dict[Pair, float] = {}
    async with connection.transaction():
        candidates: list[Pair] = []
        async for low, high in connection.cursor(_CANDIDATE_PAIRS, list(lows), cap, prefetch=5000):
            candidates.append((low, high))
            if len(candidates) == _PAIRS_AT_ONCE:
                found |= await similarity.compared(connection, candidates)
                candidates = []
        return found | await similarity.compared(connection, candidates)


async def _pairs_kept(connection: Connection, lows: Sequence[bytes]) -> dict[Pair, float]:
    rows = await connection.fetch(
        "select low, high, similarity from similar_texts where low = any($1::bytea[])", list(lows)
    )
    return {(row["low"], row["high"]): row["similarity"] for row in rows}


async def _replace_pairs(connection: Connection, lows: Sequence[bytes], cap: int) -> None:
    """Replace the evidence of some texts, and make their clusters follow it."""
    due, kept = await _pairs_due(connection, lows, cap), await _pairs_kept(connection, lows)
    dropped = [pair for pair in kept if pair not in due]
    of = await similarity.representatives(connection, [text for pair in dropped for text in pair])
    touched = set(of.values())
    await connection.executemany(
        "delete from similar_texts where low = $1 and high = $2", sorted(dropped)
    )
    await connection.executemany(
        "insert into similar_texts (low, high, similarity) values ($1, $2, $3)"
        " on conflict (low, high) do update set similarity = excluded.similarity",
        [(*pair, share) for pair, share in sorted(due.items()) if kept.get(pair) != share],
    )
    await similarity.split(connection, touched)
    await similarity.merge(connection, due)


async def _orphans(connection: Connection, gap: _Gap) -> list[bytes]:
    rows = await connection.fetch(_ORPHANS, *gap)
    return [row["low"] for row in rows]


async def _drop_orphans(connection: Connection, lows: Sequence[bytes]) -> None:
    if not lows:
        return
    async with connection.transaction():
        await hold_texts(connection)
        await connection.execute(
            "delete from similar_texts p where low = any($1::bytea[])"
            " and not exists (select from sketches k where k.text_hash = p.low)",
            list(lows),
        )


async def check_clusters(
    connection: Connection, cursor: str, *, chunk: int, repair: bool
) -> PartDone:
    """The next clusters: each is connected by its evidence, and named by its smallest text."""
    after = bytes.fromhex(cursor)
    last = await connection.fetchval(LAST_OF_CLUSTERS, after, chunk)
    if last is None:
        return PartDone()
    checked, wrong = await _wrong_clusters(connection, after, last)
    if repair and wrong:
        async with connection.transaction():
            await hold_texts(connection)
            _, still = await _wrong_clusters(connection, after, last)
            await similarity.split(connection, still)
    return _done(last.hex(), checked, len(wrong), repair=repair)


async def _wrong_clusters(
    connection: Connection, after: bytes, last: bytes
) -> tuple[int, list[bytes]]:
    """How many clusters there are in a part, and which of them are not what they should be."""
    rows = await connection.fetch(
        "select text_hash, representative from sketches"
        " where representative > $1 and representative <= $2",
        *(after, last),
    )
    of = {row["text_hash"]: row["representative"] for row in rows}
    sets = DisjointSets(of)
    async with connection.transaction():  # one cluster may have millions of pairs
        pairs = connection.cursor(_PAIRS_OF_CLUSTERS, after, last, prefetch=5000)
        async for low, high in pairs:
            if low in of and of[low] == of.get(high):
                sets.join(low, high)
    named = [(of[group[0]], min(group)) for group in sets.groups()]
    wrong = {name for name, least in named if name != least}
    return len(set(of.values())), sorted(wrong)


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

_WRONG_CROWDS = """
select hash, counted.members
  from (select hash, members from crowded_bands where hash between $1 and $2) recorded
  full join (select hash, count(*) as members from bands where hash between $1 and $2
              group by hash having count(*) > $3) counted using (hash)
 where recorded.members is distinct from counted.members
"""

_SKETCHED_TEXTS = f"""
select distinct k.text_hash from {LIVE} join sketches k on k.text_hash = d.text_hash
 where k.text_hash > $1 and {in_scope(3)}
 order by k.text_hash limit $2
"""  # noqa: S608 (constants)

# An anchor has fewer than `cap` smaller texts in its bucket; it is compared with all others there.
_CANDIDATE_PAIRS = """
with anchors as materialized (
    select k.text_hash, own.hash from sketches k cross join lateral unnest(k.bands) as own(hash)
     where k.text_hash = any($1::bytea[])
       and (select count(*) from (
              select from bands s where s.hash = own.hash and s.text_hash < k.text_hash
               limit $2) as smaller) < $2)
select distinct a.text_hash as low, b.text_hash as high
  from anchors a join bands b on b.hash = a.hash and b.text_hash > a.text_hash
"""

_APART = """
select p.low from similar_texts p
  join sketches a on a.text_hash = p.low join sketches b on b.text_hash = p.high
 where p.low = any($1::bytea[]) and a.representative <> b.representative
"""

_ORPHANS = """
select distinct p.low from similar_texts p
 where p.low > $1 and ($2::bytea is null or p.low <= $2)
   and not exists (select from sketches k where k.text_hash = p.low)
"""

_PAIRS_OF_CLUSTERS = """
select p.low, p.high from sketches k join similar_texts p on p.low = k.text_hash
 where k.representative > $1 and k.representative <= $2
"""
