"""The feed of changes: every way in which the corpus changes, its numbers, and its readers."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from atlas.contracts.activities import Batch
from atlas.contracts.jobs import BeginJob
from atlas.domain.change_cursors import ChangeCursor, ExpiredCursor, InvalidCursor
from atlas.domain.removal.lifecycle import Evidence
from atlas.domain.retention import Retention
from atlas.embedded.postgres import SUPERUSER
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres import migrate
from atlas.stores.postgres.changes import change_log, change_reader
from atlas.stores.postgres.changes.change_log import NewChange
from atlas.stores.postgres.changes.change_reader import CorpusChange
from atlas.stores.postgres.cleanup import expired_changes
from atlas.stores.postgres.crawl.runs import run_outcomes
from atlas.stores.postgres.crawl.runs.runs import JobRecords
from atlas.stores.postgres.settlement import deletion_decisions, removal, settle
from atlas.stores.postgres.sources import sources
from tests.conftest import PostgresServer
from tests.feed_copy import FeedCopy, assert_feed_is_the_corpus, replayed
from tests.invariants import assert_nothing_is_found
from tests.stores import test_held_bodies as held
from tests.stores.cleaning import Cleaner
from tests.stores.corpus import Corpus
from tests.stores.drive import Drive, Leads, Web
from tests.stores.restorer import Restorer
from tests.stores.rows_read import explained

BASE = "https://example.org"
ONE, TWO, THREE = f"{BASE}/1", f"{BASE}/2", f"{BASE}/3"
WEB: Web = {
    ONE: "The harbour has a lantern that burns all night for the ferries.",
    TWO: "Another text altogether, about tides, moons and the height of water.",
    THREE: "The town has a library, a school and a lighthouse on the point.",
}


async def told(drive: Drive, after: int = 0) -> list[CorpusChange]:
    """What the feed tells behind a number, once it was seen to agree with the corpus."""
    await assert_feed_is_the_corpus(drive.pool)
    await assert_nothing_is_found(drive.pool, "feed")
    async with drive.pool.acquire() as connection:
        state = await change_reader.state(connection)
        part = await change_reader.read(connection, ChangeCursor(state.corpus, after), 1000)
    return [read.change for read in part.changes]


def said(changes: list[CorpusChange]) -> list[tuple[str, str | None, int | None, str]]:
    return sorted((each.kind, each.url, each.version, each.reason) for each in changes)


async def test_a_sync_tells_what_came_what_changed_and_what_left(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    first = await told(drive)
    assert said(first) == [("added", url, 1, "new") for url in (ONE, TWO, THREE)]
    assert {each.sources for each in first} == {("docs",)}
    assert {(each.run_id, each.workflow_id) for each in first} == {("run-1", "sync_pipeline:docs")}
    await drive.run("docs", WEB)
    assert await told(drive, 3) == []  # nothing happened, nothing is told
    await drive.run("docs", {**WEB, ONE: f"{WEB[ONE]} And a bell.", THREE: 410})
    later = await told(drive, 3)
    assert said(later) == [("removed", THREE, 1, "gone"), ("updated", ONE, 2, "text")]
    [gone] = [each for each in later if each.kind == "removed"]
    assert gone.evidence is not None
    assert gone.evidence["looks"] == 1
    await drive.run("docs", WEB)
    assert said(await told(drive, 5)) == [
        ("added", THREE, 2, "returned"),
        ("updated", ONE, 3, "text"),
    ]


async def test_a_page_that_its_listing_lost_names_the_source_that_held_it(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    web = {**WEB, f"{BASE}/4": "A fourth page, with words of its own about kettles and marble."}
    await drive.run("docs", web)
    left = {url: text for url, text in web.items() if url != ONE}
    await drive.run("docs", left, unlisted={ONE: WEB[ONE]})
    [gone] = await told(drive, 4)
    assert (gone.kind, gone.url, gone.reason, gone.sources) == (
        "removed", ONE, "absent", ("docs",),
    )  # fmt: skip


async def test_a_page_that_moved_names_its_new_place(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", {ONE: WEB[ONE], TWO: WEB[TWO]})
    await drive.run("docs", {ONE: Leads(THREE), TWO: WEB[TWO]}, unlisted={THREE: WEB[ONE]})
    changes = await told(drive, 2)
    assert said(changes) == [("added", THREE, 1, "new"), ("removed", ONE, 1, "moved")]
    assert changes[-1].evidence is not None
    assert changes[-1].evidence["to"] == THREE


async def test_a_restore_is_told_as_such(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    await drive.run("docs", {**WEB, ONE: 410})
    await Restorer(drive).run(urls=[ONE])
    [_, back] = await told(drive, 3)
    assert (back.kind, back.url, back.version) == ("restored", ONE, 2)
    assert (back.reason, back.evidence, back.sources) == ("restored", {"version": 1}, ("docs",))


async def process_again(drive: Drive, run_id: str, text: str) -> None:
    """Process the stored body of page 1 once more, as `process_document --force` does."""
    begin = BeginJob(run_id=run_id, workflow_id=run_id, kind="process_document", trigger="cli")
    await JobRecords(drive.pool, lambda: drive.now).begin(begin)
    await held.selection(drive).named(run_id, [ONE], force=True)
    batch = Batch(run_id=run_id, lane=0, number=1, force=True)
    await drive.claim(batch)
    await drive.reprocess(batch, {ONE: text})


async def test_content_changed_under_the_same_text_is_told_once(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", WEB)
    await drive.pool.execute("update documents set markdown = 'by an older rule'")
    for run_id in ("again", "and-again"):
        await process_again(drive, run_id, str(WEB[ONE]))
    changes = await told(drive, 3)
    assert said(changes) == [("updated", ONE, 1, "content")]
    assert (changes[0].run_id, changes[0].workflow_id) == ("again", "again")


async def test_content_changed_by_a_worker_that_died_is_told_by_the_next(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", WEB)
    await drive.pool.execute("update documents set revision = revision + 1")
    await process_again(drive, "again", str(WEB[ONE]))
    assert said(await told(drive, 3)) == [("updated", ONE, 1, "content")]


async def test_a_newer_extractor_that_finds_the_same_text_is_told(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", WEB)
    await drive.pool.execute("update documents set extractor = 0")
    await drive.pool.execute("update page_state set settled_extractor = 0")
    await process_again(drive, "again", str(WEB[ONE]))
    changes = await told(drive, 3)
    assert said(changes) == [("updated", ONE, 2, "extractor")]


async def test_an_accepted_body_says_what_it_was_taken_for(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", held.site())
    await drive.run("docs", held.site(p3=held.LOGIN))
    before = await told(drive)
    assert {each.kind for each in before} == {"added"}  # nothing is told of what is held
    assert await held.accept(drive, "p3") == "updated"
    [change] = await told(drive, len(before))
    assert (change.kind, change.url, change.reason) == ("updated", held.url("p3"), "accepted")
    assert change.evidence is not None
    assert set(change.evidence) == {"taken_for", "looks"}


async def test_what_a_person_approves_to_remove_names_the_decision(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    await drive.run("docs", dict.fromkeys(WEB, 410))
    assert len(await told(drive)) == 3  # the brake held them
    async with drive.pool.acquire() as connection:
        done = await deletion_decisions.decide(
            connection, "docs", [ONE], "approved", by="decision", now=drive.now
        )
    assert done.removed == 1
    [gone] = await told(drive, 3)
    assert (gone.kind, gone.url, gone.reason) == ("removed", ONE, "gone")
    assert gone.evidence is not None
    assert gone.evidence["approved_by"] == "decision"


async def test_a_source_removed_with_its_documents_is_an_erasure(drive: Drive) -> None:
    source = await drive.add("docs")
    await drive.add("also")
    await drive.run("docs", WEB)
    await drive.run("also", {TWO: WEB[TWO]})
    async with drive.pool.acquire() as connection:
        await removal.remove_source(connection, source, purge=True, now=drive.now)
    changes = await told(drive)
    erased = [each for each in changes if each.kind == "erased"]
    assert {each.url for each in changes if each not in erased} == {TWO}
    # Two added before, and the two now.
    assert sorted((each.reason, each.sources) for each in erased) == [
        ("erased", ("docs",)), ("erased", ("docs",)),
        ("source_removed", ("docs",)), ("source_removed", ("docs",)),
    ]  # fmt: skip
    assert {(each.url, each.version, each.text_hash) for each in erased} == {(None, None, None)}


async def by_source(drive: Drive, source: str, after: int = 0) -> list[tuple[str, str | None]]:
    async with drive.pool.acquire() as connection:
        state = await change_reader.state(connection)
        place = ChangeCursor(state.corpus, after)
        part = await change_reader.read(connection, place, 100, source)
    return [(read.change.kind, read.change.url) for read in part.changes]


async def test_a_page_that_a_source_comes_to_hold_or_releases_is_told_to_its_readers(
    drive: Drive,
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.add("also", deletion="prompt")
    await drive.run("docs", {ONE: WEB[ONE], TWO: WEB[TWO]})
    led = {THREE: Leads(ONE)}
    await drive.run("also", {TWO: WEB[TWO], **led}, unlisted={ONE: WEB[ONE]})  # listed, led to
    joined = await told(drive, 2)
    assert said(joined) == [("updated", url, 1, "sources") for url in (ONE, TWO)]
    assert {each.sources for each in joined} == {("also", "docs")}
    assert [each.evidence for each in joined] == [{"joined": ["also"], "left": []}] * 2
    assert sorted(await by_source(drive, "also")) == [("added", ONE), ("added", TWO)]
    assert await by_source(drive, "docs", 2) == [("updated", each.url) for each in joined]
    await drive.run("also", {TWO: WEB[TWO], **led}, unlisted={ONE: WEB[ONE]})
    assert await told(drive, 4) == []
    await drive.run("docs", {ONE: WEB[ONE]})  # `also` holds it still
    [left] = await told(drive, 4)
    assert (left.url, left.sources, left.reason) == (TWO, ("also",), "sources")
    assert await by_source(drive, "docs", 4) == [("removed", TWO)]
    assert await by_source(drive, "also", 4) == [("updated", TWO)]


async def test_a_removed_source_releases_its_pages_and_they_stay_live(drive: Drive) -> None:
    source = await drive.add("docs")
    await drive.run("docs", {ONE: WEB[ONE]})
    async with drive.pool.acquire() as connection:
        await removal.remove_source(connection, source, purge=False, now=drive.now)
    [left] = await told(drive, 1)
    assert (left.kind, left.sources, left.evidence) == (
        "updated", (), {"joined": [], "left": ["docs"]},
    )  # fmt: skip
    assert await by_source(drive, "docs", 1) == [("removed", ONE)]


async def test_a_release_is_told_where_the_feed_has_forgotten_who_held_the_page(
    drive: Drive,
) -> None:
    source = await drive.add("docs")
    await drive.add("also")
    await drive.run("docs", {ONE: WEB[ONE]})
    await drive.run("also", {ONE: WEB[ONE]})
    await drive.pool.execute("delete from changes")
    await drive.pool.execute("update change_feed set trimmed = last")
    async with drive.pool.acquire() as connection:
        await removal.remove_source(connection, source, purge=False, now=drive.now)
    assert await by_source(drive, "docs", 2) == [("removed", ONE)]
    assert await by_source(drive, "also", 2) == [("added", ONE)]  # what it has, once more


async def test_an_erasure_reaches_those_who_read_by_the_source_that_let_the_page_go(
    drive: Drive,
) -> None:
    """They deleted it when it was removed; what they keep of the past has to go, too."""
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    await drive.run("docs", {TWO: WEB[TWO], THREE: WEB[THREE]}, unlisted={ONE: WEB[ONE]})
    assert await by_source(drive, "docs", 3) == [("removed", ONE)]
    async with drive.pool.acquire() as connection, connection.transaction():
        page = await connection.fetchval("select id from pages where url = $1", ONE)
        causes = {page: settle.LeavingCause("purged")}
        gone = await settle.bury(connection, [page], drive.now, causes=causes, why=Evidence.ERASED)
        await change_log.append(connection, None, gone, drive.now)
    assert await by_source(drive, "docs", 4) == [("erased", None)]


async def test_an_erasure_reaches_those_who_read_by_a_source_that_released_the_page(
    drive: Drive,
) -> None:
    await drive.add("docs")
    other = await drive.add("also")
    await drive.run("docs", {ONE: WEB[ONE]})
    await drive.run("also", {ONE: WEB[ONE]})
    async with drive.pool.acquire() as connection:
        await removal.remove_source(connection, await sources.get(connection, "docs"),
                                    purge=False, now=drive.now)  # fmt: skip
        await removal.remove_source(connection, other, purge=True, now=drive.now)
    # One that has read up to 2 has the page, and is told to delete it, in place of the release
    # and once more.
    assert await by_source(drive, "docs", 2) == [("erased", None)] * 2
    await assert_feed_is_the_corpus(drive.pool)


async def test_a_reader_by_source_sees_what_the_source_held(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.add("also")
    await drive.run("docs", {ONE: WEB[ONE]})
    await drive.run("also", {TWO: WEB[TWO]})
    async with drive.pool.acquire() as connection:
        state = await change_reader.state(connection)
        part = await change_reader.read(connection, ChangeCursor(state.corpus, 0), 10, "also")
        assert [read.change.url for read in part.changes] == [TWO]
        assert part.cursor == state.end  # what was passed over need not be looked at again
        part = await change_reader.live(
            connection, ChangeCursor(state.corpus, 0, page=0), 9, "docs"
        )
        assert [read.change.url for read in part.changes] == [ONE]


async def test_texts_come_with_their_changes_as_long_as_they_are_kept(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", {ONE: WEB[ONE], TWO: WEB[TWO]})
    await drive.run("docs", {ONE: f"{WEB[ONE]} And a bell.", TWO: 410})
    async with drive.pool.acquire() as connection:
        state = await change_reader.state(connection)
        part = await change_reader.read(connection, ChangeCursor(state.corpus, 0), 10)
        [piece] = await change_reader.portions(connection, part.changes, "text")
        found = await change_reader.with_texts(connection, piece, "text")
        assert {(each.kind, each.url, each.text, each.title) for each in found} == {
            ("added", ONE, WEB[ONE], "Title"),
            ("added", TWO, WEB[TWO], "Title"),
            ("updated", ONE, f"{WEB[ONE]} And a bell.", "Title"),
            ("removed", TWO, None, None),
        }
        marked = await change_reader.with_texts(connection, piece, "markdown")
        assert [each.markdown for each in marked] == [each.text for each in found]
        assert {each.text for each in marked} == {None}


async def test_changes_come_with_the_chunks_of_their_texts(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", {ONE: "# Lamp\n\nLit at dusk.\n\n## Oil\n\nOf whales, once."})
    async with drive.pool.acquire() as connection:
        state = await change_reader.state(connection)
        part = await change_reader.read(connection, ChangeCursor(state.corpus, 0), 10)
        [piece] = await change_reader.portions(connection, part.changes, "chunks")
        [found] = await change_reader.with_texts(connection, piece, "chunks")
    assert found.chunks is not None and (found.text, found.markdown) == (None, None)
    assert [(each.section[-1], each.section_url) for each in found.chunks] == [
        ("Lamp", f"{ONE}#lamp"),
        ("Oil", f"{ONE}#oil"),
    ]


async def test_large_texts_are_read_a_few_at_a_time(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drive.add("docs")
    await drive.run("docs", WEB)
    monkeypatch.setattr(change_reader, "_BYTES", 100)
    async with drive.pool.acquire() as connection:
        state = await change_reader.state(connection)
        part = await change_reader.read(connection, ChangeCursor(state.corpus, 0), 10)
        pieces = await change_reader.portions(connection, part.changes, "text")
        assert [len(piece) for piece in pieces] == [1, 1, 1]
        assert [read for piece in pieces for read in piece] == part.changes


# Numbers


async def append(connection: asyncpg.Connection, drive: Drive, pages: list[int]) -> None:
    await change_log.append(
        connection, None, [NewChange("erased", page, "test") for page in pages], drive.now
    )


async def test_numbers_are_in_the_order_of_commits_and_have_no_gap(drive: Drive) -> None:
    """Writers that commit, roll back and wait, and readers beside them: every reader sees the same
    numbers in a row, each once, and never one behind which another appears."""
    writers, each, ended = 6, 25, asyncio.Event()
    chance = random.Random(7)

    async def write(writer: int) -> None:
        for number in range(each):
            async with drive.pool.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute("select pg_sleep($1)", chance.random() / 200)
                await append(connection, drive, [writer * 1000 + number] * chance.randint(1, 3))
                if chance.random() < 0.3:
                    await transaction.rollback()
                else:
                    await transaction.commit()

    async def follow() -> list[tuple[int | None, int]]:
        async with drive.pool.acquire() as connection:
            state = await change_reader.state(connection)
            cursor, found = ChangeCursor(state.corpus, 0), []
            while True:
                over = ended.is_set()
                part = await change_reader.read(connection, cursor, 7)
                found += [(read.change.number, read.change.page) for read in part.changes]
                cursor = part.cursor
                if over and not part.more:
                    return found
                await asyncio.sleep(0)

    readers = [asyncio.create_task(follow()) for _ in range(2)]
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    ended.set()
    seen = [await reader for reader in readers]
    late = await follow()
    assert seen[0] == seen[1] == late
    assert [number for number, _ in late] == list(range(1, len(late) + 1))
    assert len(late) >= writers * each * 0.5
    await assert_nothing_is_found(drive.pool, "feed_numbers")


async def test_whoever_appends_waits_for_no_one_and_is_waited_for(drive: Drive) -> None:
    """A number that is given and not committed keeps all others back: no reader can pass it."""
    async with drive.pool.acquire() as one, drive.pool.acquire() as other:
        first = one.transaction()
        await first.start()
        await append(one, drive, [1])
        second = asyncio.create_task(_in_transaction(other, drive, [2]))
        while not await drive.pool.fetchval(
            "select exists (select from pg_stat_activity where datname = current_database() "
            "and wait_event_type = 'Lock')"
        ):
            await asyncio.sleep(0.01)
        assert not second.done()
        assert await drive.pool.fetchval("select count(*) from changes") == 0
        await first.rollback()
        await second
    rows = await drive.pool.fetch("select number, page_id from changes")
    assert [tuple(row) for row in rows] == [(1, 2)]


async def _in_transaction(connection: asyncpg.Connection, drive: Drive, pages: list[int]) -> None:
    async with connection.transaction():
        await append(connection, drive, pages)


# Cursors


async def test_a_reader_that_begins_gets_everything_wherever_it_is_interrupted(
    drive: Drive,
) -> None:
    """Also where the feed's beginning is past its retention: what is live, then what happens."""
    await drive.add("docs", deletion="prompt")
    web = {f"{BASE}/{n}": f"Text {n} {'of words ' * n}" for n in range(12)}
    await drive.run("docs", web)
    async with drive.pool.acquire() as connection:
        await connection.execute("delete from changes where number <= 10")
        await connection.execute("update change_feed set trimmed = 10")
        state = await change_reader.state(connection)
        cursor = ChangeCursor(state.corpus, state.last, state.mark, page=0)
        copy = FeedCopy()
        part = await change_reader.live(connection, cursor, 5)
        copy.apply(read.change for read in part.changes)
        # Meanwhile pages that were read and pages that were not change, leave and come.
        web |= {f"{BASE}/0": "Another", f"{BASE}/11": "Another, too", f"{BASE}/12": "New here"}
        await drive.run("docs", {**web, f"{BASE}/10": 410})
        rest = await replayed(connection, part.cursor, limit=5)
        copy.apply(rest.seen)
        assert copy.pages == (await replayed(connection, cursor, limit=500)).pages
    await assert_feed_is_the_corpus(drive.pool)
    assert len(copy.pages) == 12


