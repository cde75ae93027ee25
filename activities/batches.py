"""Processing what is stored: which documents, their chunks, and the end of the run."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from temporalio import activity

from activities.manifests import write_lines
from atlas.contracts.activities import Batch
from atlas.contracts.processing import (
    JSON_LINES,
    ChunkDone,
    Selected,
    SelectPages,
    WindUp,
    WorkChunk,
    WoundUp,
)
from atlas.domain.blob import BlobCorrupt, BlobMissing
from atlas.domain.refusal import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from activities.processing import Processing
    from activities.settling import Indexing
    from atlas.contracts.activities import ClaimBatch, Claimed
    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.crawl.bodies.artifacts import Artifacts
    from atlas.stores.postgres.crawl.runs.batch_records import BatchRecords
    from atlas.stores.postgres.crawl.runs.batch_selection import Selection

    Claim = Callable[[ClaimBatch], Awaitable[Claimed]]


class Batches:
    """`claim` takes pages as a sync does; `processing` and `indexing` do a batch's work."""

    def __init__(
        self,
        selection: Selection,
        records: BatchRecords,
        blobs: Blobs,
        manifests: Artifacts,
        outcomes: Artifacts,
        claim: Claim,
        processing: Processing,
        indexing: Indexing,
    ) -> None:
        self._selection = selection
        self._records = records
        self._blobs = blobs
        self._manifests = manifests
        self._outcomes = outcomes
        self._claim = claim
        self._processing = processing
        self._indexing = indexing

    @activity.defn
    async def select_pages(self, request: SelectPages) -> Selected:
        """Write the run's pages to its record, a few thousand a transaction."""
        try:
            self._selection.check_extractor(request.extractor)
            await self._select(request)
        except RequestRefused as refused:
            return Selected(refused=str(refused))
        return await self._selection.selected(request.run_id)

    @activity.defn
    async def work_chunk(self, request: WorkChunk) -> ChunkDone:
        """Claim the next pages, process and settle them: one activity, for a short history."""
        claimed = await self._claim(request)
        if not claimed.pages:
            return ChunkDone(wait=claimed.wait, counts=claimed.counts)
        batch = Batch(
            run_id=request.run_id,
            lane=request.lane,
            number=request.number,
            force=request.force,
            offline=True,
        )
        await self._processing.process_batch(batch)
        settled = await self._indexing.settle_batch(batch)
        return ChunkDone(pages=claimed.pages, counts=settled.counts)

    @activity.defn
    async def wind_up(self, request: WindUp) -> WoundUp:
        """End every page of the run, release its claims, keep the outcomes."""
        wound = await self._records.wind_up(request)
        if not request.outcomes:
            return wound
        manifest = await self._keep_outcomes(request.run_id)
        return wound.model_copy(update={"manifest": manifest})

    async def _select(self, request: SelectPages) -> None:
        run_id, force = request.run_id, request.force
        if request.snapshot is not None:
            await self._selection.snapshot(run_id, request.snapshot, force=force)
        elif request.failed_of is not None:
            await self._selection.failed_of(run_id, request.failed_of, force=force)
        elif request.query is not None:
            await self._selection.query(run_id, request.query, force=force)
        elif request.manifest is not None:
            body = await self._manifest(request.manifest)
            await self._selection.named(run_id, _names(body), force=force)
        else:
            await self._selection.named(run_id, _named(request), force=force, accept=request.accept)

    async def _manifest(self, digest: str) -> bytes:
        try:
            body = await self._blobs.get(digest)
        except (BlobMissing, BlobCorrupt) as error:
            raise RequestRefused(
                f"manifest: {error}; AtlasClient.manifest(urls) stores one and gives its hash"
            ) from None
        await asyncio.to_thread(lambda: all(_names(body)))  # refused as a whole, or not at all
        await self._manifests.announce(digest, len(body))
        await self._manifests.keep(digest, digest, JSON_LINES)
        return body

    async def _keep_outcomes(self, run_id: str) -> str:
        lines = self._records.outcomes(run_id)
        digest = await write_lines(self._blobs, lines, self._outcomes.announce)
        await self._outcomes.keep(run_id, digest, JSON_LINES)
        return digest


def _named(request: SelectPages) -> Iterator[str | int]:
    if request.url is not None:
        yield request.url
    if request.page is not None:
        yield request.page
    yield from request.urls or ()
    yield from request.pages or ()


def _names(body: bytes) -> Iterator[str | int]:
    """The pages that a manifest's lines name. Raises RequestRefused at the first bad one."""
    for number, line in enumerate(io.BytesIO(body), 1):
        if line.strip():
            yield _name(line, number)


def _name(line: bytes, number: int) -> str | int:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        page, url = value.get("page"), value.get("url")
        if isinstance(page, int) and 0 < page < 2**63:
            return page
        if isinstance(url, str) and url:
            return url
    raise RequestRefused(
        f"manifest: line {number} is {line[:80].decode('utf-8', 'replace')!r}; each line is "
        '{"url": "https://…"} or {"page": 7}'
    )
