"""What a clean-up takes away and what it never does; the dry run lists what a real one takes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from atlas.contracts.activities import Batch
from atlas.contracts.daily_cleanup import Sweep
from atlas.contracts.rebuild_index import CopyTexts, StartGeneration, SwitchGeneration
from atlas.domain.retention import SHORTEST_GRACE, Retention, cutoff
from atlas.settings import Settings
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.crawl.bodies import blob_index, ledger_partitions, snapshot_reuse
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.postgres.services.index_rebuild import Rebuilds
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.invariants import assert_invariants
from tests.stores.cleaning import DAY, Cleaned, Cleaner
from tests.stores.corpus import analyse
from tests.stores.drive import Answer, Drive, nobody_is_open
from workflows import options

A, B = "https://example.org/a", "https://example.org/b"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
async def cleaner(drive: Drive, root: Path) -> AsyncIterator[Cleaner]:
    async with open_blobs(str(root)) as blobs:
        yield Cleaner(drive, blobs)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def sound(cleaner: Cleaner, root: Path) -> None:
    """The invariants, and that every live document's body is there."""
    kept_since = cutoff(cleaner.keep.snapshots, cleaner.drive.now)
    if kept_since.year < 2000:
        kept_since = datetime(2000, 1, 1, tzinfo=UTC)
    await assert_invariants(cleaner.pool, root, bodies_since=kept_since)


async def test_an_empty_corpus(cleaner: Cleaner, root: Path) -> None:
    cleaned = await cleaner.clean()
    assert cleaned.items == set()
    assert cleaned.ended.removed == {}
    await sound(cleaner, root)


# Versions and snapshots


async def change(cleaner: Cleaner, texts: list[str], *, apart: timedelta = DAY) -> None:
    """One page whose text changes from run to run."""
    await cleaner.drive.add("docs")
    for text in texts:
        cleaner.drive.now += apart
        await cleaner.sync("docs", {A: text})


SHARED: str | int = "A text that many pages share."
TEXTS = [f"The keeper wrote line {number} of the log." for number in range(6)]


async def test_old_versions_go_with_their_documents_but_the_newest(
    cleaner: Cleaner, root: Path
) -> None:
    cleaner.keep = Retention(versions=100, newest_versions=3)
    await change(cleaner, TEXTS)
    cleaner.drive.now += timedelta(days=200)
    cleaned = await cleaner.clean()
    assert cleaned.of("versions") == {f"{A} version {number}" for number in (1, 2, 3)}
    texts = await cleaner.pool.fetch("select text from documents order by id")
    assert [row["text"] for row in texts] == TEXTS[3:]
    await sound(cleaner, root)
    await cleaner.sync("docs", {A: "Another line altogether."})
    assert await cleaner.value("select max(seq) from versions") == 7
    await sound(cleaner, root)


async def test_versions_replaced_lately_stay_however_many(cleaner: Cleaner) -> None:
    cleaner.keep = Retention(versions=100, newest_versions=1)
    await change(cleaner, TEXTS)
    cleaner.drive.now += timedelta(days=94)
    assert (await cleaner.clean()).of("versions") == set()


async def test_a_document_that_a_kept_version_shares_stays(cleaner: Cleaner, root: Path) -> None:
    cleaner.keep = Retention(versions=100, newest_versions=2)
    await change(cleaner, [TEXTS[0], TEXTS[1], TEXTS[0]])
    cleaner.drive.now += timedelta(days=200)
    assert (await cleaner.clean()).of("versions") == {f"{A} version 1"}
    assert await cleaner.value("select count(*) from documents") == 2
    await sound(cleaner, root)


async def test_a_body_goes_after_its_retention_and_the_grace(cleaner: Cleaner, root: Path) -> None:
    """Superseded, not in a kept version: condemned when the ledger's row is old, then deleted."""
    cleaner.keep = Retention(snapshots=30, versions=1, newest_versions=1)
    await change(cleaner, TEXTS[:2])
    old, live = digest(TEXTS[0]), digest(TEXTS[1])
    cleaner.drive.now += timedelta(days=10)
    assert (await cleaner.clean()).condemned == 0  # the version went, the ledger holds the body
    cleaner.drive.now += timedelta(days=25)
    assert (await cleaner.clean()).condemned == 1
    assert old in await cleaner.objects()
    cleaner.drive.now += cleaner.keep.grace - timedelta(seconds=1)
    assert (await cleaner.clean()).of("snapshots") == set()
    cleaner.drive.now += timedelta(seconds=1)
    cleaned = await cleaner.clean()
    assert cleaned.of("snapshots") == {old}
    assert cleaned.ended.bytes_freed > 0
    assert old not in await cleaner.objects()
    assert live in await cleaner.objects()
    assert (
        await cleaner.value("select count(*) from blobs where hash = $1", bytes.fromhex(old)) == 0
    )
    await sound(cleaner, root)


