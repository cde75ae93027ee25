"""A run of many pages that PostgreSQL's statistics do not know yet: no statement of a batch reads
the run, and none of its beginning or end reads it more than a few times."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg
import pytest

from atlas.contracts.activities import Batch, ClaimBatch, CloseRun
from atlas.contracts.work import RunLimits
from atlas.embedded.postgres import SUPERUSER
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.runs.claims import _FEWEST
from atlas.stores.postgres.reporting import monitoring
from tests.conftest import PostgresServer
from tests.stores.drive import Drive, fences
from tests.stores.rows_read import Reader, explained

pytestmark = pytest.mark.fault(19)

PAGES = 3000
BATCH = 20
URLS = [f"https://example.org/{number:05}" for number in range(PAGES)]
COUNTS = "select outcome, "
"""The run's counts: always aggregated from its record, once a batch."""

# Earlier runs of another source had the same pages.
HISTORY = f"""
    insert into pages (url, created_at)
        select 'https://example.org/' || to_char(n, 'FM00000'), now()
        from generate_series(0, {PAGES - 1}) n;
    insert into page_state (page_id) select id from pages;
    insert into runs (run_id, workflow_id, source_name, trigger, due, started_at)
        select 'old-' || n, n, 'old', 'cli', false, now() from generate_series(1, 3) n;
    insert into run_pages (run_id, page_id, level, url, stage, outcome)
        select run_id, id, 0, url, 'done', 'added' from pages, runs;
"""


_TABLES = """
    select relname from pg_class
     where relkind = 'r' and relnamespace = 'public'::regnamespace
"""
"""None of them may be analysed in the middle of a test that takes long on a busy machine."""


@pytest.fixture(params=[False, True], ids=["never analysed", "analysed before the run"])
def analysed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=[False, True], ids=["planned for its values", "planned once for all"])
def generic(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def reader(
    database_url: str, postgres_server: PostgresServer, analysed: bool, generic: bool
) -> AsyncIterator[Reader]:
    name = urlsplit(database_url).path.removeprefix("/")
    async with explained(postgres_server.url(name, SUPERUSER), generic=generic) as reader:
        # Else it may be right to read the small tables of a test from end to end.
        await reader.execute("set random_page_cost = 1")
        for row in await reader.fetch(_TABLES):
            await reader.execute(f'alter table "{row["relname"]}" set (autovacuum_enabled = off)')
        await reader.execute(HISTORY)
        await reader.execute("analyze pages, page_state, runs")
        if analysed:
            await reader.execute("analyze run_pages")
        yield reader


def above(read: Mapping[str, int], most: int) -> dict[str, int]:
    return {statement: rows for statement, rows in read.items() if rows > most}


async def test_no_statement_of_a_batch_reads_the_run(reader: Reader) -> None:
    drive = Drive(cast("asyncpg.Pool[asyncpg.Record]", reader))
    await drive.add("docs")
    await drive.add("others")
    run_id = await drive.open("docs")
    web: dict[str, Any] = {url: " ".join(f"{url}{n}" for n in range(9)) for url in URLS}
    web |= {URLS[BATCH + 7]: 404, URLS[BATCH + 8]: 500}
    with reader.reading() as listing:
        await drive.enlist(run_id, *URLS)
    assert above(listing, 10 * PAGES) == {}
    await drive.run("others", {url: web[url] for url in URLS[:BATCH]})

    with reader.reading() as batches:
        for number in range(3):  # the first of them finds what the others fetched
            await drive.work(Batch(run_id=run_id, lane=0, number=number), web, BATCH)
        await find_slow(drive, run_id)
        counts = await drive.crawl.batches.counts(run_id)
    assert (counts.skipped, counts.added, counts.failed) == (BATCH, 3 * BATCH - 2, 2)
    linear = {statement for statement in batches if statement.startswith(COUNTS)}
    assert len(batches) > 40 and len(linear) == 1
    per_batch = {statement: rows for statement, rows in batches.items() if statement not in linear}
    assert above(per_batch, PAGES // 2) == {}

    with reader.reading() as limited:
        await limit(drive, run_id)
    with reader.reading() as ending:
        await run_queue.counts(reader.connection, run_id)
        await monitoring.page_counts(reader.connection, [run_id])
        await drive.crawl.runs.close_run(CloseRun(run_id=run_id, complete=True))
    assert above(limited | ending, 20 * PAGES) == {}


async def find_slow(drive: Drive, run_id: str) -> None:
    """Set the pages of a batch aside, and claim them and others after that."""
    pages = await drive.claim(Batch(run_id=run_id, lane=1, number=1), BATCH)
    batches = drive.crawl.batches
    assert not await batches.others_wait(run_id, 0, ["example.org"])
    await batches.set_aside(run_id, fences(pages), ["slow.example"])
    assert await batches.slow_among(run_id, ["slow.example"]) == {"slow.example"}
    await batches.give_back(run_id=run_id, fences=fences(pages), not_before={})
    others = await drive.claim(Batch(run_id=run_id, lane=1, number=2), BATCH)
    request = ClaimBatch(run_id=run_id, lane=3, number=1, level=0, size=BATCH, slow=True)
    assert (await batches.claim(request)).pages == _FEWEST
    assert len(others) == BATCH and not {page.page_id for page in pages} & set(fences(others))
    for lane, number in ((1, 2), (3, 1)):
        held = await batches.begin_attempt(Batch(run_id=run_id, lane=lane, number=number))
        await batches.give_back(run_id=run_id, fences=fences(held), not_before={})


async def limit(drive: Drive, run_id: str) -> None:
    """Change the limits of a run: what is beyond them is skipped, and taken back."""

    async def skipped() -> int:
        return (await drive.crawl.batches.counts(run_id)).skipped - BATCH

    await drive.crawl.listing.apply_limits(run_id, 0, RunLimits(pages=PAGES // 2))
    assert await skipped() == PAGES // 2
    await drive.crawl.listing.apply_limits(run_id, 0, RunLimits(pages=PAGES - 5))
    assert await skipped() == 5
    over = RunLimits(deadline=drive.now)
    request = ClaimBatch(run_id=run_id, lane=0, number=9, level=0, size=BATCH, limits=over)
    assert (await drive.crawl.batches.claim(request)).pages == 0
    assert await skipped() == PAGES - 4 * BATCH
    assert await drive.crawl.listing.unfinished(run_id, 1) == 0
