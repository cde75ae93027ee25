"""Pages that ask for no index: they leave as gone pages do, and never in masses."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from atlas.contracts.activities import Batch
from atlas.domain.batch import PreparedPage
from atlas.domain.errors import NOINDEX, ErrorClass, PageError
from atlas.domain.removal.removal_rules import Weight
from atlas.stores.postgres.crawl.pages import evidence
from tests.stores.drive import Drive, Web, fences, prepared

pytestmark = pytest.mark.fault(16)

A, B, C = (f"https://example.org/{name}" for name in "abc")
TARGET = "https://example.org/target"
ALL: Web = {A: "all about apples", B: "all about boats", C: "all about cats"}


@dataclass
class Asking(Drive):
    """Pages in `hidden` ask for no index; each has one link."""

    hidden: set[str] = field(default_factory=set)

    async def work(self, batch: Batch, web: Web, size: int = 100, level: int = 0) -> None:
        await self.record(batch.run_id, await self.claim(batch, size, level), web)
        pages = [
            page
            for page in await self.crawl.batches.begin_attempt(batch)
            if page.stage == "fetched"
        ]
        found = [
            self._asked(prepared(page, str(web[page.url]), TARGET), page.url) for page in pages
        ]
        await self.crawl.processed.store(batch.run_id, fences(pages), found)
        await self.crawl.settlement.settle(
            batch, fences(await self.crawl.batches.begin_attempt(batch))
        )
        await self.crawl.batches.release(batch)

    def _asked(self, page: PreparedPage, url: str) -> PreparedPage:
        asked = PageError(ErrorClass.BLOCKED, NOINDEX, "asks for it")
        return replace(page, error=asked) if url in self.hidden else page

    async def links_of(self, url: str) -> list[str]:
        rows = await self.pool.fetch(
            "select target from links l join pages p on p.id = l.page_id where p.url = $1", url
        )
        return [row["target"] for row in rows]


@pytest.fixture
def asking(drive: Drive) -> Asking:
    return Asking(drive.pool)


async def test_one_that_never_was_live_is_skipped_and_its_links_count(asking: Asking) -> None:
    await asking.add("docs")
    asking.hidden = {B}
    for _ in range(3):
        closed = await asking.run("docs", ALL)
        assert (closed.counts.skipped, closed.counts.failed) == (1, 0)
        assert closed.counts.seen == closed.counts.done == 3
        assert closed.outcome == "completed"
    assert (await asking.live(), await asking.lifecycle(B)) == ({A, C}, "discovered")
    assert await asking.links_of(B) == [TARGET]
    told = "select distinct error_code from fetches f join pages p on p.id = page_id where p.url=$1"
    assert [row[0] for row in await asking.pool.fetch(told, B)] == [NOINDEX]
    asking.hidden = set()
    assert (await asking.run("docs", ALL)).counts.added == 1
    assert await asking.live() == set(ALL)


@pytest.mark.parametrize(("deletion", "looks"), [("careful", 3), ("prompt", 1), ("keep", None)])
async def test_a_live_page_leaves_by_the_confirmations_of_its_policy(
    asking: Asking, deletion: str, looks: int | None
) -> None:
    await asking.add("docs", deletion=deletion)
    await asking.run("docs", ALL)
    asking.hidden = {B}
    changed = {**ALL, B: "all about boats, hidden"}
    removed = [(await asking.run("docs", changed)).removed for _ in range(3)]
    assert removed == [1 if look == looks else 0 for look in (1, 2, 3)]
    assert (B in await asking.live()) == (looks is None)
    assert await asking.links_of(B) == [TARGET]
    asking.hidden = set()
    await asking.run("docs", changed)
    assert await asking.live() == set(ALL)
    assert await asking.lifecycle(B) == "live"


async def test_a_page_that_is_itself_again_in_between_begins_anew(asking: Asking) -> None:
    await asking.add("docs")
    changed = {**ALL, B: "all about boats, hidden"}
    await asking.run("docs", ALL)
    for _ in range(3):
        asking.hidden = {B}
        for _ in range(2):
            assert (await asking.run("docs", changed)).removed == 0
        asking.hidden = set()
        assert (await asking.run("docs", ALL)).removed == 0
    assert await asking.live() == set(ALL)


async def test_no_mass_of_pages_leaves_at_once(asking: Asking) -> None:
    web = {f"https://example.org/{number}": f"text number {number}" for number in range(40)}
    await asking.add("docs", deletion="prompt")
    await asking.run("docs", web)
    asking.hidden = set(web)
    for day in range(3):
        shown = {url: f"{text}, hidden on day {day}" for url, text in web.items()}
        closed = await asking.run("docs", shown)
        assert (closed.removed, closed.counts.skipped) == (0, 40)
    assert await asking.live() == set(web)


async def test_two_sources_that_share_a_page_look_once_in_a_moment(asking: Asking) -> None:
    for name in ("one", "two"):
        await asking.add(name)
        await asking.run(name, ALL)
    asking.hidden = {B}
    changed = {**ALL, B: "all about boats, hidden"}
    await asking.run("one", changed)
    await asking.run("one", changed)
    for _ in range(3):
        asking.now -= timedelta(minutes=50)
        assert (await asking.run("two", changed)).removed == 0
    asking.now += timedelta(days=1)
    assert (await asking.run("two", changed)).removed == 1


async def test_processing_a_stored_body_once_more_is_no_look(asking: Asking) -> None:
    await asking.add("docs")
    await asking.run("docs", ALL)
    asking.hidden = {B}
    changed = {**ALL, B: "all about boats, hidden"}
    seen = await asking.run("docs", changed, trigger="cli")
    await asking.run("docs", changed, trigger="cli")
    page = await asking.pool.fetchval("select id from pages where url = $1", B)
    last = await asking.pool.fetchval("select max(run_id) from runs")
    async with asking.pool.acquire() as connection, connection.transaction():
        found = await evidence.weighed(
            connection, "noindex", last, [page], asking.now + timedelta(days=1)
        )
    assert (seen.removed, found) == (0, {page: Weight.REPEATS})


async def test_it_is_no_work_between_its_checks(asking: Asking) -> None:
    await asking.add("docs")
    asking.hidden = {B}
    await asking.run("docs", ALL)
    run_id = await asking.open("docs")
    run, source = await asking.crawl.runs.run_source(run_id)
    await asking.crawl.listing.list_pages(run, source, list(ALL), level=0, mode="incremental")
    assert await asking.pool.fetchval("select count(*) from run_pages where run_id=$1", run_id) == 0


async def test_one_that_is_gone_leads_nowhere(asking: Asking) -> None:
    await asking.add("docs")
    asking.hidden = {B}
    await asking.run("docs", ALL)
    await asking.run("docs", {**ALL, B: 404})
    assert await asking.links_of(B) == []
