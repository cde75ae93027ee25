"""Clusters are a function of the live texts: order, batches and detours leave no trace."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.domain.similarity.connected_components import components
from atlas.domain.similarity.near_duplicates import (
    SIGNATURE_HASHES,
    THRESHOLD,
    similarities,
    sketch,
)
from atlas.stores.postgres.near_duplicates import clusters, lsh_buckets, similarity
from atlas.stores.postgres.near_duplicates.clusters import TextSketch

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


def expected(texts: Sequence[TextSketch]) -> tuple[set[frozenset[bytes]], set[tuple[bytes, bytes]]]:
    """The clusters and the evidence, straight from the definition."""
    by_hash = {text.text_hash: text for text in texts}
    similar: set[tuple[bytes, bytes]] = set()
    for hash_ in {band for text in texts for band in text.bands}:
        members = sorted(text.text_hash for text in texts if hash_ in text.bands)
        for low in members[:CAP]:
            for high in members:
                pair = [by_hash[low].signature], [by_hash[high].signature]
                if low < high and similarities(*pair)[0] >= THRESHOLD:
                    similar.add((low, high))
    return {frozenset(group) for group in components(by_hash, similar)}, similar


async def found(
    connection: asyncpg.Connection,
) -> tuple[set[frozenset[bytes]], set[tuple[bytes, bytes]]]:
    rows = await connection.fetch(
        "select array_agg(text_hash) as texts from sketches group by representative"
    )
    pairs = await connection.fetch("select low, high from similar_texts")
    return {frozenset(row["texts"]) for row in rows}, {tuple(row) for row in pairs}


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
                await _check_crowds(connection)
                await _check_representatives(connection)
            await transaction.rollback()

        loop = asyncio.get_running_loop()

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(TEXTS, STEPS)
        def check(texts: list[TextSketch], steps: list[Step]) -> None:
            asyncio.run_coroutine_threadsafe(play(texts, steps), loop).result()

        await asyncio.to_thread(check)


async def _check_crowds(connection: asyncpg.Connection) -> None:
    crowds = await connection.fetch("select hash, members from crowded_bands order by hash")
    counted = await connection.fetch(
        "select hash, count(*) as members from bands group by hash having count(*) > $1 order by 1",
        CAP,
    )
    assert [tuple(row) for row in crowds] == [tuple(row) for row in counted]


async def _check_representatives(connection: asyncpg.Connection) -> None:
    wrong = await connection.fetchval(
        "select count(*) from (select representative, min(text_hash) as least from sketches"
        " group by 1) as c where representative <> least"
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
        await clusters.add(connection, [one, apart])
        await clusters.add(connection, [other])
        await clusters.add(connection, [other])
        groups, pairs = await found(connection)
        share = await connection.fetchval("select similarity from similar_texts")
    alike = sorted([one.text_hash, other.text_hash])
    assert groups == {frozenset(alike), frozenset([apart.text_hash])}
    assert pairs == {tuple(alike)} and share >= 0.8


async def test_texts_without_words_stay_alone(database: Pool) -> None:
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, [text_sketch("..."), text_sketch("!!"), text_sketch("")])
        groups, pairs = await found(connection)
    assert len(groups) == 3 and not pairs


async def test_a_crowd_is_one_cluster_and_is_recorded(database: Pool) -> None:
    crowd = [text_sketch(f"{PARAGRAPH} Page {number}.") for number in range(100)]
    async with database.acquire() as connection, connection.transaction():
        for start in range(0, 100, 30):
            await clusters.add(connection, crowd[start : start + 30])
        groups, pairs = await found(connection)
        recorded = await connection.fetchval("select max(members) from crowded_bands")
    assert groups == {frozenset(text.text_hash for text in crowd)}
    assert len(pairs) <= clusters.BUCKET_CAP * 100
    assert recorded == 100


async def test_a_sketch_of_another_version_is_made_anew(database: Pool) -> None:
    one, other = text_sketch(PARAGRAPH), text_sketch(PARAGRAPH + " Fog.")
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, [one])
        await connection.execute("update sketches set version = 0, bands = '{7}'")
        await connection.execute("update bands set hash = 7 where hash = $1", one.bands[0])
        await connection.execute("delete from bands where hash <> 7")
        await clusters.add(connection, [one, other])
        groups, _ = await found(connection)
        stale = await connection.fetchval("select count(*) from bands where hash = 7")
    assert groups == {frozenset([one.text_hash, other.text_hash])} and stale == 0


async def test_band_lookup_uses_the_index(database: Pool) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into bands select n / 2, sha256(n::text::bytea)"
            " from generate_series(1, 20000) n"
        )
        await connection.execute("analyze bands")
        plan = await connection.fetch("explain " + lsh_buckets.LOOKUP, [5, 6, 7], 33)
    text = "\n".join(row[0] for row in plan)
    assert "bands_pkey" in text and "Seq Scan" not in text, text


@pytest.mark.parametrize("size", [0, 1])
async def test_nothing_to_do_is_no_error(database: Pool, size: int) -> None:
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, [])
        await clusters.remove(connection, [bytes(32)] * size)
        assert await found(connection) == (set(), set())


# Of thousands that are alike

LOG = [text_sketch(f"Log {n} of the harbour: the bell rang {n * 7} times.") for n in range(200)]


@dataclass
class Looks:
    """Which clusters were recomputed, and how many pairs were withdrawn."""

    split: set[bytes] = field(default_factory=set)
    withdrawn: int = 0


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    seen = Looks()
    split, withdraw = similarity.split, similarity.withdraw

    async def splitting(connection: asyncpg.Connection, names: Collection[bytes]) -> None:
        seen.split |= set(names)
        await split(connection, names)

    async def withdrawing(connection: asyncpg.Connection, *rest: Any) -> set[bytes]:
        before = await connection.fetchval("select count(*) from similar_texts")
        named = await withdraw(connection, *rest)
        seen.withdrawn += before - await connection.fetchval("select count(*) from similar_texts")
        return named

    monkeypatch.setattr(similarity, "split", splitting)
    monkeypatch.setattr(similarity, "withdraw", withdrawing)
    return seen


async def test_a_crowd_is_not_recomputed_with_each_text_that_joins_it_or_leaves(
    database: Pool, looks: Looks
) -> None:
    """Anchors are displaced all the time; the texts that they met hold together without them."""
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, LOG[:50])
        looks.split.clear()
        for start in range(50, 200, 50):
            await clusters.add(connection, LOG[start : start + 50])
        assert looks.withdrawn > 0
        largest = sorted(text.text_hash for text in LOG)[-20:]
        await clusters.remove(connection, largest)
        assert looks.split == set()
        groups, _ = await found(connection)
        assert groups == {frozenset(text.text_hash for text in LOG) - set(largest)}


async def test_a_crowd_whose_first_text_leaves_is_named_by_the_next(database: Pool) -> None:
    hashes = sorted(text.text_hash for text in LOG)
    async with database.acquire() as connection, connection.transaction():
        await clusters.add(connection, LOG)
        await clusters.remove(connection, hashes[:1])
        await _check_representatives(connection)
        groups, _ = await found(connection)
    assert groups == {frozenset(hashes[1:])}


async def test_pairs_of_a_large_cluster_are_never_all_in_memory(database: Pool) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(
            """
            insert into sketches select sha256(n::text::bytea), 1, '{}', '', sha256('0')
            from generate_series(0, 600) n;
            insert into similar_texts select least(a, b), greatest(a, b), 1 from (
                select sha256(n::text::bytea) as a, sha256((n + step)::text::bytea) as b
                from generate_series(0, 540) n, generate_series(1, 60) step) pairs;
            """
        )
        tracemalloc.start()
        try:
            await similarity.split(connection, [hashlib.sha256(b"0").digest()])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        groups, pairs = await found(connection)
    assert len(groups) == 1 and len(pairs) == 32_460
    assert peak < 100 * len(pairs)  # 100 bytes of each: the two hashes alone take more