async def test_a_body_of_a_kept_version_stays(cleaner: Cleaner, root: Path) -> None:
    cleaner.keep = Retention(changes=0)  # else the list of those that went is a body itself
    await change(cleaner, TEXTS)
    for _ in range(4):
        cleaner.drive.now += timedelta(days=60)
        assert (await cleaner.clean()).of("snapshots") == set()
    assert {digest(text) for text in TEXTS} <= await cleaner.objects()
    await sound(cleaner, root)


async def test_for_ever_is_for_ever(cleaner: Cleaner, root: Path) -> None:
    cleaner.keep = Retention(
        snapshots=0, versions=0, newest_versions=1, tombstones=0, pages=0, runs=0, newest_runs=1,
        ledger=0, hosts=0, artifacts=0, changes=0, freshness=0,
    )  # fmt: skip
    await change(cleaner, TEXTS)
    for _ in range(2):
        await cleaner.sync("docs", {A: 410})
    for _ in range(3):
        cleaner.drive.now += timedelta(days=1000)
        await cleaner.freeze()
        assert (await cleaner.clean()).items == set()
    await sound(cleaner, root)


async def test_a_condemned_body_that_is_referred_to_again_is_spared(cleaner: Cleaner) -> None:
    blob = await cleaner.put(b"fetched for nothing")
    cleaner.drive.now += timedelta(days=3)
    assert (await cleaner.clean()).condemned == 1
    await cleaner.pool.execute(
        "insert into artifacts values ('report', 'r', $1, 'text/html', $2)",
        bytes.fromhex(blob),
        cleaner.drive.now,
    )
    cleaner.drive.now += timedelta(days=3)
    assert (await cleaner.clean()).items == set()
    assert await cleaner.value("select count(*) from blobs where condemned_at is not null") == 0
    assert blob in await cleaner.objects()


async def test_what_somebody_is_about_to_refer_to_stays(cleaner: Cleaner) -> None:
    blob = await cleaner.put(b"fetched for nothing")
    cleaner.drive.now += timedelta(days=3)
    await cleaner.clean()
    cleaner.drive.now += timedelta(days=3)
    async with cleaner.pool.acquire() as connection:
        assert await blob_index.hold(connection, [bytes.fromhex(blob), b"\0" * 32]) == {
            bytes.fromhex(blob)
        }
    assert (await cleaner.clean()).of("snapshots") == set()


async def test_a_body_taken_from_the_ledger_is_spared_and_one_that_is_gone_is_not_taken(
    cleaner: Cleaner,
) -> None:
    """`process_document` refers to what `fetch_url` once got, without putting it again."""
    await cleaner.drive.add("docs")
    pages = []
    for url, body in ((A, b"got once"), (B, b"got once, too")):
        blob = await cleaner.put(body)
        pages.append((await cleaner.drive.crawl.fetches.known_page(url)).page_id)
        await cleaner.pool.execute(
            "insert into fetches (run_started, run_id, page_id, attempt, url, snapshot, fetched_at)"
            " values ($1, $2, $3, 1, $2, $4, $1)",
            *(cleaner.drive.now, url, pages[-1], bytes.fromhex(blob)),
        )
    cleaner.drive.now += timedelta(days=40)
    assert (await cleaner.clean()).condemned == 2
    async with cleaner.pool.acquire() as connection, connection.transaction():
        await snapshot_reuse.adopt(connection, pages[:1], cleaner.drive.now)
    cleaner.drive.now += timedelta(days=3)
    gone = hashlib.sha256(b"got once, too").hexdigest()
    assert (await cleaner.clean()).of("snapshots") == {gone}
    async with cleaner.pool.acquire() as connection, connection.transaction():
        await snapshot_reuse.adopt(connection, pages, cleaner.drive.now)
    rows = await cleaner.pool.fetch("select fetched_snapshot from page_state order by page_id")
    assert [row["fetched_snapshot"] and row["fetched_snapshot"].hex() for row in rows] == [
        hashlib.sha256(b"got once").hexdigest(),
        None,
    ]


