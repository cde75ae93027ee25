"""Runs from Python, `AtlasClient.runs`: start, find, follow, end and retry them.

Imports stand in the methods: contracts and Temporal's client take longer to load than all else,
and programs that only read the corpus need neither.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from starter.connection import Parts
from starter.page_urls import canonical_url

if TYPE_CHECKING:
    from atlas.contracts.audit_corpus import AuditResult
    from atlas.contracts.collect import CollectAllResult, CollectResult, HourlyResult
    from atlas.contracts.daily_cleanup import CleanupResult
    from atlas.contracts.decide_deletions import DecideDeletionsResult
    from atlas.contracts.deduplicate_documents import DeduplicateResult
    from atlas.contracts.export_corpus import ExportResult
    from atlas.contracts.fetch_url import FetchUrlResult
    from atlas.contracts.health import HealthResult
    from atlas.contracts.jobs import Trigger
    from atlas.contracts.processing import BatchResult, ProcessResult
    from atlas.contracts.purge_documents import PurgeResult
    from atlas.contracts.push_documents import PushResult
    from atlas.contracts.rebuild_index import RebuildResult
    from atlas.contracts.restore_documents import RestoreResult
    from atlas.contracts.sync_pipeline import SyncResult
    from atlas.contracts.weekly_report import WeeklyResult
    from atlas.contracts.work import Limits, Mode, Stage
    from atlas.domain.rendering import Render
    from starter.runs.details import RunDetails
    from starter.runs.handles import AnyHandle, FetchHandle, JobHandle, SyncHandle
    from starter.runs.listing import RecordedRun, RunFilter
    from starter.runs.manifests import Names
    from starter.runs.retry import RetriedRun
    from starter.runs.terminate import TerminatedRun


class SyncOptions(TypedDict, total=False):
    """Which part of the work to do; defaults are those of `SyncRequest`."""

    tags: list[str]
    """Sources with one of these tags, in addition to those named."""
    mode: Mode
    """Which pages: full, incremental (those that are due) or failed."""
    retry_failed: bool
    """With mode incremental: also pages that failed last time and are not due yet."""
    stages: list[Stage]
    """What to do, of discover, fetch, process and reconcile."""
    limits: Limits
    """Pages, bytes and minutes that may be spent on each source."""
    deadline: datetime
    """The time, with its time zone, after which no more pages are claimed."""


class FetchOptions(TypedDict, total=False):
    """Limits of one fetch; defaults are those of `FetchUrlRequest`."""

    force: bool
    """Ask for the whole body although it may not have changed."""
    timeout: float
    """Seconds for the whole request."""
    max_bytes: int
    max_redirects: int
    robots: Literal["obey", "ignore"]
    render: Render
    """Whether a browser renders the page that was found."""


class Runs:
    """The runs of one Atlas. A run is named by its run id or the beginning of it, its workflow id,
    or its source (the run under way, or the latest)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # Start

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
        from atlas.contracts.sync_pipeline import SyncRequest
        from starter.runs.handles import SyncHandle
        from starter.runs.start import checked, kind_named, start, sync_summary

        values = {"sources": sorted(set(sources)), "all": all, "due": due, "trigger": trigger}
        values |= {"wait_for_lease": wait_for_lease, "lanes": lanes, "batch": batch, **options}
        request, kind = checked(SyncRequest, values), kind_named("sync_pipeline")
        begun = await start(
            self._parts, kind, request, summary=sync_summary(request), span="atlas sync"
        )
        return SyncHandle(self._parts, begun)

    async def fetch_url(self, url: str, **options: Unpack[FetchOptions]) -> FetchUrlResult:
        """Fetch one URL now and wait for the answer. Raises as `start_fetch` does."""
        return await (await self.start_fetch(url, **options)).result()

    async def start_fetch(self, url: str, **options: Unpack[FetchOptions]) -> FetchHandle:
        """Start `fetch_url`, or join the run that fetches the same URL now.

        Raises `InvalidRequest`, `DifferentRequest`, `CannotConnect`.
        """
        from atlas.contracts.fetch_url import FetchUrlRequest
        from starter.runs.handles import JobHandle
        from starter.runs.start import checked, kind_named, start

        values = {"url": canonical_url(url), **options}
        request, kind = checked(FetchUrlRequest, values), kind_named("fetch_url")
        begun = await start(
            self._parts, kind, request, summary=f"fetch {request.url}", span="atlas fetch"
        )
        return JobHandle(self._parts, kind, begun)

    async def purge(
        self,
        *urls: str,
        source: str | None = None,
        host: str | None = None,
        reason: str = "unspecified",
        dry_run: bool = False,
        trigger: Trigger = "client",
    ) -> JobHandle[PurgeResult]:
        """Start `purge_documents`: erase pages with every trace of them, and keep them away.

        Give addresses, a source or a host. `dry_run` only counts. Raises `InvalidRequest`,
        `DifferentRequest`, `CannotConnect`.
        """
        from atlas.domain.addresses.urls import InvalidUrl, host_named
        from starter.errors import InvalidRequest

        if host is not None:
            try:
                host = host_named(host)
            except InvalidUrl as error:
                raise InvalidRequest(f"host: {error}") from None
        wanted = sorted({canonical_url(url, "urls") for url in urls}) or None
        return await self.start(
            "purge_documents",
            urls=wanted,
            source=source,
            host=host,
            reason=reason,
            dry_run=dry_run,
            trigger=trigger,
        )

    @overload
    async def start(
        self, workflow: Literal["audit_corpus"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[AuditResult]: ...

    @overload
    async def start(
        self, workflow: Literal["batch_process"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[BatchResult]: ...

    @overload
    async def start(
        self, workflow: Literal["daily_cleanup"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[CleanupResult]: ...

    @overload
    async def start(
        self,
        workflow: Literal["decide_deletions"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[DecideDeletionsResult]: ...

    @overload
    async def start(
        self,
        workflow: Literal["deduplicate_documents"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[DeduplicateResult]: ...

    @overload
    async def start(
        self, workflow: Literal["export_corpus"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[ExportResult]: ...

    @overload
    async def start(
        self, workflow: Literal["fetch_url"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[FetchUrlResult]: ...

    @overload
    async def start(
        self, workflow: Literal["health_check"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[HealthResult]: ...

    @overload
    async def start(
        self,
        workflow: Literal["process_document"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[ProcessResult]: ...

    @overload
    async def start(
        self, workflow: Literal["purge_documents"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[PurgeResult]: ...

    @overload
    async def start(
        self, workflow: Literal["rebuild_index"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[RebuildResult]: ...

    @overload
    async def start(
        self,
        workflow: Literal["push_documents"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[PushResult]: ...

    @overload
    async def start(
        self,
        workflow: Literal["restore_documents"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[RestoreResult]: ...

    @overload
    async def start(
        self,
        workflow: Literal["collect_from_source"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[CollectResult]: ...

    @overload
    async def start(
        self,
        workflow: Literal["collect_all_sources"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[CollectAllResult]: ...

    @overload
    async def start(
        self,
        workflow: Literal["hourly_collection"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[HourlyResult]: ...

    @overload
    async def start(
        self, workflow: Literal["weekly_report"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[WeeklyResult]: ...

    @overload
    async def start(
        self, workflow: Literal["sync_pipeline"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[SyncResult]: ...

    @overload
    async def start(
        self, workflow: str, *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[Any]: ...

    async def start(
        self, workflow: str, *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[Any]:
        """Start a workflow of any type, by its name and the fields of its request
        (`atlas schema NAME` prints them), or join the run of its id that was asked for the same.

        `workflow_id` by default says what it works on, so that two of a kind do not run at once.
        Raises `InvalidRequest`, `DifferentRequest`, `CannotConnect`.
        """
        from starter.runs.start import kind_named, start_type

        return await start_type(self._parts, kind_named(workflow), fields, "client", workflow_id)

    # Find and control

    async def get(self, named: str) -> AnyHandle:
        """A handle on a run. Raises `NotFound`, `CannotConnect`."""
        from starter.runs.handles import handle_on
        from starter.runs.lookup import find
        from starter.runs.start import kind_named

        found = await find(self._parts, named)
        kind = kind_named(found.workflow)
        return await handle_on(self._parts, kind, found.workflow_id, found.run_id)

    async def describe(self, named: str, *, failures: int = 20) -> RunDetails:
        """All that is known of a run: its record and, from Temporal while it is under way, stage,
        progress and retries. Raises `NotFound`, `CannotConnect`."""
        from starter.runs.details import details
        from starter.runs.lookup import look_up

        run, described = await look_up(self._parts, named)
        return await details(self._parts, run, described, failures)

    async def list(self, *, limit: int = 20, **wanted: Unpack[RunFilter]) -> list[RecordedRun]:
        """The latest runs, newest first, without their failures. Raises `InvalidRequest`."""
        from starter.runs.listing import listed

        return await listed(self._parts, limit, wanted)

    __call__ = list  # `await atlas.runs(source="docs")`

    async def recorded(self, named: str, *, failures: int = 20) -> RecordedRun:
        """One run as recorded, with its first `failures` failures; Temporal is not asked. Raises
        `NotFound`."""
        from starter.runs.listing import recorded

        return await recorded(self._parts, named, failures)

    async def terminate(self, named: str, reason: str = "") -> TerminatedRun:
        """End a run from outside, at once, where `cancel` does not help: it finishes nothing and
        gives nothing back. Its record is closed, its lease and claims are released; runs that it
        started go on. Raises `NotFound`, `CannotConnect`."""
        from starter.runs.lookup import find
        from starter.runs.terminate import terminate

        found = await find(self._parts, named)
        return await terminate(self._parts, found.workflow_id, found.run_id, reason)

    async def retry(self, named: str, *, trigger: Trigger = "client") -> RetriedRun:
        """Start the failed part of an ended run again: its failed pages if it completed, else the
        same request. Raises `NotFound`, `Refused` while it is under way,
        `DifferentRequest`, `CannotConnect`."""
        from starter.runs.retry import retry

        return await retry(self._parts, named, trigger)

    # Pages

    async def manifest(self, names: Names) -> str:
        """Store a list of URLs or page numbers, streamed and of any length, for
        `start("batch_process", manifest=…)`; its hash. Raises `InvalidRequest`, `Refused`."""
        from starter.runs.manifests import upload

        return await upload(self._parts, names)

    def outcomes(self, run_id: str) -> AsyncGenerator[dict[str, Any]]:
        """The outcome of each page of a run, by URL: url, page, outcome, error_class, code,
        text_hash, truncated; `outcome` may also be `removed`, for a page that left with this run,
        and `missing`, for a request for no page. For a run of several sources it is given source by
        source, each named in `source`. Raises `NotFound`, `Refused`."""
        from starter.runs.outcomes import outcomes

        return outcomes(self._parts, run_id)
