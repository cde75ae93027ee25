"""The single fetch behind `fetch_url`: one URL, one result, retried by Temporal; and the rendering
of what it found."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from temporalio import activity

from activities.browsers import missing_text
from activities.errors import once_more
from activities.fetch_batch import FetchPolicy, fetch_into
from activities.ledger_rows import failed_row, got_row
from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult, Hop, RenderOne
from atlas.domain.addresses.reach import Reach
from atlas.domain.addresses.urls import InvalidUrl, canonicalize, host_of
from atlas.domain.batch import FetchRow, HeldPage
from atlas.domain.blob import BlobCorrupt, BlobMissing
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
from atlas.domain.prepared import PrepareJob
from atlas.domain.rendering import RenderJob, renders_at_once, still_empty, unrendered
from atlas.shielded_work import to_its_end

if TYPE_CHECKING:
    from collections.abc import Collection

    from activities.browsers import Browsers, Prepare
    from atlas.domain.measures import Measures
    from atlas.domain.rendering import Render
    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.hosts.rate_limiter import HostSlots
    from atlas.stores.postgres.services.fetches import FetchRecords, HostTurns
    from atlas.web.client import WebClient

_DELAY = 1.0
"""Seconds between two requests to a host, as of a source that sets no other delay."""
_SILENCE = 30.0
"""Seconds without a byte that end a request, unless a longer time-out was asked for."""


class FetchingOne:
    """Fetches one URL, writes the ledger and keeps the body; the corpus is not changed. `prepare`
    reads a body, to see whether it needs a browser."""

    def __init__(
        self,
        hosts: HostTurns,
        records: FetchRecords,
        client: WebClient,
        blobs: Blobs,
        policy: FetchPolicy,
        prepare: Prepare,
        measures: Measures,
    ) -> None:
        self._hosts = hosts
        self._records = records
        self._client = client
        self._blobs = blobs
        self._policy = policy
        self._prepare = prepare
        self._measures = measures

    @activity.defn
    async def fetch_one(self, request: FetchUrlRequest) -> FetchUrlResult:
        """Fetch once. What cannot succeed is a result; what may succeed later is raised, with
        the delay before Temporal's next attempt, until the last attempt makes it a result. A page
        that is to be rendered fails as `needs_browser`."""
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
            await self._keep(failed_row(page, error, None))
            return self._failed(url, error, info.attempt)
        snapshot = digest if answer.modified else page.snapshot
        row = got_row(page, answer, snapshot, info.scheduled_time, settled=False)
        await self._keep(row)
        result = _success(page, answer, snapshot)
        unread = None if request.render == "never" else await self._unread(request.render, row)
        return failed(result, unread) if unread else result

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
        slots = _slots(self._hosts, self._policy)
        return await fetch_into(
            self._client,
            self._blobs,
            self._records.announce_blob,
            asked,
            slots,
            keep_redirected=True,
            refuse=self._refuse,
        )

    async def _unread(self, rule: Render, row: FetchRow) -> PageError | None:
        """Why a page is to be rendered; None: it is not."""
        if renders_at_once(rule, row.content_type):
            return unrendered()
        if row.snapshot is None:
            return None
        try:
            job = await _job(self._blobs, row)
        except (BlobMissing, BlobCorrupt) as error:
            return PageError(ErrorClass.TRANSIENT, "blob_missing", str(error))
        return await missing_text(self._prepare, job)

    async def _refuse(self, led_to: str) -> None:
        if await self._records.purged([led_to]):
            raise _purged()

    async def _keep(self, row: FetchRow) -> None:
        self._measures.fetched(row)
        await _record(self._records, row)

    def _failed(self, url: str, error: PageError, attempt: int) -> FetchUrlResult:
        """The result, unless another attempt may do better: then that is raised for."""
        pause = self._policy.retries.pause(error, attempt)
        if pause is not None:
            raise once_more(error, pause)
        return _failure(url, error)


class RenderingOne:
    """Renders the page that a single fetch found, at the same pace and with the same credentials,
    and writes the ledger. `prepare` reads what the browser shows."""

    def __init__(
        self,
        hosts: HostTurns,
        records: FetchRecords,
        browsers: Browsers,
        policy: FetchPolicy,
        credential_origins: Collection[str],
        blobs: Blobs,
        prepare: Prepare,
        measures: Measures,
    ) -> None:
        self._hosts = hosts
        self._records = records
        self._browsers = browsers
        self._policy = policy
        self._credential_origins = credential_origins
        self._blobs = blobs
        self._prepare = prepare
        self._measures = measures

    @activity.defn
    async def render_one(self, asked: RenderOne) -> FetchUrlResult:
        """Render once. A page that cannot be rendered is a result, and not tried again: a browser
        that ended was started twice already."""
        found = asked.found
        url = found.final_url or found.url
        if await self._records.purged([found.url, url]):
            return failed(found, _purged())
        # The attempts before were its server's, and another activity's.
        page = replace(await self._records.known_page(found.url), attempts=activity.info().attempt)
        began = time.monotonic()
        try:
            row = await self._rendered(asked, page, url)
        except HostClosed as closed:
            return failed(found, closed.as_error())
        except SlotDeadline as late:
            return failed(found, _busy(late))
        except PageError as error:
            row = replace(failed_row(page, error, None), rendered=True)
        self._measures.rendered(time.monotonic() - began, row.error.code if row.error else None)
        await to_its_end(_record(self._records, row))
        if row.error is not None:
            return failed(found, row.error)
        result = _rendering(found, row, known=page.snapshot)
        missing = await missing_text(self._prepare, await _job(self._blobs, row))
        return failed(result, still_empty(missing)) if missing else result

    async def _rendered(self, asked: RenderOne, page: HeldPage, url: str) -> FetchRow:
        job = RenderJob(
            url,
            Reach([page.url]),
            led_by=tuple(hop.url for hop in asked.found.redirects),
            authorized=await self._records.owned_origins(self._credential_origins),
        )
        async with self._browsers.room:
            slots = _slots(self._hosts, self._policy)
            async with slots.slot(host_of(url), url) as slot:
                slot.sent(time.monotonic())
                return await self._browsers.render(page, job, asked.request.max_bytes)


def _slots(hosts: HostTurns, policy: FetchPolicy) -> HostSlots:
    deadline = time.monotonic() + policy.retries.patience
    return hosts.slots(delay=_DELAY, parallel=1, deadline=deadline)


async def _record(records: FetchRecords, row: FetchRow) -> None:
    info = activity.info()
    await records.record_single(info.workflow_run_id or "", info.scheduled_time, row)


async def _job(blobs: Blobs, row: FetchRow) -> PrepareJob:
    """What reads the body of a row."""
    assert row.snapshot is not None
    body = await blobs.get(row.snapshot.hex())
    return PrepareJob(body, row.content_type, row.charset, row.final_url or row.url)


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


def failed(found: FetchUrlResult, error: PageError) -> FetchUrlResult:
    """The result of a fetch that got a body which is of no use, because of `error`."""
    return found.model_copy(
        update={
            "success": False,
            "error_class": error.error_class.value,
            "error_code": error.code,
            "error": error.message,
        }
    )


def _rendering(found: FetchUrlResult, row: FetchRow, known: bytes | None) -> FetchUrlResult:
    assert row.snapshot is not None
    return found.model_copy(
        update={
            "status_code": row.status,
            "content_length": row.size,
            "success": True,
            "etag": None,
            "last_modified": None,
            "content_type": row.content_type,
            "content_hash": row.snapshot.hex(),
            "modified": row.snapshot != known,
            "elapsed": found.elapsed + row.elapsed,
            "rendered": True,
            "error_class": None,
            "error_code": None,
            "error": None,
        }
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
