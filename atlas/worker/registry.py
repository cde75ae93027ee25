"""Which workflows and activities a worker serves on which task queue, one function per concern."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

from activities.batches import Batches
from activities.cleanup import Temporary, Upkeep
from activities.dedup import Deduplicating
from activities.discovery import Discovery
from activities.fetch_batch import Fetching, FetchPolicy
from activities.fetch_url import FetchingOne
from activities.health import Checking
from activities.index_rebuild import Rebuilding
from activities.processing import Processing
from activities.reporting import Reporting
from activities.runs import Jobs, Running
from activities.settling import Indexing
from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING
from atlas.domain.errors import Retries
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.domain.retention import Retention
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.health.catalogue import Concerns
from atlas.health.webhook import AlertWebhook
from atlas.locations import locate, s3_access
from atlas.reports.rendering import MEDIA, render
from atlas.settings import Settings
from atlas.stores.postgres.crawl.artifacts import MANIFEST, OUTCOMES, REPORT, Artifacts
from atlas.stores.postgres.crawl.batch_records import BatchRecords
from atlas.stores.postgres.crawl.batch_selection import Selection
from atlas.stores.postgres.crawl.runs import JobRecords
from atlas.stores.postgres.index.entries import IndexText
from atlas.stores.postgres.reporting.history import Stats
from atlas.stores.postgres.services.cleanup import UpkeepStore
from atlas.stores.postgres.services.deduplication import Deduplication
from atlas.stores.postgres.services.index_rebuild import Rebuilds
from atlas.stores.postgres.settlement.index_copy import LiveText
from atlas.text.pool import ExtractorPool
from atlas.web.listings import read_listing
from atlas.worker.listing_parser import parsed
from atlas.worker.resources import CURRENT, WorkerParts
from workflows.batch_process import BatchProcess
from workflows.collect_all_sources import CollectAllSources
from workflows.collect_from_source import CollectFromSource
from workflows.daily_cleanup import DailyCleanup
from workflows.deduplicate_documents import DeduplicateDocuments
from workflows.fetch_url import FetchUrl
from workflows.guards import UnknownWorkflow
from workflows.health_check import HealthCheck
from workflows.hourly_collection import HourlyCollection
from workflows.process_document import ProcessDocument
from workflows.rebuild_index import RebuildIndex
from workflows.sync_pipeline import SyncPipeline
from workflows.weekly_report import WeeklyReport

WORKFLOWS: tuple[type, ...] = (
    SyncPipeline,
    CollectFromSource,
    CollectAllSources,
    HourlyCollection,
    FetchUrl,
    ProcessDocument,
    BatchProcess,
    DailyCleanup,
    RebuildIndex,
    HealthCheck,
    WeeklyReport,
    DeduplicateDocuments,
    UnknownWorkflow,
)
"""All are served on the queue `atlas`."""

Activity: TypeAlias = Callable[..., Any]
Served: TypeAlias = Mapping[str, Sequence[Activity]]
"""Task queue → activities."""


def activities(parts: WorkerParts) -> dict[str, list[Activity]]:
    """Every activity by task queue."""
    by_queue: dict[str, list[Activity]] = defaultdict(list)
    fetching, processing = _fetcher(parts), _processor(parts)
    for served in (
        _syncing(parts, fetching),
        _fetching_one(parts),
        _processing(parts, processing),
        _batches(parts, fetching, processing),
        _jobs(parts),
        _deduplicating(parts),
        _reporting(parts),
        _rebuilding(parts),
        _checking(parts),
        _upkeep(parts),
    ):
        for queue, found in served.items():
            by_queue[queue] += found
    return by_queue


def _policy(parts: WorkerParts) -> FetchPolicy:
    settings = parts.settings
    return FetchPolicy(
        max_bytes=settings.fetch.fetch_max_bytes,
        timeout=settings.fetch.fetch_timeout,
        retries=Retries(
            attempts=settings.fetch.fetch_attempts,
            delay=settings.fetch.fetch_retry_delay,
            patience=settings.fetch.fetch_patience,
        ),
    )


def _syncing(parts: WorkerParts, fetching: Fetching) -> Served:
    crawl = parts.crawl
    running = Running(crawl.plans, crawl.runs, crawl.listing, parts.is_open)
    parse = partial(parsed, parts.extractor)
    discovery = Discovery(
        crawl.runs,
        crawl.listing,
        crawl.batches,
        crawl.hosts,
        partial(read_listing, parts.web, parse),
    )
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


def _fetcher(parts: WorkerParts) -> Fetching:
    crawl = parts.crawl
    return Fetching(
        crawl.runs,
        crawl.batches,
        crawl.hosts,
        crawl.fetches,
        parts.web,
        parts.blobs,
        _policy(parts),
        parts.clock,
        parts.is_open,
        parts.measures,
    )


def _fetching_one(parts: WorkerParts) -> Served:
    hosts, records = parts.crawl.hosts, parts.crawl.fetches
    one = FetchingOne(hosts, records, parts.web, parts.blobs, _policy(parts), parts.measures)
    return {QUEUE: [one.fetch_one]}


def _processor(parts: WorkerParts) -> Processing:
    """One for all queues of a process: they share its children."""
    return Processing(
        parts.crawl.batches,
        parts.crawl.processed,
        parts.blobs,
        partial(_prepare, parts.extractor),
        parts.settings.extraction.extract_children,
    )


def _indexing(parts: WorkerParts) -> Indexing:
    return Indexing(parts.crawl.batches, parts.crawl.settlement)


def _batches(parts: WorkerParts, fetching: Fetching, processing: Processing) -> Served:
    batches = Batches(
        Selection(parts.pool, clock=parts.clock, current=CURRENT),
        BatchRecords(parts.pool, extractor=EXTRACTOR_VERSION),
        parts.blobs,
        Artifacts(parts.pool, parts.clock, MANIFEST),
        Artifacts(parts.pool, parts.clock, OUTCOMES),
        fetching.claim_batch,
        processing,
        _indexing(parts),
    )
    return {
        QUEUE: [batches.select_pages, batches.wind_up],
        QUEUE_PROCESSING: [batches.work_chunk],
        QUEUE_BULK: [batches.select_pages, batches.work_chunk],
    }


def _processing(parts: WorkerParts, processing: Processing) -> Served:
    indexing = _indexing(parts)
    return {
        QUEUE: [indexing.settle_batch],
        QUEUE_PROCESSING: [processing.process_batch],
        QUEUE_BULK: [processing.process_batch, indexing.settle_batch],
    }


def _jobs(parts: WorkerParts) -> Served:
    jobs = Jobs(JobRecords(parts.pool, parts.clock))
    return {QUEUE: [jobs.begin_job, jobs.end_job, jobs.record_pause]}


def _reporting(parts: WorkerParts) -> Served:
    reporting = Reporting(
        Stats(parts.pool, parts.clock),
        parts.blobs,
        Artifacts(parts.pool, parts.clock, REPORT),
        render,
        MEDIA,
    )
    return {QUEUE: [reporting.choose_week, reporting.freeze_days, reporting.make_report]}


def _deduplicating(parts: WorkerParts) -> Served:
    deduplicating = Deduplicating(
        Deduplication(parts.pool, parts.clock),
        parts.blobs,
        Artifacts(parts.pool, parts.clock, OUTCOMES),
    )
    return {
        QUEUE_BULK: [
            deduplicating.describe_scope,
            deduplicating.check_part,
            deduplicating.decide_groups,
            deduplicating.report_groups,
            deduplicating.forget_groups,
        ]
    }


def _rebuilding(parts: WorkerParts) -> Served:
    rebuilding = Rebuilding(
        Rebuilds(parts.pool, parts.clock),
        partial(_analyse, parts.extractor),
        parts.is_open,
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


def _checking(parts: WorkerParts) -> Served:
    hook = parts.settings.monitoring.alert_webhook
    webhook = AlertWebhook(hook.get_secret_value(), parts.client.namespace) if hook else None
    concerns = Concerns(
        database_url=lambda: locate(parts.settings).require_database(),
        client=parts.client,
        blob_location=parts.settings.blob_location,
        s3=s3_access(parts.settings),
        folders=parts.settings.folders,
        clock=parts.clock,
    )
    checking = Checking(concerns, webhook)
    return {QUEUE: [checking.check_concern, checking.tell_health]}


def _upkeep(parts: WorkerParts) -> Served:
    keep = retention(parts.settings)
    others = {"temporary": Temporary(parts.blobs, keep.grace)}
    store = UpkeepStore(parts.pool, parts.clock, keep, parts.blobs.delete, others)
    end_dead_runs = partial(parts.crawl.runs.end_dead_runs, is_open=parts.is_open)
    outcomes = Artifacts(parts.pool, parts.clock, OUTCOMES)
    upkeep = Upkeep(store, parts.blobs, outcomes, end_dead_runs)
    return {
        QUEUE_BULK: [
            upkeep.begin_cleanup,
            upkeep.scan_blobs,
            upkeep.mend_missing,
            upkeep.condemn_blobs,
            upkeep.sweep,
            upkeep.end_cleanup,
        ]
    }


def retention(settings: Settings) -> Retention:
    """What is kept how long."""
    return Retention(
        snapshots=settings.retention.retention_snapshots,
        versions=settings.retention.retention_versions,
        newest_versions=settings.retention.retention_newest_versions,
        tombstones=settings.retention.retention_tombstones,
        pages=settings.retention.retention_pages,
        runs=settings.retention.retention_runs,
        newest_runs=settings.retention.retention_newest_runs,
        ledger=settings.retention.retention_ledger,
        hosts=settings.retention.retention_hosts,
        artifacts=settings.retention.retention_manifests,
        grace=timedelta(hours=settings.retention.cleanup_grace),
    )


async def _prepare(
    pool: ExtractorPool, body: bytes, content_type: str | None, charset: str | None, url: str
) -> Prepared:
    return await pool.prepare(PrepareJob(body, content_type, charset, url))
