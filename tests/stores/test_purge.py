"""Erasure: nothing is left of a page anywhere in the schema, and it stays away."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.testing import ActivityEnvironment

from activities.purges import Purging, without
from atlas.contracts.activities import Batch, ClaimBatch
from atlas.contracts.purge_documents import PURGE_STAGES, EndPurge, PurgeEnded, PurgeStep
from atlas.domain.batch import FetchRow
from atlas.stores.blobs import Blobs, open_blobs
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import blob_index
from atlas.stores.postgres.crawl.bodies.artifacts import OUTCOMES, REPORT, Artifacts
from atlas.stores.postgres.crawl.pages import purged_urls
from atlas.stores.postgres.crawl.runs import run_limits, runs
from atlas.stores.postgres.crawl.runs.batch_selection import Selection
from atlas.stores.postgres.erasure import schema_columns, traces
from atlas.stores.postgres.services.purges import PurgeStore
from tests.feed_copy import assert_feed_is_the_corpus
from tests.invariants import assert_nothing_is_found
from tests.stores.cleaning import Cleaner
from tests.stores.drive import Drive, Leads, Web, fences, snapshot_of

BASE = "https://example.org"
GONE, NEAR, KEPT = f"{BASE}/person", f"{BASE}/person/next", f"{BASE}/town"
WEB: Web = {
    GONE: "The person lives by the harbour and keeps a boat with a red sail.",
    NEAR: "Another text altogether, about tides, moons and the height of water.",
    KEPT: "The town has a library, a school and a lighthouse on the point.",
}


class Eraser:
    """A corpus, and purges of it as the workflow makes them."""

    def __init__(self, drive: Drive, blobs: Blobs) -> None:
        self.drive, self.pool, self.blobs = drive, drive.pool, blobs
        self.store = PurgeStore(drive.pool, lambda: drive.now, blobs.delete)
        self.activities = Purging(self.store, blobs)
        self.cleaner = Cleaner(drive, blobs)
        self.found: dict[str, int] = {}
        self._runs = 0

    async def open(self) -> str:
        self._runs += 1
        run_id = f"purge-{self._runs}"
        async with self.pool.acquire() as connection:
            await runs.open_run(
                connection, run_id=run_id, workflow_id="purge_documents:x",
                kind="purge_documents", trigger="cli", now=self.drive.now,
            )  # fmt: skip
        return run_id

    async def run(self, *urls: str, patient: bool = False, **chosen: Any) -> PurgeEnded:
        run_id = await self.open()
        for stage in PURGE_STAGES:
            cursor: str | None = ""
            while cursor is not None:
                step = PurgeStep(
                    run_id=run_id, stage=stage, cursor=cursor, urls=list(urls) or None,
                    reason="asked", patient=patient, **chosen,
                )  # fmt: skip
                done = await ActivityEnvironment().run(self.activities.purge_part, step)
                assert not done.held, "a run holds the page"
                cursor = done.cursor
                self.found = done.traces
        ended = await ActivityEnvironment().run(self.activities.end_purge, EndPurge(run_id=run_id))
        await self.pool.execute(
            "update runs set ended_at = now(), outcome = 'completed' where run_id = $1", run_id
        )
        return ended

    async def named(self, *urls: str) -> dict[str, int]:
        async with self.pool.acquire() as connection:
            return await traces.of_addresses(connection, urls)

    async def objects(self) -> set[str]:
        return await self.cleaner.objects()


@pytest.fixture
async def eraser(drive: Drive, tmp_path: Path) -> Any:
    async with open_blobs(str(tmp_path)) as blobs:
        made = Eraser(drive, blobs)
        await drive.add("docs")
        await made.cleaner.sync("docs", WEB)
        yield made


async def test_nothing_is_left_of_a_page_and_all_is_left_of_its_neighbours(eraser: Eraser) -> None:
    digest = snapshot_of(str(WEB[GONE])).hex()
    assert digest in await eraser.objects()
    before = await eraser.named(GONE)
    assert {"pages.url", "run_pages.url", "fetches.url"} <= set(before)
    ended = await eraser.run(GONE)
    assert eraser.found == {}
    assert (ended.addresses, ended.pages, ended.documents, ended.bodies) == (1, 1, 1, 1)
    assert await eraser.named(GONE) == {}
    assert await eraser.objects() == {snapshot_of(str(WEB[url])).hex() for url in (NEAR, KEPT)}
    assert await eraser.drive.live() == {NEAR, KEPT}
    await assert_nothing_is_found(eraser.pool)
    kept = await eraser.pool.fetch("select url_hash, reason from purged_urls")
    assert [(len(row["url_hash"]), row["reason"]) for row in kept] == [(32, "asked")]
    assert await eraser.pool.fetchval("select count(*) from purge_pages") == 0
    # The record of the run that brought it still adds up.
    async with eraser.pool.acquire() as connection:
        counts = await run_queue.counts(connection, "run-1")
    assert (counts.seen, counts.added) == (3, 3)
    # The ledger still says that three requests were made.
    assert await eraser.pool.fetchval("select count(*) from fetches") == 3


async def test_it_stays_away_and_is_counted_as_skipped_until_it_is_allowed(eraser: Eraser) -> None:
    await eraser.run(GONE)
    drive = eraser.drive
    web = {KEPT: WEB[KEPT], NEAR: Leads(GONE)}
    run_id = await drive.open("docs")
    await drive.enlist(run_id, GONE, KEPT, NEAR)
    pages = await drive.claim(Batch(run_id=run_id, lane=0, number=1))
    assert {page.url for page in pages} == {KEPT, NEAR}
    await drive.record(run_id, pages, web)
    assert await eraser.pool.fetchval("select count(*) from pages where url = $1", GONE) == 0
    assert (
        await eraser.pool.fetchval("select count(*) from fetches where final_url = $1", GONE) == 0
    )
    counts = await drive.crawl.batches.counts(run_id)
    assert counts.skipped == 2  # the address itself, and the page that led to it
    async with eraser.pool.acquire() as connection:
        said = await run_limits.reasons(connection, run_id)
    assert said == {"purged": 1, "redirected": 1}
    refused = await drive.crawl.fetches.purged([GONE, KEPT])
    assert refused == {GONE}
    # A batch that names it: skipped, and not written down.
    batch = await eraser.open()
    selection = Selection(eraser.pool, clock=lambda: drive.now, extractor=1)
    await selection.named(batch, [GONE, f"{BASE}/never"], force=False)
    missing = await eraser.pool.fetch("select asked from run_missing where run_id = $1", batch)
    assert [row["asked"] for row in missing] == [f"{BASE}/never"]
    assert (await drive.crawl.batches.counts(batch)).skipped == 1
    # A single fetch that comes late writes nothing.
    late = FetchRow(
        page_id=99, url=GONE, attempt=1, final_url=GONE, status=200, elapsed=0.1, snapshot=None
    )
    await drive.crawl.fetches.record_single("late", drive.now, late)
    assert await eraser.pool.fetchval("select count(*) from fetches where url = $1", GONE) == 0
    async with eraser.pool.acquire() as connection:
        assert len(await purged_urls.listed(connection)) == 1
        assert await purged_urls.allow(connection, [GONE, KEPT]) == {GONE}
        assert await purged_urls.listed(connection) == []
    await drive.enlist(run_id, GONE)
    assert await eraser.pool.fetchval("select count(*) from pages where url = $1", GONE) == 1


async def test_a_source_and_a_host_are_erased_whole(eraser: Eraser) -> None:
    await eraser.drive.add("other")
    elsewhere = "https://other.example/a"
    await eraser.cleaner.sync("other", {elsewhere: "Words of another host.", KEPT: WEB[KEPT]})
    await eraser.pool.execute(
        "insert into hosts (host) values ('other.example'), ('example.org');"
        "insert into robots values ('https://other.example', 200, '', now())"
    )
    ended = await eraser.run(host="other.example")
    assert (ended.addresses, ended.hosts) == (1, ["other.example"])
    assert await eraser.pool.fetchval("select count(*) from robots") == 0
    assert await eraser.drive.live() == set(WEB)
    ended = await eraser.run(source="docs")
    assert (ended.addresses, ended.shared, eraser.found) == (3, 1, {})
    assert await eraser.drive.live() == set()
    assert await eraser.objects() == set()
    await assert_nothing_is_found(eraser.pool)


async def test_a_body_that_another_page_has_too_stays(eraser: Eraser) -> None:
    twin = f"{BASE}/twin"
    await eraser.cleaner.sync("docs", {**WEB, twin: WEB[GONE]})
    ended = await eraser.run(GONE)
    assert (ended.bodies, eraser.found) == (0, {})
    assert snapshot_of(str(WEB[GONE])).hex() in await eraser.objects()
    assert await eraser.drive.live() == {NEAR, KEPT, twin}
    await assert_nothing_is_found(eraser.pool)
    assert (await eraser.run(twin)).bodies == 1


async def test_a_body_announced_lately_waits_while_a_run_is_under_way(eraser: Eraser) -> None:
    """Somebody may have put the same bytes a moment ago, and not referred to them yet."""
    digest = snapshot_of(str(WEB[GONE])).hex()
    other = await eraser.drive.open("docs")
    assert await eraser.cleaner.put(str(WEB[GONE]).encode()) == digest
    ended = await eraser.run(GONE)
    assert (ended.bodies, ended.bodies_waiting) == (0, 1)
    assert digest in await eraser.objects()
    condemned = await eraser.pool.fetchval(
        "select condemned_at is not null from blobs where hash = $1", bytes.fromhex(digest)
    )
    assert condemned and other
    # And a single fetch makes sure of its body when it refers to it.
    async with eraser.pool.acquire() as connection, connection.transaction():
        with pytest.raises(blob_index.BodyGone):
            await blob_index.make_sure(connection, b"\x00" * 32)


async def test_a_page_that_a_run_holds_is_left_for_later_and_then_taken_from_it(
    eraser: Eraser,
) -> None:
    drive = eraser.drive
    run_id = await drive.open("docs")
    await drive.enlist(run_id, GONE)
    batch = Batch(run_id=run_id, lane=0, number=1)
    pages = await drive.claim(batch)
    assert [page.url for page in pages] == [GONE]
    purge = await eraser.open()
    env = ActivityEnvironment()

    async def step(stage: Any, patient: bool = True) -> Any:
        asked = PurgeStep(run_id=purge, stage=stage, urls=[GONE], patient=patient)
        return await env.run(eraser.activities.purge_part, asked)

    await step("choose")
    await step("keep_away")
    held = await step("erase")
    assert (held.done, held.held, held.cursor) == (0, 1, "held")
    assert GONE in await drive.live()
    taken = await step("erase", patient=False)
    assert (taken.done, taken.held) == (1, 0)
    # What the run's request brings is written nowhere.
    assert await drive.crawl.fetches.record(run_id, fences(pages), [_row(pages[0])]) == 0
    await drive.crawl.batches.claim(ClaimBatch(**batch.model_dump(), level=0, size=10))
    assert await eraser.named(GONE) == {}
    await step("scrub")
    assert (await step("prove")).traces == {}


def _row(page: Any) -> FetchRow:
    return FetchRow(
        page_id=page.page_id, url=page.url, attempt=1, final_url=page.url, status=200,
        elapsed=0.1, snapshot=b"x" * 32,
    )  # fmt: skip


async def test_two_purges_at_once_and_one_twice_erase_the_same(eraser: Eraser) -> None:
    await asyncio.gather(eraser.run(GONE, NEAR), eraser.run(GONE, KEPT))
    assert await eraser.drive.live() == set()
    assert await eraser.named(*WEB) == {}
    ended = await eraser.run(GONE)
    assert (ended.addresses, ended.pages, eraser.found) == (1, 0, {})


async def test_reports_and_lists_are_rewritten_and_messages_scrubbed(eraser: Eraser) -> None:
    pool, now = eraser.pool, eraser.drive.now
    lines = [json.dumps({"url": url, "outcome": "added"}) + "\n" for url in WEB]
    for kind, name, body, media in (
        (OUTCOMES, "run-1", "".join(lines), "application/x-ndjson"),
        (REPORT, "2026-W47.html", f'<a href="{GONE}">x</a> {NEAR}', "text/html"),
        ("manifest", "m", lines[0], "application/x-ndjson"),
        (REPORT, "2026-W46.html", f"{NEAR} only", "text/html"),
    ):
        digest = await eraser.cleaner.put(body.encode())
        await Artifacts(pool, lambda: now, kind).keep(name, digest, media)
    await pool.execute("update runs set message = $1", f"1 page moved, first {GONE}.")
    await pool.execute("update hosts set last_error = 'x'")
    await eraser.run(GONE)
    assert eraser.found == {}
    assert await pool.fetchval("select message from runs where run_id = 'run-1'") == (
        "1 page moved, first (erased)."
    )
    kept = {
        row["name"]: (await eraser.blobs.get(row["hash"].hex())).decode()
        for row in await pool.fetch("select name, hash from artifacts")
    }
    assert kept == {
        "run-1": "".join(lines[1:]),
        "2026-W47.html": f'<a href="(erased)">x</a> {NEAR}',
        "2026-W46.html": f"{NEAR} only",
    }
    for digest in await eraser.objects():
        body = (await eraser.blobs.get(digest)).decode()
        assert f"{GONE} " not in body and f'{GONE}"' not in body


async def test_a_column_added_later_is_searched_and_erased(eraser: Eraser) -> None:
    """Each kind of column, in tables that nobody here has heard of."""
    await eraser.pool.execute(
        f"""
        create table later (id int primary key, note text, tags text[], data jsonb, plain text);
        insert into later values (1, 'see {GONE}, {NEAR}', array['{GONE}', 'b'],
                                  '{{"at": "{GONE}"}}', '{GONE}/x');
        create table later_keys (url text primary key);
        insert into later_keys values ('{GONE}'), ('{KEPT}');
        create table later_bodies (page bigint, hash bytea);
        insert into later_bodies values (1, sha256('x'));
        """
    )
    found = await eraser.named(GONE)
    assert {"later.note", "later.tags", "later.data", "later_keys.url"} <= set(found)
    assert "later.plain" not in found  # another address
    await eraser.pool.execute("update later_bodies set hash = $1", snapshot_of(str(WEB[GONE])))
    await eraser.run(GONE)
    assert await eraser.named(GONE) == {}
    row = await eraser.pool.fetchrow("select note, tags, data, plain from later")
    assert tuple(row) == (
        f"see (erased), {NEAR}", ["b"], '{"at": "(erased)"}', f"{GONE}/x",
    )  # fmt: skip
    assert [row["url"] for row in await eraser.pool.fetch("select url from later_keys")] == [KEPT]
    # Hashes of bodies nobody can take out of a column that is not known: it is a trace, by name.
    assert eraser.found == {"later_bodies.hash": 1}


async def test_every_column_of_text_is_searched_or_named_with_its_reason(
    database: asyncpg.Pool[asyncpg.Record],
) -> None:
    rows = await database.fetch(
        "select c.table_name, c.column_name from information_schema.columns c "
        "join information_schema.tables t using (table_schema, table_name) "
        "where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' "
        "and (c.data_type in ('text', 'character varying', 'jsonb', 'json') "
        "or c.udt_name in ('_text', '_varchar'))"
    )
    parents = await database.fetch("select inhrelid::regclass::text as name from pg_inherits")
    partitions = {row["name"] for row in parents}
    known = {(row["table_name"], row["column_name"]) for row in rows}
    known = {each for each in known if each[0] not in partitions}
    async with database.acquire() as connection:
        searched = {(c.table, c.name) for c in await schema_columns.text_columns(connection)}
    apart = {each for each in known if each[0] in ("schema_migrations", "generations")}
    assert known - searched - apart == set(schema_columns.OTHERS)
    assert searched >= schema_columns.WHOLE


@given(st.sampled_from(["", "/", "x", "?q", "#f", "-1", ".html", "%20"]))
def test_an_address_is_found_only_where_it_ends(tail: str) -> None:
    import re

    found = re.search(traces.pattern([GONE]), f'"{GONE}{tail}"')
    assert (found is not None) == (tail == "")


def test_what_html_and_json_write_otherwise_is_found_too() -> None:
    import re

    url = f"{BASE}/?a=1&b=2"
    patterns = [re.compile(traces.pattern([url]))]
    assert (
        without(f'<a href="{BASE}/?a=1&amp;b=2">', patterns, "text/html") == '<a href="(erased)">'
    )
    line = json.dumps({"url": url}).replace("&", "\\u0026") + "\n"
    assert without(line, patterns, "application/x-ndjson") == ""


# The feed of changes


async def told(eraser: Eraser) -> list[Any]:
    await assert_feed_is_the_corpus(eraser.pool)
    rows = await eraser.pool.fetch("select * from changes order by number")
    return [dict(row) for row in rows]


async def test_the_feed_tells_of_an_erasure_and_names_nothing_of_it(eraser: Eraser) -> None:
    """What readers need to delete their copies stays, the page's number, and nothing else: neither
    in the new entry nor in those from before."""
    drive = eraser.drive
    await eraser.cleaner.sync("docs", {**WEB, GONE: f"{WEB[GONE]} It leaks."})
    before = await told(eraser)
    mine = {row["page_id"] for row in before if row["url"] == GONE}
    assert [row["kind"] for row in before if row["page_id"] in mine] == ["added", "updated"]
    others = [row for row in before if row["page_id"] not in mine]
    await eraser.run(GONE)
    assert eraser.found == {}
    after = await told(eraser)
    assert [row["number"] for row in after] == list(range(1, len(before) + 2))  # no gap
    assert [row for row in after if row["page_id"] not in mine] == others
    erased = [row for row in after if row["page_id"] in mine]
    assert [(row["kind"], row["reason"]) for row in erased] == [
        ("erased", "erased"), ("erased", "erased"), ("erased", "purged"),
    ]  # fmt: skip
    for row in erased:
        assert row["sources"] == ["docs"]
        for name in ("url", "version", "document_id", "text_hash", "evidence"):
            assert row[name] is None
    assert [row["run_id"] for row in erased] == [None, None, "purge-1"]
    # Allowed again, it comes back as another page.
    async with eraser.pool.acquire() as connection:
        await purged_urls.allow(connection, [GONE])
    await eraser.cleaner.sync("docs", WEB)
    back = (await told(eraser))[-1]
    assert (back["kind"], back["url"]) == ("added", GONE)
    assert back["page_id"] not in mine
    assert drive.now == back["at"]


async def test_a_text_that_another_page_had_once_leaves_the_feed_with_it(eraser: Eraser) -> None:
    """The neighbour said the same long ago, and its version is past its retention."""
    await eraser.cleaner.sync("docs", {**WEB, KEPT: WEB[GONE]})
    await eraser.cleaner.sync("docs", WEB)
    await eraser.pool.execute("delete from versions where valid_to is not null")
    await eraser.pool.execute(
        "delete from documents d where not exists (select from versions v where v.document_id = "
        "d.id)"
    )
    digest = bytes.fromhex(str(await eraser.pool.fetchval(
        "select encode(text_hash, 'hex') from changes where url = $1 limit 1", GONE
    )))  # fmt: skip
    assert await eraser.pool.fetchval("select count(*) from changes where text_hash = $1", digest)
    await eraser.run(GONE)
    assert eraser.found == {}
    assert not await eraser.pool.fetchval(
        "select count(*) from changes where text_hash = $1", digest
    )


async def test_an_address_whose_page_a_cleanup_deleted_leaves_the_feed(eraser: Eraser) -> None:
    await eraser.pool.execute("update sources set deletion = 'prompt'")
    await eraser.drive.run("docs", {**WEB, GONE: 410})
    page = await eraser.pool.fetchval("select id from pages where url = $1", GONE)
    for table in ("versions", "documents", "run_pages", "fetches", "source_pages", "page_state"):
        await eraser.pool.execute(f"delete from {table} where page_id = $1", page)
    await eraser.pool.execute("delete from pages where id = $1", page)
    ended = await eraser.run(GONE)
    assert (ended.addresses, ended.pages) == (1, 0)
    assert eraser.found == {}
    rows = await eraser.pool.fetch(
        "select kind, url, text_hash from changes where page_id = $1 order by number", page
    )
    assert [tuple(row) for row in rows] == [("erased", None, None), ("erased", None, None)]


async def test_an_address_in_the_evidence_of_another_page_is_taken_out(eraser: Eraser) -> None:
    """A page that moved names where; the page there is erased later."""
    drive = eraser.drive
    await drive.pool.execute("update sources set deletion = 'prompt'")
    moved, target = f"{BASE}/old", f"{BASE}/new"
    await eraser.cleaner.sync("docs", {**WEB, moved: "A moving text of some length on boats."})
    await drive.run(
        "docs", {**WEB, moved: Leads(target)},
        unlisted={target: "A moving text of some length on boats."},
    )  # fmt: skip
    [gone] = [row for row in await told(eraser) if row["kind"] == "removed"]
    assert json.loads(gone["evidence"])["to"] == target
    await eraser.run(target)
    assert eraser.found == {}
    [gone] = [row for row in await told(eraser) if row["kind"] == "removed"]
    assert json.loads(gone["evidence"])["to"] == traces.ERASED
    assert gone["url"] == moved
