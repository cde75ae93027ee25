"""The buckets of the near-duplicate bands: their members and their anchors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from atlas.stores.postgres.connection import Connection


@dataclass(slots=True)
class LshBucket:
    """What a change did to one bucket. Anchors are its smallest text hashes, up to the cap."""

    hash: int
    before: list[bytes] = field(default_factory=list)  # smallest first, perhaps not all
    entered: set[bytes] = field(default_factory=set)
    left: set[bytes] = field(default_factory=set)
    anchors: list[bytes] = field(default_factory=list)
    gained: set[bytes] = field(default_factory=set)  # anchors now that were none before
    lost: set[bytes] = field(default_factory=set)  # members still, anchors no longer
    crowded: bool = False  # more members than anchors

    def settle(self, cap: int) -> None:
        """Work out the anchors after the change."""
        after = sorted((set(self.before) | self.entered) - self.left)
        self.crowded = len(after) > cap
        self.anchors = after[:cap]
        self.gained = set(self.anchors) - set(self.before[:cap])
        self.lost = set(self.before[:cap]) - set(self.anchors) - self.left


_Texts = Mapping[bytes, frozenset[int]]  # text hash -> its bands


async def enter(connection: Connection, texts: _Texts, cap: int) -> list[LshBucket]:
    """Put new texts into their buckets; return how each changed."""
    buckets = _by_hash(texts, "entered")
    await _read(connection, buckets, cap)
    rows = _rows(texts)
    await connection.copy_records_to_table("bands", records=rows, columns=["hash", "text_hash"])
    await _record_crowds(connection, buckets, cap)
    return list(buckets.values())


async def leave(connection: Connection, texts: _Texts, cap: int) -> list[LshBucket]:
    """Take texts out of their buckets; return how each changed."""
    buckets = _by_hash(texts, "left")
    await _read(connection, buckets, cap)
    rows = _rows(texts)
    await connection.execute(
        "delete from bands b using unnest($1::bigint[], $2::bytea[]) as gone(hash, text_hash)"
        " where b.hash = gone.hash and b.text_hash = gone.text_hash",
        [hash_ for hash_, _ in rows],
        [text for _, text in rows],
    )
    await _record_crowds(connection, buckets, cap)
    return list(buckets.values())


async def members(connection: Connection, hashes: Collection[int]) -> dict[int, list[bytes]]:
    """Every text in the given buckets."""
    found: dict[int, list[bytes]] = {hash_: [] for hash_ in hashes}
    if found:
        rows = await connection.fetch(
            "select hash, text_hash from bands where hash = any($1::bigint[])", list(found)
        )
        for row in rows:
            found[row["hash"]].append(row["text_hash"])
    return found


def _by_hash(texts: _Texts, change: str) -> dict[int, LshBucket]:
    buckets: dict[int, LshBucket] = {}
    for text, bands in texts.items():
        for hash_ in bands:
            getattr(buckets.setdefault(hash_, LshBucket(hash_)), change).add(text)
    return buckets


def _rows(texts: _Texts) -> list[tuple[int, bytes]]:
    return sorted((hash_, text) for text, bands in texts.items() for hash_ in bands)


async def _read(connection: Connection, buckets: dict[int, LshBucket], cap: int) -> None:
    """Read the smallest members: one more than the cap, and as many as are about to leave."""
    wanted = defaultdict(list)
    for bucket in buckets.values():
        wanted[cap + 1 + len(bucket.left)].append(bucket.hash)
    for limit, hashes in wanted.items():
        for row in await connection.fetch(LOOKUP, hashes, limit):
            buckets[row["hash"]].before.append(row["text_hash"])
    for bucket in buckets.values():
        bucket.before.sort()
        bucket.settle(cap)


async def _record_crowds(connection: Connection, buckets: dict[int, LshBucket], cap: int) -> None:
    """Keep the record of what is over the cap. Members are counted once, then by difference."""
    crowds = [bucket for bucket in buckets.values() if bucket.crowded]
    if crowds:
        await connection.execute(
            _RECORD_CROWDS,
            [bucket.hash for bucket in crowds],
            [len(bucket.entered) - len(bucket.left) for bucket in crowds],
        )
    if any(len(bucket.before) > cap for bucket in buckets.values()):
        calm = [bucket.hash for bucket in buckets.values() if not bucket.crowded]
        await connection.execute("delete from crowded_bands where hash = any($1::bigint[])", calm)


LOOKUP = """
select b.hash, m.text_hash
  from unnest($1::bigint[]) as b(hash)
 cross join lateral (
       select text_hash from bands where hash = b.hash order by text_hash limit $2) as m
"""

_RECORD_CROWDS = """
insert into crowded_bands as c (hash, members)
select t.hash, coalesce(known.members + t.difference,
                        (select count(*) from bands b where b.hash = t.hash))
  from unnest($1::bigint[], $2::bigint[]) as t(hash, difference)
  left join crowded_bands known on known.hash = t.hash
on conflict (hash) do update set members = excluded.members
"""
