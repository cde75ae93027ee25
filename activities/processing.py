"""Processing: stored bytes to text, in killable child processes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from temporalio import activity

from activities.heartbeat import count_pages
from atlas.contracts.activities import Batch, Processed
from atlas.domain.batch import HeldPage, PreparedPage
from atlas.domain.blob import BlobCorrupt, BlobMissing
from atlas.domain.errors import NOINDEX, ErrorClass, PageError
from atlas.domain.politeness.robots_tags import RobotsTags, asked_by_header
from atlas.domain.prepared import PrepareJob
from atlas.domain.removal.cut_bodies import ends
from atlas.domain.rendering import (
    NEEDS_BROWSER,
    renders_at_once,
    renders_failed,
    still_empty,
    unrendered,
)
from atlas.domain.texts import unfollowed
from atlas.shielded_work import to_its_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from atlas.domain.prepared import Prepared
    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.services.claimed_batches import ClaimedBatches
    from atlas.stores.postgres.services.settlement import ProcessedPages

    Prepare = Callable[[PrepareJob], Awaitable[Prepared | None]]

RUNS_ALONE = 2
"""Marks without an end after which a document is processed alone."""
QUARANTINED = 3
"""Marks without an end after which a document is taken to have killed its workers."""

_STORE_ROWS = 25
_NOINDEX = "asks to be left out of the index, by X-Robots-Tag or a meta element"


@dataclass
class _Attempt:
    run_id: str
    fences: dict[int, int]
    forced: bool
    offline: bool
    """Whether nothing may be asked of the web, so that no page can be left to a browser."""
    done: Callable[[], None]
    """To be called for each page that is processed, whatever came of it."""
    found: list[PreparedPage] = field(default_factory=list)
    stored: int = 0
    to_render: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Processing:
    """`prepare` does the CPU work of one body elsewhere, unless all that is read of it is known:
    then it answers None. `children` of them run at once."""

    def __init__(
        self,
        batches: ClaimedBatches,
        pages: ProcessedPages,
        blobs: Blobs,
        prepare: Prepare,
        children: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._batches = batches
        self._pages = pages
        self._blobs = blobs
        self._prepare = prepare
        self._clock = clock
        # One more than there are children: a body is read while the others are worked on.
        self._room = asyncio.Semaphore(children + 1)
        # Ends that are still to be written, by run. They outlive the attempt: while the database is
        # away none can be, and a mark that stays accuses a healthy document.
        self._ended: defaultdict[str, list[int]] = defaultdict(list)

    @activity.defn
    async def process_batch(self, batch: Batch) -> Processed:
        """Extract the batch's fetched pages. A document that kills its child harms no other."""
        for run_id in list(self._ended):
            await self._write_marks(run_id)
        pages = await self._batches.begin_attempt(batch)
        todo = [page for page in pages if page.stage == "fetched"]
        todo = await self._worth_trying(batch, todo)
        fences = {page.page_id: page.fence for page in pages}
        done = count_pages("processed", len(todo))
        attempt = _Attempt(batch.run_id, fences, batch.force, batch.offline, done)
        at_once = [page for page in todo if _rendered_first(page)]
        todo = [page for page in todo if not _rendered_first(page)]
        await self._rendered_ones(attempt, at_once)
        try:
            # Suspects last and alone: one that kills the worker takes no other with it.
            await self._together(attempt, [page for page in todo if page.marks < RUNS_ALONE])
            for page in todo:
                if page.marks >= RUNS_ALONE:
                    await self._suspect(attempt, page)
        finally:
            # Also when cancelled: what was extracted is stored, and its marks are ended.
            await to_its_end(self._store(attempt))
        earlier = sum(page.stage == "processed" for page in pages)
        waiting = sum(page.stage == "rendering" for page in pages)
        return Processed(to_settle=earlier + attempt.stored, to_render=waiting + attempt.to_render)

    async def _worth_trying(self, batch: Batch, pages: list[HeldPage]) -> list[HeldPage]:
        """Without pages that left the corpus since, and, unless forced, without quarantined ones:
        their old version stays, and a run that knows of them has not failed."""
        gone = {page.page_id for page in pages if page.gone or page.snapshot is None}
        rest = [page.page_id for page in pages if page.page_id not in gone]
        poison = set() if batch.force else await self._pages.held_back(rest)
        for code, left_out in (("page_gone", gone), ("quarantined", poison)):
            fences = {page.page_id: page.fence for page in pages if page.page_id in left_out}
            await self._batches.skip(batch.run_id, fences, code)
        return [page for page in pages if page.page_id not in gone | poison]

    async def _together(self, attempt: _Attempt, pages: list[HeldPage]) -> None:
        async with asyncio.TaskGroup() as group:
            for page in pages:
                await self._room.acquire()
                task = group.create_task(self._work(attempt, page))
                task.add_done_callback(lambda _: self._room.release())

    async def _suspect(self, attempt: _Attempt, page: HeldPage) -> None:
        if page.marks < QUARANTINED:
            await self._work(attempt, page)
            return
        error = PageError(
            ErrorClass.BUG,
            "extractor_killed_worker",
            f"{page.marks} workers ended while this document was being processed; quarantined",
        )
        await self._keep(attempt, PreparedPage(page.page_id, page.snapshot or b"", None, error))

    async def _work(self, attempt: _Attempt, page: HeldPage) -> None:
        assert page.snapshot is not None
        try:
            body = await self._blobs.get(page.snapshot.hex())
            async with self._marked(attempt.run_id, page.page_id):
                prepared = await self._prepare(_job(page, body, forced=attempt.forced))
            if prepared is None:
                found = _read_before(page, ended=ends(body, "html"))
            else:
                ended = ends(body, prepared.extracted.media)
                found = _as_asked(page, prepared, self._clock(), ended=ended)
        except (BlobMissing, BlobCorrupt) as error:
            lost = PageError(ErrorClass.TRANSIENT, "blob_missing", str(error))
            found = PreparedPage(page.page_id, page.snapshot, None, lost)
        except PageError as error:
            to_browser = not attempt.offline and not page.rendered
            if to_browser and renders_failed(page.render, error):
                await self._leave_to_browser(attempt, [page])
                attempt.done()
                return
            if page.rendered and error.code == NEEDS_BROWSER:
                error = still_empty(error)
            found = PreparedPage(page.page_id, page.snapshot, None, error)
        await self._keep(attempt, found)

    async def _rendered_ones(self, attempt: _Attempt, pages: Sequence[HeldPage]) -> None:
        """Pages whose text is what a browser shows, whatever their bodies hold."""
        if not attempt.offline:
            await self._leave_to_browser(attempt, pages)
            return
        for page in pages:
            found = PreparedPage(page.page_id, page.snapshot or b"", None, unrendered())
            await self._keep(attempt, found)

    async def _leave_to_browser(self, attempt: _Attempt, pages: Sequence[HeldPage]) -> None:
        if pages:
            fences = {page.page_id: attempt.fences[page.page_id] for page in pages}
            attempt.to_render += await self._pages.to_render(attempt.run_id, fences)

    @asynccontextmanager
    async def _marked(self, run_id: str, page: int) -> AsyncIterator[None]:
        """The mark of one document, ended whichever way the block is left: only a worker that is
        killed ends nothing. Also ended when the reply to the mark was lost: it may have been
        committed, and one end too many only costs a deadly document one more attempt."""
        try:
            await self._write_marks(run_id, begun=[page])
            yield
        finally:
            self._ended[run_id].append(page)

    async def _write_marks(self, run_id: str, begun: Sequence[int] = ()) -> None:
        """Commit marks, with the ends that are to be written; those that are not, stay so."""
        ended = self._ended.pop(run_id, [])
        if not begun and not ended:
            return
        try:
            await self._pages.mark(run_id, begun, ended)
        except BaseException:
            self._ended[run_id] += ended  # other tasks may have added theirs meanwhile
            raise

    async def _keep(self, attempt: _Attempt, found: PreparedPage) -> None:
        attempt.found.append(found)
        attempt.done()
        if len(attempt.found) >= _STORE_ROWS:
            await self._store(attempt)

    async def _store(self, attempt: _Attempt) -> None:
        async with attempt.lock:
            found, attempt.found = attempt.found, []
            try:
                if found:
                    attempt.stored += await self._pages.store(attempt.run_id, attempt.fences, found)
            finally:
                await self._write_marks(attempt.run_id)


