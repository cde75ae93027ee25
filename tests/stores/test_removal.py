"""Vanished pages: what evidence each policy wants, the brake, and shared pages."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from atlas.contracts.activities import Batch, CloseRun
from atlas.stores.postgres.sources import sources
from tests.stores.drive import Drive, Web

A, B, C = (f"https://example.org/{name}" for name in "abc")
ALL: Web = {A: "all about apples", B: "all about boats", C: "all about cats"}


def without(url: str, status: int | None = None) -> Web:
    """The same web, where one page is not listed any more, or answers a status."""
    rest = {key: text for key, text in ALL.items() if key != url}
    return rest if status is None else rest | {url: status}


@pytest.mark.parametrize(
    "answers", [(404, 404, 404), (410, 410), (410, 404, 410), (404, 410, 410), (404, 500, 404, 404)]
)
async def test_a_404_goes_the_third_time_and_a_410_the_second_for_a_careful_source(
    drive: Drive, answers: tuple[int, ...]
) -> None:
    await drive.add("docs")
    await drive.run("docs", ALL)
    *before, last = answers
    for status in before:
        closed = await drive.run("docs", without(B, status))
        assert (closed.removed, closed.outcome) == (0, "completed_with_failures")
        assert await drive.lifecycle(B) == "suspect"
        assert B in await drive.live()
    assert (await drive.run("docs", without(B, last))).removed == 1
    assert await drive.lifecycle(B) == "tombstoned"
    assert await drive.live() == {A, C}


async def test_a_page_that_answers_in_between_begins_anew(drive: Drive) -> None:
    await drive.add("docs")
    for web in (ALL, *[without(B, 404)] * 2, ALL, *[without(B, 404)] * 2):
        assert (await drive.run("docs", web)).removed == 0
    assert await drive.lifecycle(B) == "suspect"
    await drive.run("docs", ALL)
    assert await drive.lifecycle(B) == "live"


@pytest.mark.parametrize(
    ("deletion", "status", "removed"),
    [("careful", 410, 0), ("prompt", 404, 1), ("prompt", 410, 1), ("keep", 410, 0)],
)
async def test_what_the_first_time_does(
    drive: Drive, deletion: str, status: int, removed: int
) -> None:
    await drive.add("docs", deletion=deletion)
    await drive.run("docs", ALL)
    assert (await drive.run("docs", without(B, status))).removed == removed
    assert (B in await drive.live()) == (removed == 0)


async def test_a_server_error_is_no_evidence(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", ALL)
    for _ in range(3):
        assert (await drive.run("docs", without(B, 500))).removed == 0
    assert await drive.lifecycle(B) == "live"


async def test_absent_from_three_complete_listings_is_gone(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", ALL)
    removed = [(await drive.run("docs", without(B))).removed for _ in range(3)]
    assert removed == [0, 0, 1]
    assert await drive.live() == {A, C}
    assert (await drive.run("docs", ALL)).counts.added == 1
    assert await drive.live() == set(ALL)


async def test_an_incomplete_listing_removes_nothing(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap", deletion="prompt")
    await drive.run("docs", ALL)
    for _ in range(4):
        cut_off = await drive.run("docs", without(B), complete=False, unlisted={B: ALL[B]})
        assert cut_off.removed == 0
    assert (await drive.run("docs", without(B))).removed == 1


async def test_a_page_that_is_listed_no_more_stays_as_long_as_it_answers(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", ALL)
    for answer in (ALL[B], ALL[B], ALL[B], 500, "all about bees", ALL[B]):
        closed = await drive.run("docs", without(B), unlisted={B: answer})
        assert closed.removed == 0
        assert await drive.live() == set(ALL)
    gone = await drive.run("docs", without(B))
    assert (gone.removed, gone.counts.failed) == (1, 1)
    assert await drive.live() == {A, C}


@pytest.mark.parametrize(
    ("kind", "edit"),
    [("urls", {}), ("sitemap", {"exclude": ("/b$",)}), ("site", {"max_depth": 0})],
)
async def test_what_a_person_wants_no_more_needs_no_visit(
    drive: Drive, kind: str, edit: dict[str, Any]
) -> None:
    source = await drive.add("docs", kind=kind)
    await drive.run("docs", ALL)
    await drive.pool.execute("update source_pages set depth = 1")
    async with drive.pool.acquire() as connection:
        await sources.edit(connection, replace(source.spec, **edit))
    removed = [
        (await drive.run("docs", without(B), unlisted={B: ALL[B]})).removed for _ in range(3)
    ]
    assert removed == [0, 0, 1]
    assert await drive.live() == {A, C}


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("trigger", ["cli", "client", "manual"])
async def test_a_person_who_syncs_ten_times_in_an_hour_looks_once(
    drive: Drive, trigger: str, absent: bool
) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", ALL)
    web = without(B) if absent else without(B, 404)
    for _ in range(10):
        drive.now -= timedelta(minutes=55)
        assert (await drive.run("docs", web, trigger=trigger)).removed == 0
    assert await drive.live() == set(ALL)
    removed = []
    for _ in range(2):
        drive.now += timedelta(days=1)
        removed.append((await drive.run("docs", web, trigger=trigger)).removed)
    assert removed == [0, 1]


async def test_absence_is_counted_in_a_row(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    listings = [ALL, without(B), without(B), ALL, without(B), without(B)]
    assert [(await drive.run("docs", web)).removed for web in listings] == [0] * 6


@pytest.mark.parametrize(("kind", "deletion"), [("feed", "prompt"), ("sitemap", "keep")])
async def test_feeds_and_keepers_never_miss_a_page(drive: Drive, kind: str, deletion: str) -> None:
    await drive.add("docs", kind=kind, deletion=deletion)
    await drive.run("docs", ALL)
    for _ in range(4):
        assert (await drive.run("docs", without(B))).removed == 0
    assert await drive.live() == set(ALL)


async def test_the_brake_holds_when_too_much_would_go(drive: Drive) -> None:
    web: Web = {f"https://example.org/{n}": f"text number {n}" for n in range(40)}
    await drive.add("docs", kind="sitemap", deletion="prompt")
    await drive.run("docs", web)
    listed = dict(list(web.items())[:20])
    braked = await drive.run("docs", listed)
    assert braked.removed == 0
    assert braked.outcome == "held"
    assert braked.message.startswith("20 of 40 live pages vanished at once")
    assert len(await drive.live()) == 40
    few = dict(list(web.items())[:36])
    assert (await drive.run("docs", few)).removed == 4


async def test_the_most_careful_of_two_sources_decides(drive: Drive) -> None:
    await drive.add("prompt", deletion="prompt")
    await drive.add("keep", deletion="keep")
    await drive.run("prompt", ALL)
    await drive.run("keep", {B: ALL[B]})
    assert (await drive.run("prompt", {A: 410, B: 410, C: ALL[C]})).removed == 1
    assert await drive.live() == {B, C}


async def test_a_page_that_another_source_holds_outlives_its_absence(drive: Drive) -> None:
    await drive.add("one", kind="sitemap", deletion="prompt")
    await drive.add("two", kind="sitemap", deletion="prompt")
    await drive.run("one", ALL)
    second = await drive.run("two", {B: ALL[B]})
    assert second.counts.unchanged == 1
    still: Web = {B: ALL[B]}
    assert (await drive.run("one", without(B), unlisted=still)).removed == 0
    assert await drive.live() == set(ALL)
    assert (await drive.run("two", {}, unlisted=still)).removed == 0
    assert await drive.live() == set(ALL)
    assert (await drive.run("two", {})).removed == 1
    assert await drive.live() == {A, C}


async def test_closing_twice_removes_and_counts_once(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", ALL)
    web = without(B)
    run_id = await drive.open("docs")
    await drive.enlist(run_id, *web)
    await drive.work(Batch(run_id=run_id, lane=0, number=1), web)
    close = CloseRun(run_id=run_id, complete=True)
    first, second = [await drive.crawl.runs.close_run(close) for _ in range(2)]
    assert (first.counts, first.outcome) == (second.counts, second.outcome)
    assert await drive.pool.fetchval("select max(absences) from source_pages") == 1


async def test_a_cancelled_run_gathers_no_evidence(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap", deletion="prompt")
    await drive.run("docs", ALL)
    run_id = await drive.open("docs")
    await drive.enlist(run_id, A)
    closed = await drive.crawl.runs.close_run(CloseRun(run_id=run_id, outcome="cancelled"))
    assert (closed.outcome, closed.removed, closed.counts.skipped) == ("cancelled", 0, 1)
    assert await drive.live() == set(ALL)


# Versions


async def test_a_b_a_is_three_versions_one_of_them_open(drive: Drive) -> None:
    await drive.add("docs")
    for text in ("text one", "text two", "text one", "text one"):
        await drive.run("docs", {A: text})
    rows = await drive.pool.fetch(
        "select v.seq, d.text, valid_from, valid_to from versions v "
        "join documents d on d.id = v.document_id order by seq"
    )
    assert [(row["seq"], row["text"]) for row in rows] == [
        (1, "text one"),
        (2, "text two"),
        (3, "text one"),
    ]
    assert [row["valid_to"] for row in rows] == [rows[1]["valid_from"], rows[2]["valid_from"], None]
    assert await drive.pool.fetchval("select count(*) from documents") == 2
    texts = await drive.pool.fetchval("select count(*) from sketches")
    assert texts == 1


async def test_a_page_that_comes_back_is_a_new_version(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", ALL)
    await drive.run("docs", without(B, 410))
    assert (await drive.run("docs", ALL)).counts.added == 1
    versions = await drive.pool.fetch(
        "select valid_to from versions v join pages p on p.id = v.page_id "
        "where url = $1 order by seq",
        B,
    )
    assert [row["valid_to"] is None for row in versions] == [False, True]


async def test_a_text_stays_clustered_as_long_as_one_live_page_holds_it(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    same: Web = {A: "the same words", B: "the same words"}
    count = "select count(*) from sketches"
    await drive.run("docs", same)
    await drive.run("docs", {A: "the same words", B: 410})
    assert await drive.pool.fetchval(count) == 1
    await drive.run("docs", {A: 410, B: 410})
    assert await drive.pool.fetchval(count) == 0
