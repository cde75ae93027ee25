"""Pushing: what a run was given is accepted, becomes its pages' bodies, and is settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.activities import Batch
from atlas.contracts.processing import ChunkDone, WorkChunk
from atlas.contracts.push_documents import (
    AcceptPush,
    EndPush,
    PushAccepted,
    PushedPage,
    PushEnded,
    PushOutcome,
)
from atlas.domain.refusal import RequestRefused
from atlas.domain.rendering import NEEDS_BROWSER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from activities.batches import Batches, Claim
    from activities.processing import Processing
    from atlas.stores.postgres.services.claimed_batches import ClaimedBatches
    from atlas.stores.postgres.services.pushes import PushStore
    from atlas.stores.postgres.services.settlement import PageSettlement
    from atlas.stores.postgres.settlement.withdrawn_pages import Withdrawn

_NAMED = 3
"""URLs in a message; the others are in the record."""


class Pushing:
    """`claim` takes pages as a sync does; `processing` does a batch's work on bodies."""

    def __init__(
        self,
        pushes: PushStore,
        pages: ClaimedBatches,
        settlement: PageSettlement,
        batches: Batches,
        claim: Claim,
        processing: Processing,
    ) -> None:
        self._pushes = pushes
        self._pages = pages
        self._settlement = settlement
        self._batches = batches
        self._claim = claim
        self._processing = processing

    @activity.defn
    async def accept_push(self, request: AcceptPush) -> PushAccepted:
        """Write to the run's record what it was given: all of it, or nothing."""
        try:
            return await self._pushes.accept(request)
        except RequestRefused as refused:
            return PushAccepted(refused=str(refused))

    @activity.defn
    async def push_chunk(self, request: WorkChunk) -> ChunkDone:
        """Claim the next pages and bring what was given for them into the corpus: one activity,
        for a short history."""
        claimed = await self._claim(request)
        if not claimed.pages:
            return ChunkDone(wait=claimed.wait, counts=claimed.counts)
        batch = Batch(run_id=request.run_id, lane=request.lane, number=request.number, offline=True)
        await self._pushes.take(batch.run_id, await self._pages.begin_attempt(batch))
        await self._processing.process_batch(batch)
        pages = await self._pages.begin_attempt(batch)
        ready = {page.page_id: page.fence for page in pages if page.stage == "processed"}
        if ready:
            # Decided: what somebody puts is meant, and no bad day of a site.
            await self._settlement.settle(batch, ready, decided=True)
        return ChunkDone(pages=claimed.pages, counts=await self._pages.release(batch))

    @activity.defn
    async def end_push(self, request: EndPush) -> PushEnded:
        """Let go of what was withdrawn, end every page of the run, release its claims."""
        gone = None
        if not request.cancelled:
            gone = await self._pushes.withdraw(request.run_id, confirmed=request.confirmed)
        wound = await self._batches.wind_up(request)
        outcome: PushOutcome = "unknown_page"
        if wound.outcome != "nothing_selected":
            outcome = wound.outcome
        if outcome == "completed" and gone is not None and gone.held:
            outcome = "held"
        pages = await self._pushes.pages(request.run_id)
        return PushEnded(
            outcome=outcome,
            counts=wound.counts,
            removed=len(gone.removed) if gone else 0,
            missing=wound.missing,
            pages=pages,
            message=_said(gone, wound.missing, pages),
        )


def _said(gone: Withdrawn | None, missing: int, pages: Sequence[PushedPage]) -> str:
    said = []
    if any(page.code == NEEDS_BROWSER for page in pages):
        said.append(
            "what is put is not rendered: put the HTML that a browser shows once the page's "
            "scripts have run"
        )
    if missing:
        said.append(f"{missing} of the addresses to be withdrawn are held by no source")
    if gone is not None and gone.held:
        said.append(
            f"{len(gone.held)} withdrawals wait for a person, since too many would leave within a "
            f"day: {_named(gone.held)}. `atlas deletions` lists them, `atlas deletions approve` "
            "lets them go; `atlas docs withdraw --yes` confirms withdrawals in advance"
        )
    if gone is not None and gone.kept:
        said.append(
            f"{len(gone.kept)} withdrawn pages stay, as their sources keep all pages "
            f"(`deletion: keep`) or a person rejected it: {_named(gone.kept)}"
        )
    return "; ".join(said)


def _named(urls: tuple[str, ...]) -> str:
    more = f" and {len(urls) - _NAMED} more" if len(urls) > _NAMED else ""
    return ", ".join(urls[:_NAMED]) + more
