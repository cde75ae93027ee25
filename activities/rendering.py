"""Rendering: pages whose text scripts make, as a browser shows them; politely, one visit more."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from temporalio import activity

from activities.fetch_url import failed
from activities.heartbeat import count_pages
from activities.ledger_rows import failed_row, unasked_row
from atlas.contracts.activities import Batch, BatchRendered, WithoutBrowser
from atlas.contracts.fetch_url import FetchUrlResult, NotRendered
from atlas.domain.addresses.reach import reach_of
from atlas.domain.addresses.urls import host_of
from atlas.domain.batch import FetchRow, HeldPage
from atlas.domain.errors import ErrorClass, HostClosed, PageError, SlotDeadline
from atlas.domain.rendering import RenderJob, not_rendered, without_browser
from atlas.domain.sources import Leading
from atlas.shielded_work import to_its_end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from activities.browsers import Browsers
    from atlas.domain.addresses.reach import Reach
    from atlas.domain.measures import Measures
    from atlas.stores.postgres.hosts.rate_limiter import HostSlots
    from atlas.stores.postgres.services.claimed_batches import ClaimedBatches
    from atlas.stores.postgres.services.fetches import FetchRecords, HostTurns
    from atlas.stores.postgres.services.run_lifecycle import RunLifecycle


WORKING_SECONDS = 300.0
"""After this time no further page is begun: the run comes again for what is left."""


@dataclass
class _Attempt:
    """One attempt at the pages of a batch that wait for a browser."""

    run_id: str
    fences: dict[int, int]
    leading: Leading
    reach: Reach
    slots: HostSlots
    deadline: float
    done: Callable[[], None]
    written: int = 0
    left: list[tuple[HeldPage, SlotDeadline | None]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.deadline or activity.is_worker_shutdown()


class Rendering:
    """Renders the pages of batches."""

    def __init__(
        self,
        runs: RunLifecycle,
        batches: ClaimedBatches,
        hosts: HostTurns,
        records: FetchRecords,
        browsers: Browsers,
        measures: Measures,
    ) -> None:
        self._runs = runs
        self._batches = batches
        self._hosts = hosts
        self._records = records
        self._browsers = browsers
        self._measures = measures

    @activity.defn
    async def render_batch(self, batch: Batch) -> BatchRendered:
        """Render the batch's pages that wait for it, or as many as the time allows. Each is
        recorded at once: a worker that is killed loses those under way, and no others."""
        pages = await self._batches.begin_attempt(batch)
        todo = [page for page in pages if page.stage == "rendering"]
        if not todo:
            return BatchRendered()
        attempt = await self._begin(batch, pages, len(todo))
        by_host: dict[str, list[HeldPage]] = defaultdict(list)
        for page in todo:
            by_host[host_of(page.url)].append(page)
        async with asyncio.TaskGroup() as group:
            for queue in by_host.values():
                shared = iter(queue)
                for _ in range(min(attempt.slots.parallel, len(queue))):
                    group.create_task(self._in_turn(attempt, shared))
        if not attempt.written and all(late for _, late in attempt.left):
            # Or a host whose turn is further off than an attempt lasts is waited for without end.
            for page, late in attempt.left:
                await self._record(attempt, failed_row(page, _busy(page, late), None))
            return BatchRendered()
        return BatchRendered(left=len(attempt.left))

    async def _begin(self, batch: Batch, pages: list[HeldPage], todo: int) -> _Attempt:
        _, source = await self._runs.run_source(batch.run_id)
        deadline = time.monotonic() + WORKING_SECONDS
        return _Attempt(
            run_id=batch.run_id,
            fences={page.page_id: page.fence for page in pages},
            leading=Leading(source.spec),
            reach=reach_of(source.spec),
            slots=self._hosts.slots(
                delay=source.spec.delay,
                parallel=await self._hosts.parallel_of(source),
                source=source.spec.name,
                deadline=deadline,
            ),
            deadline=deadline,
            done=count_pages("rendered", todo),
        )

    async def _in_turn(self, attempt: _Attempt, pages: Iterator[HeldPage]) -> None:
        for page in pages:
            async with self._browsers.room:
                await self._take(attempt, page)

    async def _take(self, attempt: _Attempt, page: HeldPage) -> None:
        if attempt.over:
            attempt.left.append((page, None))
            return
        began = time.monotonic()
        try:
            row = await self._rendered(attempt, page)
        except SlotDeadline as late:
            attempt.left.append((page, late))
            return
        except HostClosed as closed:
            row = unasked_row(page, closed.as_error())
        except PageError as error:
            row = failed_row(page, error, None)
        self._measures.rendered(time.monotonic() - began, row.error.code if row.error else None)
        await self._record(attempt, row)

    async def _record(self, attempt: _Attempt, row: FetchRow) -> None:
        # Also when cancelled: the host was visited, and the ledger is to show it.
        record = self._records.record(attempt.run_id, attempt.fences, [replace(row, rendered=True)])
        await to_its_end(record)
        attempt.written += 1
        attempt.done()

    async def _rendered(self, attempt: _Attempt, page: HeldPage) -> FetchRow:
        job = RenderJob(page.url, attempt.reach, attempt.leading.to(page.url))
        # The slot is held until the browser is gone: all that the page asks of its host is this
        # visit.
        async with attempt.slots.slot(host_of(page.url), page.url) as slot:
            slot.sent(time.monotonic())
            return await self._browsers.render(page, job)


class BrowserLookout:
    """Whether there is a worker with a browser, and what becomes of pages when there is none."""

    def __init__(
        self,
        batches: ClaimedBatches,
        records: FetchRecords,
        served: Callable[[], Awaitable[bool]],
    ) -> None:
        self._batches = batches
        self._records = records
        self._served = served

    @activity.defn
    async def give_up_without_browser(self, batch: Batch) -> WithoutBrowser:
        """Fail the batch's pages that wait for a browser, unless some worker has one."""
        if await self._served():
            return WithoutBrowser(served=True)
        pages = await self._batches.begin_attempt(batch)
        fences = {page.page_id: page.fence for page in pages}
        rows = [unasked_row(page, without_browser()) for page in pages if page.stage == "rendering"]
        if rows:
            await self._records.record(batch.run_id, fences, rows)
        return WithoutBrowser()

    @activity.defn
    async def give_up_one(self, found: FetchUrlResult) -> NotRendered:
        """Fail the page of a single fetch, unless some worker has a browser."""
        if await self._served():
            return NotRendered()
        return NotRendered(result=failed(found, not_rendered(found.error)))


def _busy(page: HeldPage, late: SlotDeadline | None) -> PageError:
    host = late.host if late else host_of(page.url)
    words = f"{host} is busy with other requests; its turn to be rendered did not come"
    return PageError(ErrorClass.TRANSIENT, "host_busy", words)
