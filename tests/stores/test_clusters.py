"""Clusters are a function of the live texts: order, batches and detours leave no trace."""

import asyncio
import hashlib
import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.domain.similarity.near_duplicates import THRESHOLD, similarities, sketch
from atlas.domain.similarity.sketches import SIGNATURE_HASHES
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.near_duplicates import clusters, lsh_buckets, sketched_texts
from atlas.stores.postgres.near_duplicates.clusters import Joined, TextSketch

CAP = 3  # small, so that few texts already crowd a bucket
Pool = asyncpg.Pool


def text_sketch(text: str) -> TextSketch:
    found = sketch(text)
    return TextSketch(hashlib.sha256(text.encode()).digest(), found.bands, found.signature)


def scripted(number: int, place: int, bands: Sequence[int]) -> TextSketch:
    """A text on a line: its similarity to another falls with the distance of their places."""
    ones = [1] * place + [0] * (SIGNATURE_HASHES - place)
    signature = b"".join(hash_.to_bytes(2, "little") for hash_ in ones)
    return TextSketch(hashlib.sha256(bytes([number])).digest(), tuple(bands), signature)


TEXTS = st.lists(
    st.tuples(
        st.integers(0, SIGNATURE_HASHES),
        st.lists(st.integers(1, 3), min_size=1, max_size=2, unique=True),
    ),
    min_size=8,
    max_size=12,
).map(lambda drawn: [scripted(number, *one) for number, one in enumerate(drawn)])


@dataclass(frozen=True)
class Step:
    """Add or remove some of the texts, by their number."""

    adds: bool
    numbers: tuple[int, ...]


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([True, True, False]),
        st.lists(st.integers(0, 11), min_size=1, max_size=6).map(tuple),
    ),
    min_size=3,
    max_size=6,
)


Stands = dict[bytes, tuple[bytes, float | None]]
"""Text → the text that leads its cluster, and how similar it is to that one."""


def expected(texts: Sequence[TextSketch]) -> Stands:
    """By whom each text stands, straight from the definition."""
    stands: Stands = {}
    leading: dict[int, list[TextSketch]] = defaultdict(list)
    for text in sorted(texts, key=lambda each: each.text_hash):
        compared = {one.text_hash: one for band in text.bands for one in leading[band][:CAP]}
        shares = {
            name: similarities([text.signature], [one.signature])[0]
            for name, one in compared.items()
        }
        copies = {name: share for name, share in shares.items() if share >= THRESHOLD}
        if copies:
            leader = min(copies, key=lambda name: (-copies[name], name))
            stands[text.text_hash] = (leader, copies[leader])
            continue
        stands[text.text_hash] = (text.text_hash, None)
        for band in set(text.bands):
            leading[band].append(text)
    return stands


async def found(connection: asyncpg.Connection) -> Stands:
    rows = await connection.fetch("select text_hash, representative, similarity from sketches")
    return {row["text_hash"]: (row["representative"], row["similarity"]) for row in rows}


def groups_of(stands: Stands) -> set[frozenset[bytes]]:
    groups: dict[bytes, set[bytes]] = defaultdict(set)
    for text, (leader, _) in stands.items():
        groups[leader].add(text)
    return {frozenset(group) for group in groups.values()}


async def test_clusters_do_not_depend_on_arrival(database: Pool) -> None:
    async with database.acquire() as connection:

        async def play(texts: list[TextSketch], steps: list[Step]) -> None:
            live: dict[bytes, TextSketch] = {}
            transaction = connection.transaction()
            await transaction.start()
            for step in [*steps, Step(True, tuple(range(0, 12, 2)))]:
                some = [texts[number] for number in step.numbers if number < len(texts)]
                if step.adds:
                    await clusters.add(connection, some, cap=CAP)
                    live |= {text.text_hash: text for text in some}
                else:
                    await clusters.remove(connection, [t.text_hash for t in some], cap=CAP)
                    live = {h: t for h, t in live.items() if t not in some}
                assert await found(connection) == expected(list(live.values()))
                await _check_leading(connection)
            await transaction.rollback()

        loop = asyncio.get_running_loop()

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(TEXTS, STEPS)
        def check(texts: list[TextSketch], steps: list[Step]) -> None:
            asyncio.run_coroutine_threadsafe(play(texts, steps), loop).result()

        await asyncio.to_thread(check)


async def _check_leading(connection: asyncpg.Connection) -> None:
    """Who leads, leads in all its buckets; who does not, in none."""
    wrong = await connection.fetchval(
        "select count(*) from bands b join sketches k using (text_hash)"
        " where b.leads <> (k.representative = k.text_hash)"
    )
    assert wrong == 0


PARAGRAPH = (
    "The keeper of the lighthouse wrote down the weather every evening: wind from the west, "
    "a falling glass, two sails on the horizon, and the lamp trimmed before the fog came in. "
    "In the morning the boat brought oil, bread, letters and news of the herring fleet."
)


async def test_near_duplicates_meet_and_others_do_not(database: Pool) -> None:
    one = text_sketch(PARAGRAPH)
    other = text_sketch(PARAGRAPH.replace("herring", "mackerel"))
    apart = text_sketch("A settled snapshot keeps its links, its cluster and its index entry.")
    async with database.acquire() as connection, connection.transaction():
        assert await clusters.add(connection, [one, apart]) == Joined(2, 0)
        assert await clusters.add(connection, [other]) == Joined(1, 1)
        assert await clusters.add(connection, [other]) == Joined(0, 0)
        stands = await found(connection)
    low, high = sorted([one.text_hash, other.text_hash])
    assert stands[low] == (low, None) and stands[apart.text_hash] == (apart.text_hash, None)
    leader, share = stands[high]
    assert leader == low and share is not None and share >= 0.8


