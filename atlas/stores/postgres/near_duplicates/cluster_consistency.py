"""Finding and mending evidence and clusters that are not what sketches and buckets make them.

The definitions are those of `clusters.py`; here they are followed from the beginning, not from a
change. Reads without a lock; mends under SETTLE.
"""

from __future__ import annotations

from collections.abc import Sequence

from atlas.domain.connected_components import components
from atlas.domain.duplicates import Pair
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.near_duplicates import similarity
from atlas.stores.postgres.near_duplicates.bucket_consistency import Checked
from atlas.stores.postgres.near_duplicates.clusters import BUCKET_CAP, hold_texts
from atlas.stores.postgres.near_duplicates.marks import LAST_OF_CLUSTERS, LIVE, in_scope

_TEXTS_AT_ONCE = 100
_PAIRS_AT_ONCE = 20_000  # compared at once: 10 MB of signatures

_Gap = tuple[bytes, bytes | None]
"""All hashes after one, up to another or the end."""


async def check_evidence(
    connection: Connection,
    cursor: str,
    *,
    chunk: int,
    sources: Sequence[str],
    repair: bool,
    cap: int = BUCKET_CAP,
) -> Checked:
    """The next texts in scope: the pairs in which each is the smaller are those that its buckets
    and signatures make, and each pair is within one cluster. Of the whole corpus also: there is
    no evidence of texts without a sketch."""
    after = bytes.fromhex(cursor)
    rows = await connection.fetch(_TEXTS, after, chunk, list(sources))
    texts = [row["text_hash"] for row in rows]
    last = texts[-1] if len(texts) == chunk else None
    orphans = [] if sources else await _orphans(connection, (after, last))
    wrong = await _wrong_texts(connection, texts, cap)
    if repair:
        await _forget(connection, orphans)
        for start in range(0, len(wrong), _TEXTS_AT_ONCE):  # settling waits for each
            await _mend(connection, wrong[start : start + _TEXTS_AT_ONCE], cap)
    drifted = len(wrong) + len(orphans)
    return Checked(last and last.hex(), len(texts), drifted, drifted if repair else 0)


async def _wrong_texts(connection: Connection, texts: Sequence[bytes], cap: int) -> list[bytes]:
    wrong: set[bytes] = set()
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        some = texts[start : start + _TEXTS_AT_ONCE]
        due, kept = await _due(connection, some, cap), await _kept(connection, some)
        wrong |= {low for (low, _), _ in due.items() ^ kept.items()}
    rows = await connection.fetch(_APART, list(texts))
    return sorted(wrong | {row["low"] for row in rows})


async def _due(connection: Connection, lows: Sequence[bytes], cap: int) -> dict[Pair, float]:
    """The pairs that there should be, with their similarity, straight from the definition."""
    found: dict[Pair, float] = {}
    async with connection.transaction():
        candidates: list[Pair] = []
        async for low, high in connection.cursor(_CANDIDATES, list(lows), cap, prefetch=5000):
            candidates.append((low, high))
            if len(candidates) == _PAIRS_AT_ONCE:
                found |= await similarity.compared(connection, candidates)
                candidates = []
        return found | await similarity.compared(connection, candidates)


async def _kept(connection: Connection, lows: Sequence[bytes]) -> dict[Pair, float]:
    rows = await connection.fetch(
        "select low, high, similarity from similar_texts where low = any($1::bytea[])", list(lows)
    )
    return {(row["low"], row["high"]): row["similarity"] for row in rows}


async def _mend(connection: Connection, lows: Sequence[bytes], cap: int) -> None:
    """Replace the evidence of some texts, and make their clusters follow it."""
    async with connection.transaction():
        await hold_texts(connection)
        await _replace(connection, lows, cap)


async def _replace(connection: Connection, lows: Sequence[bytes], cap: int) -> None:
    due, kept = await _due(connection, lows, cap), await _kept(connection, lows)
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


async def _forget(connection: Connection, lows: Sequence[bytes]) -> None:
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
) -> Checked:
    """The next clusters: each is connected by its evidence, and named by its smallest text."""
    after = bytes.fromhex(cursor)
    last = await connection.fetchval(LAST_OF_CLUSTERS, after, chunk)
    if last is None:
        return Checked(None, 0)
    checked, wrong = await _wrong_clusters(connection, after, last)
    if repair and wrong:
        async with connection.transaction():
            await hold_texts(connection)
            _, still = await _wrong_clusters(connection, after, last)
            await similarity.split(connection, still)
    return Checked(last.hex(), checked, len(wrong), len(wrong) if repair else 0)


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
    pairs = await connection.fetch(_PAIRS_OF_CLUSTERS, after, last)
    edges = [(row["low"], row["high"]) for row in pairs]
    inside = [(low, high) for low, high in edges if of.get(low) == of.get(high)]
    named = [(of[group[0]], min(group)) for group in components(of, inside)]
    wrong = {name for name, least in named if name != least}
    return len(set(of.values())), sorted(wrong)


_TEXTS = f"""
select distinct k.text_hash from {LIVE} join sketches k on k.text_hash = d.text_hash
 where k.text_hash > $1 and {in_scope(3)}
 order by k.text_hash limit $2
"""  # noqa: S608 (constants)

# An anchor has fewer than `cap` smaller texts in its bucket; it is compared with all others there.
_CANDIDATES = """
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
