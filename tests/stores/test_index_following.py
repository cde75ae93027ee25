"""The search index follows the feed: whatever happened to the corpus, it agrees with what is live,
and a search shows nothing else, however far behind it is."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from atlas.contracts.activities import CloseRun
from atlas.contracts.jobs import BeginJob
from atlas.contracts.processing import BatchQuery
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.domain.search.index_parts import IndexPart, index_parts
from atlas.lease_holders import holder_name
from atlas.stores.postgres.crawl.runs.batch_selection import Selection
from atlas.stores.postgres.crawl.runs.runs import JobRecords
from atlas.stores.postgres.index import index_lease
from atlas.stores.postgres.index.engine_search import search_engine
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.postgres.settlement import removal
from atlas.stores.search.port import IndexInUse, MissingGeneration
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.stores.corpus import analyse
from tests.stores.drive import Drive, Web

BASE = "https://example.org"
ONE, TWO, THREE = f"{BASE}/1", f"{BASE}/2", f"{BASE}/3"
WEB: Web = {
    ONE: "The harbour has a lantern that burns all night for the ferries.",
    TWO: "Another text altogether, about tides, moons and the height of the harbour.",
    THREE: "The town has a library, a school and a lighthouse on the harbour.",
}


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[TantivyIndex]:
    opened = TantivyIndex(tmp_path / "index")
    yield opened
    await opened.close()


@pytest.fixture
def follower(drive: Drive, index: TantivyIndex) -> IndexFollower:
    return IndexFollower(drive.pool, index, analyse, "one")


async def found(
    drive: Drive, index: TantivyIndex, query: str = "harbour", **scope: str
) -> set[str]:
    """The URLs that a search finds, copies and near-duplicates by themselves."""
    async with drive.pool.acquire() as connection:
        page = await search_engine(
            connection, index, SearchRequest(query, limit=100, collapse=False, **scope)
        )
    return {hit.url for hit in page.results}


async def assert_agreed(drive: Drive, index: TantivyIndex) -> None:
    """The index holds the distinct live texts, each with its pages, and nothing else; so says
    PostgreSQL of its generations."""
    rows = await drive.pool.fetch(
        "select d.text_hash, array_agg(v.page_id) as pages from versions v "
        "join documents d on d.id = v.document_id where v.valid_to is null group by 1"
    )
    live = {row["text_hash"] for row in rows}
    generation = await index.serving()
    assert generation is not None
    pages = list(await drive.pool.fetchval("select array_agg(id) from pages") or [])
    assert await index.texts_of(generation, pages) == live
    for row in rows:
        assert await index.texts_of(generation, row["pages"]) == {row["text_hash"]}
    stored = {each.number: each for each in await index.generations()}
    states = await drive.pool.fetch("select number, state from index_generations")
    assert {row["number"] for row in states} == set(stored)
    assert [row["number"] for row in states if row["state"] == "active"] == [generation]
    for each in stored.values():  # one that is kept for a rollback follows as well
        assert each.parts == len(live)
        assert each.cursor == await drive.pool.fetchval("select last from change_feed")
        assert await index.parts_of(each.number, "") == dict.fromkeys(live, 1)


async def test_the_index_follows_whatever_happens(
    drive: Drive, index: TantivyIndex, follower: IndexFollower
) -> None:
    """Pages come, change, leave, return, and are held by another source as well."""
    source = await drive.add("docs", deletion="prompt")
    await drive.add("also", deletion="prompt")
    await drive.run("docs", WEB)
    assert await follower.catch_up() == 3
    await assert_agreed(drive, index)
    changed = {**WEB, ONE: f"{WEB[ONE]} And a bell.", TWO: WEB[ONE], THREE: 410}
    await drive.run("docs", changed)
    await follower.catch_up()
    await assert_agreed(drive, index)
    assert await found(drive, index) == {ONE, TWO}
    await drive.run("docs", WEB)
    await drive.run("also", {TWO: WEB[TWO]})
    await follower.catch_up()
    await assert_agreed(drive, index)
    assert await found(drive, index, source="also") == {TWO}
    async with drive.pool.acquire() as connection:
        await removal.remove_source(connection, source, purge=True, now=drive.now)
    # The feed has forgotten the texts of what was erased; the index finds them by their pages.
    await follower.catch_up()
    await assert_agreed(drive, index)
    assert await found(drive, index) == {TWO}


async def test_another_analyser_builds_the_index_anew_and_processes_no_page(
    drive: Drive, index: TantivyIndex, follower: IndexFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored of a page does not depend on it: neither syncs nor batches take one up."""
    await drive.add("docs")
    await drive.run("docs", WEB)
    await follower.catch_up()
    await follower.stop()
    older, newer = ANALYSER_VERSION, ANALYSER_VERSION + 1
    for module in list(sys.modules.values()):  # this one among them
        if getattr(module, "__dict__", {}).get("ANALYSER_VERSION") == older:
            monkeypatch.setattr(module, "ANALYSER_VERSION", newer)
    assert await IndexFollower(drive.pool, index, analyse, "two").catch_up() == len(WEB)
    await assert_agreed(drive, index)
    assert {each.number: each.origin.analyser for each in await index.generations()} == {2: newer}
    run_id = await drive.open("docs")
    run, source = await drive.crawl.runs.run_source(run_id)
    await drive.crawl.listing.list_pages(run, source, list(WEB), level=0, mode="incremental")
    await drive.crawl.runs.close_run(CloseRun(run_id=run_id, complete=True))
    selection = Selection(drive.pool, lambda: drive.now, drive.crawl.batches.extractor)
    begin = BeginJob(run_id="batch", workflow_id="batch", kind="batch_process", trigger="cli")
    await JobRecords(drive.pool, lambda: drive.now).begin(begin)
    await selection.query("batch", BatchQuery(unsettled=True), force=False)
    await selection.query("batch", BatchQuery(), force=False)
    queued = await drive.pool.fetch(
        "select stage, outcome from run_pages where run_id = any($1)", [run_id, "batch"]
    )
    assert [tuple(row) for row in queued] == [("done", "unchanged")] * len(WEB)


