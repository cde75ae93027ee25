"""Similar texts (the evidence) and the connected components that they make."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from atlas.domain.similarity.connected_components import DisjointSets, components
from atlas.stores.postgres.connection import Connection

_Pair = tuple[bytes, bytes]
_CHUNK = 20_000  # pairs compared at once: 10 MB of signatures
_PREFETCH = 5_000  # pairs of a cursor: 1 MB
_MANY = 5_000  # texts of which it costs as much to recompute their whole cluster


async def verify(connection: Connection, candidates: Collection[_Pair]) -> list[_Pair]:
    """Record the candidates that are similar; return them."""
    found = await compared(connection, candidates)
    if found:
        await connection.execute(
            "insert into similar_texts (low, high, similarity)"
            " select * from unnest($1::bytea[], $2::bytea[], $3::real[]) on conflict do nothing",
            *zip(*found, strict=True),
            list(found.values()),
        )
    return list(found)


async def compared(connection: Connection, candidates: Collection[_Pair]) -> dict[_Pair, float]:
    """The candidates that are similar, with their similarity; those without a sketch are not."""
    if not candidates:
        return {}
    from atlas.domain.similarity.near_duplicates import (  # numpy: 0.3 s and 15 MB
        THRESHOLD,
        similarities,
    )

    signatures = await signatures_of(connection, {text for pair in candidates for text in pair})
    pairs = sorted(pair for pair in candidates if signatures.keys() >= set(pair))
    found: dict[_Pair, float] = {}
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        shares = similarities(
            [signatures[low] for low, _ in chunk], [signatures[high] for _, high in chunk]
        )
        found |= zip(chunk, shares, strict=True)
    return {pair: share for pair, share in found.items() if share >= THRESHOLD}


async def withdraw(connection: Connection, lost: Collection[bytes], cap: int) -> set[bytes]:
    """Drop the evidence of texts that are anchors no longer, where no other bucket vouches for it.

    Returns the representatives of the clusters that may fall apart: not those in which each pair
    that was dropped has a text that both are still similar to. In a cluster of thousands an anchor
    is displaced again and again, and hardly ever was anything held together by it alone.
    """
    if not lost:
        return set()
    rows = await connection.fetch(_WITHDRAW, list(lost), cap)
    if not rows:
        return set()
    columns = ([row[name] for row in rows] for name in ("low", "high", "representative"))
    return {row["representative"] for row in await connection.fetch(_NOT_BRIDGED, *columns)}


async def forget(connection: Connection, gone: Mapping[bytes, bytes]) -> set[bytes]:
    """Drop the evidence of texts that are gone (text → its representative). Returns the
    representatives of the clusters that may fall apart, or whose representative is gone."""
    near: set[bytes] = set()
    for column, other in (("low", "high"), ("high", "low")):
        rows = await connection.fetch(
            f"delete from similar_texts where {column} = any($1::bytea[]) returning {other}",  # noqa: S608 (constants)
            list(gone),
        )
        near |= {row[0] for row in rows}
    of = await representatives(connection, near)
    touched = set(gone.values())
    apart = {name for name in touched if name in gone}
    for name in touched - apart:
        left = [text for text, found in of.items() if found == name]
        if not await _hang_together(connection, left):
            apart.add(name)
    return apart


async def _hang_together(connection: Connection, texts: Collection[bytes]) -> bool:
    """Whether the evidence between these texts alone connects them. Of more than `_MANY` the answer
    is no, without a look."""
    if len(texts) > _MANY:
        return False
    sets = DisjointSets(texts)
    async for low, high in connection.cursor(_BETWEEN, list(texts), prefetch=_PREFETCH):
        sets.join(low, high)
        if sets.count == 1:
            break
    return sets.count <= 1


async def merge(connection: Connection, pairs: Iterable[_Pair]) -> None:
    """Join the clusters that the pairs connect."""
    pairs = list(pairs)
    of = await representatives(connection, {text for pair in pairs for text in pair})
    edges = [(of[low], of[high]) for low, high in pairs if of[low] != of[high]]
    moves = {
        old: min(group)
        for group in components({end for edge in edges for end in edge}, edges)
        for old in group
    }
    await _represent(connection, _MOVE_CLUSTERS, moves)


async def split(connection: Connection, representatives: Collection[bytes]) -> None:
    """Recompute clusters that lost a member or a pair, from the evidence that is left. Within a
    transaction: the pairs, of which a cluster may have millions, are read through a cursor."""
    if not representatives:
        return
    rows = await connection.fetch(
        "select text_hash, representative from sketches where representative = any($1::bytea[])",
        list(representatives),
    )
    of = {row["text_hash"]: row["representative"] for row in rows}
    sets = DisjointSets(of)
    pairs = connection.cursor(_WITHIN, list(representatives), prefetch=_PREFETCH)
    async for low, high in pairs:
        sets.join(low, high)
    named = ((text, min(group)) for group in sets.groups() for text in group)
    moves = {text: least for text, least in named if of[text] != least}
    await _represent(connection, _MOVE_TEXTS, moves)


async def signatures_of(connection: Connection, texts: Collection[bytes]) -> dict[bytes, bytes]:
    """The signatures of texts, by hash; without those that have no sketch."""
    rows = await connection.fetch(
        "select text_hash, signature from sketches where text_hash = any($1::bytea[])", list(texts)
    )
    return {row["text_hash"]: row["signature"] for row in rows}


async def representatives(connection: Connection, texts: Collection[bytes]) -> dict[bytes, bytes]:
    """Text → the smallest hash of its cluster, of those that have a sketch."""
    rows = await connection.fetch(
        "select text_hash, representative from sketches where text_hash = any($1::bytea[])",
        list(texts),
    )
    return {row["text_hash"]: row["representative"] for row in rows}


async def _represent(connection: Connection, statement: str, moves: Mapping[bytes, bytes]) -> None:
    if moves:
        await connection.execute(statement, list(moves.keys()), list(moves.values()))


_MOVE_CLUSTERS = """
update sketches s set representative = m.new
  from unnest($1::bytea[], $2::bytea[]) as m(old, new)
 where s.representative = m.old and m.old <> m.new
