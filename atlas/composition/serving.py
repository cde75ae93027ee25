"""Which workflows and activities a worker serves on which task queue; one function a concern."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from activities.checking import Checking
from activities.discovery import Discovery
from activities.fetching import Fetching, FetchPolicy
from activities.fetching_one import FetchingOne
from activities.indexing import Indexing
from activities.jobs import Jobs
from activities.processing import Processing
from activities.rebuilding import Rebuilding
from activities.running import Running
from atlas.checks.concerns import Concerns
from atlas.checks.webhook import AlertWebhook
from atlas.composition.parts import Parts
from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.locations import locate
from atlas.stores.postgres.copying import LiveText
from atlas.stores.postgres.index import IndexText
from atlas.stores.postgres.jobs import JobRecords
from atlas.stores.postgres.rebuilds import Rebuilds
from atlas.temporal import run_is_open
from atlas.text.pool import ExtractorPool
from atlas.web.listing import read_listing
from workflows.fetch_url import FetchUrl
from workflows.health_check import HealthCheck
from workflows.rebuild_index import RebuildIndex
from workflows.sync_pipeline import SyncPipeline
from workflows.unknown import UnknownWorkflow

WORKFLOWS: tuple[type, ...] = (SyncPipeline, FetchUrl, RebuildIndex, HealthCheck, UnknownWorkflow)
"""All are served on the queue `atlas`."""

Activity: TypeAlias = Callable[..., Any]
Served: TypeAlias = Mapping[str, Sequence[Activity]]
"""Task queue → activities."""


def activities(parts: Parts) -> dict[str, list[Activity]]:
    """Every activity by task queue."""
    by_queue: dict[str, list[Activity]] = defaultdict(list)
    for served in (
        _syncing(parts),
        _fetching_one(parts),
        _processing(parts),
        _jobs(parts),
        _rebuilding(parts),
        _checking(parts),
    ):
        for queue, found in served.items():
            by_queue[queue] += found
    return by_queue


def _policy(parts: Parts) -> FetchPolicy:
    settings = parts.settings
    return FetchPolicy(
        max_bytes=settings.fetch_max_bytes,
        timeout=settings.fetch_timeout,
        attempts=settings.fetch_attempts,
        retry_delay=settings.fetch_retry_delay,
    )


def _syncing(parts: Parts) -> Served:
    is_open = partial(run_is_open, parts.client)
    running = Running(parts.corpus, is_open)
    discovery = Discovery(parts.corpus, partial(read_listing, parts.web))
    fetching = Fetching(parts.corpus, parts.web, parts.blobs, _policy(parts), parts.clock, is_open)
    return {
        QUEUE: [
            running.resolve_sources,
            running.plan_sources,
            running.next_sources,
            running.apply_limits,
            running.open_run,
            running.pause_run,
            running.close_run,
            discovery.list_level,
            discovery.enlist_urls,
            fetching.claim_batch,
            fetching.fetch_batch,
        ]
    }


def _fetching_one(parts: Parts) -> Served:
    one = FetchingOne(parts.corpus, parts.web, parts.blobs, _policy(parts))
    return {QUEUE: [one.fetch_one]}


def _processing(parts: Parts) -> Served:
    processing = Processing(
        parts.corpus,
        parts.blobs,
        partial(_prepare, parts.extractor),
        parts.settings.extract_children,
    )
    indexing = Indexing(parts.corpus)
    return {
        QUEUE: [indexing.settle_batch],
        QUEUE_PROCESSING: [processing.process_batch],
        QUEUE_BULK: [processing.process_batch, indexing.settle_batch],
    }


def _jobs(parts: Parts) -> Served:
    jobs = Jobs(JobRecords(parts.pool, parts.clock))
    return {QUEUE: [jobs.begin_job, jobs.end_job, jobs.record_pause]}


def _rebuilding(parts: Parts) -> Served:
    rebuilding = Rebuilding(
        Rebuilds(parts.pool, parts.clock),
        partial(_analyse, parts.extractor),
        partial(run_is_open, parts.client),
    )
    return {
        QUEUE: [rebuilding.switch_generation],
        QUEUE_BULK: [
            rebuilding.start_generation,
            rebuilding.copy_texts,
            rebuilding.check_generation,
            rebuilding.mark_settled,
            rebuilding.drop_generations,
        ],
    }


async def _analyse(pool: ExtractorPool, text: LiveText) -> IndexText:
    return IndexText(text.text_hash, await pool.analyse(text.title, text.text))


def _checking(parts: Parts) -> Served:
    hook = parts.settings.alert_webhook
    webhook = AlertWebhook(hook.get_secret_value(), parts.client.namespace) if hook else None
    concerns = Concerns(
        database_url=lambda: locate(parts.settings).require_database(),
        client=parts.client,
        blob_location=parts.settings.blob_location,
        folders=parts.settings.folders,
        clock=parts.clock,
    )
    checking = Checking(concerns, webhook)
    return {QUEUE: [checking.check_concern, checking.tell_health]}


async def _prepare(
    pool: ExtractorPool, body: bytes, content_type: str | None, charset: str | None, url: str
) -> Prepared:
    return await pool.prepare(PrepareJob(body, content_type, charset, url))
