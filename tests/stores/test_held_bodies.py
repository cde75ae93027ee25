"""Bodies that are not the page: held page by page, kept, accepted, or real after three looks."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from atlas.contracts.activities import Batch, RunClosed
from atlas.contracts.jobs import BeginJob
from atlas.domain.removal.bad_bodies.kinds import BodyKind
from atlas.domain.retention import Retention
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.stores.postgres.cleanup.page_classes import of_pages
from atlas.stores.postgres.crawl.runs.batch_selection import Selection
from atlas.stores.postgres.crawl.runs.runs import JobRecords
from atlas.stores.postgres.settlement import held_bodies
from tests.stores.drive import Drive, Instead, Web

_WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo") for b in "bcdfgklmnp"]
LOGIN = Instead("please sign in with your name and password to go on reading what this page says")


def url(name: object) -> str:
    return f"https://example.org/{name}"


def prose(seed: object, words: int = 90) -> str:
    return " ".join(random.Random(str(seed)).choices(_WORDS, k=words))


def site(pages: int = 12, **instead: Instead | str) -> Web:
    """Pages `p0` and on, with a few replaced."""
    return {url(f"p{n}"): prose(n) for n in range(pages)} | {
        url(name): answer for name, answer in instead.items()
    }


async def text(drive: Drive, name: str) -> str:
    return (await drive.document(url(name))).text


def selection(drive: Drive) -> Selection:
    return Selection(drive.pool, lambda: drive.now, EXTRACTOR_VERSION)


async def held(drive: Drive) -> dict[str, held_bodies.HeldBody]:
    async with drive.pool.acquire() as connection:
        return {each.url: each for each in await held_bodies.listed(connection)}


async def accept(drive: Drive, name: str) -> str:
    """What `process_document` does when it is asked to accept; returns the outcome."""
    drive.now += timedelta(minutes=1)
    run_id = f"accept-{drive.now.isoformat()}"
    begin = BeginJob(run_id=run_id, workflow_id=run_id, kind="process_document", trigger="cli")
    await JobRecords(drive.pool, lambda: drive.now).begin(begin)
    await selection(drive).named(run_id, [url(name)], force=True, accept=True)
    batch = Batch(run_id=run_id, lane=0, number=1, force=True)
    pages = await drive.claim(batch)
    body = (await held(drive))[url(name)] if pages else None
    if pages and body is not None:
        await drive.reprocess(batch, {url(name): Instead(LOGIN.text)})
    row = await drive.pool.fetchrow("select * from run_pages where run_id = $1", run_id)
    assert row is not None
    return str(row["error_code"] or row["outcome"])


async def test_one_page_is_held_kept_and_suspect(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    closed = await drive.run("docs", site(p3=LOGIN))
    assert closed.outcome == "completed"
    assert "1 pages answered with a login form" in closed.message
    assert await text(drive, "p3") == prose(3)
    assert await drive.lifecycle(url("p3")) == "suspect"
    body = (await held(drive))[url("p3")]
    assert (body.code, body.live, body.looks) == ("login_page", True, 1)
    assert "password form" in body.reason
    row = await drive.pool.fetchrow(
        "select error_code, evidence from fetches where url = $1 order by fetched_at desc limit 1",
        url("p3"),
    )
    assert row is not None
    assert row["error_code"] == "login_page"
    assert "password form" in row["evidence"]


async def test_a_new_page_is_left_out_and_named(drive: Drive) -> None:
    await drive.add("docs")
    closed = await drive.run("docs", site(new=LOGIN))
    assert (closed.outcome, closed.counts.added, closed.counts.skipped) == ("completed", 12, 1)
    assert url("new") not in await drive.live()
    assert await drive.lifecycle(url("new")) == "discovered"
    assert "was not added" in (await held(drive))[url("new")].reason


@pytest.mark.parametrize(("copies", "added"), [(4, 12), (2, 14)])
async def test_doubtful_bodies_of_new_pages_are_held_if_several_are_one(
    drive: Drive, copies: int, added: int
) -> None:
    await drive.add("docs")
    doubtful = Instead("we value what you think of us", BodyKind.CONSENT, certain=False)
    new = {f"new{number}": doubtful for number in range(copies)}
    assert (await drive.run("docs", site(**new))).counts.added == added


async def test_a_source_of_nothing_else_has_not_completed(drive: Drive) -> None:
    await drive.add("docs")
    closed = await drive.run("docs", {url(n): LOGIN for n in range(5)})
    assert closed.outcome == "all_failed"
    assert "5 pages answered with a login form" in closed.message
    assert await drive.live() == set()


async def test_the_next_good_answer_is_as_if_nothing_had_happened(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    for good in (site(), site(p3=prose("rewritten"))):
        await drive.run("docs", site(p3=LOGIN))
        await drive.run("docs", good)
        assert await held(drive) == {}
        assert await drive.lifecycle(url("p3")) == "live"
    assert await text(drive, "p3") == prose("rewritten")


async def test_a_page_that_changed_for_good_replaces_at_once(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    assert (await drive.run("docs", site(p3=prose("other")))).counts.updated == 1
    assert await text(drive, "p3") == prose("other")


@pytest.mark.parametrize(("before", "held_back"), [(200, True), (8, False)])
async def test_a_doubtful_body_is_held_if_it_took_most_of_a_text(
    drive: Drive, before: int, held_back: bool
) -> None:
    await drive.add("docs")
    await drive.run("docs", site(p3=prose(3, before)))
    await drive.run("docs", site(p3=Instead("we are sorry", BodyKind.ERROR, certain=False)))
    assert (url("p3") in await held(drive)) is held_back


async def test_many_end_the_run_held_and_never_become_real(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    bad = {f"p{n}": Instead(f"{LOGIN.text} {prose(n, 40)}") for n in range(4)}
    for _ in range(5):
        drive.now += timedelta(days=1)
        closed = await drive.run("docs", site(**bad), trigger="schedule")
        assert closed.outcome == "held"
        assert [await text(drive, f"p{n}") for n in range(4)] == [prose(n) for n in range(4)]


async def runs(drive: Drive, *, apart: timedelta, trigger: str) -> list[str]:
    """Whether the login is the page's text after each of six runs."""
    found = []
    for _ in range(6):
        drive.now += apart
        await drive.run("docs", site(p3=LOGIN), trigger=trigger)
        found.append("login" if await text(drive, "p3") == LOGIN.text else "before")
    return found


