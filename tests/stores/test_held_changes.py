"""What a run's end does with redirects, the brake and changes that waited, without web and
Temporal."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from atlas.contracts.activities import Batch, CloseRun, RunClosed
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.pages.documents import Redirects
from tests.stores.drive import Drive, Leads, Web, fences, fetched, prepared

LOGIN = "please sign in with your name and password to go on reading what this page has to say"
_WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo") for b in "bcdfgklmnp"]


def url(name: object) -> str:
    return f"https://example.org/{name}"


def prose(seed: object) -> str:
    return " ".join(random.Random(str(seed)).choices(_WORDS, k=60))


def site(pages: int, edition: str = "") -> dict[str, str | int | Leads]:
    return {url(number): prose(f"{number}{edition}") for number in range(pages)}


async def versions(drive: Drive) -> int:
    return int(await drive.pool.fetchval("select count(*) from versions"))


# Redirects


@pytest.mark.fault(11)
@pytest.mark.parametrize(("deletion", "look"), [("careful", 3), ("prompt", 1)])
async def test_a_page_that_moved_goes_once_that_is_confirmed(
    drive: Drive, deletion: str, look: int
) -> None:
    await drive.add("docs", deletion=deletion)
    await drive.run("docs", site(8))
    web = site(8) | {url(3): Leads(url("new"))}
    removed = [
        (await drive.run("docs", web, unlisted={url("new"): prose("new")})).removed
        for _ in range(4)
    ]
    assert removed == [int(number == look) for number in range(1, 5)]
    assert await drive.lifecycle(url(3)) == "tombstoned"
    assert await drive.live() == {*site(8)} - {url(3)} | {url("new")}


async def test_sources_that_share_a_page_see_it_move_a_day_apart(drive: Drive) -> None:
    for name in ("one", "two"):
        await drive.add(name)
        await drive.run(name, site(8))
    web, new = site(8) | {url(3): Leads(url("new"))}, {url("new"): prose(3)}
    for name in ("one", "two"):
        assert (await drive.run(name, web, unlisted=new)).removed == 0
        found = await drive.document(url(3))
        assert (found.lifecycle, found.text, found.version) == ("live", prose(3), 1)
        assert found.redirects == Redirects(url("new"), 1, found.redirects.last)
    drive.now += timedelta(days=1)
    assert (await drive.run("one", web, unlisted=new)).removed == 0
    drive.now += timedelta(days=1)
    assert (await drive.run("two", web, unlisted=new)).removed == 1
    assert url(3) not in await drive.live()


async def test_a_redirect_for_a_while_is_told_and_counts_for_nothing(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", site(8))
    web = site(8) | {url(3): Leads(url("new"), permanent=False)}
    for _ in range(3):
        await drive.run("docs", web, unlisted={url("new"): prose(3)})
        found = await drive.document(url(3))
        assert (found.version, found.redirects) == (1, Redirects(url("new"), 0, None))
    await drive.run("docs", site(8))
    assert (await drive.document(url(3))).redirects is None


@pytest.mark.fault(11)
async def test_looks_at_a_redirect_count_in_a_row_and_to_one_target(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site(8))
    unlisted: Web = {url("a"): prose("a"), url("b"): prose("b")}
    for answer in (
        Leads(url("a")),
        prose(3),
        Leads(url("a")),
        Leads(url("b")),
        404,
        Leads(url("b")),
        Leads(url("b")),
        Leads(url("b"), permanent=False),
        Leads(url("b")),
        Leads(url("b")),
    ):
        web = site(8) | {url(3): answer}
        await drive.run("docs", web, unlisted=unlisted)
        assert url(3) in await drive.live()
    assert (await drive.run("docs", web, unlisted=unlisted)).removed == 1
    assert url(3) not in await drive.live()


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("target", "permanent"), [("new", False), ("", True), ("login", True), ("account/error", True)]
)
async def test_what_is_no_move_never_removes(drive: Drive, target: str, permanent: bool) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", site(8) | {url(""): prose("home")})
    web = site(8) | {url(""): prose("home"), url(3): Leads(url(target), permanent)}
    for _ in range(4):
        closed = await drive.run("docs", web, unlisted={url(target): prose("home")})
        assert (closed.removed, closed.outcome) == (0, "completed")
    assert url(3) in await drive.live()


@pytest.mark.fault(11)
@pytest.mark.parametrize("pages", [6, 40])
@pytest.mark.parametrize("permanent", [True, False])
async def test_many_pages_that_lead_to_one_never_remove(
    drive: Drive, pages: int, permanent: bool
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", site(pages))
    before = await versions(drive)
    web: Web = {page: Leads(url("welcome"), permanent) for page in site(pages)}
    for _ in range(3):
        closed = await drive.run("docs", web, unlisted={url("welcome"): LOGIN})
        assert (closed.removed, closed.outcome) == (0, "held")
        assert f"{pages} of {pages} live pages lead elsewhere" in closed.message
        assert url(0) in closed.message
    assert await versions(drive) == before
    back = await drive.run("docs", site(pages))
    assert (back.outcome, back.counts.unchanged) == ("completed", pages)


@pytest.mark.fault(11)
async def test_a_whole_site_that_moved_page_by_page_is_no_loss(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site(20))
    web: Web = {page: Leads(page.replace(".org/", ".org/new/")) for page in site(20)}
    moved: Web = {page.replace(".org/", ".org/new/"): text for page, text in site(20).items()}
    first = await drive.run("docs", web, unlisted=moved)
    assert (first.removed, first.counts.added, first.outcome) == (0, 20, "completed")
    assert (await drive.run("docs", web, unlisted=moved)).removed == 0
    assert (await drive.run("docs", web, unlisted=moved)).removed == 20
    assert await drive.live() == set(moved)


@pytest.mark.fault(11)
async def test_moves_that_nothing_proves_are_braked(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site(20))
    web = site(20) | {url(n): Leads(url(f"elsewhere/{n}")) for n in range(5)}
    other: Web = {url(f"elsewhere/{n}"): prose(f"other {n}") for n in range(5)}
    for _ in range(2):
        early = await drive.run("docs", web, unlisted=other)
        assert (early.removed, early.outcome) == (0, "completed")
    closed = await drive.run("docs", web, unlisted=other)
    assert (closed.removed, closed.outcome) == (0, "held")
    assert closed.message.startswith("5 of 2")


# The brake


@pytest.mark.fault(11)
@pytest.mark.parametrize("pages", [2, 6, 40, 100])
async def test_no_source_is_too_small_for_the_brake(drive: Drive, pages: int) -> None:
    await drive.add("docs")
    await drive.run("docs", site(pages))
    first = await drive.run("docs", dict.fromkeys(site(pages), 410))
    assert (first.removed, first.outcome) == (0, "all_failed")
    for _ in range(2):
        closed = await drive.run("docs", dict.fromkeys(site(pages), 410))
        assert (closed.removed, closed.outcome) == (0, "held")
        assert closed.message.startswith(f"{pages} of {pages} live pages vanished at once")
    assert await drive.live() == set(site(pages))
    assert (await drive.run("docs", site(pages))).outcome == "completed"
    await drive.run("docs", site(pages) | {url(1): 410})
    one = await drive.run("docs", site(pages) | {url(1): 410})
    assert (one.removed, one.outcome) == (1, "completed_with_failures")


@pytest.mark.fault(11)
async def test_the_brake_counts_gone_moved_and_absent_together(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap", deletion="prompt")
    await drive.run("docs", site(20))
    web = site(20) | {url(0): 404, url(1): Leads(url("new"))}
    del web[url(2)]
    closed = await drive.run("docs", web, unlisted={url("new"): prose("new")})
    assert (closed.removed, closed.outcome) == (0, "held")
    assert closed.message.startswith("3 of 21 live pages vanished at once")
    assert {url(0), url(1), url(2)} <= await drive.live()


@pytest.mark.fault(11)
async def test_what_is_seen_once_brakes_what_is_confirmed(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site(20))
    await drive.run("docs", site(20) | {url(0): 404})
    await drive.run("docs", site(20) | {url(0): 404})
    bad = await drive.run("docs", dict.fromkeys(site(20), 404))
    assert (bad.removed, bad.outcome) == (0, "held")
    good = await drive.run("docs", site(20) | {url(0): 404})
    assert (good.removed, good.outcome) == (1, "completed_with_failures")


@pytest.mark.fault(11)
async def test_urls_that_never_were_documents_leave_unbraked(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap", deletion="prompt")
    dead: Web = {url(f"dead/{n}"): 404 for n in range(20)}
    await drive.run("docs", {**site(10), **dead})
    assert (await drive.run("docs", site(10))).outcome == "completed"
    assert await drive.pool.fetchval("select count(*) from source_pages") == 10


# Bodies


@pytest.mark.fault(12)
@pytest.mark.parametrize("pages", [6, 40])
async def test_one_text_for_every_page_is_held_and_named(drive: Drive, pages: int) -> None:
    await drive.add("docs")
    await drive.run("docs", site(pages))
    before = await versions(drive)
    for _ in range(3):
        closed = await run_in_batches(drive, dict.fromkeys(site(pages), LOGIN))
        assert (closed.outcome, closed.counts.skipped) == ("held", pages)
        assert closed.skipped == {"suspicious_body": pages}
        assert closed.message.startswith(f"{pages} pages answered with a text that several share")
        assert {failure.code for failure in closed.failures} == {"suspicious_body"}
        assert await drive.live() == set(site(pages))
    assert await versions(drive) == before
    assert (await drive.run("docs", site(pages))).counts.unchanged == pages
    relaunched = await drive.run("docs", site(pages, "new"))
    assert (relaunched.outcome, relaunched.counts.updated) == ("completed", pages)


async def run_in_batches(drive: Drive, web: Web, size: int = 5) -> RunClosed:
    """A run whose first batches settle before the others are fetched."""
    run_id = await drive.open("docs")
    await drive.enlist(run_id, *web)
    number = 0
    while await drive.pool.fetchval(
        "select exists (select from run_pages join page_state using (page_id) "
        "where run_id = $1 and stage <> 'done' and claim_run is null)",
        run_id,
    ):
        number += 1
        batch = Batch(run_id=run_id, lane=number % 3, number=number)
        await drive.record(run_id, await drive.claim(batch, size), web)
        pages = await drive.crawl.batches.begin_attempt(batch)
        found = [prepared(page, str(web[page.url])) for page in pages]
        await drive.crawl.processed.store(run_id, fences(pages), found)
        await drive.crawl.settlement.settle(
            batch, fences(await drive.crawl.batches.begin_attempt(batch))
        )
        await drive.crawl.batches.release(batch)
        assert await drive.crawl.listing.unfinished(run_id, 1) == max(0, len(web) - size * number)
    return await drive.crawl.runs.close_run(CloseRun(run_id=run_id, complete=True))


@pytest.mark.fault(12)
async def test_a_few_new_texts_wait_and_are_settled_at_the_end(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site(20))
    web = site(20) | {url(n): prose(f"rewritten {n}") for n in (3, 4)} | {url(5): f"{prose(5)} yes"}
    run_id = await drive.open("docs")
    await drive.enlist(run_id, *web)
    await drive.work(Batch(run_id=run_id, lane=0, number=1), web)
    waiting = await drive.pool.fetch(
        "select url from page_state join pages on id = page_id where claim_lane = $1 order by url",
        run_queue.WAITING,
    )
    assert [row["url"] for row in waiting] == [url(3), url(4)]
    assert (await drive.crawl.batches.counts(run_id)).updated == 1
    close = CloseRun(run_id=run_id, complete=True)
    first, again = [await drive.crawl.runs.close_run(close) for _ in range(2)]
    assert first.counts == again.counts
    assert (first.outcome, first.counts.updated, first.counts.unchanged) == ("completed", 3, 17)
    assert not await drive.pool.fetchval("select exists (select from prepared)")


@pytest.mark.fault(12)
async def test_a_cancelled_run_leaves_what_waits_to_the_next(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site(6))
    web = site(6) | {url(3): prose("rewritten")}
    run_id = await drive.open("docs")
    await drive.enlist(run_id, *web)
    await drive.work(Batch(run_id=run_id, lane=0, number=1), web)
    cancelled = await drive.crawl.runs.close_run(CloseRun(run_id=run_id, outcome="cancelled"))
    assert (cancelled.counts.updated, cancelled.counts.skipped) == (0, 1)
    assert (await drive.run("docs", web)).counts.updated == 1


@pytest.mark.fault(12)
async def test_an_end_that_crashed_between_two_parts_goes_on(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drive.add("docs")
    await drive.run("docs", site(30))
    web = dict.fromkeys(site(20), LOGIN) | {url(n): prose(f"new {n}") for n in range(20, 30)}
    run_id = await drive.open("docs")
    await drive.enlist(run_id, *web)
    await drive.work(Batch(run_id=run_id, lane=0, number=1), web)
    close = CloseRun(run_id=run_id, complete=True)
    monkeypatch.setattr("atlas.stores.postgres.services.settlement._SETTLED_AT_ONCE", 4)
    settle, parts = drive.crawl.settlement.settle, []

    async def crashing(*given: object, **more: object) -> None:
        parts.append(given)
        if len(parts) == 2:
            raise ConnectionError("the worker is gone")
        await settle(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(drive.crawl.settlement, "settle", crashing)
    with pytest.raises(ConnectionError):
        await drive.crawl.runs.close_run(close)
    closed = await drive.crawl.runs.close_run(close)
    assert closed.outcome == "held"
    assert (closed.counts.updated, closed.counts.skipped) == (10, 20)


@pytest.mark.fault(12)
async def test_a_hold_of_a_few_due_pages_goes_by_what_the_run_asked(drive: Drive) -> None:
    await drive.add("docs", kind="feed")
    await drive.run("docs", site(60))
    closed = await drive.run("docs", {url(n): LOGIN for n in range(4)})
    assert (closed.outcome, closed.counts.skipped) == ("held", 4)


@pytest.mark.fault(12)
async def test_what_a_newer_extractor_makes_of_the_same_bodies_is_no_bad_day(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site(6))
    run_id = await drive.open("docs")
    await drive.enlist(run_id, *site(6))
    batch = Batch(run_id=run_id, lane=0, number=1)
    pages = await drive.claim(batch)
    rows = [replace(fetched(page, site(6)[page.url]), settled=False) for page in pages]
    await drive.crawl.fetches.record(run_id, fences(pages), rows)
    pages = await drive.crawl.batches.begin_attempt(batch)
    found = [replace(prepared(p, LOGIN), snapshot=p.snapshot or b"") for p in pages]
    await drive.crawl.processed.store(run_id, fences(pages), found)
    await drive.crawl.settlement.settle(
        batch, fences(await drive.crawl.batches.begin_attempt(batch))
    )
    closed = await drive.crawl.runs.close_run(CloseRun(run_id=run_id, complete=True))
    assert (closed.outcome, closed.counts.updated) == ("completed", 6)


@pytest.mark.fault(12)
async def test_the_brake_and_the_hold_are_told_together(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site(20))
    web = dict.fromkeys(site(10), LOGIN) | {url(n): 410 for n in range(10, 20)}
    await drive.run("docs", web)
    closed = await drive.run("docs", web)
    assert (closed.outcome, closed.removed) == ("held", 0)
    assert closed.message.startswith("10 pages answered with a text that several share")
    assert "10 of 20 live pages vanished at once" in closed.message
    assert await drive.live() == set(site(20))
