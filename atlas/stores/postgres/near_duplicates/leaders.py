"""Who leads a cluster and who stands by whom: kept right while texts come and go.

A text is considered with the smaller texts that lead in its buckets, so all that it depends on is
smaller than itself, and all that depends on it is larger. What a change may affect is considered
again in the order of the hashes, until nothing changes any more; since hashes are random, a text
that comes or goes is seldom small enough to matter to many.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from atlas.domain.similarity.likeness import ComparedText
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.near_duplicates import lsh_buckets, sketched_texts
from atlas.stores.postgres.near_duplicates.lsh_buckets import Membership
from atlas.stores.postgres.near_duplicates.sketched_texts import KeptText

_AT_ONCE = 500
"""Texts considered in one round: 20,000 buckets are looked up for them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """By whom a text stands, and how similar it is to that one; by itself if it leads."""

    leader: bytes
    similarity: float | None


@dataclass
class _Buckets:
    """The first leaders of some buckets, before and after a change."""

    cap: int
    leading: dict[int, list[bytes]]
    before: dict[int, tuple[bytes, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.before = {bucket: self._first(bucket) for bucket in self.leading}

    def _first(self, bucket: int) -> tuple[bytes, ...]:
        return tuple(self.leading[bucket][: self.cap])

    def smaller(self, text: KeptText) -> set[bytes]:
        """Those with which a text is compared."""
        first = (each for bucket in text.bands for each in self.leading[bucket][: self.cap])
        return {each for each in first if each < text.text.text_hash}

    def put(self, bucket: int, text: bytes, *, leads: bool) -> bool:
        """Let a text lead in a bucket, or not; whether that changes anything."""
        texts = self.leading[bucket]
        if leads == (text in texts):
            return False
        if leads:
            insort(texts, text)
        else:
            texts.remove(text)
        return True

    def gained(self) -> set[Membership]:
        """The texts that others are compared with now, and were not before."""
        return {
            (bucket, text)
            for bucket, before in self.before.items()
            for text in set(self._first(bucket)).difference(before)
        }

    def lost(self) -> set[Membership]:
        """The texts that others were compared with before, and are not now."""
        return {
            (bucket, text)
            for bucket, before in self.before.items()
            for text in set(before).difference(self._first(bucket))
        }


async def reconsider(
    connection: Connection, texts: Collection[bytes], cap: int, *, new: Collection[bytes] = ()
) -> None:
    """Find out by whom texts stand, and whatever follows from that for others. The `new` among them
    are in no bucket yet, and are put into theirs."""
    due, entering = set(texts), set(new)
    while due:
        some = sorted(due)[:_AT_ONCE]
        due.difference_update(some)
        due |= await _round(connection, some, cap, entering)
        entering.difference_update(some)


async def retire(
    connection: Connection, leading: Mapping[bytes, Collection[int]], cap: int
) -> set[bytes]:
    """What has to be considered again when leaders are gone (text → its buckets); the caller takes
    them out of their buckets next, and has deleted their sketches."""
    gone = Counter(bucket for bands in leading.values() for bucket in set(bands))
    limits = {bucket: cap + count for bucket, count in gone.items()}
    buckets = _Buckets(cap, await lsh_buckets.leaders(connection, limits))
    for text, bands in leading.items():
        for bucket in set(bands):
            buckets.put(bucket, text, leads=False)
    return await _affected(connection, buckets, set(leading))


async def due(
    connection: Connection, texts: Collection[bytes], cap: int
) -> dict[bytes, tuple[Standing, Standing, bool]]:
    """What is kept of texts, what should be, and whether their buckets say the same; straight from
    the definition."""
    found = await sketched_texts.kept(connection, texts)
    limits = dict.fromkeys((bucket for text in found.values() for bucket in text.bands), cap)
    buckets = _Buckets(cap, await lsh_buckets.leaders(connection, limits))
    others = await _others(connection, buckets, found)
    where = await _leading_where(connection, found)
    answer = {}
    for name, text in found.items():
        should = _standing(text, [others[each] for each in buckets.smaller(text)])
        marked = set(text.bands) if should.leader == name else set()
        is_kept = Standing(text.leader, text.similarity)
        answer[name] = (is_kept, should, where.get(name, set()) == marked)
    return answer


async def _round(
    connection: Connection, names: Sequence[bytes], cap: int, new: Collection[bytes]
) -> set[bytes]:
    texts = await sketched_texts.kept(connection, names)
    where = await _leading_where(connection, {n: t for n, t in texts.items() if n not in new})
    # Those of them that lead may cease to: enough others are read to take their places.
    leading = Counter(bucket for leads_in in where.values() for bucket in leads_in)
    limits = {bucket: cap + leading[bucket] for text in texts.values() for bucket in text.bands}
    buckets = _Buckets(cap, await lsh_buckets.leaders(connection, limits))
    others = await _others(connection, buckets, texts)
    moved: dict[bytes, Standing] = {}
    entries: dict[Membership, bool] = {}
    changes: dict[Membership, bool] = {}
    for name in sorted(texts):
        text = texts[name]
        found = _standing(text, [others[each] for each in buckets.smaller(text)])
        if found != Standing(text.leader, text.similarity):
            moved[name] = found
        leads = found.leader == name
        for bucket in text.bands:
            buckets.put(bucket, name, leads=leads)
            if name in new:
                entries[bucket, name] = leads
            elif leads != (bucket in where.get(name, ())):
                changes[bucket, name] = leads
    await _stand(connection, moved)
    await lsh_buckets.enter(connection, entries)
    if changes:
        await lsh_buckets.set_leading(connection, changes)
    return await _affected(connection, buckets, set(names))


def _standing(text: KeptText, others: Sequence[ComparedText]) -> Standing:
    """By the one that it resembles most, of equals the smallest; by itself if by none."""
    copies = _copies(text.text, others)
    if not copies:
        return Standing(text.text.text_hash, None)
    leader = min(copies, key=lambda each: (-copies[each], each))
    return Standing(leader, copies[leader])


def _copies(text: ComparedText, others: Sequence[ComparedText]) -> Mapping[bytes, float]:
    if not others:  # of most texts: numpy, 0.3 s and 15 MB, is not needed to say so
        return {}
    from atlas.domain.similarity.near_duplicates import copies_among

    return copies_among(text, others)


async def _others(
    connection: Connection, buckets: _Buckets, texts: Mapping[bytes, KeptText]
) -> dict[bytes, ComparedText]:
    """The leaders of the buckets and the texts themselves: some of these will lead as well."""
    names = {each for leading in buckets.leading.values() for each in leading}
    found = await sketched_texts.compared(connection, names - texts.keys())
    return {
        **{name: ComparedText(name, b"") for name in names},  # one without a sketch is like none
        **found,
        **{name: text.text for name, text in texts.items()},
    }


async def _leading_where(
    connection: Connection, texts: Mapping[bytes, KeptText]
) -> dict[bytes, set[int]]:
    rows = await connection.fetch(
        "select b.text_hash, b.hash from unnest($1::bigint[], $2::bytea[]) as o(hash, text_hash)"
        " join bands b on b.hash = o.hash and b.text_hash = o.text_hash where b.leads",
        [bucket for text in texts.values() for bucket in text.bands],
        [name for name, text in texts.items() for _ in text.bands],
    )
    found: dict[bytes, set[int]] = {}
    for row in rows:
        found.setdefault(row["text_hash"], set()).add(row["hash"])
    return found


async def _affected(
    connection: Connection, buckets: _Buckets, considered: Collection[bytes]
) -> set[bytes]:
    """The other texts that a change of leaders may move: those that stood by one that others are
    not compared with any more, and those that resemble a new one more than theirs."""
    found = await lsh_buckets.led(connection, buckets.lost()) - set(considered)
    after = await lsh_buckets.members_after(connection, buckets.gained())
    new = await sketched_texts.compared(connection, after)
    for name, larger in after.items():
        wanted = [each for each in larger if each not in considered and each not in found]
        async for texts in sketched_texts.in_pieces(connection, wanted):
            found |= _drawn(new.get(name), texts)
    return found


def _drawn(leader: ComparedText | None, texts: Mapping[bytes, KeptText]) -> set[bytes]:
    if leader is None:
        return set()
    copies = _copies(leader, [each.text for each in texts.values()])
    return {
        name
        for name, share in copies.items()
        if (texts[name].similarity or 0.0, leader.text_hash) < (share, texts[name].leader)
        or texts[name].leader == name
    }


async def _stand(connection: Connection, moved: Mapping[bytes, Standing]) -> None:
    names = iter(moved)
    while some := list(islice(names, _AT_ONCE)):
        await connection.execute(
            "update sketches s set representative = m.leader, similarity = m.similarity"
            " from unnest($1::bytea[], $2::bytea[], $3::real[]) as m(text, leader, similarity)"
            " where s.text_hash = m.text",
            some,
            [moved[name].leader for name in some],
            [moved[name].similarity for name in some],
        )
