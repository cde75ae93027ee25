"""Similar texts (the evidence) and the connected components that they make."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from atlas.domain.connected_components import components
from atlas.stores.postgres.connection import Connection

_Pair = tuple[bytes, bytes]
_CHUNK = 20_000  # pairs compared at once: 10 MB of signatures


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
    from atlas.domain.near_duplicates import THRESHOLD, similarities  # numpy: 0.3 s and 15 MB

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

    Returns the representatives of the clusters that may fall apart.
    """
    if not lost:
        return set()
    rows = await connection.fetch(_WITHDRAW, list(lost), cap)
    return {row["representative"] for row in rows}


async def forget(connection: Connection, gone: Collection[bytes]) -> None:
    """Drop the evidence of texts that are gone."""
    for column in ("low", "high"):
        await connection.execute(
            f"delete from similar_texts where {column} = any($1::bytea[])",  # noqa: S608 (constants)
            list(gone),
        )


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
    """Recompute clusters that lost a member or a pair, from the evidence that is left."""
    if not representatives:
        return
    rows = await connection.fetch(
        "select text_hash from sketches where representative = any($1::bytea[])",
        list(representatives),
    )
    texts = [row["text_hash"] for row in rows]
    pairs = await connection.fetch(
        "select low, high from similar_texts where low = any($1::bytea[])", texts
    )
    edges = [(row["low"], row["high"]) for row in pairs]
    moves = {text: min(group) for group in components(texts, edges) for text in group}
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

# An anchor has fewer than `cap` smaller texts in its bucket. The larger text of a pair is an
# anchor only where the smaller is one too, so `low` decides.
_WITHDRAW = """
with withdrawn as (
    delete from similar_texts p using sketches a, sketches b
     where p.low = any($1::bytea[]) and a.text_hash = p.low and b.text_hash = p.high
       and not exists (
           select from unnest(a.bands) as shared(hash)
            where shared.hash = any(b.bands)
              and (select count(*) from (
                    select from bands s where s.hash = shared.hash and s.text_hash < p.low
                     limit $2) as smaller) < $2)
    returning a.representative)
select distinct representative from withdrawn
"""
