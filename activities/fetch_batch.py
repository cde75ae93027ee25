"""Fetching: claims of batches, and polite conditional requests for their pages."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from temporalio import activity

from activities.heartbeat import count_pages
from activities.ledger_rows import cut_row, failed_row, got_row, redirected_row, unasked_row
from activities.stragglers import PageFetch, Stragglers
from atlas.contracts.activities import Batch, ClaimBatch, Claimed, Fetched
from atlas.domain.addresses.reach import reach_of
from atlas.domain.addresses.scope import scope_of
from atlas.domain.addresses.urls import host_of, without_secrets
from atlas.domain.batch import FetchRow, HeldPage
from atlas.domain.errors import (
    PURGED,
    PURGED_SAYS,
    ErrorClass,
    HostClosed,
    PageError,
    Retries,
    SlotDeadline,
)
from atlas.domain.fetch import FetchError, FetchRequest, Validators
from atlas.domain.fetch import FetchResult as Answer
from atlas.domain.rendering import renders_at_once
from atlas.domain.sources import Leading
from atlas.shielded_work import to_its_end
from atlas.telemetry import page_span

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator

    from atlas.domain.addresses.reach import Reach
    from atlas.domain.addresses.scope import Scope
    from atlas.domain.measures import Measures
    from atlas.stores.blobs.port import Blobs, BlobWriter
    from atlas.stores.postgres.hosts.rate_limiter import HostSlots
    from atlas.stores.postgres.services.claimed_batches import ClaimedBatches
    from atlas.stores.postgres.services.fetches import FetchRecords, HostTurns
    from atlas.stores.postgres.services.run_lifecycle import IsOpen, RunLifecycle
    from atlas.web.politeness import Slots

    class FetchesPages(Protocol):
        """The client of the web, or one that reads files as well."""

        async def fetch(self, request: FetchRequest, sink: BlobWriter, slots: Slots) -> Answer: ...

    Announce = Callable[[str, int], Awaitable[None]]

WORKING_SECONDS = 60.0
"""After this time a fetch activity gives back what it did not get to; that is no failed attempt."""

TRACED_PAGES = 1000
"""Pages of a run that all have a span; of later ones a hundredth has, and every failure."""

_FLUSH_ROWS = 25
_FLUSH_SECONDS = 1.0
"""Results are written together, for fewer transactions, once there are so many or the last write
was so long ago: what is not yet written when a worker is killed is requested again."""


@dataclass(frozen=True)
class FetchPolicy:
    """Limits of each fetch. Times in seconds, sizes in bytes."""

    max_bytes: int = 32 * 1024 * 1024
    timeout: float = 60.0
    retries: Retries = field(default_factory=Retries)
    """Their patience is also how long a run waits for a host that is down."""
    hosts_at_once: int = 16
    slow_after: tuple[float, float] = (2.0, 5.0)
    """So long, at least and at most, a host may keep all others of a batch waiting."""


@dataclass
class _Attempt:
    """One attempt at a batch: what was got and is not yet written down."""

    run_id: str
    started: datetime
    fences: dict[int, int]
    scope: Scope
    leading: Leading
    reach: Reach
    robots_ignored_at: frozenset[str]
    slots: HostSlots
    parallel: int
    deadline: float
    done_before: int
    process: bool
    stragglers: Stragglers
    asked: Callable[[], None]
    """To be called for each page that is done, whatever came of it."""
    onward: int = 0
    rows: list[FetchRow] = field(default_factory=list)
    flushed_at: float = field(default_factory=time.monotonic)
    not_done: dict[int, datetime | None] = field(default_factory=dict)
    """Pages not got to, and when their host may be asked again if that is long."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One flush at a time: each takes all rows there are, in one transaction."""

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.deadline or activity.is_worker_shutdown()

    @property
    def full(self) -> bool:
        waited = time.monotonic() - self.flushed_at
        return len(self.rows) >= _FLUSH_ROWS or (bool(self.rows) and waited >= _FLUSH_SECONDS)

    def traces(self, url: str) -> bool:
        """Whether the page gets a span even if nothing goes wrong."""
        return self.done_before < TRACED_PAGES or zlib.crc32(url.encode()) % 100 == 0


