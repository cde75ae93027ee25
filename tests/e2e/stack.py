"""One Atlas for one test: a fresh namespace, database and blob folder on the session's servers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

import worker
from atlas.contracts.empty_runs import MEANT_NOTHING
from atlas.contracts.names import QUEUE, SEARCH_ATTRIBUTES
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from atlas.domain.sources import SourceSpec
from atlas.settings import Settings
from atlas.stores.postgres.index.engine_search import search_corpus
from atlas.stores.postgres.index.search import SearchPage, SearchRequest
from atlas.stores.postgres.sources import sources
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.e2e.forked_workers import forked_worker
from tests.e2e.forks import Forked

Spawned = subprocess.Popen[bytes] | Forked
"""A worker process, however it began."""


async def fresh_namespace(address: str) -> str:
    """A new namespace with Atlas's search attributes."""
    client = await Client.connect(address)
    name = f"test-{uuid.uuid4().hex[:12]}"
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name,
            workflow_execution_retention_period=Duration(
                seconds=int(timedelta(days=30).total_seconds())
            ),
        )
    )
    kinds = {
        key: getattr(IndexedValueType, f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for key, kind in SEARCH_ATTRIBUTES.items()
    }
    while not await _attributes_registered(client, name, kinds):
        await asyncio.sleep(0.1)
    return name


async def _attributes_registered(client: Client, name: str, kinds: dict[str, Any]) -> bool:
    """A namespace is known to all parts of the server only after a moment."""
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=name, search_attributes=kinds)
        )
    except RPCError as error:
        if "already exist" not in str(error):
            return False
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=name)
    )
    return set(kinds) <= set(answer.custom_attributes)


async def result_of(handle: WorkflowHandle[Any, Any]) -> Any:
    """The result of a run, as Atlas's client gives it: also of one that failed because its request
    meant nothing."""
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        cause = error.cause
        if isinstance(cause, ApplicationError) and cause.type in MEANT_NOTHING:
            return cause.details[0]
        raise


@dataclass
class AtlasEnv:
    """Everything a test needs to run Atlas and to look at what it did."""

    database_url: str
    address: str
    namespace: str
    blobs: Path
    client: Client
    pool: asyncpg.Pool
    variables: dict[str, str]
    workers: list[Spawned] = field(default_factory=list)
    index: TantivyIndex | None = None

    async def add_source(self, name: str, kind: Any, *urls: str, **rules: Any) -> None:
        """Declare a source; no delay between requests unless the test says so."""
        rules.setdefault("delay", 0.0)
        rules.setdefault("parallel", 8)
        spec = SourceSpec(name=name, kind=kind, urls=urls, **rules)
        async with self.pool.acquire() as connection:
            await sources.add(connection, spec, datetime.now(UTC))

    async def start(self, *names: str, **options: Any) -> WorkflowHandle[Any, SyncResult]:
        """Start `sync_pipeline` for sources."""
        workflow_id = options.pop("id", f"sync_pipeline:{'+'.join(names) or 'all'}")
        handle: WorkflowHandle[Any, SyncResult] = await self.client.start_workflow(
            "sync_pipeline",
            SyncRequest(sources=list(names), **options),
            id=workflow_id,
            task_queue=QUEUE,
            result_type=SyncResult,
        )
        return handle

    async def sync(self, *names: str, **options: Any) -> SyncResult:
        """Run `sync_pipeline` to its end."""
        return SyncResult.model_validate(await result_of(await self.start(*names, **options)))

    async def search(self, query: str, **options: Any) -> SearchPage:
        """Search as a client does, whose index is that of this Atlas."""
        if self.index is None:
            self.index = TantivyIndex(Path(self.variables["ATLAS_HOME"]) / "index")
        async with self.pool.acquire() as connection:
            return await search_corpus(connection, self.index, SearchRequest(query, **options))

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        return list(await self.pool.fetch(statement, *values))

    async def value(self, statement: str, *values: Any) -> Any:
        return await self.pool.fetchval(statement, *values)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """A worker in this process, until the block ends."""
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(Settings.load(), stop))
        try:
            yield
        finally:
            stop.set()
            await task

    def spawn_worker(self, *queues: str) -> Forked:
        """A worker for these queues (all, if none is named) in a process of its own, to be
        killed. Its workflows may take as long as a busy machine makes them."""
        with (self.blobs.parent / "worker.log").open("ab") as log:
            process = forked_worker({**os.environ, **self.variables}, log, queues)
        self.workers.append(process)
        return process

    def spawn_command(self, *command: str) -> subprocess.Popen[bytes]:
        """A worker as a person starts it."""
        with (self.blobs.parent / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, **self.variables},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(process)
        return process

    def end_workers(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(100)
        self.workers.clear()