def _job(page: HeldPage, body: bytes, *, forced: bool) -> PrepareJob:
    """What a header asks of a page is not in its body: then it is looked at each time."""
    known = None if forced or page.robots or page.unavailable_after else page.read_digest
    return PrepareJob(
        body, page.content_type, page.charset, page.url, page.rules, page.title, known
    )


def _read_before(page: HeldPage, *, ended: bool | None) -> PreparedPage:
    return PreparedPage(
        page.page_id,
        page.snapshot or b"",
        None,
        ended=ended,
        rules=page.rules.digest,
        read_before=page.read_digest,
        rendered=page.rendered,
    )


def _as_asked(
    page: HeldPage, prepared: Prepared, now: datetime, *, ended: bool | None
) -> PreparedPage:
    """The page as its server and itself ask crawlers to take it."""
    found = prepared.extracted
    by_page = RobotsTags(noindex=found.noindex, unavailable_after=found.unavailable_after)
    asked = (asked_by_header([page.robots]) | by_page).at(now)
    if page.robots:
        prepared = replace(prepared, extracted=replace(found, read_digest=None))
    if asked.nofollow:
        prepared = replace(prepared, extracted=unfollowed(prepared.extracted))
    error = PageError(ErrorClass.BLOCKED, NOINDEX, _NOINDEX) if asked.noindex else None
    return PreparedPage(
        page.page_id,
        page.snapshot or b"",
        prepared,
        error,
        ended=ended,
        rules=page.rules.digest,
        rendered=page.rendered,
    )


def _rendered_first(page: HeldPage) -> bool:
    return not page.rendered and renders_at_once(page.render, page.content_type)
