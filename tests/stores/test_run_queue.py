"""The queue of a run: claims repeat, attempts fence each other, and no scan finds the next page."""

import asyncio
import json
from typing import Any

import asyncpg

from atlas.contracts.activities import Batch, ClaimBatch
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.pages import pages
from atlas.stores.postgres.crawl.runs import claims
from tests.stores.drive import Drive, fences, fetched, prepared

URLS = [f"https://example.org/{number:04}" for number in range(30)]


async def begun(drive: Drive, *urls: str) -> str:
    """A run with pages to work on."""
    await drive.add("docs")
    run_id = await drive.open("docs")
    assert await drive.enlist(run_id, *urls) == len(urls)
    return run_id


async def claimed(drive: Drive, run_id: str, lane: int, number: int, size: int = 10) -> set[str]:
    request = ClaimBatch(run_id=run_id, lane=lane, number=number, level=0, size=size)
    await drive.crawl.batches.claim(request)
    rows = await drive.pool.fetch(
        "select url from pages p join page_state ps on ps.page_id = p.id "
        "where claim_run = $1 and claim_lane = $2 and claim_number = $3",
        *(run_id, lane, number),
    )
    return {row["url"] for row in rows}


async def test_a_repeated_claim_returns_the_same_pages(drive: Drive) -> None:
    run_id = await begun(drive, *URLS)
    first = await claimed(drive, run_id, 0, 1)
    assert first == set(URLS[:10])
    assert await claimed(drive, run_id, 0, 1) == first


async def test_lanes_at_once_share_out_every_page_once(drive: Drive) -> None:
    run_id = await begun(drive, *URLS)
    shares = await asyncio.gather(*(claimed(drive, run_id, lane, 1) for lane in range(4)))
    assert sum(len(share) for share in shares) == len(set().union(*shares)) == len(URLS)


async def test_a_next_claim_of_a_lane_takes_over_what_its_last_left(drive: Drive) -> None:
    run_id = await begun(drive, *URLS[:3])
    assert await claimed(drive, run_id, 0, 1) == set(URLS[:3])
    assert await claimed(drive, run_id, 1, 1) == set()
    assert await claimed(drive, run_id, 0, 2) == set(URLS[:3])


async def test_a_superseded_attempts_writes_are_refused(drive: Drive) -> None:
    run_id = await begun(drive, *URLS[:2])
    batch = Batch(run_id=run_id, lane=0, number=1)
    web = dict.fromkeys(URLS[:2], "a text")
    first = await drive.claim(batch)
    second = await drive.crawl.batches.begin_attempt(batch)
    assert await drive.record(run_id, first, web) == 0
    assert await drive.pool.fetchval("select count(*) from fetches") == 0
    await drive.crawl.batches.give_back(run_id=run_id, fences=fences(first), not_before={})
    assert await drive.record(run_id, second, web) == 2
    third = await drive.crawl.batches.begin_attempt(batch)
    found = [prepared(page, "a text") for page in third]
    assert await drive.crawl.processed.store(run_id, fences(second), found) == 0
    assert await drive.pool.fetchval("select count(*) from documents") == 0
    assert await drive.crawl.processed.store(run_id, fences(third), found) == 2
    fourth = await drive.crawl.batches.begin_attempt(batch)
    await drive.crawl.settlement.settle(batch, fences(third))
    assert await drive.live() == set()
    await drive.crawl.settlement.settle(batch, fences(fourth))
    assert await drive.live() == set(URLS[:2])


async def test_a_late_write_waits_for_no_one_and_is_refused_page_by_page(drive: Drive) -> None:
    run_id = await begun(drive, *URLS[:3])
    held = await drive.claim(Batch(run_id=run_id, lane=0, number=1))
    rows = [fetched(page, "a text") for page in held]
    moved = fences(held) | {held[0].page_id: held[0].fence - 1}
    assert await drive.crawl.fetches.record(run_id, moved, rows) == 2


async def test_pages_not_got_to_are_free_again_those_of_a_slow_host_later(drive: Drive) -> None:
    run_id = await begun(drive, *URLS[:2])
    held = await drive.claim(Batch(run_id=run_id, lane=0, number=1))
    later = drive.now.replace(hour=23)
    await drive.crawl.batches.give_back(
        run_id=run_id, fences=fences(held), not_before={held[0].page_id: later}
    )
    assert await claimed(drive, run_id, 1, 1) == {held[1].url}
    request = ClaimBatch(run_id=run_id, lane=2, number=1, level=0)
    claim = await drive.crawl.batches.claim(request)
    assert (claim.pages, claim.wait) == (0, (later - drive.now).total_seconds())
    assert await drive.pool.fetchval("select max(attempts) from run_pages") == 0