async def test_what_refers_to_a_blob_is_looked_up_not_searched_for(cleaner: Cleaner) -> None:
    """The last look before a deletion, under the blobs' locks, reads no table through."""
    for statement in (
        "insert into pages (url, created_at) select 'https://example.org/' || n, now() "
        "from generate_series(1, 20000) n",
        "insert into page_state (page_id, fetched_snapshot, settled_snapshot) "
        "select id, sha256(url::bytea), sha256(url::bytea) from pages",
        "insert into documents (page_id, text_hash, extractor, snapshot, media, title, text, "
        "markdown, created_at) select id, sha256(url::bytea), 1, sha256(url::bytea), 'html', '', "
        "'', '', now() from pages",
        "insert into fetches (run_started, run_id, page_id, attempt, url, snapshot, fetched_at) "
        "select now(), 'r', id, 1, url, sha256(url::bytea), now() from pages",
        "insert into blobs (hash, size, put_at, condemned_at) select sha256(url::bytea), 1, "
        "now(), now() from pages",
        "analyze",
    ):
        await cleaner.pool.execute(statement)
    referred = blob_index.referred("timestamptz '2000-01-01'")
    plan = await cleaner.pool.fetch(
        "explain select hash from blobs b where hash = any(array(select sha256(n::text::bytea) "
        f"from generate_series(1, 100) n)) and not {referred}"
    )
    text = "\n".join(row[0] for row in plan)
    large = ("blobs", "page_state", "documents", "fetches_default")  # the others are empty here
    searched = [name for name in large if f"Seq Scan on {name}" in text]
    assert searched == [], text
    assert "fetches_default_snapshot_idx" in text


async def test_a_run_of_an_earlier_day_made_late_keeps_the_grace(cleaner: Cleaner) -> None:
    """Two clean-ups that catch up, a minute apart: the second must not delete what the first
    condemned, though two days lie between the moments they stand for."""
    await cleaner.put(b"fetched for nothing")
    start = cleaner.drive.now
    cleaner.drive.now += timedelta(days=20)
    assert (await cleaner.clean(now=start + timedelta(days=10))).condemned == 1
    cleaner.drive.now += timedelta(minutes=1)
    assert (await cleaner.clean(now=start + timedelta(days=13))).of("snapshots") == set()
    cleaner.drive.now += timedelta(days=3)
    assert len((await cleaner.clean()).of("snapshots")) == 1


def test_the_grace_outlasts_every_activity() -> None:
    longest = max(
        value["start_to_close_timeout"]
        for value in vars(options).values()
        if isinstance(value, dict) and "start_to_close_timeout" in value
    )
    assert longest < SHORTEST_GRACE
    assert Retention().grace >= SHORTEST_GRACE
    assert Settings().retention.cleanup_grace * 3600 == Retention().grace.total_seconds()
    with pytest.raises(ValueError, match="grace"):
        Retention(grace=timedelta(hours=23))


# Races of announcing and deleting


async def condemned(cleaner: Cleaner, body: bytes) -> str:
    """A blob that the next clean-up deletes."""
    blob = await cleaner.put(body)
    cleaner.drive.now += timedelta(days=3)
    await cleaner.clean()
    cleaner.drive.now += timedelta(days=3)
    return blob


async def test_a_blob_announced_while_it_is_deleted_is_there_in_the_end(cleaner: Cleaner) -> None:
    body = b"wanted again, that very moment"
    blob = await condemned(cleaner, body)
    deleting, may_delete = asyncio.Event(), asyncio.Event()

    async def delete(name: str) -> None:
        deleting.set()
        await may_delete.wait()
        await cleaner.blobs.delete(name)

    upkeep = cleaner.upkeep(delete=delete)
    cleaning = asyncio.create_task(cleaner.clean(upkeep=upkeep))
    await deleting.wait()
    putting = asyncio.create_task(cleaner.put(body))
    while not await cleaner.value("select count(*) from pg_locks where not granted"):
        assert not putting.done(), "announcing did not wait for the deletion"
        await asyncio.sleep(0.01)
    may_delete.set()
    assert (await cleaning).of("snapshots") == {blob}
    assert await putting == blob
    assert await cleaner.blobs.get(blob) == body
    assert await cleaner.value("select count(*) from blobs where condemned_at is null") >= 1


async def test_a_blob_announced_before_it_is_deleted_stays(cleaner: Cleaner) -> None:
    blob = await condemned(cleaner, b"wanted again, just in time")
    await cleaner.drive.crawl.fetches.announce_blob(blob, 26)
    assert (await cleaner.clean()).of("snapshots") == set()
    assert blob in await cleaner.objects()


async def test_a_deletion_that_is_cut_off_is_done_by_the_next(cleaner: Cleaner) -> None:
    blob = await condemned(cleaner, b"half gone")

    async def delete(name: str) -> None:
        await cleaner.blobs.delete(name)
        raise ConnectionResetError

    with pytest.raises(ExceptionGroup):
        await cleaner.clean(upkeep=cleaner.upkeep(delete=delete))
    assert await cleaner.value("select count(*) from blobs where hash = $1", bytes.fromhex(blob))
    assert (await cleaner.clean()).of("snapshots") == {blob}


# The store against the rows


async def test_an_object_without_a_row_is_adopted_then_condemned_then_deleted(
    cleaner: Cleaner, root: Path
) -> None:
    stray = (await cleaner.blobs.put(b"put by nobody we know")).digest
    cleaner.drive.now = datetime.now(UTC)
    assert (await cleaner.clean()).adopted == 0  # young: somebody may be about to make its row
    cleaner.drive.now += timedelta(days=3)
    cleaned = await cleaner.clean()
    assert (cleaned.adopted, cleaned.condemned) == (1, 1)
    assert await cleaner.value("select size from blobs") == len(b"put by nobody we know")
    cleaner.drive.now += timedelta(days=3)
    assert (await cleaner.clean()).of("snapshots") == {stray}
    assert stray not in await cleaner.objects()
    await sound(cleaner, root)


