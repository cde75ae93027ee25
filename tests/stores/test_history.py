"""Frozen days equal a recount from the rows, whatever happened, and never change."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from atlas.contracts.activities import Batch, ClaimBatch, CloseRun
from atlas.domain.daily_figures import TOTAL, DayFigures, FrozenWeeks
from atlas.domain.timing.weeks import SETTLING, Week
from atlas.stores.postgres.reporting import history
from atlas.stores.postgres.reporting.history import Stats
from tests.stores.drive import Drive
from tests.stores.recount import Recount, all_rows, assert_recounted

FIRST = date(2026, 11, 16)
WEEK = Week.parse("2026-W47")


def moment(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


async def begun(drive: Drive, **rules: Any) -> None:
    """Two sources, declared on the Monday."""
    drive.now = moment(16, 6)
    await drive.add("docs", cadence=timedelta(days=1), deletion="prompt", **rules)
    await drive.add("news", cadence=timedelta(hours=6), deletion="prompt", **rules)


def figures(frozen: FrozenWeeks, day: int, source: str = TOTAL) -> DayFigures:
    found = [row for row in frozen.figures if (row.day.day, row.source) == (day, source)]
    assert len(found) == 1
    return found[0]


async def frozen(drive: Drive) -> FrozenWeeks:
    """Freeze the week up to the day before `drive.now`."""
    keeper = Stats(drive.pool, lambda: drive.now)
    while await keeper.freeze_next(None):
        pass
    return await keeper.weeks(WEEK)


def web(dice: random.Random, name: str) -> dict[str, str | int]:
    """What a source's pages answer on a run; some are shared, two say the same. One is gone: the
    brake would hold more."""
    pages = [f"https://{name}.example/{n}" for n in range(9)] + ["https://shared.example/"]
    chosen = [page for page in pages if dice.random() < 0.8] or pages
    gone = dice.choice(chosen)
    answers: dict[str, str | int] = {}
    for page in chosen:
        of = "" if page in pages[:2] else f" of {page}"
        texts: list[str | int] = [f"one text{of}", f"another text{of}", f"a third text{of}", 503]
        answers[page] = dice.choice((404, 410)) if page == gone else dice.choice(texts)
    return answers


@pytest.mark.parametrize("seed", range(3))
async def test_frozen_days_equal_a_recount(drive: Drive, seed: int) -> None:
    dice = random.Random(seed)
    await begun(drive)
    for day in range(16, 20):
        for _ in range(dice.randrange(3)):
            drive.now = max(drive.now, moment(day, dice.randrange(20)))
            name = dice.choice(["docs", "docs", "news"])
            await drive.run(name, web(dice, name), complete=name == "docs")
    drive.now = moment(21, 1)
    rows = await all_rows(drive)
    found = await frozen(drive)
    assert [row.day.day for row in found.storage] == [16, 17, 18, 19, 20]
    assert {row.source for row in found.figures} == {TOTAL, "docs", "news"}
    for row in found.figures:
        assert_recounted(row, Recount(row.day, rows))


@pytest.mark.parametrize("seed", range(3))
async def test_live_is_live_before_plus_added_minus_gone(drive: Drive, seed: int) -> None:
    dice = random.Random(100 + seed)
    await begun(drive)
    for day in range(16, 22):
        drive.now = moment(day, 9)
        await drive.run("docs", web(dice, "docs"))
    drive.now = moment(23, 1)
    live = 0
    for row in (await frozen(drive)).figures:
        if row.source == TOTAL:
            live += row.added - row.gone
            assert row.live == live, row.day


async def test_a_run_across_midnight_counts_where_its_rows_are(drive: Drive) -> None:
    await begun(drive)
    drive.now = moment(16, 22, 30)
    run_id = await drive.open("docs")  # 23:30
    await drive.enlist(run_id, "https://a.example/1", "https://a.example/2")
    batch = Batch(run_id=run_id, lane=0, number=1)
    await drive.crawl.batches.claim(ClaimBatch(**batch.model_dump(), level=0, size=1))
    await drive.work(batch, {"https://a.example/1": "one", "https://a.example/2": 404})
    drive.now = moment(17, 0, 30)
    await drive.work(
        Batch(run_id=run_id, lane=0, number=2),
        {"https://a.example/1": "one", "https://a.example/2": 404},
    )
    await drive.crawl.runs.close_run(CloseRun(run_id=run_id, complete=True))
    drive.now = moment(18, 1)
    found = await frozen(drive)
    monday, tuesday = figures(found, 16), figures(found, 17)
    assert (monday.added, monday.requests, monday.runs) == (1, 1, {})
    assert (tuesday.added, tuesday.requests) == (0, 1)
    assert tuesday.failed == {"gone": {"http_404": 1}}
    assert tuesday.runs == {"sync_pipeline": {"completed_with_failures": 1}}


async def test_a_page_of_two_sources_counts_once_in_the_total(drive: Drive) -> None:
    await begun(drive)
    both = {"https://shared.example/": "the shared text"}
    await drive.run("docs", both)
    await drive.run("news", both)
    drive.now = moment(17, 1)
    found = await frozen(drive)
    assert [figures(found, 16, name).live for name in (TOTAL, "docs", "news")] == [1, 1, 1]
    assert figures(found, 16).requests == 2
    assert [figures(found, 16, name).requests for name in ("docs", "news")] == [1, 1]


async def test_what_a_source_let_go_of_counts_as_gone_there(drive: Drive) -> None:
    await begun(drive)
    await drive.run("docs", {"https://a.example/1": "one", "https://a.example/2": "two"})
    drive.now = moment(17, 6)
    await drive.run("docs", {"https://a.example/1": "one"})  # prompt: absent once is gone
    drive.now = moment(18, 1)
    found = await frozen(drive)
    assert figures(found, 17, "docs").gone == figures(found, 17).gone == 1
    assert figures(found, 17, "docs").live == 1


async def test_the_same_text_by_another_extractor_is_no_change(drive: Drive) -> None:
    await begun(drive)
    await drive.run("docs", {"https://a.example/1": "one", "https://a.example/2": "two"})
    drive.now = moment(17, 6)
    await _reprocess(drive)
    drive.now = moment(18, 1)
    found = figures(await frozen(drive), 17)
    assert (found.added, found.changed, found.gone, found.live) == (0, 1, 0, 2)


async def _reprocess(drive: Drive) -> None:
    """What settling leaves when a newer extractor read one text the same, and one differently."""
    await drive.pool.execute("update versions set valid_to = $1", drive.now)
    await drive.pool.execute(
        """
        with again as (
            insert into documents (page_id, text_hash, extractor, snapshot, media, title, text,
                                   markdown, created_at)
            select page_id, case when text = 'one' then text_hash else sha256('other') end,
                   extractor + 1, snapshot, media, title, text, markdown, $1 from documents
            returning id, page_id
        )
        insert into versions (page_id, seq, document_id, valid_from)
        select page_id, 2, id, $1 from again
        """,
        drive.now,
    )


async def test_freshness_follows_the_pages_own_times(drive: Drive) -> None:
    await begun(drive)
    await drive.run("docs", {f"https://d.example/{n}": f"text {n}" for n in range(4)})
    await drive.run("news", {f"https://n.example/{n}": f"news {n}" for n in range(4)})
    drive.now = moment(17, 12)
    await drive.run("news", {"https://n.example/0": "news 0"}, complete=False)
    drive.now = moment(19, 1)
    found = await frozen(drive)
    assert figures(found, 16, "docs").fresh == 4  # 17 hours old, with a day's cadence
    # Of 6 hours' cadence, the pages are overdue; of the one checked since, it is not known.
    assert figures(found, 16, "news").fresh == 1
    assert figures(found, 16).fresh == 5
    assert figures(found, 18).fresh == 0
    assert figures(found, 18, "news").age_median == pytest.approx(64 * 3600)
    assert figures(found, 17, "docs").age_p90 == pytest.approx(41 * 3600)


async def test_copies_and_near_copies(drive: Drive) -> None:
    await begun(drive)
    words = " ".join(f"word{n}" for n in range(200))
    web = {"1": words, "2": words, "3": f"{words} and an ending", "4": "something else entirely"}
    await drive.run("docs", {f"https://a.example/{key}": text for key, text in web.items()})
    drive.now = moment(17, 1)
    found = figures(await frozen(drive), 16)
    assert (found.live, found.texts, found.near_texts) == (4, 3, 1)


async def test_live_documents_that_lack_a_part_are_counted(drive: Drive) -> None:
    await begun(drive)
    await drive.run("docs", {f"https://a.example/{n}": f"text {n}" for n in range(3)})
    await drive.pool.execute("update documents set truncated = 'page 4' where text <> 'text 1'")
    drive.now = moment(17, 1)
    found = await frozen(drive)
    assert [figures(found, 16, name).truncated for name in (TOTAL, "docs")] == [2, 2]
    await drive.pool.execute("update daily_stats set truncated = null")  # frozen before 0022
    before = await Stats(drive.pool, lambda: drive.now).weeks(Week.of(moment(16).date()))
    assert figures(before, 16).truncated is None


async def test_hosts_with_their_times(drive: Drive) -> None:
    await begun(drive)
    await drive.run("docs", {"https://a.example/1": "one", "https://b.example:8443/2": 503})
    await drive.pool.execute("update fetches set elapsed = 3 where url like '%8443%'")
    drive.now = moment(17, 1)
    slow, fast = sorted((await frozen(drive)).hosts, key=lambda host: -host.p95)
    assert (slow.host, slow.requests, slow.failed, slow.median) == ("b.example:8443", 1, 1, 3.0)
    assert (fast.host, fast.failed, fast.p95) == ("a.example", 0, 0.1)
    assert sum(slow.slots) == sum(fast.slots) == 1
    assert 2 ** ((slow.slots.index(1) - 1) / 4) < 3000 <= 2 ** (slow.slots.index(1) / 4)


async def test_a_frozen_day_never_changes(drive: Drive) -> None:
    await begun(drive)
    await drive.run("docs", {"https://a.example/1": "one"})
    drive.now = moment(17, 1)
    before = await frozen(drive)
    await drive.pool.execute("delete from fetches")
    await drive.pool.execute("update versions set valid_from = valid_from - interval '9 days'")
    async with drive.pool.acquire() as connection:
        assert not await history.freeze(connection, FIRST, drive.now)
    assert await frozen(drive) == before


async def test_several_at_once_freeze_each_day_once(drive: Drive) -> None:
    await begun(drive)
    await drive.run("docs", {"https://a.example/1": "one"})
    drive.now = moment(23, 1)
    keeper = Stats(drive.pool, lambda: drive.now)

    async def all_days() -> int:
        frozen = 0
        while await keeper.freeze_next(None):
            frozen += 1
        return frozen

    await asyncio.gather(*(all_days() for _ in range(4)))
    rows = await drive.pool.fetch("select day from frozen_days order by day")
    assert [row["day"] for row in rows] == list(WEEK.days)
    assert len((await keeper.weeks(WEEK)).figures) == 3 * 7


async def test_a_day_is_frozen_when_it_is_complete(drive: Drive) -> None:
    await begun(drive)
    keeper = Stats(drive.pool, lambda: drive.now)
    drive.now = moment(17) + SETTLING - timedelta(seconds=1)
    assert (await keeper.freeze_next(None), await keeper.remaining(None)) == (None, 0)
    drive.now = moment(17) + SETTLING
    assert (await keeper.remaining(None), await keeper.freeze_next(None)) == (1, FIRST)
    assert await keeper.last_day() == FIRST
    drive.now = moment(30, 5)
    assert await keeper.remaining(None) == 13
    assert await keeper.remaining(date(2026, 11, 20)) == 4
    assert await keeper.freeze_next(FIRST) is None


async def test_nothing_ever_happened(drive: Drive) -> None:
    keeper = Stats(drive.pool, lambda: drive.now)
    assert (await keeper.freeze_next(None), await keeper.last_day()) == (None, None)
    assert (await keeper.weeks(WEEK)).first_frozen is None


async def test_sizes_are_those_at_freezing(drive: Drive) -> None:
    await begun(drive)
    await drive.crawl.fetches.announce_blob("ab" * 32, 1000)
    await drive.crawl.fetches.announce_blob("cd" * 32, 2000)
    await drive.pool.execute("update blobs set stored_bytes = 300 where size = 2000")
    drive.now = moment(17, 1)
    (kept,) = (await frozen(drive)).storage
    assert (kept.blobs, kept.blob_bytes, kept.stored_bytes) == (2, 3000, 1300)
    assert kept.database_bytes > 1_000_000


async def test_trees_come_back_as_they_went(drive: Drive) -> None:
    await begun(drive)
    await drive.run("docs", {"https://a.example/1": 503})
    drive.now = moment(17, 1)
    row = figures(await frozen(drive), 16)
    assert json.loads(json.dumps(row.errors)) == {"transient": {"http_503": 1}}
    assert row.statuses == {"5xx": 1}