async def test_counts_are_those_of_the_record_whatever_is_repeated(drive: Drive) -> None:
    run_id = await begun(drive, *URLS[:3])
    batch = Batch(run_id=run_id, lane=0, number=1)
    web: dict[str, Any] = {URLS[0]: "a text", URLS[1]: 404, URLS[2]: 500}
    await drive.work(batch, web)
    await drive.work(batch, web)
    counts = await drive.crawl.batches.counts(run_id)
    assert (counts.seen, counts.added, counts.failed) == (3, 1, 2)
    assert await drive.pool.fetchval("select count(*) from fetches") == 3


# Plans of the hot queries at a size where a sequential scan would show.


async def fill(connection: asyncpg.Connection) -> None:
    """Two runs of a source with many pages and links; one of them is under way."""
    await connection.execute(
        """
        insert into sources (name, kind, urls, created_at) values ('big', 'site', '{}', now());
        insert into pages (url, created_at)
            select 'https://example.org/' || n, now() from generate_series(1, 20000) n;
        insert into page_state (page_id) select id from pages;
        insert into runs (run_id, workflow_id, source_id, source_name, trigger, due, started_at)
            select r, r, (select id from sources where name = 'big'), 'big', 'cli', false, now()
            from unnest(array['old', 'big']) r;
        insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
            select (select id from sources where name = 'big'), id, id % 500, 'link', 'big', now()
            from pages;
        insert into run_pages (run_id, page_id, level, url, stage, outcome)
            select 'old', id, id % 500, url, 'done', 'added' from pages;
        insert into run_pages (run_id, page_id, level, url)
            select 'big', id, id % 500, url from pages;
        insert into links (page_id, ordinal, target)
            select p.id, n, 'https://example.org/' || (p.id + n)
            from pages p, generate_series(1, 5) n;
        update page_state
            set claim_run = 'big', claim_lane = page_id % 3, claim_number = page_id / 100
            where page_id % 10 = 0;
        """
    )
    await connection.execute(
        "analyze pages, page_state, run_pages, source_pages, links, sources, runs"
    )


class Recorder:
    """Runs statements, and explains each instead of running it a second time."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.plans: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name not in ("fetch", "fetchval", "fetchrow", "execute"):
            return method

        async def explained(statement: str, *values: Any) -> Any:
            plan = await self._connection.fetchval(f"explain (format json) {statement}", *values)
            self.plans.append((statement, json.loads(plan)[0]["Plan"]))
            return await method(statement, *values)

        return explained


def sequential(plan: dict[str, Any]) -> list[str]:
    """Large tables that a plan reads from end to end."""
    below = [name for child in plan.get("Plans", []) for name in sequential(child)]
    large = plan.get("Relation Name") not in (None, "sources", "runs")
    return below + ([plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" and large else [])


async def test_the_hot_queries_scan_no_large_table(database: "asyncpg.Pool") -> None:
    async with database.acquire() as connection:
        await fill(connection)
        recorder: Any = Recorder(connection)
        batch = Batch(run_id="big", lane=1, number=900)
        now = await connection.fetchval("select now()")
        wanted = ClaimBatch(run_id="big", lane=1, number=900, level=7, size=30)
        claim = await claims.claim(recorder, wanted, now)
        assert claim.pages == 30
        held = await claims.begin_attempt(recorder, batch, 1)
        assert len(held) == 30
        assert await run_queue.lock(recorder, fences(held)) == {page.page_id for page in held}
        await run_queue.finish(recorder, "big", [(held[0].page_id, "unchanged", None)])
        await run_queue.release_batch(recorder, batch)
        source_id = await connection.fetchval("select id from sources where name = 'big'")
        await pages.link_targets(recorder, source_id=source_id, run_id="big", level=7)
        assert len(recorder.plans) > 6
        scans = {statement: sequential(plan) for statement, plan in recorder.plans}
        assert {statement: names for statement, names in scans.items() if names} == {}
