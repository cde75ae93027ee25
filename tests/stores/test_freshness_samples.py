"""What counts as seen, what is recorded of it, and what that says of an objective."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from atlas.contracts.activities import Batch
from atlas.domain.removal.bad_bodies.kinds import BodyKind
from atlas.stores.postgres.reporting import freshness_samples, monitoring
from atlas.stores.postgres.reporting.freshness_samples import Achievement, Promise, SeenPages
from atlas.stores.postgres.reporting.page_lookup import page_facts
from atlas.stores.postgres.sources import sources
from tests.stores.drive import Drive, Instead, Leads, Web
from tests.stores.test_due import queued
from tests.stores.test_history import frozen

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
PAGES = [f"https://d.example/{n}" for n in range(10)]
WEB: Web = {page: f"text of {page}" for page in PAGES}


async def begun(drive: Drive, freshness: str = "90% within 2h", **rules: Any) -> None:
    await drive.add("docs", cadence=rules.pop("cadence", HOUR), freshness=freshness, **rules)
    await drive.run("docs", WEB)


async def promised(drive: Drive) -> list[Promise]:
    async with drive.pool.acquire() as connection:
        return freshness_samples.promises(await sources.every(connection))


async def counted(drive: Drive) -> tuple[int, int] | None:
    """Pages that count for the objective, and those seen in time."""
    one = await promised(drive)
    async with drive.pool.acquire() as connection:
        found = (await freshness_samples.count(connection, one, drive.now)).get(one[0].source_id)
    return found and (found.pages, found.seen)


async def sampled(drive: Drive) -> int:
    """What a health check records now."""
    one = await promised(drive)
    async with drive.pool.acquire() as connection:
        return await freshness_samples.sample(connection, one, drive.now)


async def achieved(drive: Drive, name: str = "docs") -> Achievement:
    one = await promised(drive)
    async with drive.pool.acquire() as connection:
        return (await freshness_samples.achieved(connection, one, drive.now))[name]


async def checks(drive: Drive, span: timedelta) -> None:
    """The health checks of a while, every five minutes."""
    until = drive.now + span
    while drive.now < until:
        drive.now += 5 * MINUTE
        await sampled(drive)


async def test_a_page_that_was_processed_or_not_modified_was_seen(drive: Drive) -> None:
    await begun(drive)
    assert await counted(drive) == (10, 10)
    drive.now += 2 * HOUR
    assert await counted(drive) == (10, 0)
    await drive.run("docs", {PAGES[0]: WEB[PAGES[0]], PAGES[1]: "another text"}, complete=False)
    assert await counted(drive) == (10, 2)


@pytest.mark.parametrize(
    "answer",
    [
        503,
        404,
        Leads("https://d.example/login"),
        Instead("Sign in to go on", BodyKind.LOGIN),
    ],
)
async def test_no_other_answer_is_a_look_at_the_page(
    drive: Drive, answer: int | Leads | Instead
) -> None:
    """A page that fails, leads elsewhere or shows a login was seen when it last showed itself."""
    await begun(drive)
    drive.now += 30 * MINUTE
    web: Web = {page: WEB[page] for page in PAGES[1:]} | {PAGES[0]: answer}
    login: Web = {"https://d.example/login": Instead("Sign in to go on", BodyKind.LOGIN)}
    await drive.run("docs", web, unlisted=login if isinstance(answer, Leads) else None)
    ten = "url = any($1::text[])"
    seen = await drive.pool.fetch(
        f"select url, seen_at from page_state ps join pages p on p.id = ps.page_id where {ten}",
        PAGES,
    )
    times = {row["url"]: row["seen_at"] for row in seen}
    assert times.pop(PAGES[0]) == drive.now - 90 * MINUTE
    assert set(times.values()) == {drive.now}
    drive.now += 40 * MINUTE
    pages, in_time = await counted(drive) or (0, 0)
    assert pages - in_time == 1  # the login page is too new to have been missed


async def test_a_page_never_seen_counts_once_it_could_have_been(drive: Drive) -> None:
    await drive.add("docs", cadence=HOUR, freshness="90% within 2h")
    await drive.run("docs", {PAGES[0]: "one", PAGES[1]: 503})
    assert await counted(drive) == (1, 1)
    drive.now += 2 * HOUR
    assert await counted(drive) == (2, 0)
    await drive.run("docs", {PAGES[0]: "one", PAGES[1]: 503})
    assert await counted(drive) == (2, 1)


async def test_what_never_was_a_document_and_is_known_to_be_none_does_not_count(
    drive: Drive,
) -> None:
    await drive.add("docs", cadence=HOUR, freshness="90% within 2h")
    web: Web = {
        PAGES[0]: "one",
        PAGES[1]: 404,
        PAGES[2]: Leads(PAGES[0]),
        PAGES[3]: Instead("not for the index", noindex=True),
        PAGES[4]: 503,
    }
    await drive.run("docs", web)
    drive.now += 3 * HOUR
    assert await counted(drive) == (2, 0)


async def test_a_stored_body_processed_again_is_no_look(drive: Drive) -> None:
    await begun(drive)
    before = await drive.pool.fetchval("select max(seen_at) from page_state")
    await drive.pool.execute("update page_state set settled_extractor = settled_extractor - 1")
    run_id = await drive.open("docs")
    run, source = await drive.crawl.runs.run_source(run_id)
    await drive.crawl.listing.list_held(
        run, source, level=0, fetch=False, mode="full", retry_failed=False
    )
    batch = Batch(run_id=run_id, lane=0, number=1)
    await drive.claim(batch)
    await drive.reprocess(batch, WEB)
    settled, seen = await drive.pool.fetchrow(  # type: ignore[misc]
        "select max(settled_at), max(seen_at) from page_state"
    )
    assert (settled, seen) == (drive.now, before)


async def test_a_paused_source_is_not_judged(drive: Drive) -> None:
    await begun(drive)
    await drive.pool.execute("update sources set paused = true")
    assert await promised(drive) == []
    async with drive.pool.acquire() as connection:
        [seen] = await monitoring.sources_lately(connection, drive.now, counting=True)
    assert seen.achieved is None


async def test_a_sample_is_taken_once_in_a_while(drive: Drive) -> None:
    await begun(drive)
    assert (await sampled(drive), await sampled(drive)) == (1, 0)
    drive.now += 5 * MINUTE
    assert await sampled(drive) == 1
    await drive.pool.execute("update sources set cadence = '1 day', freshness = '90% within 2d'")
    drive.now += 5 * MINUTE
    assert await sampled(drive) == 0  # of a daily source, every 20 minutes
    drive.now += 15 * MINUTE
    assert await sampled(drive) == 1
    rows = await drive.pool.fetch("select covers, within, pages, seen from freshness_samples")
    assert [row["covers"] for row in rows] == [0, 300, 1200]
    assert {row["within"] for row in rows} == {2 * HOUR, 2 * DAY}


async def test_an_outage_burns_until_the_pages_are_seen_again(drive: Drive) -> None:
    await begun(drive)
    drive.now += 5 * MINUTE
    await checks(drive, 110 * MINUTE)
    fine = await achieved(drive)
    assert (fine.share, fine.broken, fine.burn_rate, fine.alert) == (1.0, False, 0.0, None)

    await checks(drive, 30 * MINUTE)  # two hours and more since the last look
    begins = await achieved(drive)
    assert (begins.share, begins.broken) == (0.0, True)
    assert 0 < begins.burn_rate < 9 and begins.alert is None
    await checks(drive, 40 * MINUTE)
    burning = await achieved(drive)
    assert burning.alert is not None and burning.alert.window.severity == "fast"
    assert burning.burn_rate == pytest.approx(10.0, rel=0.1)

    drive.now -= HOUR - 5 * MINUTE  # `run` begins an hour later
    await drive.run("docs", WEB)
    await sampled(drive)
    over = await achieved(drive)
    assert (over.share, over.broken, over.alert) == (1.0, False, None)
    assert over.burn_rate > 8  # the hour remembers


async def test_what_nobody_looked_at_is_not_known_to_be_bad(drive: Drive) -> None:
    """Atlas was down: a sample stands for a quarter of an hour, not for the day before it."""
    await begun(drive)
    await sampled(drive)
    drive.now += DAY
    await sampled(drive)
    assert await drive.pool.fetchval("select max(covers) from freshness_samples") == 15 * 60
    found = await achieved(drive)
    assert (found.share, found.alert) == (0.0, None)
    assert found.burn_rate == pytest.approx(10 / 4)
    # And an old sample is no sample of now.
    drive.now += DAY
    assert (await achieved(drive)).found is None


async def test_an_objective_that_changed_begins_anew(drive: Drive) -> None:
    await begun(drive)
    drive.now += 3 * HOUR
    await checks(drive, 70 * MINUTE)
    assert (await achieved(drive)).alert is not None
    await drive.pool.execute("update sources set freshness = '90% within 1d'")
    found = await achieved(drive)
    assert (found.found, found.burn_rate, found.alert) == (None, 0.0, None)
    drive.now += 5 * MINUTE
    await sampled(drive)
    now = await achieved(drive)
    assert now.found == SeenPages(10, 10, drive.now)
    assert now.alert is None


async def test_several_sources_have_each_their_own(drive: Drive) -> None:
    await begun(drive)
    await drive.add("news", cadence=HOUR, freshness="99% within 1h")
    await drive.run("news", {PAGES[0]: "the same page", "https://n.example/": "news"})
    await drive.add("plain", cadence=HOUR)
    await sampled(drive)
    assert (await achieved(drive)).found == SeenPages(10, 10, drive.now)
    assert (await achieved(drive, "news")).found == SeenPages(2, 2, drive.now)
    drive.now += HOUR + MINUTE
    await sampled(drive)
    assert (await achieved(drive, "news")).broken
    assert [each.name for each in await promised(drive)] == ["docs", "news"]


async def test_pages_are_due_before_their_time_is_up(drive: Drive) -> None:
    """An unchanged page is otherwise asked for after up to four cadences."""
    await drive.add("docs", cadence=HOUR)
    for _ in range(6):
        drive.now += 3 * HOUR
        await drive.run("docs", WEB)
    drive.now += 10 * MINUTE
    later = await queued(drive, *PAGES, mode="incremental")  # begins 70 minutes after the last look
    assert len(later) < len(PAGES)
    drive.now -= HOUR
    await drive.pool.execute("update sources set freshness = '90% within 2h'")
    assert await queued(drive, *PAGES, mode="incremental") == set(PAGES)
    async with drive.pool.acquire() as connection:
        facts = await page_facts(connection, PAGES[0], drive.now)
    assert facts.next_due is not None and facts.checked_at is not None
    assert facts.next_due - facts.checked_at <= HOUR
    assert "freshness objective" in facts.next_due_because


async def test_a_frozen_day_has_what_was_achieved(drive: Drive) -> None:
    drive.now = datetime(2026, 11, 16, 6, tzinfo=UTC)
    await begun(drive)
    await sampled(drive)
    drive.now += 3 * HOUR
    await sampled(drive)
    await drive.add("plain", cadence=HOUR)
    drive.now = datetime(2026, 11, 18, 1, tzinfo=UTC)
    found = {(row.day.day, row.source): row for row in (await frozen(drive)).figures}
    assert found[16, "docs"].objective == "90% within 2h"
    assert [found[day, "docs"].achieved for day in (16, 17)] == [pytest.approx(0.5), None]
    assert (found[16, "plain"].objective, found[16, "plain"].achieved) == (None, None)