async def test_a_referred_object_whose_row_was_lost_is_adopted_and_stays(
    cleaner: Cleaner, root: Path
) -> None:
    cleaner.drive.now = datetime.now(UTC)
    await change(cleaner, TEXTS[:1])
    await cleaner.pool.execute("delete from blobs")
    cleaner.drive.now += timedelta(days=5)
    cleaned = await cleaner.clean()
    assert cleaned.adopted == 1
    await sound(cleaner, root)


async def test_a_lost_body_is_named_and_its_page_is_fetched_again(
    cleaner: Cleaner, root: Path
) -> None:
    await cleaner.drive.add("docs")
    web = {f"https://example.org/{number}": f"Page {number} of the log." for number in range(20)}
    await cleaner.sync("docs", web)
    lost = digest(web["https://example.org/7"])
    await cleaner.blobs.delete(lost)
    cleaner.drive.now += timedelta(days=3)
    for dry_run in (True, False):
        cleaned = await cleaner.clean(dry_run=dry_run)
        assert cleaned.mended.missing == 1
        assert [(m.digest, m.url) for m in cleaned.ended.missing_blobs] == [
            (lost, "https://example.org/7")
        ]
        assert cleaned.mended.pages == (0 if dry_run else 1)
    assert "fetched again" in cleaned.mended.message
    run = await cleaner.drive.open("docs")
    await cleaner.drive.enlist(run, *web)
    pages = await cleaner.drive.claim(Batch(run_id=run, lane=0, number=1))
    again = next(page for page in pages if page.url == "https://example.org/7")
    assert (again.etag, again.last_modified, again.snapshot) == (None, None, None)


async def test_a_store_that_lacks_most_blobs_is_the_wrong_store(cleaner: Cleaner) -> None:
    await cleaner.drive.add("docs")
    web = {f"https://example.org/{number}": f"Page {number} of the log." for number in range(60)}
    await cleaner.sync("docs", web)
    for blob in await cleaner.objects():
        await cleaner.blobs.delete(blob)
    cleaner.drive.now += timedelta(days=3)
    cleaned = await cleaner.clean()
    assert "ATLAS_BLOBS" in cleaned.mended.message
    assert (cleaned.mended.missing, cleaned.mended.pages) == (60, 0)
    assert len(cleaned.ended.missing_blobs) == 60


async def test_a_row_without_an_object_goes_when_nothing_refers_to_it(cleaner: Cleaner) -> None:
    blob = await cleaner.put(b"lost, and nobody minds")
    await cleaner.blobs.delete(blob)
    cleaner.drive.now += timedelta(days=3)
    assert (await cleaner.clean()).mended.missing == 0
    cleaner.drive.now += timedelta(days=3)
    assert (await cleaner.clean()).of("snapshots") == {blob}


async def test_files_of_dead_writers_go(cleaner: Cleaner, root: Path) -> None:
    for name, age in (("old.part", timedelta(days=4)), ("young.part", timedelta(hours=1))):
        file = root / "incoming" / name
        file.write_bytes(b"half a body")
        stamp = file.stat().st_mtime - age.total_seconds()
        os.utime(file, (stamp, stamp))
    cleaned = await cleaner.clean()
    assert cleaned.of("temporary") == {"old.part"}
    assert cleaned.ended.bytes_freed == len(b"half a body")
    assert [file.name for file in (root / "incoming").iterdir()] == ["young.part"]


# Pages that left


async def gone_page(cleaner: Cleaner) -> None:
    """A page that was live, beside another that stays, and is tombstoned."""
    await cleaner.drive.add("docs", deletion="prompt")
    await cleaner.sync("docs", {A: TEXTS[0], B: TEXTS[1]})
    await cleaner.sync("docs", {A: 410, B: TEXTS[1]})
    assert await cleaner.drive.lifecycle(A) == "tombstoned"