"""

_MOVE_TEXTS = """
update sketches s set representative = m.new
  from unnest($1::bytea[], $2::bytea[]) as m(text_hash, new)
 where s.text_hash = m.text_hash and s.representative <> m.new
"""

_WITHIN = """
select p.low, p.high from sketches k join similar_texts p on p.low = k.text_hash
 where k.representative = any($1::bytea[])
"""

_BETWEEN = """
select low, high from similar_texts where low = any($1::bytea[]) and high = any($1::bytea[])
"""

# An anchor has fewer than `cap` smaller texts in its bucket. The larger text of a pair is an
# anchor only where the smaller is one too, so `low` decides. The buckets where a text still is an
# anchor are determined once per text and not per pair: a text may have thousands of pairs.
_WITHDRAW = """
with lost as materialized (
    select k.text_hash, k.representative, array(
        select band from unnest(k.bands) as own(band)
         where (select count(*) from (
                select from bands s where s.hash = own.band and s.text_hash < k.text_hash
                 limit $2) as smaller) < $2) as anchored
      from sketches k where k.text_hash = any($1::bytea[]))
delete from similar_texts p using lost a, sketches b
 where p.low = a.text_hash and b.text_hash = p.high and not b.bands && a.anchored
returning p.low, p.high, a.representative
"""

# A subquery in the list of columns runs pair by pair and stops at the first such text.
_NOT_BRIDGED = """
select distinct representative from (
    select gone.representative, (
        select exists (
            select from similar_texts one join similar_texts other on other.low = one.low
             where one.high = gone.low and other.high = gone.high)) as bridged
      from unnest($1::bytea[], $2::bytea[], $3::bytea[]) as gone(low, high, representative)) pairs
 where not bridged
"""
