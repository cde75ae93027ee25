"""Renders pages: a fresh browser, and a way to the web of its own, for each of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.rendering import RenderedPage, RenderJob, RenderLimits
from atlas.web.address_policy import AddressPolicy
from atlas.web.browser.chromium import BrowserEnded, BrowserProgram, running, speaking
from atlas.web.browser.devtools import BrowserLost, DevTools, DevToolsError
from atlas.web.browser.guarded_proxy import GuardedProxy, ProxiedPage
from atlas.web.browser.page_visit import PageVisit
from atlas.web.egress_proxy import EgressProxy

_TRIES = 2
"""A browser that crashes or is killed costs one retry of its page."""
_MESSAGE = 16
"""Bytes of a message to each character of HTML that a page may have: escapes are in it."""


@dataclass(frozen=True)
class PageRenderer:
    """`led_publicly` says whether a page, or one of the URLs that led to it, is at a public
    address; `credentials` are the headers of an origin."""

    program: BrowserProgram
    policy: AddressPolicy
    limits: RenderLimits
    agent: str
    led_publicly: Callable[[str, tuple[str, ...]], Awaitable[bool]]
    credentials: Callable[[str], dict[str, str]]
    egress: EgressProxy | None = None

    async def render(self, job: RenderJob) -> RenderedPage:
        """The page as its scripts leave it. Raises PageError."""
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                return await self._once(job)
            except BrowserLost as lost:
                ended = _is_to_blame(lost)
                if ended is not None:
                    raise ended from lost
                if last:
                    words = f"the browser ended {_TRIES} times while it showed the page ({lost})"
                    raise PageError(ErrorClass.TRANSIENT, "browser_crashed", words) from lost
        raise AssertionError("unreachable")

    async def _once(self, job: RenderJob) -> RenderedPage:
        began = time.monotonic()
        led_publicly = await self.led_publicly(job.url, job.led_by)
        guard = GuardedProxy(
            ProxiedPage(job.url, job.reach, led_publicly),
            self.policy,
            self.limits.bytes,
            4 * self.limits.requests,
            self.egress,
        )
        most = max(1 << 20, _MESSAGE * self.limits.html)
        async with (
            guard,
            running(self.program, guard.port, self.agent, most) as tools,
        ):
            try:
                visit, html = await self._visit(tools, guard, job)
            except DevToolsError as error:
                raise BrowserLost(str(error)) from error
        return RenderedPage(
            html=f"<!DOCTYPE html>\n{html}",
            status=visit.status,
            requests=visit.requests,
            transferred=guard.transferred,
            elapsed=time.monotonic() - began,
            refused=tuple(guard.refused),
        )

    async def _visit(
        self, tools: DevTools, guard: GuardedProxy, job: RenderJob
    ) -> tuple[PageVisit, str]:
        visit = PageVisit(tools, job.url, self.limits, self._secrets(job), guard.announce)
        async with speaking():
            await visit.open()
        watch = asyncio.create_task(self._watch(guard, visit))
        try:
            await visit.load()
            return visit, await visit.html()
        except PageError as error:
            if guard.refused and error.code == "render_unreachable":
                error = PageError(error.error_class, error.code, f"{error}: {guard.refused[0]}")
            raise error from None
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    def _secrets(self, job: RenderJob) -> dict[str, str]:
        origin = "/".join(job.url.split("/", 3)[:3])
        known = job.authorized is None or origin in job.authorized
        return self.credentials(origin) if known else {}

    async def _watch(self, guard: GuardedProxy, visit: PageVisit) -> None:
        await guard.exceeded.wait()
        if guard.connections > guard.most_connections:
            words = f"it opens over {guard.most_connections} connections: ATLAS_RENDER_MAX_REQUESTS"
            visit.stop(PageError(ErrorClass.QUOTA, "render_requests", words))
        else:
            words = f"it transfers over {self.limits.bytes} bytes: ATLAS_RENDER_MAX_BYTES"
            visit.stop(PageError(ErrorClass.QUOTA, "render_bytes", words))


def _is_to_blame(lost: BrowserLost) -> PageError | None:
    """The failure of a page that ended its browser itself: another try would end like this one."""
    if isinstance(lost, BrowserEnded) and lost.why == "memory":
        words = "its scripts take more memory than ATLAS_RENDER_MEMORY allows"
        return PageError(ErrorClass.QUOTA, "render_memory", words)
    return None
