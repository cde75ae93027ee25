"""Extraction rules in the corpus: which rules a page has, what a change is, what is due for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from atlas.contracts.activities import Batch
from atlas.contracts.processing import BatchQuery
from atlas.domain.batch import HeldPage, PreparedPage
from atlas.domain.extraction.extraction_rules import ExtractionRules
from atlas.domain.extraction.stated_metadata import StatedMetadata
from atlas.domain.prepared import PrepareJob
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.stores.postgres.crawl.pages import page_versions
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.crawl.runs.batch_selection import Selection
from atlas.stores.postgres.sources import sources
from atlas.text.prepare import prepare
from tests.invariants import assert_nothing_is_found
from tests.stores.drive import Drive, Web, fences

A, B, C = (f"https://example.org/{name}" for name in "abc")
BODY = """<html lang=en><title>Page {url}</title><main><p>The {word} of {url} stands on the quay and
waits for the tide to turn.</p><p>Seen <span class=views>{views}</span> times.</p></main>"""


def page(url: str, views: int = 1, word: str = "crane") -> str:
    return BODY.format(url=url, views=views, word=word)


@dataclass
class Ruled(Drive):
    """Pages whose bodies are HTML, extracted by their rules."""

    seen: list[HeldPage] = field(default_factory=list)

    async def work(self, batch: Batch, web: Web, size: int = 100, level: int = 0) -> None:
        await self.record(batch.run_id, await self.claim(batch, size, level), web)
        await self.reprocess(batch, web)

    async def record(self, run_id: str, pages: list[HeldPage], web: Web) -> int:
        self.seen = pages
        return await super().record(run_id, pages, web)

    async def reprocess(self, batch: Batch, web: Web) -> None:
        pages = await self.crawl.batches.begin_attempt(batch)
        found = [made(each, str(web[each.url])) for each in pages if each.stage == "fetched"]
        await self.crawl.processed.store(batch.run_id, fences(pages), found)
        pages = await self.crawl.batches.begin_attempt(batch)
        await self.crawl.settlement.settle(batch, fences(pages))
        await self.crawl.batches.release(batch)

    async def edit(self, name: str, **rules: Any) -> None:
        async with self.pool.acquire() as connection:
            spec = (await sources.get(connection, name)).spec
            await sources.edit(connection, replace(spec, **rules))

    async def versions(self, url: str) -> int:
        async with self.pool.acquire() as connection:
            return len((await page_versions.history(connection, url)).versions)

    async def select(self, run_id: str, **query: Any) -> set[str]:
        """The pages with work to do of a batch that selects them."""
        async with self.pool.acquire() as connection:
            await runs.open_run(
                connection, run_id=run_id, workflow_id="w", kind="batch_process", trigger="cli",
                now=self.now,
            )  # fmt: skip
        selection = Selection(self.pool, lambda: self.now, EXTRACTOR_VERSION)
        await selection.query(run_id, BatchQuery(**query), force=False)
        rows = await self.pool.fetch(
            "select url from run_pages where run_id = $1 and stage <> 'done'", run_id
        )
        return {row["url"] for row in rows}


def made(held: HeldPage, body: str) -> PreparedPage:
    job = PrepareJob(body.encode(), "text/html", "utf-8", held.url, held.rules)
    digest = hashlib.sha256(body.encode()).digest()
    return PreparedPage(held.page_id, digest, prepare(job), rules=held.rules.digest)


@pytest.fixture
async def ruled(drive: Drive) -> Ruled:
    return Ruled(drive.pool)


async def test_what_is_ignored_makes_no_version_and_leaves_nothing_behind(ruled: Ruled) -> None:
    await ruled.add("docs", ignore=(".views",))
    web = {url: page(url) for url in (A, B)}
    assert (await ruled.run("docs", web)).counts.added == 2
    for views in range(2, 6):
        closed = await ruled.run("docs", {url: page(url, views) for url in web})
        assert (closed.counts.unchanged, closed.counts.updated) == (2, 0)
    assert "Seen 1 times" in (await ruled.document(A)).text
    assert await ruled.pool.fetchval("select count(*) from documents") == 2
    edited = await ruled.run("docs", {A: page(A, 9, "lamp"), B: page(B, 9)})
    assert (edited.counts.unchanged, edited.counts.updated) == (1, 1)
    assert "The lamp" in (await ruled.document(A)).text
    assert "Seen 9 times" in (await ruled.document(A)).text
    assert (await ruled.versions(A), await ruled.versions(B)) == (2, 1)
    # What was settled last is the body that came last, so the same body again is no work.
    await ruled.run("docs", {A: page(A, 9, "lamp"), B: page(B, 9)})
    assert {each.url: each.settled is not None for each in ruled.seen} == {A: True, B: True}
    await assert_nothing_is_found(ruled.pool, "version", "history", "settled", "prepared", "mark")


async def test_without_the_rule_each_of_them_is_an_update(ruled: Ruled) -> None:
    await ruled.add("docs")
    await ruled.run("docs", {A: page(A)})
    assert (await ruled.run("docs", {A: page(A, 2)})).counts.updated == 1


async def test_other_rules_make_pages_due_and_reprocessing_settles_them(ruled: Ruled) -> None:
    await ruled.add("docs")
    web = {url: page(url) for url in (A, B)}
    await ruled.run("docs", web)
    assert await ruled.select("before", source="docs", other_rules=True) == set()
    await ruled.edit("docs", remove=(".views",))
    queries: tuple[dict[str, bool], ...] = ({"other_rules": True}, {"unsettled": True}, {})
    for number, query in enumerate(queries):
        assert await ruled.select(f"r{number}", source="docs", **query) == {A, B}
    batch = Batch(run_id="r0", lane=0, number=1)
    await ruled.claim(batch)
    await ruled.reprocess(batch, web)
    assert "Seen times" in " ".join((await ruled.document(A)).text.split())
    assert await ruled.versions(A) == 2
    assert await ruled.select("after", source="docs", other_rules=True) == set()
    # Rules that are written otherwise and were given before are the same rules.
    await ruled.edit("docs", remove=())
    assert await ruled.select("none", source="docs", other_rules=True) == {A, B}
    await ruled.edit("docs", remove=(".views",), delay=2.0)
    assert await ruled.select("back", source="docs", other_rules=True) == set()


async def test_a_body_that_did_not_change_is_processed_again_by_new_rules(ruled: Ruled) -> None:
    await ruled.add("docs")
    web = {A: page(A)}
    await ruled.run("docs", web)
    await ruled.edit("docs", content=("main p:first-child",))
    closed = await ruled.run("docs", web)
    assert closed.counts.updated == 1
    assert "Seen" not in (await ruled.document(A)).text
    assert (await ruled.run("docs", web)).counts.updated == 0


async def test_masses_of_pages_that_new_rules_change_are_not_held(ruled: Ruled) -> None:
    """A bad day of the site looks the same, but the bodies are those that were settled."""
    await ruled.add("docs")
    web = {f"https://example.org/{n}": page(str(n), n, f"word{n} " * 60) for n in range(30)}
    await ruled.run("docs", web)
    await ruled.edit("docs", content=("main p:last-child",))
    closed = await ruled.run("docs", web)
    assert closed.outcome == "completed"
    assert closed.counts.updated == 30
    assert await ruled.pool.fetchval("select count(*) from held_bodies") == 0


async def test_the_source_declared_first_decides_whoever_reads_the_page(ruled: Ruled) -> None:
    await ruled.add("plain")
    await ruled.add("first", remove=(".views",))
    await ruled.add("second", content=(".views",))
    web = {A: page(A)}
    for name in ("plain", "first", "second", "plain", "second"):
        await ruled.run(name, web)
    assert ruled.seen[0].rules == ExtractionRules(remove=(".views",))
    assert "The crane" in (await ruled.document(A)).text
    assert await ruled.versions(A) == 2, "one without rules, one by those of the first"


async def test_a_change_is_a_change_where_the_rules_differ(ruled: Ruled) -> None:
    """Hashes of what is compared mean nothing across rules."""
    await ruled.add("docs", ignore=(".views", ".none"))
    await ruled.run("docs", {A: page(A)})
    await ruled.edit("docs", ignore=(".views",))
    assert (await ruled.run("docs", {A: page(A, 2)})).counts.updated == 1


async def test_a_document_says_by_which_rules_it_was_made(ruled: Ruled) -> None:
    rules = {"content": ("main", ".none"), "metadata": ("author=.views",), "ignore": ("/zz+/",)}
    await ruled.add("docs", **rules)
    await ruled.run("docs", {A: page(A), C: "<p>A page of another kind, with no main element."})
    assert (await ruled.document(A)).author == "1"
    rows = await ruled.pool.fetch(
        "select url, rule_matches, fell_back, rules from documents d join pages p "
        "on p.id = d.page_id order by url"
    )
    assert [list(row["rule_matches"]) for row in rows] == [[1, 0, 0, 1], [0, 0, 0, 0]]
    assert [row["fell_back"] for row in rows] == [
        None, "content main, .none: it selects nothing",
    ]  # fmt: skip
    assert {row["rules"] for row in rows} == {ExtractionRules(**rules).digest}


@pytest.mark.parametrize(
    ("rules", "one", "other", "updated"),
    [
        ({}, "<a href=/login?t=1>log in</a>", "<a href=/login?t=2>log in</a>", 0),
        ({}, "<a href=/one>see</a>", "<a href=/two>see</a>", 1),
        ({"ignore": (".ad",)}, "<i class=ad><a href=/x>see</a></i>",
         "<i class=ad><a href=/y>see</a></i>", 0),
        ({"remove": (".ad",)}, "<i class=ad><a href=/x>x</a></i>",
         "<i class=ad><a href=/y>y</a></i>", 0),
        ({"remove": (".ad",)}, "<i class=ad><a href=/x>x</a></i><a href=/x>x</a>",
         "<i class=ad><a href=/x>x</a></i><a href=/y>x</a>", 1),
    ],
)  # fmt: skip
async def test_a_link_is_an_update_where_a_reader_would_notice_it(
    ruled: Ruled, rules: dict[str, Any], one: str, other: str, updated: int
) -> None:
    await ruled.add("docs", **rules)
    await ruled.run("docs", {A: page(A).replace("<main>", f"<main>{one}")})
    closed = await ruled.run("docs", {A: page(A).replace("<main>", f"<main>{other}")})
    assert (closed.counts.updated, closed.counts.unchanged) == (updated, 1 - updated)
    wanted = {link.partition(">")[0] for link in other.split("href=")[1:]}
    kept = await ruled.pool.fetch("select target from links")
    assert {row["target"].removeprefix("https://example.org") for row in kept} == wanted, (
        "a crawl goes where the page leads now"
    )


async def test_a_document_keeps_what_its_page_states_and_where(ruled: Ruled) -> None:
    await ruled.add("docs")
    body = page(A).replace("<title>", "<meta name=author content='Ada Quay'><title>")
    await ruled.run("docs", {A: body})
    found = (await ruled.document(A)).stated
    assert found is not None
    assert StatedMetadata("author", "Ada Quay", "meta author") in found
    assert StatedMetadata("language", "en", "declaration") in found
    await ruled.pool.execute("update documents set stated = null")  # as an older version left it
    assert (await ruled.document(A)).stated is None


async def test_the_language_of_a_source_is_a_rule_like_others(ruled: Ruled) -> None:
    await ruled.add("docs")
    await ruled.run("docs", {A: page(A)})
    assert (await ruled.document(A)).lang == "en"
    await ruled.edit("docs", lang="de")
    assert await ruled.select("again", other_rules=True) == {A}, "it is due by the new rule"
    assert (await ruled.run("docs", {A: page(A)})).counts.unchanged == 1
    assert (await ruled.document(A)).lang == "de"
    assert await ruled.versions(A) == 1, "the text is the same"
