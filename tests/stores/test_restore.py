"""What left or was replaced comes back from its versions, whichever way it went, with nothing held
against it; and what a restore undid does not return by itself."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from atlas.contracts.activities import Batch, CloseRun
from atlas.contracts.models import Counts
from atlas.contracts.restore_documents import SelectRestores
from atlas.domain.retention import Retention
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.crawl.runs.batch_selection import Selection
from atlas.stores.postgres.settlement import held_bodies
from tests.invariants import Snapshot, assert_invariants, snapshot
from tests.stores.cleaning import Cleaner
from tests.stores.drive import Drive, Leads, Web, fences, prepared
from tests.stores.restorer import Restorer
from tests.stores.test_page_lookup import told

_WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo") for b in "bcdfgklmnp"]


def url(name: object) -> str:
    return f"https://example.org/{name}"


def prose(seed: object) -> str:
    return " ".join(random.Random(str(seed)).choices(_WORDS, k=60))


WALL = prose("what has nothing to do with any page")


def site(pages: int) -> dict[str, str | int | Leads]:
    return {url(number): prose(number) for number in range(pages)}


@pytest.fixture
def restorer(drive: Drive) -> Restorer:
    return Restorer(drive)


async def sound(drive: Drive, tmp_path: Path) -> None:
    """The invariants, of a corpus whose bodies are in the store."""
    async with open_blobs(str(tmp_path / "blobs")) as blobs:
        cleaner = Cleaner(drive, blobs)
        for row in await drive.pool.fetch("select text from documents"):
            await cleaner.put(row["text"].encode())
    await assert_invariants(drive.pool, tmp_path / "blobs")


async def same(drive: Drive, before: Snapshot) -> None:
    """The corpus is what it was, but for the history of its pages."""
    after = await snapshot(drive.pool, "https://example.org")
    assert [d for d in before.differences(after) if not d.startswith("texts:")] == []


GOING: dict[str, tuple[Web, int, dict[str, object]]] = {
    "410": ({url(3): 410}, 1, {}),
    "404": ({url(3): 404}, 1, {}),
    "absent": ({}, 1, {}),
    "moved": ({url(3): Leads(url("new"))}, 1, {"unlisted": {url("new"): prose("new")}}),
    "replaced": ({url(3): WALL}, 1, {}),
    "edited": ({url(3): prose(3) + " edited"}, 1, {}),
}
"""How page 3 goes: what it answers, in how many runs, and what else they are given."""


ASKED = [
    *((way, "run") for way in GOING),
    ("absent", "url"),
    ("moved", "since"),
    ("replaced", "url"),
]


@pytest.mark.parametrize(("way", "asked"), [*ASKED, ("edited", "since")])
async def test_what_went_comes_back_as_it_was(
    drive: Drive, restorer: Restorer, tmp_path: Path, way: str, asked: str
) -> None:
    await drive.add("docs", deletion="prompt", kind="sitemap")
    await drive.run("docs", site(8))
    before, since = await snapshot(drive.pool, "https://example.org"), drive.now
    answers, times, more = GOING[way]
    web = {**site(8), **answers} if answers else {u: t for u, t in site(8).items() if u != url(3)}
    for _ in range(times):
        bad = (await drive.run("docs", web, **more)) and f"run-{1 + times}"
    went = await drive.pool.fetchrow(
        "select v.closed_by, v.closed_as from versions v join pages p on p.id = v.page_id "
        "where p.url = $1 and v.seq = 1", url(3),
    )  # fmt: skip
    assert tuple(went) == (bad, "updated" if way in ("replaced", "edited") else "removed")
    wanted = {
        "run": {"of_run": bad}, "url": {"urls": [url(3)]},
        "since": {"source": "docs", "since": since},
    }[asked]  # fmt: skip
    planned = await restorer.run(dry_run=True, **wanted)
    assert (planned[url(3)].result, planned[url(3)].version) == ("would_restore", 1)
    assert (await drive.pool.fetchval("select count(*) from versions where seq = 3")) == 0
    found = await restorer.run(**wanted)
    assert (found[url(3)].result, found[url(3)].version) == ("restored", 1)
    document = await drive.document(url(3))
    assert (document.text, document.lifecycle, document.sources) == (prose(3), "live", ("docs",))
    assert (await told(drive, url(3))).code == "restored"
    if way == "moved":  # what it led to is a page of its own, and stays
        assert (await drive.document(url("new"))).text == prose("new")
    else:
        await same(drive, before)
    again = await restorer.run(**wanted)
    assert again[url(3)].result == "unchanged"
    assert (
        await drive.pool.fetchval("select count(*) from versions where opened_as = 'restored'") == 1
    )
    await sound(drive, tmp_path)
    good = await drive.run("docs", site(8))
    # What it had led to leaves: no page leads there any more, no listing has it, it answers 404.
    ended = ("completed_with_failures", 8, 1) if way == "moved" else ("completed", 8, 0)
    assert (good.outcome, good.counts.unchanged, good.removed) == ended


@pytest.mark.parametrize("way", ["404", "absent", "moved"])
async def test_the_evidence_starts_anew(drive: Drive, restorer: Restorer, way: str) -> None:
    """A page that is still gone leaves once it was seen gone as often as any other, not before."""
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", site(8))
    answers, _, more = GOING[way]
    web = {**site(8), **answers} if answers else {u: t for u, t in site(8).items() if u != url(3)}

    async def looks() -> int:
        for look in range(1, 6):
            if (await drive.run("docs", web, **more)).removed:
                return look
        raise AssertionError(way)

    first = await looks()
    assert (await restorer.run(urls=[url(3)]))[url(3)].result == "restored"
    assert await drive.lifecycle(url(3)) == "live"
    assert await looks() == first


async def test_an_undone_text_does_not_return_by_itself(
    drive: Drive, restorer: Restorer, tmp_path: Path
) -> None:
    await drive.add("docs")
    await drive.run("docs", site(8))
    bad = {**site(8), url(3): WALL}
    assert (await drive.run("docs", bad)).counts.updated == 1
    await restorer.run(urls=[url(3)])
    for wall in (WALL, WALL, WALL, f"{WALL} token 5f3a"):
        drive.now += timedelta(days=1)  # as often and as long as makes other held bodies real
        closed = await drive.run("docs", {**site(8), url(3): wall})
        assert (closed.outcome, closed.counts.updated) == ("completed", 0)
        assert closed.skipped == {"undone_body": 1}
        assert f"1 pages answered with a text that a restore undid: {url(3)}" in closed.message
        assert (await drive.document(url(3))).text == prose(3)
        async with drive.pool.acquire() as connection:
            [body] = await held_bodies.listed(connection, source="docs")
        assert (body.url, body.code, body.live) == (url(3), "undone_body", True)
        why = await told(drive, url(3))
        assert (why.code, "that a restore undid" in why.cause) == ("undone_body", True)
    await sound(drive, tmp_path)
    # Good days come and go between the bad ones.
    assert (await drive.run("docs", site(8))).counts.unchanged == 8
    assert (await drive.run("docs", bad)).counts.skipped == 1
    # What it says next is an edit like any other, and then the wall may be its text again.
    new = {**site(8), url(3): prose("rewritten")}
    assert (await drive.run("docs", new)).counts.updated == 1
    assert (await drive.run("docs", bad)).counts.updated == 1


async def test_a_person_may_take_an_undone_text_after_all(drive: Drive, restorer: Restorer) -> None:
    await drive.add("docs")
    await drive.run("docs", site(8))
    bad = {**site(8), url(3): WALL}
    await drive.run("docs", bad)
    await restorer.run(urls=[url(3)])
    await drive.run("docs", bad)
    assert (await forced(drive, "process_document", force=False)) == "skipped"
    assert (await forced(drive, "batch_process", force=True)) == "skipped"
    assert (await forced(drive, "process_document", force=True)) == "updated"
    assert (await drive.document(url(3))).text == WALL
    assert (await drive.run("docs", bad)).counts.unchanged == 8


async def forced(drive: Drive, kind: str, *, force: bool) -> str:
    """The outcome of page 3, processed from its stored body."""
    run_id = f"{kind}-{force}"
    async with drive.pool.acquire() as connection:
        await runs.open_run(
            connection, run_id=run_id, workflow_id=run_id, kind=kind, trigger="cli", now=drive.now
        )
    selection = Selection(drive.pool, lambda: drive.now, drive.crawl.batches.extractor)
    await selection.named(run_id, [url(3)], force=force)
    batch = Batch(run_id=run_id, lane=0, number=1, force=force)
    pages = await drive.claim(batch)
    found = [replace(prepared(page, WALL), snapshot=page.snapshot or b"") for page in pages]
    await drive.crawl.processed.store(run_id, fences(pages), found)
    await drive.crawl.settlement.settle(batch, fences(pages))
    await drive.crawl.batches.release(batch)
    return str(await drive.pool.fetchval("select outcome from run_pages where run_id = $1", run_id))


async def test_an_edit_that_was_undone_holds_that_edit_alone(
    drive: Drive, restorer: Restorer
) -> None:
    await drive.add("docs")
    await drive.run("docs", site(8))
    edit = f"{prose(3)} and a line that somebody regrets"
    await drive.run("docs", {**site(8), url(3): edit})
    await restorer.run(urls=[url(3)])
    assert (await drive.run("docs", {**site(8), url(3): edit})).counts.skipped == 1
    better = {**site(8), url(3): f"{edit}, and another"}
    assert (await drive.run("docs", better)).counts.updated == 1


async def test_links_come_back_so_that_a_crawl_goes_on(drive: Drive, restorer: Restorer) -> None:
    await drive.add("docs", deletion="prompt")
    linked = (url("next"), url("other"))
    await with_links(drive, {url(0): prose(0), url(1): prose(1)}, *linked)
    before = await snapshot(drive.pool, "https://example.org")
    assert before.links
    await drive.run("docs", {url(0): 410, url(1): prose(1)})
    await restorer.run(urls=[url(0)])
    await same(drive, before)
    # Of a version that ended before links were kept, the stored body is read again.
    await drive.run("docs", {url(0): 410, url(1): prose(1)})
    await drive.pool.execute("update versions set links = null, rels = null")
    await restorer.run(urls=[url(0)])
    again = await with_links(drive, {url(0): prose(0), url(1): prose(1)}, *linked)
    assert again.updated == 1
    await same(drive, before)


async def with_links(drive: Drive, web: Web, *links: str) -> Counts:
    run_id = await drive.open("docs")
    await drive.enlist(run_id, *web)
    batch = Batch(run_id=run_id, lane=0, number=1)
    await drive.record(run_id, await drive.claim(batch), web)
    pages = [p for p in await drive.crawl.batches.begin_attempt(batch) if p.stage == "fetched"]
    found = [prepared(page, str(web[page.url]), *links) for page in pages]
    await drive.crawl.processed.store(run_id, fences(pages), found)
    await drive.crawl.settlement.settle(
        batch, fences(await drive.crawl.batches.begin_attempt(batch))
    )
    return (await drive.crawl.runs.close_run(CloseRun(run_id=run_id, complete=True))).counts


async def test_a_page_that_came_back_or_changed_since_stays(
    drive: Drive, restorer: Restorer
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", site(30))
    bad = {**site(30), url(1): 410, url(2): 410, url(3): WALL}
    await drive.run("docs", bad)  # run-2
    await drive.run("docs", {**site(30), url(2): prose("newer")})
    found = await restorer.run(of_run="run-2")
    assert {u: (page.result, page.code) for u, page in found.items()} == {
        url(1): ("unchanged", None),
        url(2): ("skipped", "changed_since"),
        url(3): ("unchanged", None),
    }
    assert (await drive.document(url(2))).text == prose("newer")
    history = [tuple(row) for row in await drive.pool.fetch(
        "select v.seq, v.opened_as, v.opened_by, v.closed_as, v.closed_by from versions v "
        "join pages p on p.id = v.page_id where p.url = $1 order by seq", url(1),
    )]  # fmt: skip
    assert history == [
        (1, "added", "run-1", "removed", "run-2"),
        (2, "added", "run-3", None, None),
    ]


async def test_a_page_that_changes_while_a_restore_waits_stays(
    drive: Drive, restorer: Restorer
) -> None:
    await drive.add("docs")
    await drive.run("docs", site(8))
    await drive.run("docs", {**site(8), url(3): WALL})
    run_id, selected = await restorer.begin(urls=[url(3)])
    assert selected.to_do == 1
    await drive.run("docs", {**site(8), url(3): prose("newest")})
    await restorer.chunk(run_id, 1)
    assert (await restorer.end(run_id))[url(3)].code == "changed_since"
    assert (await drive.document(url(3))).text == prose("newest")


async def test_what_cannot_be_restored_is_named(
    drive: Drive, restorer: Restorer, tmp_path: Path
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", {**site(8), url("broken"): 500})
    since = drive.now
    gone = {u: t for u, t in site(8).items() if u != url(1)} | {url("broken"): 500}
    await drive.run("docs", {**gone, url(1): 410})
    await drive.run("docs", {**gone, url(2): prose("second")})
    await drive.run("docs", {**gone, url(2): prose("third")})
    drive.now += timedelta(days=200)
    async with open_blobs(str(tmp_path / "blobs")) as blobs:
        cleaner = Cleaner(drive, blobs, keep=Retention(versions=100, newest_versions=1))
        await cleaner.clean()
    urls = [url(1), url(2), url(3), url("broken"), "https://example.org/never"]
    found = await restorer.run(urls=urls)
    assert {u: (page.result, page.code) for u, page in found.items()} == {
        url(1): ("failed", "purged"),
        url(2): ("failed", "version_expired"),
        url(3): ("unchanged", None),
        url("broken"): ("failed", "no_text"),
    }
    assert all(page.reason for page in found.values() if page.result == "failed")
    missing = await drive.pool.fetch("select asked from run_missing")
    assert [row["asked"] for row in missing] == ["https://example.org/never"]
    since_then = await restorer.run(source="docs", since=since)
    assert {u: page.code for u, page in since_then.items()} == {url(1): "purged"}
    numbered = [(await restorer.run(urls=[url(2)], version=n))[url(2)].code for n in (1, 9)]
    assert numbered == ["version_expired", "version_unknown"]


async def test_a_version_that_goes_while_a_restore_waits_is_named(
    drive: Drive, restorer: Restorer
) -> None:
    await drive.add("docs")
    await drive.run("docs", site(3))
    await drive.run("docs", {**site(3), url(1): WALL})
    run_id, _ = await restorer.begin(urls=[url(1)])
    await drive.pool.execute("delete from versions where seq = 1 and valid_to is not null")
    await restorer.chunk(run_id, 1)
    found = await restorer.end(run_id)
    assert (found[url(1)].result, found[url(1)].code) == ("failed", "version_expired")
    assert (await drive.document(url(1))).text == WALL


async def test_a_restore_that_is_killed_goes_on(
    drive: Drive, restorer: Restorer, tmp_path: Path
) -> None:
    """Chunks of any size, one of them repeated, selected twice: each page comes back once."""
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", site(90))
    before = await snapshot(drive.pool, "https://example.org")
    await drive.run("docs", {**site(90), **{url(n): 410 for n in range(8)}})
    run_id, selected = await restorer.begin(of_run="run-2")
    assert selected.to_do == 8
    await restorer.selection.select(SelectRestores(run_id=run_id, of_run="run-2"))
    await restorer.chunk(run_id, 1, size=3)
    batch = Batch(run_id=run_id, lane=0, number=2)
    late = fences(await drive.claim(batch, size=3))  # its worker is killed here
    assert await restorer.chunk(run_id, 2, size=3) == 3
    await restorer.restores.restore(run_id, late, {})  # and writes no more
    await restorer.chunk(run_id, 3, size=3)
    counts = await restorer.counts(run_id)
    assert (counts.added, counts.done) == (8, 8)
    await restorer.end(run_id)
    await same(drive, before)
    assert await drive.pool.fetchval("select count(*) from versions where seq = 2") == 8
    await sound(drive, tmp_path)


async def test_a_run_before_causes_were_kept_is_undone_by_its_times(
    drive: Drive, restorer: Restorer
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", site(30))
    before = await snapshot(drive.pool, "https://example.org")
    await drive.run("docs", {**site(30), url(1): 410, url(2): WALL})
    await drive.pool.execute(
        "update versions set opened_by = null, opened_as = null, closed_by = null, closed_as = null"
    )
    await restorer.run(of_run="run-2")
    await same(drive, before)


async def test_a_restored_page_of_a_tombstone_keeps_its_versions_for_the_retention(
    drive: Drive, restorer: Restorer, tmp_path: Path
) -> None:
    """A tombstone is kept for its days, then no restore helps; a restored page has none."""
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", site(30))
    await drive.run("docs", {**site(30), url(1): 410, url(2): 410})
    keep = Retention(tombstones=90)
    async with open_blobs(str(tmp_path / "blobs")) as blobs:
        cleaner = Cleaner(drive, blobs, keep=keep)
        drive.now += timedelta(days=89)
        assert (await cleaner.clean()).of("tombstones") == set()
        assert (await restorer.run(urls=[url(1)]))[url(1)].result == "restored"
        drive.now += timedelta(days=2)
        assert (await cleaner.clean()).of("tombstones") == {url(2)}
    assert (await drive.document(url(1))).text == prose(1)
    assert (await restorer.run(urls=[url(2)]))[url(2)].code == "purged"
