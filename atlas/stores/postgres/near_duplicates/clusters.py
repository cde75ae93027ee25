"""Near-duplicate clusters of the live texts; nothing here depends on the order of arrival.

What is kept is a function of the set of texts, and of what their pages say of them. In the order of
their hashes,

* a text is *compared* with those smaller ones that lead in one of its buckets: with the `cap` first
  of each bucket;
* if it is a copy of any (`are_copies`), it *stands by* the one that it resembles most; that one and
  how much is the evidence that is kept. Otherwise it *leads*: itself, and in its buckets;
* a *cluster* is a leader and the texts that stand by it, named by the leader.

So no text is in a cluster for a chain of likenesses that ends far from its leader. A bucket of n
copies has one leader, one of n texts that only look alike is read up to the cap: what a text costs
does not grow with the crowd (`python -m benchmarks near_duplicates`).

The caller holds the settlement lock: two writers at once would not see each other's leaders.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.advisory_locks import SETTLE
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.near_duplicates import leaders, lsh_buckets, sketched_texts

BUCKET_CAP = 8


@dataclass(frozen=True, slots=True)
class TextSketch:
    """The sketch of one distinct text; `text_hash` is 32 bytes."""

    text_hash: bytes
    bands: Sequence[int]
    signature: bytes
    version: int = SKETCH_VERSION


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
    """Add texts, by what the live pages say of them now. Idempotent."""
    known = await _without_known(connection, texts, cap)
    return await _add(connection, texts, known, cap)


async def refresh(
    connection: Connection, texts: Collection[bytes], *, cap: int = BUCKET_CAP
) -> None:
    """Compare those of the texts again of which the live pages say something else than when they
    were compared: one of their hosts has them no more."""
    found = await sketched_texts.kept(connection, texts)
    current = await sketched_texts.places_kept(connection, texts)
    sketches = [
        TextSketch(name, text.bands, text.text.signature)
        for name, text in sorted(found.items())
        if name in current
    ]
    await add(connection, sketches, cap=cap)


async def remove(
    connection: Connection, text_hashes: Collection[bytes], *, cap: int = BUCKET_CAP
) -> None:
    """Take texts out; those that stood by one of them are compared again. Idempotent."""
    rows = await connection.fetch(
        "delete from sketches where text_hash = any($1::bytea[])"
        " returning text_hash, bands, representative",
        list(text_hashes),
    )
    if not rows:
        return
    gone = {row["text_hash"]: frozenset(row["bands"]) for row in rows}
    leading = {
        row["text_hash"]: gone[row["text_hash"]]
        for row in rows
        if row["representative"] == row["text_hash"]
    }
    due = await leaders.retire(connection, leading, cap)
    await lsh_buckets.leave(connection, gone)
    await leaders.reconsider(connection, due - gone.keys(), cap)


async def _add(
    connection: Connection,
    texts: Sequence[TextSketch],
    places: dict[bytes, sketched_texts.TextPlace],
    cap: int,
) -> Joined:
    fresh = {text.text_hash: text for text in texts if text.text_hash in places}
    if not fresh:
        return Joined()
    await connection.copy_records_to_table(
        "sketches",
        records=[_row(text, places[text.text_hash]) for text in fresh.values()],
        columns=[
            *("text_hash", "version", "bands", "signature", "representative"),
            *("name", "body", "size", "hosts"),
        ],
    )
    # What an older version prepared has no bucket in common with others; it is made again.
    current = {name for name, text in fresh.items() if text.version == SKETCH_VERSION}
    await leaders.reconsider(connection, current, cap, new=current)
    alike = await connection.fetchval(_ALIKE, list(fresh))
    return Joined(len(fresh), alike)


def _row(text: TextSketch, place: sketched_texts.TextPlace) -> tuple[object, ...]:
    return (
        *(text.text_hash, text.version, text.bands, text.signature, text.text_hash),
        *(place.name, place.body, place.size, place.hosts),
    )


async def _without_known(
    connection: Connection, texts: Sequence[TextSketch], cap: int
) -> dict[bytes, sketched_texts.TextPlace]:
    """What the pages say of the texts that are not sketched yet; a sketch of another version, or of
    which they say something else now, is removed, to be made again."""
    names = [text.text_hash for text in texts]
    places = await sketched_texts.places(connection, names)
    kept = await sketched_texts.places_kept(connection, names)
    wanted = {name: place for name, place in places.items() if kept.get(name) != place}
    await remove(connection, list(wanted), cap=cap)
    return wanted


_ALIKE = """
select count(*) from sketches k
 where k.text_hash = any($1::bytea[])
   and (k.representative <> k.text_hash
        or exists (select from sketches o
                    where o.representative = k.text_hash and o.text_hash <> k.text_hash))
"""