async def test_a_tombstoned_page_is_emptied_and_later_forgotten(
    cleaner: Cleaner, root: Path
) -> None:
    cleaner.keep = Retention(tombstones=90, pages=90, runs=30, newest_runs=1, snapshots=30)
    await gone_page(cleaner)
    await cleaner.pool.execute("delete from source_pages sp using pages p "
                               "where p.id = sp.page_id and p.url = $1", A)  # fmt: skip
    cleaner.drive.now += timedelta(days=89)
    assert (await cleaner.clean()).of("tombstones") == set()
    cleaner.drive.now += timedelta(days=2)
    await cleaner.freeze()
    assert (await cleaner.clean()).of("tombstones") == {A}
    assert await cleaner.drive.lifecycle(A) == "purged"
    assert await cleaner.value("select count(*) from documents") == 1
    await sound(cleaner, root)
    cleaner.drive.now += timedelta(days=80)
    assert (await cleaner.clean()).of("pages") == set()
    cleaner.drive.now += timedelta(days=20)
    await cleaner.sync("docs", {B: TEXTS[1]})
    await cleaner.sync("docs", {B: TEXTS[1]})
    cleaner.drive.now += timedelta(days=40)
    await cleaner.freeze()
    await cleaner.clean()  # the runs that name it
    cleaned = await cleaner.clean()
    assert A in cleaned.of("pages") or not await cleaner.value(
        "select count(*) from pages where url = $1", A
    )
    assert await cleaner.value("select count(*) from pages") == 1
    assert digest(TEXTS[0]) not in await cleaner.objects()
    assert digest(TEXTS[1]) in await cleaner.objects()
    await sound(cleaner, root)


async def test_a_page_that_comes_back_after_it_was_emptied(cleaner: Cleaner, root: Path) -> None:
    await gone_page(cleaner)
    cleaner.drive.now += timedelta(days=100)
    await cleaner.clean()
    await cleaner.sync("docs", {A: TEXTS[0], B: TEXTS[1]})
    assert await cleaner.drive.lifecycle(A) == "live"
    assert await cleaner.drive.live() == {A, B}
    await sound(cleaner, root)


async def test_a_page_that_a_source_lists_keeps_its_row(cleaner: Cleaner) -> None:
    cleaner.keep = Retention(tombstones=1, pages=1, runs=1, newest_runs=1)
    await gone_page(cleaner)
    for _ in range(4):
        cleaner.drive.now += timedelta(days=30)
        await cleaner.freeze()
        await cleaner.clean()
    assert await cleaner.drive.lifecycle(A) == "purged"


async def test_pages_that_a_run_holds_are_left_alone(cleaner: Cleaner, root: Path) -> None:
    cleaner.keep = Retention(tombstones=1, versions=1, newest_versions=1, changes=0)
    await change(cleaner, TEXTS)
    await cleaner.sync("docs", {A: 410})
    await cleaner.pool.execute("update page_state set lifecycle = 'tombstoned', tombstoned_at = $1 "
                               "where lifecycle <> 'tombstoned'", cleaner.drive.now)  # fmt: skip
    cleaner.drive.now += timedelta(days=30)
    run = await cleaner.drive.open("docs")
    await cleaner.drive.enlist(run, A)
    batch = Batch(run_id=run, lane=0, number=1)
    held = await cleaner.drive.claim(batch)
    cleaned = await cleaner.clean()
    assert cleaned.items == set()
    # The run goes on with the page as it claimed it.
    assert await cleaner.drive.record(run, held, {A: "New words of the page."}) == 1


# Records


async def test_records_of_runs_go_but_the_newest_and_those_not_frozen(cleaner: Cleaner) -> None:
    cleaner.keep = Retention(runs=90, newest_runs=2)
    await cleaner.drive.add("docs")
    for _ in range(5):
        cleaner.drive.now += timedelta(days=10)
        await cleaner.sync("docs", {A: TEXTS[0]})
    unfinished = await cleaner.drive.open("docs")
    cleaner.drive.now += timedelta(days=200)
    assert (await cleaner.clean()).of("runs") == set()  # no day is frozen
    await cleaner.freeze()
    cleaned = await cleaner.clean()
    assert cleaned.of("runs") == {"run-1", "run-2", "run-3"}
    rows = await cleaner.pool.fetch("select run_id from runs where kind = 'sync_pipeline'")
    assert {row["run_id"] for row in rows} == {"run-4", "run-5", unfinished}
    assert await cleaner.value("select count(distinct run_id) from run_pages") == 2


async def months(cleaner: Cleaner) -> list[str]:
    async with cleaner.pool.acquire() as connection:
        return await ledger_partitions.partitions(connection)


async def test_months_of_the_ledger_go_whole_once_their_days_are_frozen(
    cleaner: Cleaner, root: Path
) -> None:
    await cleaner.drive.add("docs")
    await cleaner.sync("docs", {A: TEXTS[0]})
    first = "fetches_2026_11"
    assert first in await months(cleaner)
    cleaner.drive.now = datetime(2027, 5, 29, tzinfo=UTC)
    assert (await cleaner.clean()).of("ledger") == set()  # 180 days after November ended: the 30th
    cleaner.drive.now = datetime(2027, 5, 30, tzinfo=UTC)
    cleaned = await cleaner.clean()
    assert cleaned.of("ledger") == set()
    assert ["2026-11-24 not frozen" in note for note in cleaned.notes] == [True]
    await cleaner.freeze()
    cleaned = await cleaner.clean()
    assert cleaned.of("ledger") == {first}
    assert cleaned.ended.partitions_dropped == [first]
    assert cleaned.ended.bytes_freed > 0
    assert first not in await months(cleaner)
    assert {"fetches_2027_05", "fetches_2027_06"} <= set(await months(cleaner))
    await cleaner.sync("docs", {A: TEXTS[1]})
    await sound(cleaner, root)