class Fetching:
    """Fetches batches. Bodies go from the socket into the blob store, chunk by chunk."""

    def __init__(
        self,
        runs: RunLifecycle,
        batches: ClaimedBatches,
        hosts: HostTurns,
        records: FetchRecords,
        client: FetchesPages,
        blobs: Blobs,
        policy: FetchPolicy,
        clock: Callable[[], datetime],
        is_open: IsOpen,
        measures: Measures,
    ) -> None:
        self._runs = runs
        self._batches = batches
        self._hosts = hosts
        self._records = records
        self._client = client
        self._blobs = blobs
        self._policy = policy
        self._clock = clock
        self._is_open = is_open
        self._measures = measures

    @activity.defn
    async def claim_batch(self, request: ClaimBatch) -> Claimed:
        """Take the next pages of a level. Runs that hold pages wanted here, and that
        Temporal no longer knows, are ended and their claims released."""
        claim = await self._batches.claim(request)
        for workflow_id, run_id in claim.blocking_runs:
            if not await self._is_open(workflow_id, run_id):
                await self._runs.end_dead_run(
                    run_id, "ended without closing; others need its pages"
                )
        counts = await self._batches.counts(request.run_id)
        return Claimed(pages=claim.pages, wait=claim.wait, counts=counts, set_aside=claim.set_aside)

    @activity.defn
    async def fetch_batch(self, batch: Batch) -> Fetched:
        """Fetch the batch's listed pages, or as many as the time allows."""
        pages = await self._batches.begin_attempt(batch)
        attempt = await self._begin(batch, pages)
        try:
            await self._fetch_hosts(attempt, _to_fetch(attempt, pages))
        finally:
            # Also when cancelled: what was fetched is recorded, so nothing is requested twice.
            await to_its_end(self._flush(attempt))
        await self._batches.give_back(
            run_id=batch.run_id,
            fences={page: attempt.fences[page] for page in attempt.not_done},
            not_before=attempt.not_done,
        )
        earlier = sum(page.stage != "listed" for page in pages)
        return Fetched(to_process=earlier + attempt.onward, set_aside=len(attempt.stragglers.aside))

    async def _begin(self, batch: Batch, pages: list[HeldPage]) -> _Attempt:
        run, source = await self._runs.run_source(batch.run_id)
        deadline = time.monotonic() + WORKING_SECONDS
        parallel = await self._hosts.parallel_of(source)
        return _Attempt(
            run_id=batch.run_id,
            started=run.started_at,
            fences={page.page_id: page.fence for page in pages},
            scope=scope_of(source.spec),
            leading=Leading(source.spec),
            reach=reach_of(source.spec),
            robots_ignored_at=source.spec.robots_ignored_at,
            slots=self._hosts.slots(
                delay=source.spec.delay,
                parallel=source.spec.parallel,
                source=source.spec.name,
                deadline=deadline,
            ),
            parallel=parallel,
            deadline=deadline,
            done_before=(await self._batches.counts(batch.run_id)).done,
            process=batch.process,
            stragglers=self._stragglers(batch.run_id, pages, parallel),
            asked=count_pages("fetched", sum(page.stage == "listed" for page in pages)),
        )

    def _stragglers(self, run_id: str, pages: list[HeldPage], parallel: int) -> Stragglers:
        async def others_wait(hosts: Collection[str]) -> bool:
            return await self._batches.others_wait(run_id, pages[0].level, hosts)

        async def slow_among(hosts: Collection[str]) -> set[str]:
            return await self._batches.slow_among(run_id, hosts)

        async def set_aside(slow: Collection[HeldPage], hosts: Collection[str]) -> None:
            fences = {page.page_id: page.fence for page in slow}
            await self._batches.set_aside(run_id, fences, hosts)

        return Stragglers(
            pages,
            # Bounds open connections and bodies under way; a host's delay is kept by its slots.
            room=max(self._policy.hosts_at_once, parallel),
            patience=self._policy.slow_after,
            others_wait=others_wait,
            slow_among=slow_among,
            set_aside=set_aside,
        )

    async def _fetch_hosts(self, attempt: _Attempt, pages: list[HeldPage]) -> None:
        """Each host's pages in order, `parallel` at once; several hosts at once."""
        by_host: dict[str, list[HeldPage]] = defaultdict(list)
        for page in pages:
            by_host[host_of(page.url)].append(page)

        async def work(todo: Iterator[HeldPage]) -> None:
            for page in todo:
                await self._take(attempt, page)

        async with asyncio.TaskGroup() as watching:
            watch = watching.create_task(attempt.stragglers.watch())
            async with asyncio.TaskGroup() as group:
                for queue in by_host.values():
                    shared = iter(queue)
                    for _ in range(min(attempt.parallel, len(queue))):
                        group.create_task(work(shared))
            watch.cancel()

    async def _take(self, attempt: _Attempt, page: HeldPage) -> None:
        row: FetchRow | None = None
        async with attempt.stragglers.fetching(page, attempt.slots) as fetch:
            if attempt.over or fetch is None:
                attempt.not_done[page.page_id] = None
                return
            row = await self._fetch_page(attempt, page, fetch)
        if fetch.cut:
            row = self._cut(attempt, fetch)
        elif row is not None:
            self._measures.fetched(row)
        if row is not None:
            attempt.rows.append(row)
            attempt.asked()
        if attempt.full:
            await self._flush(attempt)

    def _cut(self, attempt: _Attempt, fetch: PageFetch) -> FetchRow | None:
        if fetch.sent_at is None:  # no more than its robots.txt was asked for
            self._later(attempt, fetch.page, None)
            return None
        return cut_row(fetch.page, time.monotonic() - fetch.sent_at, self._clock())

    async def _flush(self, attempt: _Attempt) -> None:
        async with attempt.lock:
            rows, attempt.rows = attempt.rows, []
            attempt.flushed_at = time.monotonic()
            if rows:
                attempt.onward += await self._records.record(
                    attempt.run_id, attempt.fences, rows, process=attempt.process
                )

    async def _fetch_page(self, attempt: _Attempt, page: HeldPage, slots: Slots) -> FetchRow | None:
        sampled = attempt.traces(page.url)
        try:
            with page_span("fetch page", {"url.full": without_secrets(page.url)}, sampled=sampled):
                return await self._row(attempt, page, *await self._get(attempt, page, slots))
        except HostClosed as closed:
            if closed.host != host_of(page.url):  # asked, the page led to another host
                return self._failed(page, closed.as_error())
            return self._wait_for_host(attempt, page, closed)
        except SlotDeadline as late:
            # A host whose turn is far off is left alone, not asked again in a tight loop.
            self._later(attempt, page, late.wait if late.wait >= 1.0 else None)
        except PageError as error:
            closed_too = await self._closed_host(page, error)
            if closed_too:
                return self._wait_for_host(attempt, page, closed_too)
            return self._failed(page, error)
        return None

    def _failed(self, page: HeldPage, error: PageError) -> FetchRow:
        pause = self._policy.retries.pause(error, page.attempts + 1 - page.cuts)
        again = None if pause is None else self._clock() + timedelta(seconds=pause)
        return failed_row(page, error, again)

    def _later(self, attempt: _Attempt, page: HeldPage, wait: float | None) -> None:
        """Give the page back: no attempt was made."""
        again = None if wait is None else self._clock() + timedelta(seconds=wait)
        attempt.not_done[page.page_id] = again

    def _wait_for_host(
        self, attempt: _Attempt, page: HeldPage, closed: HostClosed
    ) -> FetchRow | None:
        """A page of a closed host waits for it as long as the run's patience lasts; then it fails
        by name, without a request of its own."""
        waited = min(closed.down_for, (self._clock() - attempt.started).total_seconds())
        if waited + closed.wait > self._policy.retries.patience:
            return unasked_row(page, closed.as_error())
        self._later(attempt, page, closed.wait)
        return None

    async def _closed_host(self, page: HeldPage, error: PageError) -> HostClosed | None:
        """Why the host of a page may not be asked, when its robots.txt could not be read."""
        host = host_of(page.url)
        if error.code != "robots_unreachable" or not isinstance(error, FetchError):
            return None
        return await self._hosts.closed_host(host) if host_of(error.final_url) == host else None

    async def _get(
        self, attempt: _Attempt, page: HeldPage, slots: Slots
    ) -> tuple[Answer, bytes | None]:
        request = FetchRequest(
            url=page.url,
            validators=_validators(page),
            validators_url=page.leads_to,
            max_bytes=self._policy.max_bytes,
            total_timeout=self._policy.timeout,
            robots_ignored_at=attempt.robots_ignored_at,
            led_by=attempt.leading.to(page.url),
            reach=attempt.reach,
        )
        return await fetch_into(
            self._client, self._blobs, self._records.announce_blob, request, slots
        )

    async def _row(
        self, attempt: _Attempt, page: HeldPage, answer: Answer, digest: bytes | None
    ) -> FetchRow:
        if answer.final_url != page.url:
            if await self._records.purged([answer.final_url]):
                return failed_row(page, PageError(ErrorClass.BLOCKED, PURGED, PURGED_SAYS), None)
            # In a thread: a slow pattern must not hold up the event loop.
            inside = await asyncio.to_thread(attempt.scope.allows, answer.final_url)
            return redirected_row(page, answer, inside=inside)
        snapshot = digest if answer.modified else page.snapshot
        # An unchanged body says nothing of what its scripts make of it.
        kind = answer.content_type if answer.modified else page.content_type
        settled = snapshot == page.settled and not renders_at_once(page.render, kind)
        return got_row(page, answer, snapshot, self._clock(), settled=settled)


