"""Starting any workflow type by its name: a part of `AtlasClient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from atlas.contracts.collect import CollectAllResult, CollectResult, HourlyResult
    from atlas.contracts.daily_cleanup import CleanupResult
    from atlas.contracts.deduplicate_documents import DeduplicateResult
    from atlas.contracts.fetch_url import FetchUrlResult
    from atlas.contracts.health import HealthResult
    from atlas.contracts.processing import BatchResult, ProcessResult
    from atlas.contracts.rebuild_index import RebuildResult
    from atlas.contracts.sync_pipeline import SyncResult
    from atlas.contracts.weekly_report import WeeklyResult
    from starter.connection import Parts
    from starter.runs.kinds import JobHandle


class Jobs:
    """`start`, which knows of each type what its result is."""

    _parts: Parts

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
        workflow: Literal["deduplicate_documents"],
        *,
        workflow_id: str | None = None,
        **fields: Any,
    ) -> JobHandle[DeduplicateResult]: ...

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
        self, workflow: Literal["rebuild_index"], *, workflow_id: str | None = None, **fields: Any
    ) -> JobHandle[RebuildResult]: ...

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
        from starter.runs.typed_runs import kind_named, start_job

        return await start_job(self._parts, kind_named(workflow), fields, "client", workflow_id)
