"""`AtlasClient`: Atlas for Python programs.

    async with AtlasClient.connect() as atlas:
        await atlas.sources.add("docs", "https://example.org/docs/")
        run = await atlas.sync("docs")
        print((await run.result()).counts)
        for hit in (await atlas.search("lighthouse")).results:
            print(hit.url, hit.snippet)

Errors are those of `starter.errors`; the tree is drawn there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack

from atlas.contracts.names import fetch_workflow_id
from atlas.domain.urls import url_key
from atlas.settings import Settings, SettingsError
from starter.connection import Parts
from starter.corpus import Document, Reading, canonical_url
from starter.errors import InvalidRequest
from starter.hosts import Hosts
from starter.limits import Limits as HandSet
from starter.runs.control import Managing
from starter.runs.listing import RecordedRun
from starter.runs.start_by_type import Jobs
from starter.schedules import Schedules
from starter.sources import Sources

if TYPE_CHECKING:  # the contracts cost a reader more than all else
    from atlas.contracts.fetch_url import FetchUrlResult
    from atlas.contracts.jobs import Trigger
    from atlas.contracts.work import Limits, Mode, Stage
    from starter.monitoring.overview import Overview
    from starter.runs.kinds import FetchHandle, SyncHandle

__all__ = ["AtlasClient", "Document", "RecordedRun"]


class SyncOptions(TypedDict, total=False):
    """What part of the work to do; what is left out has the defaults of `SyncRequest`."""

    tags: list[str]
    """Sources that carry one of these tags, beside those named."""
    mode: Mode
    """Which pages: full, incremental (those that are due) or failed."""
    retry_failed: bool
    """With mode incremental: also pages that failed last time and are not due yet."""
    stages: list[Stage]
    """What to do, of discover, fetch, process and reconcile."""
    limits: Limits
    """Pages, bytes and minutes that may be spent on each source."""
    deadline: datetime
    """The moment, with its time zone, after which no page is claimed any more."""


class FetchOptions(TypedDict, total=False):
    """Limits of one fetch; what is left out has the defaults of `FetchUrlRequest`."""

    force: bool
    """Ask for the whole body although it may not have changed."""
    timeout: float
    """Seconds for the whole request."""
    max_bytes: int
    max_redirects: int
    robots: Literal["obey", "ignore"]


class AtlasClient(Reading, Managing, Jobs):
    """One Atlas: its sources, runs, documents and search.

    Use it as an async context manager, or call `close`. PostgreSQL and Temporal are connected to
    when they are first needed, so searching works while Temporal is down.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.sources = Sources(parts)
        self.schedules = Schedules(parts)
        self.hosts = Hosts(parts)
        self.limits = HandSet(parts)

    @classmethod
    def connect(cls, settings: Settings | None = None) -> _Connecting:
        """A client: `await` it, or open it with `async with`.

        Addresses come from `settings` (by default the environment and `.env`), Temporal's own
        configuration, and what the embedded stack recorded. Raises `InvalidRequest` for a bad
        setting.
        """
        return _Connecting(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give every connection back. Runs go on."""
        await self._parts.close()

    # Runs

    async def sync(
        self,
        *sources: str,
        all: bool = False,
        due: bool = False,
        wait_for_lease: bool = False,
        trigger: Trigger = "client",
        lanes: int = 3,
        batch: int = 100,
        **options: Unpack[SyncOptions],
    ) -> SyncHandle:
        """Start `sync_pipeline` for the named sources, those of some tags, or all; join the run
        that is under way for the same.

        Every page is checked, unless `due`: then only those that are due. `wait_for_lease` waits
        for a run that works on the source already. `lanes` batches of `batch` pages are under way
        at once. `options` are further fields of `SyncRequest`. Raises `InvalidRequest`,
        `DifferentRequest`, `CannotConnect`.
        """
        from atlas.contracts.names import sync_request_id
        from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
        from starter.runs.kinds import SyncHandle
        from starter.runs.requests import checked, sync_summary
        from starter.runs.start import start

        values = {"sources": sorted(set(sources)), "all": all, "due": due, "trigger": trigger}
        values |= {"wait_for_lease": wait_for_lease, "lanes": lanes, "batch": batch, **options}
        request = checked(SyncRequest, values)
        with self._parts.span("atlas sync"):
            await self._parts.check()
            begun = await start(
                self._parts,
                "sync_pipeline",
                request,
                sync_request_id(request.sources, all=request.all, tags=request.tags),
                sync_summary(request),
                SyncResult,
            )
        return SyncHandle(self._parts, begun)

    async def fetch_url(self, url: str, **options: Unpack[FetchOptions]) -> FetchUrlResult:
        """Get one URL now and wait for what came back. Raises as `start_fetch` does."""
        return await (await self.start_fetch(url, **options)).result()

    async def start_fetch(self, url: str, **options: Unpack[FetchOptions]) -> FetchHandle:
        """Start `fetch_url`, or join the run that fetches the same URL now.

        Raises `InvalidRequest`, `DifferentRequest`, `CannotConnect`.
        """
        from atlas.contracts.catalogue import WORKFLOWS
        from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult
        from starter.runs.kinds import JobHandle
        from starter.runs.requests import checked, shortened
        from starter.runs.start import start

        url = canonical_url(url)
        request = checked(FetchUrlRequest, {"url": url, **options})
        with self._parts.span("atlas fetch"):
            await self._parts.check()
            begun = await start(
                self._parts,
                "fetch_url",
                request,
                fetch_workflow_id(url_key(url)),
                shortened(f"fetch {url}"),
                FetchUrlResult,
            )
        return JobHandle(self._parts, WORKFLOWS["fetch_url"], begun)

    # Everything at once

    async def overview(self, *, stale_after: timedelta | None = None) -> Overview:
        """One look at workers, queues, runs under way, hosts, schedules and sources: what
        `atlas status` and `atlas top` show. A part that is down is told in `untold`, the rest is
        there. `stale_after`: how late any source may be, in place of its own tolerance."""
        from starter.monitoring.watch import Watch

        return await Watch(self._parts, stale_after=stale_after).look()

    async def watch(
        self, interval: float = 1.0, *, stale_after: timedelta | None = None
    ) -> AsyncGenerator[Overview]:
        """An overview every `interval` seconds, for ever. Looks of one watch know how fast runs
        go, and which workers live, better than single ones."""
        from starter.monitoring.watch import watched

        async for seen in watched(self._parts, interval, stale_after=stale_after):
            yield seen


class _Connecting:
    """What `AtlasClient.connect` gives: awaitable, and an async context manager."""

    def __init__(self, settings: Settings | None) -> None:
        self._settings = settings
        self._client: AtlasClient | None = None

    def __await__(self) -> Generator[Any, None, AtlasClient]:
        return self._open().__await__()

    async def __aenter__(self) -> AtlasClient:
        self._client = await self._open()
        return self._client

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()

    async def _open(self) -> AtlasClient:
        try:
            return AtlasClient(Parts(self._settings or Settings.load()))
        except SettingsError as error:
            raise InvalidRequest(str(error)) from None
