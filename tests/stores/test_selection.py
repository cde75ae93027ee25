"""Selecting stored pages, counting failures, and adopting single fetches, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from atlas.contracts.processing import BatchQuery
from atlas.domain.batch import PreparedPage
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.refusal import RequestRefused
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.stores.postgres.crawl.bodies import snapshot_reuse
from atlas.stores.postgres.crawl.pages import quarantine
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.crawl.runs.batch_selection import CHUNK, Selection
from tests.stored import FETCHED, store

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
BASE = "https://stored.example"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
async def selection(pool: asyncpg.Pool) -> Selection:
    return Selection(pool, clock=lambda: NOW, extractor=EXTRACTOR_VERSION)


async def begin(pool: asyncpg.Pool, run_id: str = "r") -> None:
    async with pool.acquire() as connection:
        await runs.open_run(
            connection, run_id=run_id, workflow_id="w", kind="batch_process", trigger="cli", now=NOW
        )


async def keep(pool: asyncpg.Pool, folder: Path, pages: int) -> None:
    """Pages that share one body: what is selected does not depend on it."""
    await store(pool, folder / "blobs", {f"{BASE}/{n:06d}": b"one body" for n in range(pages)})


async def test_a_selection_cut_off_goes_on_where_it_ended(
    pool: asyncpg.Pool, selection: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = 2 * CHUNK + 100
    await keep(pool, tmp_path, pages)
    await begin(pool)
    enter, calls = Selection._enter, 0

    async def cut_off(self: Selection, *rest: object, **named: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionError
        await enter(self, *rest, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Selection, "_enter", cut_off)
        with pytest.raises(ConnectionError):
            await selection.query("r", BatchQuery(), force=False)
    assert (await selection.selected("r")).pages == CHUNK
    for _ in range(2):  # the second adds nothing
        await selection.query("r", BatchQuery(), force=False)
        assert (await selection.selected("r")).pages == pages
    await begin(pool, "limited")
    for _ in range(2):
        await selection.query("limited", BatchQuery(limit=CHUNK + 1), force=False)
        assert (await selection.selected("limited")).pages == CHUNK + 1


async def test_each_state_of_a_page_has_its_outcome(
    pool: asyncpg.Pool, selection: Selection, tmp_path: Path
) -> None:
    await keep(pool, tmp_path, 7)
    ids = [row["id"] for row in await pool.fetch("select id from pages order by url")]
    changes = (
        f"settled_snapshot = fetched_snapshot, settled_extractor = {EXTRACTOR_VERSION}",
        f"settled_snapshot = fetched_snapshot, settled_extractor = {EXTRACTOR_VERSION - 1}",
        "lifecycle = 'tombstoned'",
        f"redirect_to = {ids[6]}",
        "fetched_snapshot = null",
    )
    for page, change in zip(ids, changes, strict=False):
        await pool.execute(f"update page_state set {change} where page_id = $1", page)
    await begin(pool)
    await selection.named("r", [*ids, f"{BASE}/000006", "https://nobody.example/", 10**12],
                          force=False)  # fmt: skip
    found = await pool.fetch(
        "select stage, outcome, error_code from run_pages where run_id = 'r' order by page_id"
    )
    assert [tuple(row) for row in found] == [
        ("done", "unchanged", None),
        ("fetched", None, None),
        ("done", "skipped", "page_gone"),
        ("done", "failed", "not_fetched"),
        ("fetched", None, None),
        ("fetched", None, None),  # that at the end of the redirect, named twice more
    ]
    assert (await selection.selected("r")).missing == 2
    await begin(pool, "forced")
    await selection.named("forced", ids[:1], force=True)
    assert (await selection.selected("forced")).to_do == 1


async def test_what_cannot_be_done_is_refused(selection: Selection) -> None:
    for refused in (
        selection.failed_of("r", "nobody", force=False),
        selection.query("r", BatchQuery(source="nobody"), force=False),
    ):
        with pytest.raises(RequestRefused, match="nobody"):
            await refused
    selection.check_extractor(EXTRACTOR_VERSION)
    with pytest.raises(RequestRefused, match=f"extractor: {EXTRACTOR_VERSION + 1} refused"):
        selection.check_extractor(EXTRACTOR_VERSION + 1)


async def fail(pool: asyncpg.Pool, page: int, run: str, code: str, snapshot: bytes) -> None:
    error = PageError(ErrorClass.INVALID, code, "why \x00 not")
    failed = [PreparedPage(page, snapshot, None, error)]
    async with pool.acquire() as connection:
        await quarantine.record(connection, run, failed, extractor=1, now=NOW)


@pytest.mark.parametrize(
    ("codes", "failures", "left_alone"),
    [
        (["no_text"] * 2, 2, False),
        (["no_text", "pdf_broken", "no_text"], 3, True),
        (["needs_browser"] * 4, 4, False),
        (["needs_browser", "no_text", "no_text"], 3, True),
        (["extractor_timeout"], 1, False),
        (["extractor_timeout"] * 3, 3, True),
        (["extractor_crashed"], 1, True),
        (["no_text", "extractor_memory"], 2, True),
        (["extractor_crashed", "no_text"], 2, True),
    ],
)
async def test_failures_are_counted_per_body(
    pool: asyncpg.Pool, tmp_path: Path, codes: list[str], failures: int, left_alone: bool
) -> None:
    await keep(pool, tmp_path, 1)
    page = await pool.fetchval("select id from pages")
    body = await pool.fetchval("select fetched_snapshot from page_state")
    for number, code in enumerate(codes):
        await fail(pool, page, f"r{number}", code, body)
    row = await pool.fetchrow("select failures, since is not null as poison from quarantine")
    assert row is not None
    assert tuple(row) == (failures, left_alone)
    lifecycle = "quarantined" if left_alone else "discovered"
    assert await pool.fetchval("select lifecycle from page_state") == lifecycle
    async with pool.acquire() as connection:
        assert bool(await quarantine.held_back(connection, [page], 1)) is left_alone
        assert not await quarantine.held_back(connection, [page], 2)
        assert len(await quarantine.listed(connection, extractor=1)) == int(left_alone)
        assert await quarantine.listed(connection, extractor=1, source="nobody") == []
    await fail(pool, page, "other", "no_text", b"\0" * 32)  # another body begins anew
    row = await pool.fetchrow("select failures, since from quarantine")
    assert row is not None
    assert tuple(row) == (1, None)
    assert await pool.fetchval("select lifecycle from page_state") == "discovered"


async def ledger(pool: asyncpg.Pool, page: int, at: datetime, **values: object) -> None:
    row = {"url": f"{BASE}/000000", "final_url": None, "snapshot": b"\1" * 32, "error_class": None}
    row |= values
    await pool.execute(
        "insert into blobs (hash, size, put_at) values ($1, 1, $2) on conflict do nothing",
        b"\1" * 32,
        at,
    )
    await pool.execute(
        "insert into fetches (run_started, run_id, page_id, attempt, url, final_url, status, "
        "snapshot, error_class, content_type, charset, fetched_at) values "
        "($1, 'single', $2, 1, $3, $4, 200, $5, $6, 'text/html', 'koi8-r', $1)",
        at, page, row["url"], row["final_url"], row["snapshot"], row["error_class"],
    )  # fmt: skip


async def adopt(pool: asyncpg.Pool, *pages: int) -> dict[int, int]:
    async with pool.acquire() as connection, connection.transaction():
        return await snapshot_reuse.adopt(connection, pages, NOW)


LATER, LATEST = FETCHED + timedelta(hours=1), FETCHED + timedelta(hours=2)


async def test_a_newer_single_fetch_is_adopted(pool: asyncpg.Pool, tmp_path: Path) -> None:
    await keep(pool, tmp_path, 1)
    page = await pool.fetchval("select id from pages")
    await ledger(pool, page, LATER)
    await pool.execute("update page_state set lifecycle = 'tombstoned', gone_count = 2")
    assert await adopt(pool, page) == {page: page}
    state = await pool.fetchrow("select * from page_state")
    assert state is not None
    assert (state["fetched_snapshot"], state["fetched_charset"]) == (b"\1" * 32, "koi8-r")
    assert (state["lifecycle"], state["gone_count"]) == ("discovered", 0)
    assert state["fetched_at"] == LATER


@pytest.mark.parametrize(
    "why_not", ["an older one", "the page is gone since", "a run works on the page"]
)
async def test_a_single_fetch_is_left_alone(
    pool: asyncpg.Pool, tmp_path: Path, why_not: str
) -> None:
    await keep(pool, tmp_path, 1)
    page = await pool.fetchval("select id from pages")
    await ledger(pool, page, FETCHED if why_not == "an older one" else LATER)
    if why_not == "the page is gone since":
        await ledger(pool, page, LATEST, snapshot=None, error_class="gone")
    if why_not == "a run works on the page":
        await pool.execute(
            "update page_state set claim_run = 'r', claim_lane = 0, claim_number = 1"
        )
    before = await pool.fetchrow("select * from page_state")
    assert await adopt(pool, page) == {page: page}
    assert await pool.fetchrow("select * from page_state") == before


async def test_a_redirected_single_fetch_is_the_targets(pool: asyncpg.Pool, tmp_path: Path) -> None:
    await keep(pool, tmp_path, 1)
    page = await pool.fetchval("select id from pages")
    await ledger(pool, page, LATER, final_url=f"{BASE}/New#top")
    before = await pool.fetchrow("select * from page_state where page_id = $1", page)
    target = (await adopt(pool, page))[page]
    assert await pool.fetchval("select url from pages where id = $1", target) == f"{BASE}/New"
    found = await pool.fetchval(
        "select fetched_snapshot from page_state where page_id = $1", target
    )
    assert found == b"\1" * 32
    assert await pool.fetchrow("select * from page_state where page_id = $1", page) == before
