"""Drives the store through whole runs as the activities do, without web and Temporal."""

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from atlas.contracts.activities import Batch, ClaimBatch, CloseRun, OpenRun, RunClosed
from atlas.domain.batch import FetchRow, HeldPage, PreparedPage
from atlas.domain.chunking.document_chunks import cut_bounds
from atlas.domain.errors import NOINDEX, ErrorClass, PageError
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.prepared import Prepared
from atlas.domain.removal.bad_bodies.kinds import BodyKind, BodyVerdict
from atlas.domain.similarity.near_duplicates import sketch
from atlas.domain.sources import SourceSpec
from atlas.domain.texts import EXTRACTOR_VERSION, Extracted, Link, normalise_text
from atlas.stores.postgres.crawl.pages import documents
from atlas.stores.postgres.crawl.pages.documents import CurrentDocument
from atlas.stores.postgres.services.crawl import CrawlServices, crawl_services
from atlas.stores.postgres.sources import sources
from atlas.stores.postgres.sources.sources import Source


@dataclass(frozen=True)
class Leads:
    """An answer that leads to another page of the web, for good or for a while."""

    target: str
    permanent: bool = True


@dataclass(frozen=True)
class Instead:
    """A text that was recognised as something else than the page."""

    text: str
    kind: BodyKind = BodyKind.LOGIN
    certain: bool = True
    noindex: bool = False

    def __str__(self) -> str:
        return self.text


_HEADINGS = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)

Answer = str | int | Leads | Instead
Web = Mapping[str, Answer]
"""What each URL answers: a text, a status that is a failure, or where it leads."""


async def nobody_is_open(workflow_id: str, run_id: str) -> bool:
    return False


async def all_are_open(workflow_id: str, run_id: str) -> bool:
    return True


@dataclass
class Drive:
    """A corpus whose clock stands still until a run begins."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    now: datetime = datetime(2026, 11, 24, tzinfo=UTC)
    ended: bool | None = None
    """Whether bodies come to their end; None where that cannot be told."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.crawl: CrawlServices = crawl_services(
            self.pool, clock=lambda: self.now, extractor=EXTRACTOR_VERSION
        )

    async def add(self, name: str, **rules: Any) -> Source:
        spec = SourceSpec(name, rules.pop("kind", "urls"), ("https://example.org/",), **rules)
        async with self.pool.acquire() as connection:
            await sources.add(connection, spec, self.now)
            return await sources.get(connection, name)

    async def document(self, url: str) -> CurrentDocument:
        async with self.pool.acquire() as connection:
            return await documents.current(connection, url)

    async def open(self, source: str, trigger: str = "schedule") -> str:
        """Begin a run, an hour after the one before; returns its id."""
        self.now += timedelta(hours=1)
        run_id = f"run-{next(self._numbers)}"
        workflow_id = f"sync_pipeline:{source}"
        request = OpenRun(run_id=run_id, workflow_id=workflow_id, source=source, trigger=trigger)
        opened = await self.crawl.runs.open_run(request, nobody_is_open)
        assert opened.outcome is None, opened
        return run_id

    async def enlist(self, run_id: str, *urls: str) -> int:
        run, source = await self.crawl.runs.run_source(run_id)
        return await self.crawl.listing.list_pages(run, source, list(urls), level=0)

    async def claim(self, batch: Batch, size: int = 100, level: int = 0) -> list[HeldPage]:
        """Claim and begin an attempt."""
        await self.crawl.batches.claim(ClaimBatch(**batch.model_dump(), level=level, size=size))
        return await self.crawl.batches.begin_attempt(batch)

    async def record(self, run_id: str, pages: list[HeldPage], web: Web) -> int:
        rows = [fetched(page, web[page.url]) for page in pages]
        return await self.crawl.fetches.record(run_id, fences(pages), rows)

    async def work(self, batch: Batch, web: Web, size: int = 100, level: int = 0) -> None:
        """Fetch, process and settle a batch."""
        await self.record(batch.run_id, await self.claim(batch, size, level), web)
        pages = [
            page
            for page in await self.crawl.batches.begin_attempt(batch)
            if page.stage == "fetched"
        ]
        found = [replace(prepared(page, web[page.url]), ended=self.ended) for page in pages]
        await self.crawl.processed.store(batch.run_id, fences(pages), found)
        pages = await self.crawl.batches.begin_attempt(batch)
        await self.crawl.settlement.settle(batch, fences(pages))
        await self.crawl.batches.release(batch)

    async def reprocess(self, batch: Batch, web: Web) -> None:
        """Process and settle the claimed pages from their stored bodies."""
        pages = await self.crawl.batches.begin_attempt(batch)
        found = [prepared(page, web[page.url]) for page in pages]
        await self.crawl.processed.store(batch.run_id, fences(pages), found)
        pages = await self.crawl.batches.begin_attempt(batch)
        await self.crawl.settlement.settle(batch, fences(pages))
        await self.crawl.batches.release(batch)

    async def run(
        self,
        source: str,
        web: Web,
        *,
        complete: bool = True,
        unlisted: Web | None = None,
        trigger: str = "schedule",
        size: int = 100,
    ) -> RunClosed:
        """A whole run of a source whose listing is the keys of `web`; `unlisted` pages are led to,
        or answer when they are visited although the listing has them no more: else they answer
        404."""
        run_id = await self.open(source, trigger)
        await self.enlist(run_id, *web)
        web = {**web, **(unlisted or {})}
        await self.work(Batch(run_id=run_id, lane=0, number=1), web, size)
        if any(isinstance(answer, Leads) for answer in web.values()):
            await self.work(Batch(run_id=run_id, lane=0, number=2), web)
        if complete:
            await self._visit_absent(run_id, web)
        return await self.crawl.runs.close_run(CloseRun(run_id=run_id, complete=complete))

    async def _visit_absent(self, run_id: str, web: Web) -> None:
        run, held = await self.crawl.runs.run_source(run_id)
        urls = await self.crawl.listing.absent_candidates(run, held, 1, None)
        if await self.crawl.listing.visit_absent(run, held, urls, level=1, mode=None):
            web = {**dict.fromkeys(urls, 404), **web}
            await self.work(Batch(run_id=run_id, lane=0, number=3), web, level=1)

    async def live(self) -> set[str]:
        """URLs with an open version."""
        rows = await self.pool.fetch(
            "select url from pages join versions v on v.page_id = pages.id where valid_to is null"
        )
        return {row["url"] for row in rows}

    async def lifecycle(self, url: str) -> str:
        return str(
            await self.pool.fetchval(
                "select lifecycle from page_state ps join pages p on p.id = ps.page_id "
                "where url = $1",
                url,
            )
        )


