"""Removals that the brake held: they wait, are approved, rejected or expire; and no kind of bad day
takes a page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from atlas.contracts.activities import Batch, RunClosed
from atlas.contracts.decide_deletions import DecideDeletions, Decision
from atlas.domain.removal.page_verdict import PageVerdict
from atlas.domain.removal.verdict_rules import verdict_on
from atlas.stores.postgres.crawl.pages import held_removals
from atlas.stores.postgres.crawl.pages.held_removals import HeldRemoval
from atlas.stores.postgres.reporting import monitoring
from atlas.stores.postgres.reporting.page_lookup import page_facts
from atlas.stores.postgres.services.deletions import DeletionDecisions
from atlas.stores.postgres.settlement.deletion_decisions import Decided
from atlas.stores.postgres.sources import sources
from tests.stores.drive import Answer, Drive, Leads, Web
from tests.stores.test_held_changes import LOGIN, prose, site, url


async def held(drive: Drive, source: str | None = None) -> list[HeldRemoval]:
    async with drive.pool.acquire() as connection:
        return await held_removals.open_removals(connection, source=source)


async def decide(
    drive: Drive, decision: Decision, of: str, *urls: str, by: str = "decision"
) -> Decided:
    decisions = DeletionDecisions(drive.pool, lambda: drive.now)
    request = DecideDeletions(run_id=by, decision=decision, of=of, urls=list(urls))
    decided = await decisions.decide(request)
    assert decided is not None
    return decided


async def explained(drive: Drive, page: str) -> PageVerdict:
    async with drive.pool.acquire() as connection:
        return verdict_on(await page_facts(connection, page, drive.now))


async def braked(drive: Drive, pages: int, gone: int, answer: Answer = 410) -> RunClosed:
    """A source of which so many pages vanish that a run holds them."""
    await drive.add("docs")
    await drive.run("docs", site(pages))
    return await vanished(drive, pages, gone, answer)


async def vanished(drive: Drive, pages: int, gone: int, answer: Answer = 410) -> RunClosed:
    for _ in range(3):
        closed = await drive.run("docs", site(pages) | {url(n): answer for n in range(gone)})
        assert closed.removed == 0
    assert closed.outcome == "held"
    return closed


async def test_what_is_held_is_named_with_its_evidence(drive: Drive) -> None:
    closed = await braked(drive, 20, 3)
    assert "`atlas deletions list --source docs` shows the 3 that would leave" in closed.message
    found = await held(drive, "docs")
    assert [(each.source, each.url, each.sign, each.looks) for each in found] == [
        ("docs", url(n), "gone", 3) for n in range(3)
    ]
    assert {each.run for each in found} == {"run-4"}
    assert {(each.held_at - each.since).total_seconds() for each in found} == {3600.0}
    verdict = await explained(drive, url(0))
    assert verdict.code == "removal_held" and "its removal (gone) is held" in verdict.cause
    async with drive.pool.acquire() as connection:
        assert [each.held for each in await monitoring.sources_lately(connection, drive.now)] == [3]
    with pytest.raises(sources.UnknownSource):
        await held(drive, "other")


async def test_approved_removals_remove_exactly_what_is_held(drive: Drive) -> None:
    await braked(drive, 20, 3)
    one = await decide(drive, "approve", "docs", url(0), url(9), by="first")
    assert (one.pages, one.removed, one.unknown) == ((url(0),), 1, (url(9),))
    rest = await decide(drive, "approve", "run-4", by="third")
    assert (rest.pages, rest.removed) == ((url(1), url(2)), 2)
    assert await decide(drive, "approve", "run-4", by="third") == rest, "said once more"
    assert (await decide(drive, "approve", "docs", by="fourth")).pages == ()
    assert await drive.live() == {*site(20)} - {url(0), url(1), url(2)}
    assert await drive.lifecycle(url(0)) == "tombstoned"
    assert await held(drive) == []


async def test_what_was_rejected_is_not_asked_again_until_the_evidence_begins_anew(
    drive: Drive,
) -> None:
    await braked(drive, 20, 3)
    kept = await decide(drive, "reject", "docs")
    assert (len(kept.pages), kept.removed) == (3, 0)
    assert "a person rejected its removal" in (await explained(drive, url(0))).cause
    for _ in range(3):
        closed = await drive.run("docs", site(20) | {url(n): 410 for n in range(3)})
        assert (closed.removed, closed.outcome) == (0, "completed_with_failures")
    assert await held(drive) == []
    assert await drive.live() == set(site(20))
    await drive.run("docs", site(20))
    await vanished(drive, 20, 3)
    assert len(await held(drive)) == 3


async def test_what_answers_again_is_held_no_more(drive: Drive) -> None:
    await braked(drive, 20, 4)
    run_id = await drive.open("docs")
    await drive.enlist(run_id, url(0))
    pages = await drive.claim(Batch(run_id=run_id, lane=0, number=1))
    await drive.record(run_id, pages, {url(0): prose(0)})
    assert [each.url for each in await held(drive)] == [url(1), url(2), url(3)]
    late = await decide(drive, "approve", "docs", url(0), url(1))
    assert (late.pages, late.expired) == ((url(1),), (url(0),))
    await drive.crawl.runs.end_dead_run(run_id, "the test is done with it")
    assert url(0) in await drive.live()
    assert (await drive.run("docs", site(20))).outcome == "completed"
    assert await held(drive) == []
    rows = await drive.pool.fetch(
        "select p.url, decided from held_removals join pages p on p.id = page_id order by p.url"
    )
    assert [row["decided"] for row in rows] == ["expired", "approved", "expired", "expired"]


async def test_the_few_that_stay_gone_leave_by_themselves_once_the_others_are_back(
    drive: Drive,
) -> None:
    await braked(drive, 20, 20)
    back = await drive.run("docs", site(20) | {url(0): 410})
    assert (back.removed, back.outcome) == (1, "completed_with_failures")
    decided = await drive.pool.fetch("select decided, count(*) from held_removals group by 1")
    assert {row["decided"]: row["count"] for row in decided} == {"removed": 1, "expired": 19}


async def test_an_absent_page_is_approved_for_its_source(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", site(20))
    few: Web = {url(n): prose(n) for n in range(15)}
    for _ in range(3):
        closed = await drive.run("docs", few)
    assert (closed.removed, closed.outcome) == (0, "held")
    found = await held(drive)
    assert [each.sign for each in found] == ["absent"] * 5
    assert (await decide(drive, "approve", "docs")).removed == 5
    assert await drive.live() == set(few)


async def test_a_source_that_keeps_its_pages_by_now_is_asked_in_vain(drive: Drive) -> None:
    await braked(drive, 20, 3)
    await drive.pool.execute("update sources set deletion = 'keep'")
    decided = await decide(drive, "approve", "docs")
    assert (decided.pages, len(decided.kept)) == ((), 3)
    assert await drive.live() == set(site(20))


async def test_neither_source_nor_run_is_nothing_to_decide_on(drive: Drive) -> None:
    await drive.add("docs")
    decisions = DeletionDecisions(drive.pool, lambda: drive.now)
    unknown = DecideDeletions(run_id="decision", decision="approve", of="dosc")
    assert await decisions.decide(unknown) is None
    assert await decide(drive, "approve", "docs") == Decided()


async def test_suspicious_texts_and_gone_pages_brake_together(drive: Drive) -> None:
    """Each of the two is few: 2 of 40 gone, 4 with one text."""
    await drive.add("docs")
    await drive.run("docs", site(40))
    await drive.run("docs", site(40) | {url(n): 410 for n in range(4)})
    web = site(40) | {url(n): 410 for n in range(4)} | {url(n): LOGIN for n in range(4, 9)}
    closed = await drive.run("docs", web)
    assert (closed.removed, closed.outcome) == (0, "held")
    assert [each.url for each in await held(drive)] == [url(n) for n in range(4)]


@pytest.mark.parametrize("pages", [51, 50])
async def test_more_than_fifty_pages_are_too_many_whatever_their_share(
    drive: Drive, pages: int
) -> None:
    await drive.add("docs", deletion="prompt")
    web: Web = dict.fromkeys(site(600), "one text for all")
    await drive.run("docs", web, size=600)
    closed = await drive.run("docs", {**web, **{url(n): 410 for n in range(pages)}}, size=600)
    assert (closed.removed, closed.outcome) == (
        (0, "held") if pages > 50 else (50, "completed_with_failures")
    )


# Bad days

Bad = Callable[[int], Answer]
LOGIN_PAGE, HOME = url("login"), url("")
BAD_DAYS: dict[str, Bad] = {
    "301 to login": lambda n: Leads(LOGIN_PAGE),
    "302 to login": lambda n: Leads(LOGIN_PAGE, permanent=False),
    "301 home": lambda n: Leads(HOME),
    "302 home": lambda n: Leads(HOME, permanent=False),
    "404": lambda n: 404,
    "410": lambda n: 410,
    "login form": lambda n: LOGIN,
    "server error": lambda n: 503,
    "mixed": lambda n: (404, 410, Leads(LOGIN_PAGE), Leads(HOME), 503)[n % 5],
    "each to one of its own": lambda n: Leads(url(f"other/{n}")),
}


@pytest.mark.fault(11)
@pytest.mark.parametrize("kind", BAD_DAYS)
@pytest.mark.parametrize(("pages", "deletion"), [(6, "prompt"), (40, "careful")])
async def test_no_page_leaves_on_a_bad_day_or_after_three(
    drive: Drive, pages: int, kind: str, deletion: str
) -> None:
    good: Web = site(pages) | {HOME: prose("home")}
    await drive.add("docs", deletion=deletion)
    await drive.run("docs", good)
    others: Web = {LOGIN_PAGE: LOGIN} | {
        url(f"other/{n}"): prose(f"other {n}") for n in range(pages)
    }
    web: Web = {page: BAD_DAYS[kind](number) for number, page in enumerate(site(pages))}
    for _ in range(3):
        closed = await drive.run("docs", {**web, HOME: prose("home")}, unlisted=others)
        assert closed.removed == 0
        assert set(good) <= await drive.live()
    assert (await drive.run("docs", good, unlisted=others)).outcome == "completed"
    assert await held(drive) == []
    texts = await drive.pool.fetchval(
        "select count(*) from versions v join pages p on p.id = v.page_id "
        "where p.url = any($1::text[])",
        list(good),
    )
    assert texts == len(good), "no version was written by a bad body"
