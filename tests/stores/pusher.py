"""Drives pushes through the store as their activities do, without Temporal and children."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from atlas.contracts.activities import Batch, ClaimBatch
from atlas.contracts.push_documents import AcceptPush, PushAccepted, PushedDocument, PushedPage
from atlas.stores.postgres.crawl.bodies import blob_index
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.services.pushes import PushStore
from atlas.stores.postgres.settlement.withdrawn_pages import Withdrawn
from tests.stores.drive import Drive, fences, prepared, snapshot_of


@dataclass
class Push:
    """One run, from its acceptance to its end."""

    pusher: Pusher
    run_id: str
    texts: Mapping[str, str]
    accepted: PushAccepted
    confirmed: bool = False
    number: int = 0

    async def chunk(self) -> int:
        """Claim, take, process and settle; how many pages were claimed."""
        self.number += 1
        crawl = self.pusher.drive.crawl
        batch = Batch(run_id=self.run_id, lane=0, number=self.number)
        claim = ClaimBatch(run_id=self.run_id, lane=0, number=self.number)
        claimed = await crawl.batches.claim(claim)
        await self.pusher.store.take(self.run_id, await crawl.batches.begin_attempt(batch))
        pages = [p for p in await crawl.batches.begin_attempt(batch) if p.stage == "fetched"]
        found = [prepared(page, self.texts[page.url]) for page in pages]
        await crawl.processed.store(self.run_id, fences(pages), found)
        pages = [p for p in await crawl.batches.begin_attempt(batch) if p.stage == "processed"]
        await crawl.settlement.settle(batch, fences(pages), decided=True)
        await crawl.batches.release(batch)
        return claimed.pages

    async def end(self) -> dict[str, PushedPage]:
        """Let go of what was withdrawn, and close the run."""
        self.pusher.withdrawn = await self.pusher.store.withdraw(
            self.run_id, confirmed=self.confirmed
        )
        now = self.pusher.drive.now
        async with self.pusher.drive.pool.acquire() as connection:
            outcome = await runs.end_work(connection, self.run_id, cancelled=False)
            await connection.execute(
                "update runs set ended_at = $2, outcome = $3 where run_id = $1",
                self.run_id, now, outcome,
            )  # fmt: skip
        return {page.url: page for page in await self.pusher.store.pages(self.run_id)}

    async def finish(self) -> dict[str, PushedPage]:
        """What is left of the run, until no page of it waits any more."""
        waiting = "select exists (select from run_pages where run_id = $1 and stage <> 'done')"
        while await self.pusher.drive.pool.fetchval(waiting, self.run_id):
            await self.chunk()
            self.pusher.drive.now += timedelta(seconds=1)
        return await self.end()


@dataclass
class Pusher:
    drive: Drive
    withdrawn: Withdrawn = field(default_factory=Withdrawn)
    """What the last run that ended did with withdrawn pages."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.store = PushStore(self.drive.pool, lambda: self.drive.now, 1 << 20)

    async def begin(
        self,
        texts: Mapping[str, str] | None = None,
        *,
        withdraw: tuple[str, ...] = (),
        source: str | None = None,
        place: int | None = None,
        **with_body: Any,
    ) -> Push:
        """Store the bodies, record a run a second after what was before it, and accept."""
        texts = texts or {}
        self.drive.now += timedelta(seconds=1)
        run_id = f"push-{next(self._numbers)}"
        async with self.drive.pool.acquire() as connection:
            for text in texts.values():
                digest = snapshot_of(text).hex()
                await blob_index.announce(connection, digest, len(text), self.drive.now)
            await runs.open_run(
                connection, run_id=run_id, workflow_id=f"push_documents:{run_id}",
                kind="push_documents", trigger="cli", now=self.drive.now,
            )  # fmt: skip
        documents = [
            PushedDocument(url=url, snapshot=snapshot_of(text).hex(), **with_body)
            for url, text in texts.items()
        ]
        request = AcceptPush(
            run_id=run_id, documents=documents, withdraw=list(withdraw), source=source, place=place
        )
        return Push(self, run_id, texts, await self.store.accept(request))

    async def put(self, texts: Mapping[str, str], **rest: Any) -> dict[str, PushedPage]:
        """A whole run; what became of each page."""
        return await (await self.begin(texts, **rest)).finish()

    async def withdraw(self, *urls: str, confirmed: bool = False) -> dict[str, PushedPage]:
        push = await self.begin(withdraw=urls)
        push.confirmed = confirmed
        return await push.finish()
