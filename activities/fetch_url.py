"""The single fetch behind `fetch_url`: one URL, one result, retried by Temporal."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import once_more
from activities.fetch_batch import FetchPolicy, fetch_into
from activities.ledger_rows import failed_row, got_row
from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult, Hop
from atlas.domain.addresses.urls import InvalidUrl, canonicalize, host_of
from atlas.domain.batch import FetchRow, HeldPage
from atlas.domain.errors import (
    PURGED,
    PURGED_SAYS,
    ErrorClass,
    HostClosed,
    PageError,
    SlotDeadline,
)
from atlas.domain.fetch import FetchError, FetchRequest, Validators
from atlas.domain.fetch import FetchResult as Answer

if TYPE_CHECKING:
    from atlas.domain.measures import Measures
    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.services.fetches import FetchRecords, HostTurns
    from atlas.web.client import WebClient

_DELAY = 1.0
"""Seconds between two requests to a host, as of a source that sets no other delay."""
_SILENCE = 30.0
"""Seconds without a byte that end a request, unless a longer time-out was asked for."""


class FetchingOne:
    """Fetches one URL, writes the ledger and keeps the body; the corpus is not changed."""

    def __init__(
        self,
        hosts: HostTurns,
        records: FetchRecords,
        client: WebClient,
        blobs: Blobs,
        policy: FetchPolicy,
        measures: Measures,
    ) -> None:
        self._hosts = hosts
        self._records = records
        self._client = client
        self._blobs = blobs
        self._policy = policy
        self._measures = measures

    @activity.defn
    async def fetch_one(self, request: FetchUrlRequest) -> FetchUrlResult:
        """Fetch once. What cannot succeed is a result; what may succeed later is raised, with
        the delay before Temporal's next attempt, until the last attempt makes it a result."""
        try:
            url = canonicalize(request.url)
        except InvalidUrl as error:
            return _failure(request.url, PageError(ErrorClass.INVALID, "url_malformed", str(error)))
        if await self._records.purged([url]):
            return _failure(request.url, _purged())
        page = await self._records.known_page(url)
        info = activity.info()
        page = replace(page, attempts=info.attempt - 1)
        try:
            answer, digest = await self._fetch(request, page)
        except HostClosed as closed:
            return self._failed(url, closed.as_error(), info.attempt)
        except SlotDeadline as late:
            return _failure(url, _busy(late))
        except PageError as error:
            await self._record(failed_row(page, error, None))
            return self._failed(url, error, info.attempt)
        snapshot = digest if answer.modified else page.snapshot
        row = got_row(page, answer, snapshot, info.scheduled_time, settled=False)
        await self._record(row)
        return _success(page, answer, snapshot)

    async def _fetch(self, request: FetchUrlRequest, page: HeldPage) -> tuple[Answer, bytes | None]:
        conditional = page.snapshot is not None and not request.force
        asked = FetchRequest(
            url=page.url,
            validators=Validators(page.etag, page.last_modified) if conditional else Validators(),
            # Of that host only: where a redirect leads belongs to somebody else.
            robots_ignored_at=(host_of(page.url),) if request.robots == "ignore" else (),
            max_bytes=request.max_bytes,
            max_redirects=request.max_redirects,
            header_timeout=max(_SILENCE, request.timeout / 2),
            idle_timeout=max(_SILENCE, request.timeout / 2),
            total_timeout=request.timeout,
            # Whoever reaches Temporal names the URL: only where a source belongs does it take the
            # owner's credentials along.
            authorized=await self._records.owned_origins(self._client.credential_origins),
        )
        slots = self._hosts.slots(
            delay=_DELAY,
            parallel=1,
            deadline=time.monotonic() + self._policy.retries.patience,
        )
        return await fetch_into(
            self._client,
            self._blobs,
            self._records.announce_blob,
            asked,
            slots,
            keep_redirected=True,
            refuse=self._refuse,
        )

    async def _refuse(self, led_to: str) -> None:
        if await self._records.purged([led_to]):
            raise _purged()

    async def _record(self, row: FetchRow) -> None:
        self._measures.fetched(row)
        info = activity.info()
        await self._records.record_single(info.workflow_run_id or "", info.scheduled_time, row)

    def _failed(self, url: str, error: PageError, attempt: int) -> FetchUrlResult:
        """The result, unless another attempt may do better: then that is raised for."""
        pause = self._policy.retries.pause(error, attempt)
        if pause is not None:
            raise once_more(error, pause)
        return _failure(url, error)


def _purged() -> PageError:
    return PageError(ErrorClass.BLOCKED, PURGED, PURGED_SAYS)


def _busy(late: SlotDeadline) -> PageError:
    words = f"{late.host} is busy with other requests; its turn did not come"
    return PageError(ErrorClass.TRANSIENT, "host_busy", words, retry_after=late.wait)


def _success(page: HeldPage, answer: Answer, snapshot: bytes | None) -> FetchUrlResult:
    return FetchUrlResult(
        url=page.url,
        status_code=answer.status,
        content_length=answer.content_length,
        success=True,
        final_url=answer.final_url,
        redirects=[Hop(url=hop.url, status=hop.status) for hop in answer.redirects],
        etag=answer.validators.etag,
        last_modified=answer.validators.last_modified,
        content_type=answer.content_type or page.content_type,
        content_hash=snapshot.hex() if snapshot else None,
        modified=answer.modified and snapshot != page.snapshot,
        elapsed=answer.elapsed,
        robots_ignored=answer.robots_ignored,
    )


def _failure(url: str, error: PageError) -> FetchUrlResult:
    asked = error if isinstance(error, FetchError) else None
    return FetchUrlResult(
        url=url,
        status_code=asked.status if asked else None,
        final_url=asked.final_url if asked else None,
        redirects=[Hop(url=hop.url, status=hop.status) for hop in asked.redirects] if asked else [],
        elapsed=asked.elapsed if asked else 0.0,
        robots_ignored=asked is not None and asked.robots_ignored,
        error_class=error.error_class.value,
        error_code=error.code,
        error=error.message,
    )