def _verdict(answer: Answer) -> BodyVerdict | None:
    if not isinstance(answer, Instead):
        return None
    return BodyVerdict(answer.kind, ("password form", "heading says 'sign in'"), answer.certain)


def fences(pages: list[HeldPage]) -> dict[int, int]:
    return {page.page_id: page.fence for page in pages}


def snapshot_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def fetched(page: HeldPage, answer: Answer) -> FetchRow:
    """The ledger row of a page that answered so."""
    if isinstance(answer, Leads):
        return _led(page, answer)
    status = answer if isinstance(answer, int) else 200
    error = snapshot = None
    if isinstance(answer, int):
        kind = ErrorClass.GONE if answer in (404, 410) else ErrorClass.TRANSIENT
        error = PageError(kind, f"http_{answer}", f"the server answered {answer}")
    else:
        snapshot = snapshot_of(str(answer))
    return FetchRow(
        page_id=page.page_id,
        url=page.url,
        attempt=page.attempts + 1,
        final_url=page.url,
        status=status,
        elapsed=0.1,
        snapshot=snapshot,
        error=error,
        settled=snapshot is not None and snapshot == page.settled,
    )


def _led(page: HeldPage, answer: Leads) -> FetchRow:
    return FetchRow(
        page_id=page.page_id,
        url=page.url,
        attempt=page.attempts + 1,
        final_url=answer.target,
        status=301 if answer.permanent else 302,
        elapsed=0.1,
        error=PageError(ErrorClass.INVALID, "redirected", f"leads to {answer.target}"),
        redirected=True,
        target=answer.target,
        permanent=answer.permanent,
    )


def prepared(page: HeldPage, answer: Answer, *links: str) -> PreparedPage:
    """What processing makes of a text; a line that begins with `# ` is a heading."""
    text = str(answer)
    extracted = Extracted(
        title="Title",
        text=text,
        markdown=text,
        lang="en",
        published=None,
        canonical=None,
        links=tuple(Link(link) for link in links),
        text_hash=hashlib.sha256(normalise_text(text).encode()).hexdigest(),
        media="html",
        verdict=_verdict(answer),
        outline=tuple(
            OutlineSection(found.start(), len(found[1]), found[2], found[2].lower())
            for found in _HEADINGS.finditer(text)
        ),
    )
    whole = Prepared(extracted, sketch(text), cut_bounds(text, text, extracted.outline))
    hidden = isinstance(answer, Instead) and answer.noindex
    asked = PageError(ErrorClass.BLOCKED, NOINDEX, "asks for it") if hidden else None
    return PreparedPage(page.page_id, snapshot_of(text), whole, asked)
