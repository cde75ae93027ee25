"""Near-duplicate clusters of the live texts; nothing here depends on the order of arrival.

What is kept is a function of the set of texts:

* the *anchors* of a bucket are its `BUCKET_CAP` smallest text hashes;
* two texts are *candidates* if they share a bucket in which one of them is an anchor;
* candidates whose signatures agree at `THRESHOLD` or more are *similar*: kept as evidence;
* a *cluster* is a connected component of similar texts; its representative is its smallest hash.

So a bucket of n texts costs n x cap comparisons, not n x n, and what goes over the cap is recorded
in `crowded_bands`. An anchor that a smaller hash displaces takes its evidence with it, where no
other bucket vouches for the pair; an anchor that leaves is replaced by the next.

The caller holds the settlement lock: two writers at once would not see each other's candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.advisory_locks import SETTLE
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.near_duplicates import similarity as similar
from atlas.stores.postgres.near_duplicates.lsh_buckets import LshBucket, enter, leave, members

BUCKET_CAP = 32


@dataclass(frozen=True, slots=True)
class TextSketch:
    """The sketch of one distinct text; `text_hash` is 32 bytes."""

    text_hash: bytes
    bands: Sequence[int]
    signature: bytes


@dataclass(frozen=True, slots=True)
class Joined:
    """Of the texts that were added: how many are new, and of those, how many are like others."""

    fresh: int = 0
    alike: int = 0


async def hold_texts(connection: Connection) -> None:
    """Keep all others from changing the live texts and their clusters until the transaction
    ends."""
    await connection.execute("select pg_advisory_xact_lock($1)", SETTLE)


async def add(
    connection: Connection, texts: Sequence[TextSketch], *, cap: int = BUCKET_CAP
) -> Joined:
    """Add texts and join the clusters that they connect. Idempotent."""
    fresh = await _without_known(connection, texts, cap)
    if not fresh:
        return Joined()
    await connection.copy_records_to_table(
        "sketches",
        records=[(t.text_hash, SKETCH_VERSION, t.bands, t.signature, t.text_hash) for t in fresh],
        columns=["text_hash", "version", "bands", "signature", "representative"],
    )
    changed = await enter(
        connection, {text.text_hash: frozenset(text.bands) for text in fresh}, cap
    )
    withdrawn = {hash_ for bucket in changed for hash_ in bucket.lost}
    await similar.split(connection, await similar.withdraw(connection, withdrawn, cap))
    candidates = await _candidates(connection, changed)
    pairs = await similar.verify(connection, candidates)
    await similar.merge(connection, pairs)
    alike = {text for pair in pairs for text in pair}
    return Joined(len(fresh), sum(text.text_hash in alike for text in fresh))


async def remove(
    connection: Connection, text_hashes: Sequence[bytes], *, cap: int = BUCKET_CAP
) -> None:
    """Take texts out; what held together only through them falls apart. Idempotent."""
    rows = await connection.fetch(
        "delete from sketches where text_hash = any($1::bytea[])"
        " returning text_hash, bands, representative",
        list(text_hashes),
    )
    if not rows:
        return
    gone = {row["text_hash"]: frozenset(row["bands"]) for row in rows}
    changed = await leave(connection, gone, cap)
    named = {row["text_hash"]: row["representative"] for row in rows}
    await similar.split(connection, await similar.forget(connection, named))
    candidates = await _candidates(connection, changed)
    await similar.merge(connection, await similar.verify(connection, candidates))


async def _without_known(
    connection: Connection, texts: Sequence[TextSketch], cap: int
) -> list[TextSketch]:
    """The texts not sketched yet; a sketch of another version is removed, to be made again."""
    wanted = {text.text_hash: text for text in texts}
    rows = await connection.fetch(
        "select text_hash, version from sketches where text_hash = any($1::bytea[])", list(wanted)
    )
    await remove(
        connection, [row["text_hash"] for row in rows if row["version"] != SKETCH_VERSION], cap=cap
    )
    for row in rows:
        if row["version"] == SKETCH_VERSION:
            del wanted[row["text_hash"]]
    return list(wanted.values())


async def _candidates(
    connection: Connection, changed: Iterable[LshBucket]
) -> set[tuple[bytes, bytes]]:
    """The pairs that are candidates since the buckets changed, smaller hash first.

    New members meet the anchors. A new anchor meets everybody, whom only a crowded bucket has to
    be asked for: otherwise all its members are anchors.
    """
    buckets = list(changed)
    crowded = [bucket.hash for bucket in buckets if bucket.crowded and bucket.gained]
    everybody = await members(connection, crowded)
    pairs: set[tuple[bytes, bytes]] = set()
    for bucket in buckets:
        pairs.update(_across(bucket.entered, bucket.anchors))
        pairs.update(_across(bucket.gained, everybody.get(bucket.hash, bucket.anchors)))
    return pairs


def _across(some: Iterable[bytes], others: Iterable[bytes]) -> Iterable[tuple[bytes, bytes]]:
    return ((min(a, b), max(a, b)) for a in some for b in others if a != b)