async def test_a_month_in_which_a_run_under_way_began_stays(cleaner: Cleaner) -> None:
    await cleaner.drive.add("docs")
    await cleaner.drive.open("docs")
    cleaner.drive.now += timedelta(days=400)
    await cleaner.freeze()
    cleaned = await cleaner.clean()
    assert "fetches_2026_11" not in cleaned.of("ledger")
    assert any("sync_pipeline:docs has not ended" in note for note in cleaned.notes)


async def test_hosts_robots_and_manifests_go_and_reports_stay(cleaner: Cleaner) -> None:
    now = cleaner.drive.now
    for days, host in ((100, "old.example"), (10, "new.example")):
        await cleaner.pool.execute(
            "insert into hosts (host, last_at, next_at, answered_at) values ($1, $2, $2, $2)",
            *(host, now - days * DAY),
        )
        await cleaner.pool.execute(
            "insert into robots (origin, status, body, fetched_at) values ($1, 200, '', $2)",
            f"https://{host}",
            now - days * DAY,
        )
    cleaner.drive.now = now - 100 * DAY
    blob = bytes.fromhex(await cleaner.put(b"{}"))
    again = bytes.fromhex(await cleaner.put(b"{} {}"))
    await cleaner.pool.execute(
        "insert into artifacts values ('manifest', 'given-again', $1, 'application/json', $2)",
        again,
        cleaner.drive.now,
    )
    cleaner.drive.now = now
    await cleaner.put(b"{} {}")
    for kind in ("outcomes", "manifest", "report"):
        for days in (10, 100):
            await cleaner.pool.execute(
                "insert into artifacts values ($1, $2, $3, 'application/json', $4)",
                *(kind, f"{kind}-{days}", blob, now - days * DAY),
            )
    cleaned = await cleaner.clean()
    assert cleaned.of("hosts") == {"old.example"}
    assert cleaned.of("robots") == {"https://old.example"}
    assert cleaned.of("artifacts") == {"outcomes outcomes-100", "manifest manifest-100"}


@pytest.mark.parametrize("kept", [0, 50])
async def test_a_host_that_never_answered_is_forgotten_after_a_day(
    cleaner: Cleaner, kept: int
) -> None:
    now = cleaner.drive.now
    for host, days, answered in (
        ("mistyped.example", 2, None),
        ("mistyped-today.example", 0.5, None),
        ("answered.example", 2, now - 2 * DAY),
    ):
        await cleaner.pool.execute(
            "insert into hosts (host, last_at, next_at, failures, answered_at) "
            "values ($1, $2, $2, 3, $3)",
            *(host, now - days * DAY, answered),
        )
    cleaner.keep = Retention(hosts=kept)
    assert (await cleaner.clean()).of("hosts") == {"mistyped.example"}


async def test_generations_that_nobody_can_go_back_to_are_let_go(
    cleaner: Cleaner, tmp_path: Path
) -> None:
    """Whoever writes the index deletes them."""
    await change(cleaner, TEXTS[:1])
    now = cleaner.drive.now
    index = TantivyIndex(tmp_path / "index")
    follower = IndexFollower(cleaner.pool, index, analyse, "one")
    await follower.catch_up()
    rebuilds = Rebuilds(cleaner.pool, lambda: now, index, analyse)
    started = await rebuilds.start(StartGeneration(run_id="r", workflow_id="w"), nobody_is_open)
    assert started.generation == 2
    await rebuilds.copy(CopyTexts(generation=2))
    await follower.catch_up()
    await rebuilds.switch(SwitchGeneration(run_id="r", generation=2, keep_days=7))
    assert (await cleaner.clean()).of("generations") == set()
    cleaner.drive.now += 8 * DAY
    for dry_run in (True, False):
        cleaned = await cleaner.clean(dry_run=dry_run)
        assert cleaned.of("generations") == {"generation 1"}
    assert {each.number for each in await index.generations()} == {1, 2}
    await follower.catch_up()
    assert {each.number for each in await index.generations()} == {2}
    assert (await cleaner.clean()).of("generations") == set()
    await index.close()