def _to_fetch(attempt: _Attempt, pages: list[HeldPage]) -> list[HeldPage]:
    """The listed pages. Those whose host was found slow after the batch was claimed are given back,
    so that the others do not wait for them."""
    listed = [page for page in pages if page.stage == "listed"]
    if all(page.slow for page in pages):
        return listed
    attempt.stragglers.aside.update(page.page_id for page in listed if page.slow)
    attempt.not_done.update(dict.fromkeys(attempt.stragglers.aside))
    return [page for page in listed if not page.slow]


async def fetch_into(
    client: FetchesPages,
    blobs: Blobs,
    announce: Announce,
    request: FetchRequest,
    slots: Slots,
    *,
    keep_redirected: bool = False,
    refuse: Callable[[str], Awaitable[None]] | None = None,
) -> tuple[Answer, bytes | None]:
    """Fetch one page; a new body is stored under its hash, which is returned. A body that came
    from another URL belongs to another page, and is kept only if asked, and unless `refuse` raises
    for that URL.

    The blob's row is made before the bytes are visible, so that collection never takes a blob
    that is about to be referred to."""
    async with blobs.writer() as writer:
        answer = await client.fetch(request, writer, slots)
        moved = answer.final_url != request.url
        if moved and refuse is not None:
            await refuse(answer.final_url)
        if not answer.modified or (moved and not keep_redirected):
            return answer, None
        ref = await writer.finish()
        await announce(ref.digest, ref.size)
        await writer.publish()
        return answer, bytes.fromhex(ref.digest)


def _validators(page: HeldPage) -> Validators:
    # A 304 need not repeat X-Robots-Tag, so where it mattered the whole answer is asked for.
    if (page.snapshot is None and page.leads_to is None) or page.robots:
        return Validators()
    return Validators(page.etag, page.last_modified)
