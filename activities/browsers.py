"""Browsers as activities use them: at most so many at once, whoever asks, and what they show is
stored as a body."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from atlas.domain.batch import FetchRow, HeldPage
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.rendering import NEEDS_BROWSER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Protocol

    from activities.fetch_batch import Announce
    from atlas.domain.prepared import Prepared, PrepareJob
    from atlas.domain.rendering import RenderedPage, RenderJob
    from atlas.stores.blobs.port import Blobs

    Prepare = Callable[[PrepareJob], Awaitable[Prepared]]

    class RendersPages(Protocol):
        """A browser, or rather one for each page."""

        async def render(self, job: RenderJob) -> RenderedPage: ...


class Browsers:
    """Renders pages; `room` is to be held before a turn at the host is taken, or a slot that waits
    for a browser would keep others from the host."""

    def __init__(
        self, renderer: RendersPages, blobs: Blobs, announce: Announce, at_once: int
    ) -> None:
        self._renderer = renderer
        self._blobs = blobs
        self._announce = announce
        self.room = asyncio.Semaphore(at_once)

    async def render(self, page: HeldPage, job: RenderJob, most: int | None = None) -> FetchRow:
        """The ledger row of a page that was rendered, whose body is stored; `most` bounds its
        bytes. Raises PageError."""
        found = await self._renderer.render(job)
        body = found.html.encode("utf-8", "replace")
        if most is not None and len(body) > most:
            words = f"its HTML has {len(body)} bytes, and {most} were to be the most"
            raise PageError(ErrorClass.QUOTA, "render_too_large", words)
        async with self._blobs.writer() as writer:
            await writer.write(body)
            ref = await writer.finish()
            await self._announce(ref.digest, ref.size)
            await writer.publish()
        return FetchRow(
            page_id=page.page_id,
            url=page.url,
            attempt=page.attempts + 1,
            final_url=job.url,
            status=found.status,
            elapsed=found.elapsed,
            snapshot=bytes.fromhex(ref.digest),
            content_type="text/html",
            charset="utf-8",
            size=len(body),
            wire_bytes=found.transferred,
            # No validators: that the server's body is unchanged says nothing of this one.
            robots=page.robots,
            rendered=True,
        )


async def missing_text(prepare: Prepare, job: PrepareJob) -> PageError | None:
    """Why a body has no text without its scripts; None: it has some, or fails for other reasons."""
    try:
        await prepare(job)
    except PageError as error:
        return error if error.code == NEEDS_BROWSER else None
    return None