async def test_nothing_removed_is_shown_by_an_index_that_is_behind(
    drive: Drive, index: TantivyIndex, follower: IndexFollower
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    await follower.catch_up()
    await drive.run("docs", {**WEB, ONE: 410, TWO: "Quite another text."})
    assert await found(drive, index) == {THREE}
    assert await found(drive, index, "another text") == set()  # not yet: the index has not read it
    await follower.catch_up()
    assert await found(drive, index, "another text") == {TWO}


async def test_a_new_index_serves_at_once_when_it_is_complete(
    drive: Drive, index: TantivyIndex, follower: IndexFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied in several steps while the corpus changes."""
    monkeypatch.setattr("atlas.stores.postgres.services.index_follower._COPIED", 2)
    await drive.add("docs", deletion="prompt")
    web = {f"{BASE}/{n}": f"The harbour number{n} and word{n * 7} of its own" for n in range(9)}
    await drive.run("docs", web)
    steps = 0
    apply = index.apply

    async def changing(generation: int, changes: object) -> None:
        nonlocal steps
        steps += 1
        with pytest.raises(MissingGeneration):
            await found(drive, index)
        if steps == 3:
            await drive.run("docs", {**web, f"{BASE}/1": "The harbour moved", f"{BASE}/8": 410})
        await apply(generation, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(index, "apply", changing)
    await follower.catch_up()
    assert steps > 5
    await assert_agreed(drive, index)


@pytest.mark.parametrize("loss", ["folder", "generation", "half a file", "feed", "corpus"])
async def test_an_index_that_is_lost_is_said_so_and_built_anew(
    drive: Drive, index: TantivyIndex, follower: IndexFollower, loss: str
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    await follower.catch_up()
    await drive.run("docs", {**WEB, ONE: 410})
    if loss == "folder":
        shutil.rmtree(index.folder)
    elif loss == "generation":
        shutil.rmtree(index.folder / "1")
    elif loss == "half a file":
        await follower.stop()
        for file in (index.folder / "1").glob("*.term"):
            file.write_bytes(file.read_bytes()[:20])
        index._opened.clear()  # as another process would open it
    elif loss == "feed":
        await drive.pool.execute("update change_feed set trimmed = last")
        await drive.pool.execute("delete from changes")
    else:
        await drive.pool.execute("update corpus set corpus_id = gen_random_uuid()")
        await follower.stop()  # a worker that starts looks whose the index is
    if loss in ("folder", "generation"):
        with pytest.raises(MissingGeneration, match="atlas index follow"):
            await found(drive, index)
    await follower.catch_up()
    await assert_agreed(drive, index)
    assert await found(drive, index) == {TWO, THREE}
    assert await index.serving() == 2  # no number is used twice


async def test_one_process_writes_and_another_goes_on(
    drive: Drive, index: TantivyIndex, follower: IndexFollower
) -> None:
    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    other_index = TantivyIndex(index.folder)
    other = IndexFollower(drive.pool, other_index, analyse, "two")
    assert await follower.catch_up() == 3
    assert await other.catch_up() is None
    await drive.run("docs", {**WEB, ONE: 410})
    assert await other.catch_up() is None
    assert await follower.catch_up() == 4
    await drive.run("docs", WEB)
    # The first falls silent, alive and with the folder's lock: the engine refuses the second.
    silent = "update search_index set held_until = clock_timestamp() - interval '1 second'"
    await drive.pool.execute(silent)
    with pytest.raises(IndexInUse):
        await other.catch_up()
    # It wakes, sees that the lease is another's, and lets go of the folder.
    assert await follower.catch_up() is None
    assert await other.catch_up() == 5
    await assert_agreed(drive, other_index)
    await other.stop()
    await drive.run("docs", {**WEB, ONE: 410})
    assert await follower.catch_up() == 6
    await assert_agreed(drive, index)
    async with drive.pool.acquire() as connection:
        progress = await index_lease.progress(connection)
    assert (progress.holder, progress.read_up_to, progress.last) == ("one", 6, 6)
    assert index_lease.SECONDS <= 10  # what a writer's death may cost
    await other_index.close()


async def test_the_lease_of_a_process_that_died_here_is_taken_over_at_once(
    drive: Drive, index: TantivyIndex
) -> None:
    name = "from atlas.lease_holders import holder_name; print(holder_name(), flush=True); input()"
    with Popen((sys.executable, "-c", name), stdin=PIPE, stdout=PIPE, text=True) as writer:
        assert writer.stdout is not None
        held_by = writer.stdout.readline().strip()
        async with drive.pool.acquire() as connection:
            assert await index_lease.hold(connection, held_by)
        await drive.add("docs", deletion="prompt")
        await drive.run("docs", WEB)
        follower = IndexFollower(drive.pool, index, analyse, holder_name())
        assert await follower.catch_up() is None  # it lives
        writer.kill()
    assert await follower.catch_up() == 3
    async with drive.pool.acquire() as connection:
        assert await index_lease.held_by(connection) == follower.holder
        # Another that saw the same death comes too late.
        assert not await index_lease.take_from(connection, held_by, "late")
    await follower.stop()


async def test_a_follower_that_is_cut_off_anywhere_goes_on(
    drive: Drive, index: TantivyIndex, follower: IndexFollower
) -> None:
    dice = random.Random(5)
    await drive.add("docs", deletion="prompt")
    web = dict(WEB)
    for round_ in range(6):
        web[dice.choice([ONE, TWO, THREE])] = f"The harbour said word{round_} and then more"
        await drive.run("docs", web)
        task = asyncio.create_task(follower.catch_up())
        for _ in range(dice.randrange(40)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await follower.catch_up()
    await assert_agreed(drive, index)


_FOLLOWING = """
import asyncio, sys
from pathlib import Path
import asyncpg
from atlas.lease_holders import holder_name
from atlas.stores.postgres.changes.change_signal import change_signal
from atlas.stores.postgres.services import index_follower
from atlas.stores.postgres.services.text_copier import analyse_aside
from atlas.stores.search.tantivy_engine import TantivyIndex
index_follower._COPIED = 2
async def main(url, folder):
    pool = await asyncpg.create_pool(url, min_size=1, max_size=2)
    follower = index_follower.IndexFollower(
        pool, TantivyIndex(Path(folder)), analyse_aside, holder_name()
    )
    async with change_signal(url) as signal:
        await index_follower.keep_following(follower, signal)
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
async def test_followers_killed_while_the_corpus_changes_lose_nothing(
    drive: Drive, database_url: str, index: TantivyIndex, follower: IndexFollower
) -> None:
    """Killed with SIGKILL, also in the middle of a build; meanwhile searches show nothing wrong."""
    dice = random.Random(9)
    await drive.add("docs", deletion="prompt")
    web = {f"{BASE}/{n}": f"The harbour number{n} and word{n * 7} of its own" for n in range(9)}
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for kill in range(3):
        command = (sys.executable, "-c", _FOLLOWING, database_url, str(index.folder))
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        for _ in range(2):
            changed = dice.choice(sorted(web))
            web[changed] = f"The harbour moved{dice.randrange(1000)} to {changed[-1]} again"
            await drive.run("docs", web)
        if kill:  # the first is killed wherever it is, and it is building
            while await drive.pool.fetchval("select read_up_to from search_index") is None:
                await asyncio.sleep(0.05)
        await asyncio.sleep(dice.random() / 2)
        process.kill()
        await process.wait()
        with suppress(MissingGeneration):
            assert await found(drive, index) <= set(web)
    await follower.catch_up()
    await assert_agreed(drive, index)
    assert await found(drive, index) == set(web)


async def test_a_text_that_cannot_be_analysed_stops_no_other(
    drive: Drive, index: TantivyIndex
) -> None:
    async def poisonous(title: str, text: str) -> Sequence[IndexPart]:
        if "lantern" in text:
            raise PageError(ErrorClass.INVALID, "crashed", "the analyser crashed")
        return index_parts(title, text)

    await drive.add("docs", deletion="prompt")
    await drive.run("docs", WEB)
    await IndexFollower(drive.pool, index, poisonous, "one").catch_up()
    assert await found(drive, index) == {TWO, THREE}
