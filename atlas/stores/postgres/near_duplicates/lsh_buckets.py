"""The buckets of the near-duplicate bands: their members, and those of them that lead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from atlas.stores.postgres.connection import Connection

Membership = tuple[int, bytes]
"""A bucket and a text in it."""


async def enter(connection: Connection, entries: Mapping[Membership, bool]) -> None:
    """Put new texts into their buckets; whether they lead there."""
    await connection.copy_records_to_table(
        "bands",
        records=[(*entry, leads) for entry, leads in sorted(entries.items())],
        columns=["hash", "text_hash", "leads"],
    )


async def leave(connection: Connection, texts: Mapping[bytes, Collection[int]]) -> None:
    """Take texts out of their buckets."""
    await connection.execute(
        "delete from bands b using unnest($1::bigint[], $2::bytea[]) as gone(hash, text_hash)"
        " where b.hash = gone.hash and b.text_hash = gone.text_hash",
        *_columns(_memberships(texts)),
    )


async def leaders(connection: Connection, limits: Mapping[int, int]) -> dict[int, list[bytes]]:
    """The smallest texts that lead in each bucket, up to its limit, in order."""
    found: dict[int, list[bytes]] = {bucket: [] for bucket in limits}
    wanted = defaultdict(list)
    for bucket, limit in limits.items():
        wanted[limit].append(bucket)
    for limit, buckets in wanted.items():
        for row in await connection.fetch(LEADERS, buckets, limit):
            found[row["hash"]].append(row["text_hash"])
    for texts in found.values():
        texts.sort()
    return found


async def set_leading(connection: Connection, changes: Mapping[Membership, bool]) -> None:
    """Record who leads in which bucket from now on."""
    await connection.execute(
        "update bands b set leads = c.leads"
        " from unnest($1::bigint[], $2::bytea[], $3::boolean[]) as c(hash, text_hash, leads)"
        " where b.hash = c.hash and b.text_hash = c.text_hash",
        *_columns(list(changes)),
        list(changes.values()),
    )


async def members_after(
    connection: Connection, leading: Collection[Membership]
) -> dict[bytes, list[bytes]]:
    """The larger texts that share one of the buckets with a text; by that text."""
    found: dict[bytes, list[bytes]] = defaultdict(list)
    if leading:
        for row in await connection.fetch(_AFTER, *_columns(leading)):
            found[row["leader"]].append(row["text_hash"])
    return found


async def led(connection: Connection, leading: Collection[Membership]) -> set[bytes]:
    """The texts in the buckets that stand by a text there; or by one that is there no more."""
    if not leading:
        return set()
    return {row["text_hash"] for row in await connection.fetch(_LED, *_columns(leading))}


def _memberships(texts: Mapping[bytes, Collection[int]]) -> list[Membership]:
    return sorted((bucket, text) for text, bands in texts.items() for bucket in set(bands))


def _columns(rows: Iterable[Membership]) -> Sequence[list[object]]:
    rows = list(rows)
    return [[bucket for bucket, _ in rows], [text for _, text in rows]]


LEADERS = """
select b.hash, m.text_hash
  from unnest($1::bigint[]) as b(hash)
 cross join lateral (
       select text_hash from bands where hash = b.hash and leads order by text_hash limit $2) as m
"""

_AFTER = """
select distinct l.text_hash as leader, b.text_hash
  from unnest($1::bigint[], $2::bytea[]) as l(hash, text_hash)
 cross join lateral (
       select text_hash from bands where hash = l.hash and text_hash > l.text_hash offset 0) b
"""

_LED = """
select distinct k.text_hash
  from unnest($1::bigint[], $2::bytea[]) as l(hash, text_hash)
  join sketches k on k.representative = l.text_hash and k.text_hash <> l.text_hash
                 and l.hash = any(k.bands)
"""