@pytest.mark.parametrize(
    ("apart", "trigger", "real"),
    [
        (timedelta(days=1), "manual", 3),
        (timedelta(days=1), "schedule", 3),
        (timedelta(hours=10), "schedule", 4),  # the third look comes before a day is over
        (timedelta(minutes=5), "schedule", None),
        (timedelta(minutes=5), "manual", None),
    ],
)
async def test_three_looks_make_it_real_after_a_day(
    drive: Drive, apart: timedelta, trigger: str, real: int | None
) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    found = await runs(drive, apart=apart, trigger=trigger)
    assert found.count("before") == (6 if real is None else real - 1)
    if real is not None:
        assert await held(drive) == {}
        assert await drive.lifecycle(url("p3")) == "live"


async def test_looks_at_different_texts_do_not_add_up(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    for number in range(5):
        drive.now += timedelta(days=1)
        other = Instead(f"error {prose(('bad', number), 40)}", BodyKind.ERROR)
        await drive.run("docs", site(p3=other))
        assert (await held(drive))[url("p3")].looks == 1
    assert await text(drive, "p3") == prose(3)


async def test_a_check_for_humans_that_asks_for_no_index_takes_no_page_away(drive: Drive) -> None:
    """It would look like a page that asks to be left out, and leave after two looks."""
    check = Instead("verify you are human", BodyKind.CHALLENGE, noindex=True)
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", site())
    for _ in range(4):
        drive.now += timedelta(days=1)
        closed = await drive.run("docs", site(p3=check, new=check), trigger="schedule")
        assert (closed.removed, closed.outcome) == (0, "completed")
        assert await text(drive, "p3") == prose(3)
    assert set(await held(drive)) == {url("p3")}  # the new one is left out as it asks


@pytest.mark.parametrize("name", ["p3", "new"])
async def test_a_person_accepts_it(drive: Drive, name: str) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    await drive.run("docs", site(**{name: LOGIN}))
    assert await accept(drive, name) == ("updated" if name == "p3" else "added")
    assert await text(drive, name) == LOGIN.text
    assert await drive.lifecycle(url(name)) == "live"
    assert await held(drive) == {}
    # It is the page's kind from now on: another login there is an edit.
    closed = await drive.run("docs", site(**{name: Instead("sign in, please, or register here")}))
    assert closed.counts.updated == 1


async def test_nothing_that_is_not_held_is_accepted(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    assert await accept(drive, "p3") == "nothing_held"
    assert await text(drive, "p3") == prose(3)


async def test_a_body_that_lost_its_end_is_held_alone(drive: Drive) -> None:
    await drive.add("docs")
    drive.ended = True
    await drive.run("docs", site())
    await drive.run("docs", site(p3=prose(3)[:200]))
    assert await text(drive, "p3") == prose(3)[:200]  # an edit: its end is there
    drive.ended = False
    closed = await drive.run("docs", site(p3=prose(3)[:200], p4=prose(4)[:200]))
    assert "1 pages answered with bodies that end in the middle" in closed.message
    assert await text(drive, "p4") == prose(4)


async def test_no_cleanup_takes_what_is_held(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", site())
    await drive.run("docs", site(p3=LOGIN))
    drive.now += timedelta(days=400)
    documents = of_pages(Retention())["documents"]
    async with drive.pool.acquire() as connection:
        found = await documents.select(connection, drive.now, "", 100)
        assert found == []
        body = await held_bodies.of_url(connection, url("p3"))
    assert body is not None
    assert body.text == LOGIN.text


async def test_processing_stored_bodies_holds_what_is_not_the_page(drive: Drive) -> None:
    """A batch over the store, after a newer extractor: it accepts nothing that a sync would not."""
    await drive.add("docs")
    await drive.run("docs", site())
    closed: RunClosed = await drive.run("docs", site(p3=LOGIN))
    assert closed.counts.skipped == 1
    begin = BeginJob(run_id="batch", workflow_id="batch", kind="batch_process", trigger="cli")
    await JobRecords(drive.pool, lambda: drive.now).begin(begin)
    await selection(drive).named("batch", [url("p3")], force=True)
    batch = Batch(run_id="batch", lane=0, number=1, force=True)
    await drive.claim(batch)
    await drive.reprocess(batch, {url("p3"): LOGIN})
    assert await text(drive, "p3") == prose(3)
    assert (await held(drive))[url("p3")].looks == 1
