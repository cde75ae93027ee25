"""Marks and the checks before them, at the store: what is damaged is found and put right, and a
corpus gives one answer however it came about."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import asyncpg
import pytest

from atlas.contracts.deduplicate_documents import (
    STAGES,
    CheckPart,
    DecideGroups,
    DuplicateCounts,
)
from atlas.contracts.jobs import BeginJob
from atlas.domain.similarity.duplicates import duplicate_groups
from atlas.domain.similarity.near_duplicates import copies_within
from atlas.stores.postgres.crawl.runs.runs import JobRecords
from atlas.stores.postgres.near_duplicates import consistency
from atlas.stores.postgres.near_duplicates import marks as duplicates
from atlas.stores.postgres.services.deduplication import Deduplication
from tests.invariants import (
    assert_clusters_follow_the_evidence,
    assert_marks_name_live_pages,
    assert_one_version_per_live_page,
)
from tests.stores.drive import Drive

Pool = asyncpg.Pool

STORY = (
    "The keeper of the lighthouse wrote down the weather every evening: wind from the west, a "
    "falling glass, two sails on the horizon, and the lamp trimmed before the fog came in. In the "
    "morning the boat brought oil, bread, letters and news of the herring fleet."
)
SITE = "https://example.org"
WEB = {
    f"{SITE}/a": STORY,
    f"{SITE}/b": STORY,
    f"{SITE}/c": STORY.replace("herring", "mackerel"),
    f"{SITE}/d": "Bread rises slowly in a cold kitchen, under a cloth, until the oven is hot.",
    f"{SITE}/e": "...",
}
MARKS = {f"{SITE}/b": f"{SITE}/a", f"{SITE}/c": f"{SITE}/a"}


async def checked(drive: Drive, *, repair: bool, sources: tuple[str, ...] = ()) -> tuple[int, int]:
    """Drift found, and repaired; text by text."""
    store = Deduplication(drive.pool, lambda: drive.now)
    drifted = repaired = 0
    for stage in STAGES[:-1]:
        request = CheckPart(stage=stage, chunk=1, repair=repair, sources=list(sources))
        while True:
            done = await store.check(request)
            drifted, repaired = drifted + done.drifted, repaired + done.repaired
            if done.cursor is None:
                break
            request = request.model_copy(update={"cursor": done.cursor})
    return drifted, repaired


async def decided(drive: Drive, run_id: str, **fields: Any) -> DuplicateCounts:
    """Find groups, cluster by cluster, and mark."""
    await JobRecords(drive.pool, lambda: drive.now).begin(
        BeginJob(run_id=run_id, workflow_id=run_id, kind="deduplicate_documents")
    )
    store = Deduplication(drive.pool, lambda: drive.now)
    request = DecideGroups(run_id=run_id, apply=True, **{"chunk": 1, **fields})
    while (done := await store.decide(request)).cursor is not None:
        request = request.model_copy(update={"cursor": done.cursor})
    await store.take_off_rest(run_id, request.sources)
    return await store.counts(run_id, request.sources)


async def marks(drive: Drive) -> dict[str, str]:
    rows = await drive.pool.fetch(
        "select p.url, k.url as kept from duplicates x join pages p on p.id = x.page_id"
        " join pages k on k.id = x.winner_page_id"
    )
    return {row["url"]: row["kept"] for row in rows}


async def findings(drive: Drive, run_id: str) -> list[Any]:
    store = Deduplication(drive.pool, lambda: drive.now)
    return [finding async for finding in store.findings(run_id)]


async def tables(pool: Pool) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: sorted(tuple(row) for row in await pool.fetch(f"select * from {table}"))
        for table in ("sketches", "bands")
    }


_ONE_THAT_STANDS = "(select text_hash from sketches where similarity < 1 limit 1)"
_ONE_THAT_LEADS = "(select representative from sketches where representative <> text_hash limit 1)"
DAMAGE = {
    "a lost sketch": f"delete from sketches where text_hash = {_ONE_THAT_STANDS}",
    "a lost leader": f"delete from sketches where text_hash = {_ONE_THAT_LEADS}",
    "a sketch of an older version": (
        "with old as (update sketches set version = 0, bands = array(select b + 1 from"
        f" unnest(bands) b) where text_hash = {_ONE_THAT_STANDS}"
        " returning text_hash, bands)"
        ", gone as (delete from bands using old where bands.text_hash = old.text_hash)"
        " insert into bands (hash, text_hash) select unnest(bands) + 1, text_hash from old"
        " on conflict do nothing"
    ),
    "a sketch of nobody": (
        "insert into sketches (text_hash, version, bands, signature, representative)"
        " select sha256('x'), version, bands, signature, sha256('x')"
        " from sketches where bands <> '{}' limit 1"
    ),
    "another name": f"update sketches set name = 7 where text_hash = {_ONE_THAT_STANDS}",
    "another host": f"update sketches set hosts = '{{7}}' where text_hash = {_ONE_THAT_LEADS}",
    "lost buckets": "delete from bands where hash % 2 = 0",
    "strays in buckets": (
        "insert into bands (hash, text_hash, leads) select distinct hash, sha256('y'), true"
        " from bands on conflict do nothing"
    ),
    "leaders that lead nowhere": "update bands set leads = false",
    "all lead everywhere": "update bands set leads = true",
    "similarity that is off": "update sketches set similarity = .31 where similarity < 1",
    "a text that stands by another": (
        "update sketches set representative = (select max(text_hash) from sketches),"
        " similarity = .9"
    ),
    "a cluster torn apart": "update sketches set representative = text_hash, similarity = null",
    "clusters under one name": "update sketches set representative = sha256('z')",
}


@pytest.mark.parametrize("what", DAMAGE)
async def test_what_drifted_is_told_and_put_right(drive: Drive, what: str) -> None:
    await drive.add("docs")
    await drive.run("docs", WEB)
    before = await tables(drive.pool)
    assert await checked(drive, repair=False) == (0, 0)
    await drive.pool.execute(DAMAGE[what])
    damaged = await tables(drive.pool)
    assert damaged != before
    drifted, repaired = await checked(drive, repair=False)
    assert drifted > 0 and repaired == 0
    assert await tables(drive.pool) == damaged, "a report changes nothing"
    drifted, repaired = await checked(drive, repair=True)
    assert drifted == repaired > 0
    assert await tables(drive.pool) == before
    assert await checked(drive, repair=True) == (0, 0)
    await decided(drive, "dedup")
    assert await marks(drive) == MARKS


async def test_a_scope_puts_its_own_texts_right(drive: Drive) -> None:
    await drive.add("docs")
    await drive.add("other")
    await drive.run("docs", WEB)
    await drive.run("other", {f"{SITE}/z": "Another text altogether, which nobody else holds."})
    before = await tables(drive.pool)
    await drive.pool.execute("update sketches set representative = text_hash, similarity = null")
    assert (await checked(drive, repair=True, sources=("other",))) == (0, 0)
    assert (await checked(drive, repair=True, sources=("docs",)))[1] == 1
    assert await tables(drive.pool) == before


async def test_all_of_a_crowd_are_marked(drive: Drive) -> None:
    """Also those that no bucket compared with the page that is kept."""
    await drive.add("docs")
    crowd = {f"{SITE}/{n}": f"{STORY} Page {n} of many." for n in range(40)}
    await drive.run("docs", crowd)
    assert await checked(drive, repair=False) == (0, 0)
    await drive.pool.execute("update sketches set similarity = .4 where similarity > .9")
    assert (await checked(drive, repair=True))[1] > 0
    counts = await decided(drive, "dedup", threshold=0.3)
    assert (counts.duplicates, counts.near_groups) == (39, 1)


async def test_a_text_is_compared_again_when_its_hosts_change(drive: Drive) -> None:
    """Two pages of one host with different names are no copies; on two hosts they are. One of them
    leaves its second host, and comes back."""
    away = "https://mirror.example.org/a"
    named = {f"{SITE}/a": f"# Lamp\n{STORY}", f"{SITE}/b": f"# Lens\n{STORY} Fog."}
    await drive.add("docs")
    await drive.add("mirror")

    async def clusters() -> int:
        assert await checked(drive, repair=False) == (0, 0)
        return int(await drive.pool.fetchval("select count(distinct representative) from sketches"))

    await drive.run("docs", {f"{SITE}/a": named[f"{SITE}/a"]})
    await drive.run("mirror", {away: named[f"{SITE}/b"]})
    assert await clusters() == 1
    await drive.run("docs", named, complete=False)
    assert await clusters() == 2
    for _ in range(10):
        await drive.run("docs", {f"{SITE}/a": named[f"{SITE}/a"], f"{SITE}/b": 410})
    assert await clusters() == 1


async def test_the_order_of_arrival_leaves_no_trace(drive: Drive) -> None:
    """Pages that come one run after the other, in any order, and in other batches."""
    found = []
    for seed in range(3):
        urls = sorted(WEB)
        random.Random(seed).shuffle(urls)
        name = f"docs{seed}"
        await drive.add(name)
        for start in range(0, len(urls), 1 + seed):
            part = {url: WEB[url] for url in urls[start : start + 1 + seed]}
            await drive.run(name, part, complete=False)
        counts = await decided(drive, f"dedup-{seed}", winner="smallest_url", sources=[name])
        found.append((counts, await findings(drive, f"dedup-{seed}"), await marks(drive)))
        await drive.pool.execute("truncate pages, sources, documents, sketches, bands cascade")
    assert found[0] == found[1] == found[2]
    assert found[0][2] == MARKS


async def test_a_mark_names_two_live_pages_whatever_happens_meanwhile(drive: Drive) -> None:
    """Pages settle and go while they are marked, on several connections at once."""
    await drive.add("docs")
    await drive.run("docs", WEB)

    async def changing() -> None:
        for turn in range(6):
            web: dict[str, str | int] = {
                **WEB,
                f"{SITE}/a": f"{STORY} Turn {turn}." if turn % 2 else STORY,
            }
            if turn % 3 < 2:
                web[f"{SITE}/b"] = 410
            await drive.run("docs", web)

    async def marking() -> None:
        for turn in range(12):
            await decided(drive, f"dedup-{turn}", kind=("both", "exact", "near")[turn % 3])
            await assert_marks_name_live_pages(drive.pool)

    await asyncio.gather(changing(), marking())
    await assert_marks_name_live_pages(drive.pool)
    await assert_one_version_per_live_page(drive.pool)
    await assert_clusters_follow_the_evidence(drive.pool)


async def test_reads_of_a_chunk_use_indexes(drive: Drive) -> None:
    await drive.pool.execute(
        "insert into sketches (text_hash, version, bands, signature, representative)"
        " select sha256(n::text::bytea), 1, '{}', '', sha256(n::text::bytea)"
        " from generate_series(1, 20000) n"
    )
    await drive.pool.execute("analyze sketches")
    for statement, values in (
        (duplicates.LAST_OF_CLUSTERS, (b"\x80", 100)),
        (consistency._LAST_OF_BUCKETS, (5, 100)),
    ):
        plan = await drive.pool.fetch(f"explain {statement}", *values)
        text = "\n".join(row[0] for row in plan)
        assert "Seq Scan" not in text, text


async def test_a_page_that_changed_since_it_was_read_is_not_marked(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", WEB)
    await JobRecords(drive.pool, lambda: drive.now).begin(
        BeginJob(run_id="r", workflow_id="r", kind="deduplicate_documents")
    )
    async with drive.pool.acquire() as connection:
        part = await duplicates.read_part(connection, b"", chunk=100, sources=[])
    assert part is not None
    groups = duplicate_groups(
        part.pages,
        copies_within(list(part.texts.values()), 0.8),
        lambda text, others: [0.9 for _ in others],
        kind="both",
        threshold=0.8,
        rule="smallest_url",
    )
    assert [len(group.marks) for group in groups] == [2]
    await drive.run("docs", {**WEB, f"{SITE}/b": "Something else altogether by now."})
    async with drive.pool.acquire() as connection:
        decision = duplicates.Decision("r", "smallest_url", part, groups)
        await duplicates.apply(connection, decision, drive.now)
    assert await marks(drive) == {f"{SITE}/c": f"{SITE}/a"}
    await assert_marks_name_live_pages(drive.pool)