async def test_what_was_processed_and_never_settled_goes(cleaner: Cleaner, root: Path) -> None:
    """A run that was cancelled between: its document was never a version."""
    await change(cleaner, TEXTS[:1])
    page = await cleaner.value("select id from pages")
    document = await cleaner.value(
        "insert into documents (page_id, text_hash, extractor, snapshot, media, title, text,"
        " markdown, created_at) values ($1, 'x', 1, 'y', 'html', '', '', '', $2) returning id",
        *(page, cleaner.drive.now),
    )
    await cleaner.pool.execute(
        "insert into prepared values ($1, $2, 'y', 1, '{}', '', '{}', '{}')",
        page,
        document,
    )
    cleaned = await cleaner.clean()
    assert (cleaned.of("prepared"), cleaned.of("documents")) == ({A}, set())
    cleaner.drive.now += timedelta(days=3)
    assert (await cleaner.clean()).of("documents") == {f"{A} document {document}"}
    assert await cleaner.value("select count(*) from documents") == 1


# The dry run, the cap, and doing it twice


async def rich(cleaner: Cleaner, root: Path) -> None:
    """A corpus that has something of every class to lose, one clean-up behind it."""
    cleaner.keep = Retention(
        snapshots=10, versions=20, newest_versions=2, tombstones=30, pages=30, runs=40,
        newest_runs=2, ledger=60, hosts=50, artifacts=50,
    )  # fmt: skip
    dice = random.Random(7)
    await cleaner.drive.add("docs", deletion="prompt")
    urls = [f"https://example.org/{number}" for number in range(8)]
    for turn in range(6):
        # One page at a time is gone, or not listed: the brake would hold two.
        web: dict[str, Answer] = {
            url: 410 if turn % 2 and number == turn else f"Text {dice.randrange(4)} of {url}"
            for number, url in enumerate(urls[: 8 - turn // 2])
        }
        cleaner.drive.now += timedelta(days=12)
        await cleaner.sync("docs", web)
        if turn == 3:
            await cleaner.freeze()
            await cleaner.clean()
    await cleaner.pool.execute(
        "insert into hosts (host, last_at, next_at) values ('old.example', $1, $1)",
        cleaner.drive.now - timedelta(days=60),
    )
    stray = root / "incoming" / "dead.part"
    stray.touch()
    os.utime(stray, (0, 0))
    await cleaner.freeze()
    cleaner.drive.now += timedelta(days=3)


async def test_the_dry_run_lists_what_the_real_run_takes(cleaner: Cleaner, root: Path) -> None:
    await rich(cleaner, root)
    seen: set[str] = set()
    for _ in range(4):
        before = await dump(cleaner)
        dry = await cleaner.clean(dry_run=True)
        assert await dump(cleaner) == before, "a dry run changed something"
        real = await cleaner.clean()
        assert dry.items == real.items
        assert dry.ended.removed == real.ended.removed
        seen |= set(real.ended.removed)
        await sound(cleaner, root)
        cleaner.drive.now += timedelta(days=20)
        await cleaner.freeze()
    assert seen >= {"temporary", "snapshots", "versions", "tombstones", "runs", "ledger", "hosts"}


async def dump(cleaner: Cleaner) -> dict[str, object]:
    """Everything that a clean-up could change, but its own records."""
    tables = ("pages", "page_state", "documents", "versions", "prepared", "robots", "hosts",
              "index_generations", "run_pages", "fetches")  # fmt: skip
    found: dict[str, object] = {
        table: await cleaner.value(
            f"select md5(string_agg(t::text, ';' order by t::text)) from {table} t"
        )
        for table in tables
    }
    manifests = "select hash from artifacts where kind = 'outcomes'"
    found["blobs"] = await cleaner.value(
        f"select md5(string_agg(b::text, ';' order by hash)) from blobs b "
        f"where hash not in ({manifests})"
    )
    found["runs"] = await cleaner.value(
        "select md5(string_agg(run_id, ';' order by run_id)) from runs "
        "where kind <> 'daily_cleanup'"
    )
    return found


async def test_the_cap_leaves_the_rest_for_the_next_run_and_says_so(
    cleaner: Cleaner, root: Path
) -> None:
    await rich(cleaner, root)
    everything = (await cleaner.clean(dry_run=True)).items
    assert len(everything) > 12
    taken: set[tuple[str, str]] = set()
    while True:
        dry = await cleaner.clean(dry_run=True, most=5)
        real = await cleaner.clean(most=5)
        assert dry.items == real.items
        assert dry.ended.kept_by_cap == real.ended.kept_by_cap
        assert len(real.items) <= 5
        assert not taken & real.items
        taken |= real.items
        await sound(cleaner, root)
        if not real.ended.kept_by_cap:
            break
        assert len(real.items) == 5
    assert everything <= taken


async def test_only_the_classes_asked_for(cleaner: Cleaner, root: Path) -> None:
    await rich(cleaner, root)
    cleaned = await cleaner.clean(classes=["versions"])
    assert {kind for kind, _ in cleaned.items} == {"versions"}


async def test_two_clean_ups_at_once_take_each_thing_once(cleaner: Cleaner, root: Path) -> None:
    await rich(cleaner, root)
    everything = (await cleaner.clean(dry_run=True)).items
    one, other = await asyncio.gather(cleaner.clean(), cleaner.clean())
    # Files and generations go in no transaction: both may have asked for the same.
    assert {kind for kind, _ in one.items & other.items} <= {"temporary", "generations"}
    assert everything <= one.items | other.items
    await sound(cleaner, root)


async def test_a_step_delivered_twice_counts_once(cleaner: Cleaner, root: Path) -> None:
    await rich(cleaner, root)
    upkeep = cleaner.upkeep()
    dry = [item for item in (await cleaner.clean(dry_run=True)).items if item[0] == "versions"]
    sweep = Sweep(run_id="twice", now=cleaner.drive.now, kind="versions")
    await asyncio.gather(*(ActivityEnvironment().run(upkeep.sweep, sweep) for _ in range(3)))
    await ActivityEnvironment().run(upkeep.sweep, sweep)
    counted, _ = await upkeep._store.totals("twice")
    assert counted == {"versions": len(dry)}
    dry_sweep = sweep.model_copy(update={"run_id": "listed", "kind": "runs", "dry_run": True})
    for _ in range(2):
        await ActivityEnvironment().run(upkeep.sweep, dry_sweep.model_copy(
            update={"max_deletions": 2}))  # fmt: skip
    assert (await upkeep._store.totals("listed"))[0] == {"runs": 2}


async def test_changes_and_clean_ups_never_lose_a_live_body(cleaner: Cleaner, root: Path) -> None:
    await live_for(cleaner, root, turns=8, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
async def test_nor_do_years_of_them(cleaner: Cleaner, root: Path, seed: int) -> None:
    await live_for(cleaner, root, turns=25, seed=seed)


async def live_for(cleaner: Cleaner, root: Path, *, turns: int, seed: int) -> None:
    """Runs of a web that changes, with clean-ups between them."""
    dice = random.Random(seed)
    cleaner.keep = Retention(
        snapshots=dice.choice([0, 5, 30]), versions=dice.choice([0, 10, 60]),
        newest_versions=dice.randrange(1, 4), tombstones=20, pages=20, runs=30,
        newest_runs=dice.randrange(1, 3), ledger=dice.choice([0, 40]),
    )  # fmt: skip
    await cleaner.drive.add("docs", deletion="prompt")
    urls = [f"https://example.org/{number}" for number in range(6)]
    for _ in range(turns):
        cleaner.drive.now += timedelta(days=dice.randrange(1, 40))
        web: dict[str, str | int] = {
            url: dice.choice((410, f"Text {dice.randrange(3)} of {url}", SHARED))
            for url in dice.sample(urls, dice.randrange(1, 6))
        }
        await cleaner.sync("docs", web)
        if dice.random() < 0.7:
            await cleaner.freeze()
            cleaned: Cleaned = await cleaner.clean()
            assert cleaned.mended.missing == 0
            await sound(cleaner, root)
    # What nothing refers to is condemned, and gone once the grace has passed.
    for _ in range(2):
        cleaner.drive.now += cleaner.keep.grace + timedelta(hours=1)
        await cleaner.clean()
    unreferred = await cleaner.value(
        f"select count(*) from blobs b where not {blob_index.referred('$1')} "
        "and condemned_at is distinct from $2",
        cutoff(cleaner.keep.snapshots, cleaner.drive.now),
        cleaner.drive.now,
    )
    assert unreferred == 0
    rows = await cleaner.pool.fetch("select encode(hash, 'hex') as hash from blobs")
    assert {row["hash"] for row in rows} == await cleaner.objects()


async def test_samples_of_freshness_go_by_whole_days_that_are_frozen(cleaner: Cleaner) -> None:
    drive = cleaner.drive
    source = await drive.add("docs", cadence=timedelta(hours=1), freshness="95% within 2h")
    midnight = drive.now.replace(hour=0, minute=0)
    for days in (3, 59, 60, 61, 62):
        for hours in (1, 23):
            await cleaner.pool.execute(
                "insert into freshness_samples values ($1, $2, '2 hours', 10, 9, 300)",
                *(source.id, midnight - days * DAY + timedelta(hours=hours)),
            )
    drive.now = midnight + timedelta(hours=12)
    assert (await cleaner.clean()).of("freshness") == set()
    await cleaner.freeze()
    listed = (await cleaner.clean(dry_run=True)).of("freshness")
    days = [(midnight - each * DAY).date().isoformat() for each in (62, 61)]
    assert listed == {f"docs on {day}" for day in days}
    cleaned = await cleaner.clean()
    assert (cleaned.of("freshness"), cleaned.ended.removed["freshness"]) == (listed, 2)
    assert await cleaner.value("select count(*) from freshness_samples") == 6
    assert (await cleaner.clean()).of("freshness") == set()
    cleaner.keep = Retention(freshness=0)
    drive.now += 1000 * DAY
    assert (await cleaner.clean(classes=["freshness"])).of("freshness") == set()