async def test_texts_without_words_stay_alone(database: Pool) -> None:
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, [text_sketch("..."), text_sketch("!!"), text_sketch("")])
        groups = groups_of(await found(connection))
    assert len(groups) == 3


async def test_a_crowd_is_one_cluster_with_one_leader_in_each_bucket(database: Pool) -> None:
    crowd = [text_sketch(f"{PARAGRAPH} Page {number}.") for number in range(100)]
    async with database.acquire() as connection, connection.transaction():
        for start in range(0, 100, 30):
            await clusters.add(connection, crowd[start : start + 30])
        stands = await found(connection)
        most = await connection.fetchval(
            "select max(n) from (select count(*) as n from bands where leads group by hash) b"
        )
    assert groups_of(stands) == {frozenset(text.text_hash for text in crowd)}
    assert most == 1
    assert stands == expected(crowd)


async def test_a_sketch_of_another_version_is_made_anew(database: Pool) -> None:
    one, other = text_sketch(PARAGRAPH), text_sketch(PARAGRAPH + " Fog.")
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, [one])
        await connection.execute("update sketches set version = 0, bands = '{7}'")
        await connection.execute("update bands set hash = 7 where hash = $1", one.bands[0])
        await connection.execute("delete from bands where hash <> 7")
        await clusters.add(connection, [one, other])
        groups = groups_of(await found(connection))
        stale = await connection.fetchval("select count(*) from bands where hash = 7")
    assert groups == {frozenset([one.text_hash, other.text_hash])} and stale == 0


async def test_what_an_older_version_prepared_waits_to_be_made_anew(database: Pool) -> None:
    old = replace(text_sketch(PARAGRAPH), version=SKETCH_VERSION - 1)
    new = text_sketch(PARAGRAPH + " Fog.")
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, [old, new])
        assert len(groups_of(await found(connection))) == 2
        await clusters.add(connection, [text_sketch(PARAGRAPH)])
        assert len(groups_of(await found(connection))) == 1


async def test_band_lookup_uses_the_index(database: Pool) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into bands (hash, text_hash) select n / 2, sha256(n::text::bytea)"
            " from generate_series(1, 20000) n"
        )
        await connection.execute("analyze bands")
        await connection.execute("update bands set leads = hash % 3 = 0; analyze bands")
        plan = await connection.fetch("explain " + lsh_buckets.LEADERS, [5, 6, 7], 9)
    text = "\n".join(row[0] for row in plan)
    assert "bands_leading" in text and "Seq Scan" not in text, text


@pytest.mark.parametrize("size", [0, 1])
async def test_nothing_to_do_is_no_error(database: Pool, size: int) -> None:
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, [])
        await clusters.remove(connection, [bytes(32)] * size)
        assert await found(connection) == {}


# Of thousands that are alike

LOG = [text_sketch(f"Log {n}. {PARAGRAPH} The bell rang {n * 7} times.") for n in range(400)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sketches each look at texts has read, one after the other."""
    counts: list[int] = []
    for name in ("kept", "compared"):
        monkeypatch.setattr(sketched_texts, name, _counting(getattr(sketched_texts, name), counts))
    return counts


def _counting(read: Any, counts: list[int]) -> Any:
    async def counted(connection: asyncpg.Connection, texts: Collection[bytes]) -> Any:
        counts.append(len(texts))
        return await read(connection, texts)

    return counted


async def test_what_a_text_costs_does_not_grow_with_its_crowd(
    database: Pool, reads: list[int]
) -> None:
    """Copies of each other, and pages of one template that are no copies."""
    unlike = [replace(text, signature=_noise(number)) for number, text in enumerate(LOG)]
    for crowd in (LOG, unlike):
        costs = []
        async with database.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            for start in range(0, 400, 50):
                reads.clear()
                await clusters.add(connection, crowd[start : start + 50])
                costs.append(sum(reads))
            stands = await found(connection)
            await transaction.rollback()
        assert len(groups_of(stands)) == (1 if crowd is LOG else 400)
        # A text among the first of n in a bucket is compared with all n, and comes once in n texts:
        # what each piece reads is bounded. To compare each text with all would read 50,000.
        assert sum(costs[4:]) < 4 * 50 * 4 * clusters.BUCKET_CAP, costs


def _noise(number: int) -> bytes:
    return random.Random(number).randbytes(2 * SIGNATURE_HASHES)


async def test_only_a_leader_that_leaves_concerns_others(database: Pool, reads: list[int]) -> None:
    hashes = sorted(text.text_hash for text in LOG)
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, LOG)
        reads.clear()
        await clusters.remove(connection, hashes[-50:])
        assert sum(reads) == 0
        await clusters.remove(connection, hashes[:1])
        stands = await found(connection)
    left = [text for text in LOG if text.text_hash in set(hashes[1:-50])]
    assert groups_of(stands) == {frozenset(hashes[1:-50])}
    # All of them are copies of each other, so whom each resembles most depends on no cap.
    assert set(stands) == {text.text_hash for text in left}
    assert {leader for leader, _ in stands.values()} == {hashes[1]}
