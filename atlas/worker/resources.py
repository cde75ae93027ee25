"""Everything that activities are built from, opened and closed in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
from temporalio.client import Client

from atlas.domain.measures import UNMEASURED, Measures
from atlas.domain.politeness.circuit_breaker import Breaker
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.health import start_checks
from atlas.locations import Locations, address_policy, search_index
from atlas.settings import Settings
from atlas.stores.blobs import Blobs, open_blobs
from atlas.stores.buckets.bucket_reader import BucketReader
from atlas.stores.postgres.clock import DatabaseClock
from atlas.stores.postgres.connection import answering as answering_database
from atlas.stores.postgres.connection import open_pool
from atlas.stores.postgres.crawl.bodies.ledger_partitions import make_partitions
from atlas.stores.postgres.hosts.robots_cache import StoredRobots
from atlas.stores.postgres.services.crawl import CrawlServices, crawl_services
from atlas.stores.postgres.silent_sessions import ending_silent
from atlas.temporal.connection import answering, run_is_open
from atlas.text.children.pool import ExtractorPool
from atlas.web.client_factory import page_client, page_renderer
from atlas.worker.listing_parser import PRELOADED
from atlas.worker.robots_parser import parsing_robots

if TYPE_CHECKING:
    from atlas.stores.search.port import SearchIndex
    from atlas.web.browser.renderer import PageRenderer
    from atlas.web.client import WebClient

Clock = Callable[[], datetime]

_ROOM = 60.0
"""Seconds that work waits for room on a PostgreSQL whose connections are all taken."""


@dataclass(frozen=True)
class WorkerParts:
    """Everything that activities are built from."""

    settings: Settings
    clock: Clock
    client: Client
    pool: asyncpg.Pool
    crawl: CrawlServices
    blobs: Blobs
    web: WebClient
    extractor: ExtractorPool
    measures: Measures
    index: SearchIndex
    files: BucketReader
    renderer: PageRenderer | None
    """None: there is no browser."""

    async def is_open(self, workflow_id: str, run_id: str) -> bool:
        """Whether Temporal has the run under way."""
        return await run_is_open(self.client, workflow_id, run_id)


@asynccontextmanager
async def open_parts(
    settings: Settings,
    locations: Locations,
    client: Client,
    clock: Clock,
    measures: Measures = UNMEASURED,
    metrics_at: str | None = None,
) -> AsyncIterator[WorkerParts]:
    """Open the database, the blob store, the web client and the extractor; close them after.

    `clock` is this machine's, which has to agree with the database's; the parts' follows that.
    `metrics_at`: host:port where this process shows its metrics."""
    async with AsyncExitStack() as stack:
        pool, clock = await stack.enter_async_context(
            _open_database(settings, locations, client, clock)
        )
        blobs = await stack.enter_async_context(open_blobs(locations.blobs, s3=locations.s3))
        await blobs.check()
        policy = address_policy(settings, client.service_client.config.target_host, metrics_at)
        parse_robots = await stack.enter_async_context(parsing_robots())
        web = await stack.enter_async_context(
            page_client(settings, policy, parse_robots, StoredRobots(pool), clock)
        )
        extractor = await stack.enter_async_context(
            ExtractorPool(
                children=settings.extraction.extract_children,
                timeout=settings.extraction.extract_timeout,
                memory_limit=settings.extraction.extract_memory,
                preloaded=PRELOADED,
                measures=measures,
                # PostgreSQL's side of a connection that has worked takes 10 MB more than that of a
                # new one, and the clock's questions would keep the last one open for good.
                at_rest=pool.expire_connections,
            )
        )
        extractor.warm()
        crawl = crawl_services(
            pool,
            clock=clock,
            extractor=EXTRACTOR_VERSION,
            breaker=_breaker(settings),
            measures=measures,
        )
        index = search_index(settings)
        stack.push_async_callback(index.close)
        roots = settings.fetch.bucket_roots
        files = await stack.enter_async_context(BucketReader(roots, locations.s3))
        yield WorkerParts(
            settings,
            clock,
            client,
            pool,
            crawl,
            blobs,
            web,
            extractor,
            measures,
            index,
            files,
            page_renderer(settings, policy, web),
        )


@asynccontextmanager
async def _open_database(
    settings: Settings, locations: Locations, client: Client, clock: Clock
) -> AsyncIterator[tuple[asyncpg.Pool, Clock]]:
    """Connections to the database, checked, and the clock that work goes by from then on: the
    database's, so that one that is set wrong later on this machine spoils nothing."""
    url = locations.require_database()
    async with AsyncExitStack() as stack:
        pool = await open_pool(
            url,
            size=settings.worker.worker_connections,
            minimum=0,  # with a floor asyncpg logs tracebacks while PostgreSQL is away
            wait=_ROOM,
        )
        stack.push_async_callback(pool.close)
        with answering_database(url), answering(client):
            await start_checks.check_all(client, pool, clock)
            followed = DatabaseClock()
            await stack.enter_async_context(followed.following(pool))
            async with pool.acquire() as connection:
                await make_partitions(connection, followed())
        await stack.enter_async_context(ending_silent(url))
        yield pool, followed


def _breaker(settings: Settings) -> Breaker:
    return Breaker.of(
        settings.fetch.host_failures, settings.fetch.host_pause, settings.fetch.fetch_patience
    )
