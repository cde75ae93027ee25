"""Composition root: settings → clients → activities → workers."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from ipaddress import ip_network
from pathlib import Path

import asyncpg
from temporalio.client import Client
from temporalio.worker import Worker

from activities.discovery import Discovery
from activities.fetching import Fetching, FetchPolicy
from activities.fetching_one import FetchingOne
from activities.indexing import Indexing
from activities.processing import Processing
from activities.running import Running
from atlas import start_checks
from atlas.contracts.names import QUEUE, QUEUE_PROCESSING
from atlas.domain.analysis import ANALYSER_VERSION
from atlas.domain.blob import BlobError
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.domain.versions import SettledWith
from atlas.locations import Locations, NotRunning, locate
from atlas.logs import setup_logs
from atlas.settings import Settings, SettingsError
from atlas.stores.blobs import Blobs, open_blobs
from atlas.stores.postgres.corpus import Corpus
from atlas.stores.postgres.migrate import SchemaMismatch
from atlas.stores.postgres.pool import DatabaseUnreachable, open_pool
from atlas.stores.postgres.robots import StoredRobots
from atlas.stores.postgres.runs import ensure_fetch_partitions
from atlas.telemetry import setup_telemetry
from atlas.temporal import TemporalUnreachable, connect, run_is_open
from atlas.text.pool import ExtractorPool
from atlas.web.client import WebClient
from atlas.web.credentials import Credentials, CredentialsError
from atlas.web.guard import AddressPolicy
from atlas.web.listing import read_listing
from workflows.fetch_url import FetchUrl
from workflows.one_input import OneInput
from workflows.sync_pipeline import SyncPipeline
from workflows.unknown import UnknownWorkflow

REFUSALS = (
    SettingsError,
    NotRunning,
    DatabaseUnreachable,
    TemporalUnreachable,
    SchemaMismatch,
    start_checks.StartRefused,
    CredentialsError,
    BlobError,
    ValueError,
)
"""What keeps a worker from starting; their messages are for people."""

QUEUES = (QUEUE, QUEUE_PROCESSING)

log = logging.getLogger("atlas.worker")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Parts:
    """Everything that activities are built from."""

    client: Client
    pool: asyncpg.Pool
    corpus: Corpus
    blobs: Blobs
    web: WebClient
    extractor: ExtractorPool


@asynccontextmanager
async def open_parts(
    settings: Settings, locations: Locations, client: Client, clock: Callable[[], datetime]
) -> AsyncIterator[Parts]:
    """Open the database, the blob store, the web client and the extractor; close them after."""
    async with AsyncExitStack() as stack:
        pool = await open_pool(locations.require_database(), size=16)
        stack.push_async_callback(pool.close)
        await start_checks.check_all(client, pool)
        async with pool.acquire() as connection:
            await ensure_fetch_partitions(connection, clock())
        blobs = await stack.enter_async_context(open_blobs(locations.blobs))
        await blobs.check()
        credentials = Credentials()
        if settings.credentials_file:
            credentials = Credentials.from_file(settings.credentials_file)
        web = await stack.enter_async_context(
            WebClient(
                policy=AddressPolicy(
                    tuple(ip_network(network) for network in settings.fetch_allow_networks)
                ),
                contact=settings.contact,
                credentials=credentials,
                robots_cache=StoredRobots(pool),
                clock=clock,
            )
        )
        extractor = await stack.enter_async_context(
            ExtractorPool(
                children=settings.extract_children,
                timeout=settings.extract_timeout,
                memory_limit=settings.extract_memory,
            )
        )
        extractor.warm()
        corpus = Corpus(pool, clock=clock, current=SettledWith(EXTRACTOR_VERSION, ANALYSER_VERSION))
        yield Parts(client, pool, corpus, blobs, web, extractor)


def build_workers(settings: Settings, parts: Parts, clock: Callable[[], datetime]) -> list[Worker]:
    """One worker per task queue, in this process."""
    policy = FetchPolicy(
        max_bytes=settings.fetch_max_bytes,
        timeout=settings.fetch_timeout,
        attempts=settings.fetch_attempts,
        retry_delay=settings.fetch_retry_delay,
    )
    is_open = partial(run_is_open, parts.client)
    running = Running(parts.corpus, is_open)
    discovery = Discovery(parts.corpus, partial(read_listing, parts.web))
    fetching = Fetching(parts.corpus, parts.web, parts.blobs, policy, clock, is_open)
    fetching_one = FetchingOne(parts.corpus, parts.web, parts.blobs, policy)
    indexing = Indexing(parts.corpus)
    processing = Processing(
        parts.corpus, parts.blobs, partial(_prepare, parts.extractor), settings.extract_children
    )
    grace = timedelta(seconds=settings.shutdown_grace)
    # Without it the SDK hashes the bytecode of every loaded module: a second at each start.
    build_id = f"atlas-{version('atlas-corpus')}"
    return [
        Worker(
            parts.client,
            task_queue=QUEUE,
            workflows=[SyncPipeline, FetchUrl, UnknownWorkflow],
            interceptors=[OneInput()],
            # Eager activities stay with the worker that runs the workflow: one source's batches
            # would keep one worker busy and leave the others idle.
            disable_eager_activity_execution=True,
            activities=[
                running.resolve_sources,
                running.open_run,
                running.pause_run,
                running.close_run,
                discovery.list_level,
                fetching.claim_batch,
                fetching.fetch_batch,
                fetching_one.fetch_one,
                indexing.settle_batch,
            ],
            max_concurrent_activities=32,
            graceful_shutdown_timeout=grace,
            build_id=build_id,
        ),
        Worker(
            parts.client,
            task_queue=QUEUE_PROCESSING,
            activities=[processing.process_batch],
            max_concurrent_activities=4,
            graceful_shutdown_timeout=grace,
            build_id=build_id,
        ),
    ]


async def _prepare(
    pool: ExtractorPool, body: bytes, content_type: str | None, charset: str | None, url: str
) -> Prepared:
    return await pool.prepare(PrepareJob(body, content_type, charset, url))


def _announce() -> None:
    """Tell the embedded stack, if that started us, that this worker polls."""
    ready_file = os.environ.get("ATLAS_WORKER_READY_FILE")
    if ready_file:
        Path(ready_file).touch()


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set; then finish or give back what is under way."""
    locations = locate(settings)
    telemetry = setup_telemetry("atlas-worker")
    try:
        client = await connect(locations.temporal_address, plugins=telemetry.plugins)
        async with (
            open_parts(settings, locations, client, utc_now) as parts,
            AsyncExitStack() as on,
        ):
            for one in build_workers(settings, parts, utc_now):
                await on.enter_async_context(one)
            log.info("working on %s in namespace %s", ", ".join(QUEUES), client.namespace)
            _announce()
            await stop.wait()
            log.info("stopping: activities under way have %.0f s", settings.shutdown_grace)
    finally:
        await asyncio.to_thread(telemetry.shutdown)


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop)


def _until_servers_run() -> None:
    """The embedded stack starts its worker beside the servers: read where they are, once they run.

    A worker started by anyone else goes on at once. Ends with the one that started it.
    """
    told = os.environ.pop("ATLAS_WORKER_GO_FILE", None)
    parent = os.getppid()
    while told is not None and not Path(told).exists():
        if os.getppid() != parent:
            sys.exit(1)
        time.sleep(0.02)
    if told is not None:
        os.environ.update(json.loads(Path(told).read_text()))


def main() -> int:
    """Run a worker; exit code 0 after a stop, 1 when it refused to start."""
    setup_logs("INFO")
    _until_servers_run()
    try:
        settings = Settings.load()
        setup_logs(settings.log_level)
        asyncio.run(_until_signalled(settings))
    except REFUSALS as error:
        sys.stderr.write(f"atlas worker: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
