"""Pages that come again with another body and nothing new in it are settled without extraction."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.processing import Processing
from atlas.contracts.activities import Batch
from atlas.domain.batch import HeldPage
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.stores.blobs.open import open_blobs
from atlas.stores.blobs.port import Blobs
from atlas.stores.postgres.sources import sources
from atlas.text.markup.read_digest import ReadBefore
from atlas.text.prepare import prepare
from tests.invariants import assert_nothing_is_found
from tests.stored import store
from tests.stores.drive import Drive, Web, fences

A = "https://example.org/a"
WORDS = " ".join(f"The keeper of lamp {n} rows out when the bell has rung." for n in range(30))


def body(advert: str = "one", word: str = "crane", link: str = "/boats", views: int = 1) -> str:
    return (
        f"<html lang=en><title>The {word}</title><script>show('{advert}')</script><main>"
        f"<h1>The {word}</h1><p>{WORDS} <span class=views>Seen {views} times.</span></p>"
        f"<p>It has <a href={link}>boats</a>.</p></main></html>"
    )


@dataclass
class Kept(Drive):
    """Pages whose bodies are stored, and processed by the activity."""

    blobs: Blobs = field(kw_only=True)
    folder: Path = field(kw_only=True)
    robots: str = ""
    extracted: int = 0
    attempt: list[HeldPage] = field(default_factory=list)

    async def record(self, run_id: str, pages: list[HeldPage], web: Web) -> int:
        await store(self.pool, self.folder, {url: str(each).encode() for url, each in web.items()})
        return await super().record(run_id, pages, web)

    async def prepare(self, job: PrepareJob) -> Prepared | None:
        try:
            found = prepare(job)
        except ReadBefore:
            return None
        self.extracted += 1
        return found

    async def process(self, batch: Batch) -> int:
        """The activity; how many pages it gives to settling."""
        batches, pages = self.crawl.batches, self.crawl.processed
        activity = Processing(batches, pages, self.blobs, self.prepare, 2, lambda: self.now)
        return (await ActivityEnvironment().run(activity.process_batch, batch)).to_settle

    async def work(self, batch: Batch, web: Web, size: int = 100, level: int = 0) -> None:
        await self.record(batch.run_id, await self.claim(batch, size, level), web)
        await self.pool.execute("update page_state set robots_tag = $1", self.robots)
        await self.process(batch)
        await self.settle(batch)

    async def settle(self, batch: Batch) -> None:
        pages = await self.crawl.batches.begin_attempt(batch)
        await self.crawl.settlement.settle(batch, fences(pages))
        await self.crawl.batches.release(batch)

    async def came(self, html: str, **run: Any) -> tuple[str, int]:
        """The outcome of a run that finds this body, and how many bodies were extracted for it."""
        before = self.extracted
        counts = (await self.run("docs", {A: html}, **run)).counts
        assert counts.seen == 1, counts
        (outcome,) = (each for each in ("added", "updated", "unchanged") if getattr(counts, each))
        return outcome, self.extracted - before


@pytest.fixture
async def kept(drive: Drive, tmp_path: Path) -> AsyncIterator[Kept]:
    async with open_blobs(str(tmp_path)) as blobs:
        yield Kept(drive.pool, blobs=blobs, folder=tmp_path)


async def test_another_advertisement_is_not_extracted_and_another_word_is(kept: Kept) -> None:
    await kept.add("docs")
    assert await kept.came(body()) == ("added", 1)
    assert await kept.came(body("two")) == ("unchanged", 0)
    assert await kept.came(body("three")) == ("unchanged", 0)
    state = await kept.pool.fetchrow(
        "select settled_snapshot, fetched_snapshot, seen_at, fetched_at, d.snapshot from page_state"
        " join versions v using (page_id) join documents d on d.id = v.document_id"
    )
    assert state["settled_snapshot"] == state["fetched_snapshot"] == state["snapshot"]
    assert state["seen_at"] == state["fetched_at"]
    assert await kept.came(body("four", "winch")) == ("updated", 1)
    assert (await kept.document(A)).title == "The winch"
    assert await kept.came(body("five", "winch")) == ("unchanged", 0)
    assert await kept.came(body("six", "winch", "/ships")) == ("updated", 1)
    assert await kept.pool.fetchval("select array_agg(target) from links") == [
        "https://example.org/ships"
    ]
    # The first text comes back: what its digest was is forgotten, so it is read.
    assert await kept.came(body("seven")) == ("updated", 1)
    await assert_nothing_is_found(kept.pool, "version", "history", "settled", "prepared", "mark")


async def test_what_a_header_asks_for_is_looked_at_each_time(kept: Kept) -> None:
    await kept.add("docs")
    kept.robots = "nofollow"
    assert await kept.came(body()) == ("added", 1)
    assert await kept.pool.fetchval("select rel from links") == "nofollow"
    kept.robots = ""
    assert await kept.came(body("two")) == ("unchanged", 1)
    assert await kept.pool.fetchval("select rel from links") == ""
    assert await kept.came(body("three")) == ("unchanged", 0)
    kept.robots = "nofollow"
    assert await kept.came(body("four")) == ("unchanged", 1)


async def test_a_run_that_is_forced_extracts_everything(kept: Kept) -> None:
    await kept.add("docs")
    await kept.came(body())
    run_id = await kept.open("docs")
    await kept.enlist(run_id, A)
    batch = Batch(run_id=run_id, lane=0, number=1, force=True)
    await kept.work(batch, {A: body("two")})
    assert kept.extracted == 2


async def test_other_rules_extract_it_again(kept: Kept) -> None:
    await kept.add("docs", remove=(".views",))
    assert await kept.came(body()) == ("added", 1)
    assert await kept.came(body().replace("<main>", "<main >")) == ("unchanged", 0)
    assert await kept.came(body("two")) == ("unchanged", 1)  # a rule may select a script
    async with kept.pool.acquire() as connection:
        spec = (await sources.get(connection, "docs")).spec
        await sources.edit(connection, replace(spec, remove=("span, h1",)))
    assert await kept.came(body("two").replace("<main>", "<main >")) == ("updated", 1)


async def test_what_stays_for_being_ignored_keeps_the_body_that_it_is_from(kept: Kept) -> None:
    await kept.add("docs", ignore=(".views",))
    assert await kept.came(body()) == ("added", 1)
    first = await kept.pool.fetchval("select snapshot from documents")
    assert await kept.came(body(views=2)) == ("unchanged", 1)
    assert await kept.came(body(views=2).replace("<main>", "<main >")) == ("unchanged", 0)
    assert await kept.pool.fetchval("select snapshot from documents") == first
    assert "Seen 1 times" in (await kept.document(A)).text
    await assert_nothing_is_found(kept.pool, "version", "history", "settled", "prepared", "mark")


@pytest.mark.parametrize(
    "meanwhile",
    [
        "update page_state set read_snapshot = null",
        "update page_state set settled_snapshot = sha256('another'), read_snapshot = null",
        "update sketches set version = version - 1",
    ],
)
async def test_where_what_was_settled_is_another_meanwhile_it_is_extracted_after_all(
    kept: Kept, meanwhile: str
) -> None:
    await kept.add("docs")
    await kept.came(body())
    run_id = await kept.open("docs")
    await kept.enlist(run_id, A)
    batch = Batch(run_id=run_id, lane=0, number=1)
    await kept.record(run_id, await kept.claim(batch), {A: body("two")})

    class Late:
        """The store, as others have changed it since the body was read."""

        def __getattr__(self, name: str) -> Any:
            return getattr(kept.crawl.processed, name)

        async def store(self, *found: Any) -> int:
            await kept.pool.execute(meanwhile)
            return await kept.crawl.processed.store(*found)

    late: Any = Late()
    activity = Processing(kept.crawl.batches, late, kept.blobs, kept.prepare, 2, lambda: kept.now)
    done = await ActivityEnvironment().run(activity.process_batch, batch)
    assert (done.to_settle, kept.extracted) == (0, 1)
    await kept.settle(batch)
    again = batch.model_copy(update={"number": batch.number + 1})
    await kept.claim(again)
    assert (await kept.process(again), kept.extracted) == (1, 2)
    await kept.settle(again)
    counts = await kept.crawl.batches.counts(run_id)
    assert counts.seen == 1 and counts.failed == 0