async def test_a_cursor_that_cannot_go_on_is_refused_by_name(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", WEB)
    async with drive.pool.acquire() as connection:
        state = await change_reader.state(connection)
        await change_reader.verify(connection, state.end)
        with pytest.raises(InvalidCursor, match="is of corpus 00000000"):
            await change_reader.verify(connection, ChangeCursor("00000000", 1))
        with pytest.raises(InvalidCursor, match="restored from a backup"):
            await change_reader.verify(connection, ChangeCursor(state.corpus, 4))
        other = ChangeCursor(state.corpus, 2, "0badcafe")
        with pytest.raises(InvalidCursor, match="names another change 2"):
            await change_reader.verify(connection, other)
        early = ChangeCursor(state.corpus, 1)
        await change_reader.verify(connection, early)
        await connection.execute("delete from changes where number <= 2")
        await connection.execute("update change_feed set trimmed = 2")
        for refusing in (change_reader.verify(connection, early),
                         change_reader.read(connection, early, 10)):  # fmt: skip
            with pytest.raises(ExpiredCursor, match=r"has expired.*Begin with 'start'"):
                await refusing
        part = await change_reader.read(connection, ChangeCursor(state.corpus, 2), 10)
        assert [read.change.number for read in part.changes] == [3]


async def test_a_feed_that_disagrees_is_found_and_told_again(drive: Drive) -> None:
    """The audit's checks, and their repair: what no change told of is told."""
    from atlas.stores.postgres.audit import checks, repairs

    await drive.add("docs")
    await drive.run("docs", WEB)
    for damage in (
        "delete from changes where number = 3",
        "update changes set kind = 'removed' where number = 2",
        "update changes set version = 7 where number = 1",
    ):
        await drive.pool.execute(damage)
    check = checks.BY_NAME["feed"]
    async with drive.pool.acquire() as connection:
        pages: list[object] = [row["id"] for row in await connection.fetch("select id from pages")]
        found = {each.key for each in await checks.found(connection, check, pages)}
        assert found == {str(page) for page in pages}
        numbers = await checks.found(connection, checks.BY_NAME["feed_numbers"], [])
        assert "3 numbers, 2 changes" in numbers[0].detail
        assert await repairs.repaired(connection, check, sorted(found), drive.now) == found
    rows = await drive.pool.fetch("select kind, reason from changes where number > 3")
    assert {row["reason"] for row in rows} == {"repaired"}
    assert sorted(row["kind"] for row in rows) == ["added", "added", "updated"]


# Retention


async def test_old_changes_go_from_the_beginning_on_in_blocks(
    drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expired_changes, "BLOCK", 2)
    await drive.add("docs")
    await drive.run("docs", WEB)
    drive.now += timedelta(days=20)
    await drive.run("docs", {**WEB, ONE: "Says something else"})
    drive.now += timedelta(days=11)
    async with open_blobs(str(tmp_path)) as blobs:
        cleaner = Cleaner(drive, blobs, Retention(changes=30))
        await cleaner.freeze()
        dry = await cleaner.clean(classes=("changes",), dry_run=True)
        assert dry.of("changes") == {"changes 1 to 2", "changes 3 to 3"}
        assert len(await told(drive)) == 4
        capped = await cleaner.clean(classes=("changes",), most=1)
        assert capped.of("changes") == {"changes 1 to 2"}
        assert [each.number for each in await told(drive, 2)] == [3, 4]
        rest = await cleaner.clean(classes=("changes",))
        assert rest.of("changes") == {"changes 3 to 3"}
        assert [each.number for each in await told(drive, 3)] == [4]
        with pytest.raises(ExpiredCursor, match="changes up to 3 are past their retention"):
            await told(drive, 2)
        drive.now += timedelta(days=300)
        assert (await cleaner.clean(classes=("changes",))).of("changes") == {"changes 4 to 4"}
        cleaner.keep = Retention(changes=0)
        await drive.run("docs", WEB)
        drive.now += timedelta(days=3000)
        assert (await cleaner.clean(classes=("changes",))).of("changes") == set()
    # The numbers go on, and a reader at the end has missed nothing.
    assert [each.number for each in await told(drive, 4)] == [5]


async def test_a_corpus_from_before_the_feed_begins_with_what_is_live(
    empty_database_url: str,
) -> None:
    [feed] = [each for each in migrate.known() if "changes" in each.name]
    async with asyncpg.create_pool(empty_database_url, min_size=1, max_size=4) as pool:
        async with pool.acquire() as connection:
            await migrate.migrate(connection)
            await Corpus(connection).put(ONE, "One", "A text from before the feed.")
            await connection.execute(
                "drop table changes, change_feed;"
                "alter table documents drop column revision, drop column revision_told"
            )
            await connection.execute(feed.sql)
            state = await change_reader.state(connection)
            assert (state.last, state.trimmed) == (1, 1)
            with pytest.raises(ExpiredCursor):
                await change_reader.verify(connection, ChangeCursor(state.corpus, 0))
            part = await change_reader.live(connection, state.begin, 10)
            assert [read.change.url for read in part.changes] == [ONE]
            await append(connection, Drive(pool), [7])
            part = await change_reader.read(connection, part.cursor, 10)
            assert [read.change.number for read in part.changes] == [2]
        await assert_nothing_is_found(pool, "feed")
        await assert_feed_is_the_corpus(pool)


# The pages of a run


async def test_the_outcomes_of_a_sync_name_every_page_that_it_touched(drive: Drive) -> None:
    await drive.add("docs", deletion="prompt")
    old, gone, down = f"{BASE}/old", f"{BASE}/gone", f"{BASE}/down"
    more: Web = {url: f"Words of {url} on its own" for url in (old, gone, down)}
    many: Web = {f"{BASE}/m{n}": f"Many words of page {n}" for n in range(20)}
    await drive.run("docs", {**WEB, **more, **many})
    web: Web = {**WEB, **many, ONE: "Says something else", gone: 410, down: 500,
                f"{BASE}/fresh": "A fresh text about nothing else."}  # fmt: skip
    await drive.run("docs", web, unlisted={old: more[old]})
    async with drive.pool.acquire() as connection:
        found = {each["url"]: each async for each in run_outcomes.of_run(connection, "run-2")}
        live = {row["url"]: row["text"] for row in await connection.fetch(
            "select p.url, encode(d.text_hash, 'hex') as text from versions v "
            "join pages p on p.id = v.page_id join documents d on d.id = v.document_id "
            "where v.valid_to is null"
        )}  # fmt: skip
        assert list(found) == sorted({**web, **more})
        assert {url: each["outcome"] for url, each in found.items() if url not in many} == {
            ONE: "updated", TWO: "unchanged", THREE: "unchanged", f"{BASE}/fresh": "added",
            gone: "removed", old: "removed", down: "failed",
        }  # fmt: skip
        assert (found[gone]["error_class"], found[gone]["code"]) == ("gone", "http_410")
        assert {url: found[url]["text_hash"] for url in live} == live
        assert {found[url]["text_hash"] for url in (gone, old)}.isdisjoint({None, *live.values()})
        assert not await run_outcomes.is_recorded(connection, "nobody")
        # Later runs change nothing of what this one did.
        await drive.run("docs", {**web, ONE: "And again something else", gone: "It is back"})
        again = {each["url"]: each async for each in run_outcomes.of_run(connection, "run-2")}
        assert again == found


@pytest.mark.parametrize("generic", [False, True])
async def test_a_read_costs_what_it_returns_however_long_the_feed_is(
    drive: Drive, postgres_server: PostgresServer, generic: bool
) -> None:
    await drive.pool.execute(
        "insert into changes (number, at, kind, page_id, reason, sources) "
        "select n, now(), 'erased', n, 'test', '{docs}' from generate_series(1, 20000) n"
    )
    await drive.pool.execute("update change_feed set last = 20000")
    await drive.pool.execute("analyze changes")
    name = await drive.pool.fetchval("select current_database()")
    url = postgres_server.url(name, SUPERUSER)
    async with explained(url, generic=generic) as reader:
        state = await change_reader.state(reader.connection)
        with reader.reading() as most:
            for source, found in ((None, 50), ("docs", 50), ("blog", 0)):
                place = ChangeCursor(state.corpus, 10_000)
                part = await change_reader.read(reader.connection, place, 50, source)
                assert len(part.changes) == found
            await change_reader.verify(reader.connection, state.end)
        assert most
        assert max(most.values()) < 500, most
