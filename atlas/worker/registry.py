"""Which workflows and activities a worker serves on which task queue, one function per concern."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeAlias

from activities.audits import Auditing
from activities.batches import Batches
from activities.browsers import Browsers
from activities.cleanup import Temporary, Upkeep
from activities.dedup import Deduplicating
from activities.deletions import Deletions
from activities.discovery import Discovery
from activities.exports import Exporting
from activities.fetch_batch import Fetching, FetchPolicy
from activities.fetch_url import FetchingOne, RenderingOne
from activities.health import Checking
from activities.index_rebuild import Rebuilding
from activities.processing import Processing
from activities.purges import Purging
from activities.pushes import Pushing
from activities.rendering import BrowserLookout, Rendering
from activities.reporting import Reporting
from activities.restores import Restoring
from activities.runs import Jobs, Running
from activities.settling import Indexing
from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING, QUEUE_RENDERING
from atlas.domain.errors import Retries
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.domain.retention import Retention
from atlas.domain.texts import EXTRACTOR_VERSION
from atlas.formats.export_formats import ExportFormats
from atlas.health.catalogue import Concerns
from atlas.health.queues import whole_state
from atlas.health.webhook import AlertWebhook
from atlas.locations import locate, s3_access
from atlas.reports.media import MEDIA
from atlas.settings import Settings
from atlas.stores.postgres.crawl.bodies.artifacts import MANIFEST, OUTCOMES, REPORT, Artifacts
from atlas.stores.postgres.crawl.runs.batch_records import BatchRecords
from atlas.stores.postgres.crawl.runs.batch_selection import Selection
from atlas.stores.postgres.crawl.runs.restore_selection import RestoreSelection
from atlas.stores.postgres.crawl.runs.runs import JobRecords
from atlas.stores.postgres.reporting.history import Stats
from atlas.stores.postgres.services import index_follower
from atlas.stores.postgres.services.audits import AuditStore
from atlas.stores.postgres.services.cleanup import UpkeepStore
from atlas.stores.postgres.services.deduplication import Deduplication
from atlas.stores.postgres.services.deletions import DeletionDecisions
from atlas.stores.postgres.services.export_runs import ExportStore
from atlas.stores.postgres.services.index_rebuild import Rebuilds
from atlas.stores.postgres.services.purges import PurgeStore
from atlas.stores.postgres.services.pushes import PushStore
from atlas.stores.postgres.services.restores import Restores
from atlas.stores.targets.export_target import open_target
from atlas.text.children.pool import ExtractorPool
from atlas.web.listings import read_listing
from atlas.worker.bucket_sources import PageFetcher, list_bucket
from atlas.worker.chunk_cutter import ChunkCutter
from atlas.worker.listing_parser import parsed
from atlas.worker.resources import WorkerParts
from workflows.audit_corpus import AuditCorpus
from workflows.batch_process import BatchProcess
from workflows.collect_all_sources import CollectAllSources
from workflows.collect_from_source import CollectFromSource
from workflows.daily_cleanup import DailyCleanup
from workflows.decide_deletions import DecideDeletionsRun
from workflows.deduplicate_documents import DeduplicateDocuments
from workflows.export_corpus import ExportCorpus
from workflows.fetch_url import FetchUrl
from workflows.guards import UnknownWorkflow
from workflows.health_check import HealthCheck
from workflows.hourly_collection import HourlyCollection
from workflows.process_document import ProcessDocument
from workflows.purge_documents import PurgeDocuments
from workflows.push_documents import PushDocuments
from workflows.rebuild_index import RebuildIndex
from workflows.restore_documents import RestoreDocuments
from workflows.sync_pipeline import SyncPipeline
from workflows.weekly_report import WeeklyReport

if TYPE_CHECKING:
    from atlas.domain.daily_figures import FrozenWeeks
    from atlas.domain.similarity.sketches import Sketch
    from atlas.reports.rendering import Rendered
    from atlas.stores.postgres.services.index_follower import UntilFound
    from atlas.web.browser.renderer import PageRenderer

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
    DecideDeletionsRun,
    RestoreDocuments,
    AuditCorpus,
    PurgeDocuments,
    PushDocuments,
    ExportCorpus,
    UnknownWorkflow,
)
"""All are served on the queue `atlas`."""

Activity: TypeAlias = Callable[..., Any]


def activities(parts: WorkerParts) -> dict[str, list[Activity]]:
    """Every activity by task queue."""
    fetching, processing, indexing = _fetching(parts), _processing(parts), _indexing(parts)
    batches, rebuilding = _batches(parts, fetching, processing, indexing), _rebuilding(parts)
    restoring = _restoring(parts, fetching, batches)
    pushing = _pushing(parts, fetching, batches, processing)
    return {
        QUEUE: [
            *_all_of(_running(parts)),
            *_all_of(_discovery(parts)),
            *_all_of(fetching),
            *_all_of(_fetching_one(parts)),
            *_all_of(indexing),
            *_all_of(Jobs(JobRecords(parts.pool, parts.clock), _until_found(parts))),
            *_all_of(Deletions(DeletionDecisions(parts.pool, parts.clock))),
            *_all_of(_reporting(parts)),
            *_all_of(_checking(parts)),
            *_all_of(_lookout(parts)),
            batches.select_pages,
            batches.wind_up,
            restoring.select_restores,
            restoring.end_restore,
            pushing.accept_push,
            pushing.end_push,
            # It takes a moment, and must not wait behind bulk work.
            rebuilding.switch_generation,
        ],
        QUEUE_PROCESSING: [
            processing.process_batch,
            batches.work_chunk,
            restoring.restore_chunk,
            pushing.push_chunk,
        ],
        QUEUE_BULK: [
            *_all_of(processing),
            *_all_of(indexing),
            batches.select_pages,
            batches.work_chunk,
            *_all_of(_deduplicating(parts)),
            *(each for each in _all_of(rebuilding) if each != rebuilding.switch_generation),
            *_all_of(_upkeep(parts)),
            *_all_of(_auditing(parts)),
            *_all_of(Purging(_purges(parts), parts.blobs)),
            *_all_of(_exporting(parts)),
        ],
        QUEUE_RENDERING: _rendering(parts, parts.renderer) if parts.renderer else [],
    }


def _all_of(concern: object) -> list[Activity]:
    """The activities of a concern: all its public coroutines. A worker does not start with one
    that is no activity."""
    return [
        getattr(concern, name)
        for name, method in vars(type(concern)).items()
        if iscoroutinefunction(method) and not name.startswith("_")
    ]


def _running(parts: WorkerParts) -> Running:
    crawl = parts.crawl
    until_found = _until_found(parts)
    return Running(crawl.plans, crawl.runs, crawl.listing, parts.is_open, until_found)


def _until_found(parts: WorkerParts) -> UntilFound:
    return partial(index_follower.until_found, parts.pool)


def _discovery(parts: WorkerParts) -> Discovery:
    crawl = parts.crawl
    read = partial(read_listing, parts.web, partial(parsed, parts.extractor))
    return Discovery(
        crawl.runs,
        crawl.listing,
        crawl.batches,
        crawl.hosts,
        read,
        partial(list_bucket, parts.files),
        parts.web.credential_origins,
    )


def _fetching(parts: WorkerParts) -> Fetching:
    crawl = parts.crawl
    return Fetching(
        crawl.runs,
        crawl.batches,
        crawl.hosts,
        crawl.fetches,
        PageFetcher(parts.web, parts.files),
        parts.blobs,
        _policy(parts),
        parts.clock,
        parts.is_open,
        parts.measures,
    )


def _rendering(parts: WorkerParts, renderer: PageRenderer) -> list[Activity]:
    crawl, settings = parts.crawl, parts.settings
    browsers = Browsers(
        renderer, parts.blobs, crawl.fetches.announce_blob, settings.rendering.render_browsers
    )
    of_batches = Rendering(
        crawl.runs, crawl.batches, crawl.hosts, crawl.fetches, browsers, parts.measures
    )
    of_one = RenderingOne(
        crawl.hosts,
        crawl.fetches,
        browsers,
        _policy(parts),
        parts.web.credential_origins,
        parts.blobs,
        partial(_prepare, parts.extractor),
        parts.measures,
    )
    return [*_all_of(of_batches), *_all_of(of_one)]


def _lookout(parts: WorkerParts) -> BrowserLookout:
    return BrowserLookout(parts.crawl.batches, parts.crawl.fetches, partial(_served, parts))


async def _served(parts: WorkerParts) -> bool:
    """Whether some worker has a browser."""
    return (await whole_state(parts.client, QUEUE_RENDERING)).pollers > 0


def _fetching_one(parts: WorkerParts) -> FetchingOne:
    return FetchingOne(
        parts.crawl.hosts,
        parts.crawl.fetches,
        parts.web,
        parts.blobs,
        _policy(parts),
        partial(_prepare, parts.extractor),
        parts.measures,
    )


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


def _processing(parts: WorkerParts) -> Processing:
    """One for all queues of a process: they share its children."""
    return Processing(
        parts.crawl.batches,
        parts.crawl.processed,
        parts.blobs,
        partial(_prepare_new, parts.extractor),
        parts.settings.extraction.extract_children,
        parts.clock,
    )


async def _prepare_new(pool: ExtractorPool, job: PrepareJob) -> Prepared | None:
    return await pool.prepare_new(job)


async def _prepare(pool: ExtractorPool, job: PrepareJob) -> Prepared:
    return await pool.prepare(job)


def _indexing(parts: WorkerParts) -> Indexing:
    return Indexing(parts.crawl.batches, parts.crawl.settlement)


def _batches(
    parts: WorkerParts, fetching: Fetching, processing: Processing, indexing: Indexing
) -> Batches:
    return Batches(
        Selection(parts.pool, clock=parts.clock, extractor=EXTRACTOR_VERSION),
        BatchRecords(parts.pool, extractor=EXTRACTOR_VERSION),
        parts.blobs,
        Artifacts(parts.pool, parts.clock, MANIFEST),
        Artifacts(parts.pool, parts.clock, OUTCOMES),
        fetching.claim_batch,
        processing,
        indexing,
    )


def _restoring(parts: WorkerParts, fetching: Fetching, batches: Batches) -> Restoring:
    return Restoring(
        RestoreSelection(parts.pool, parts.clock),
        Restores(parts.pool, parts.clock, parts.measures),
        parts.crawl.batches,
        batches,
        fetching.claim_batch,
        _sketch_aside,
    )


def _pushing(
    parts: WorkerParts, fetching: Fetching, batches: Batches, processing: Processing
) -> Pushing:
    most = parts.settings.fetch.fetch_max_bytes
    return Pushing(
        PushStore(parts.pool, parts.clock, most, parts.measures),
        parts.crawl.batches,
        parts.crawl.settlement,
        batches,
        fetching.claim_batch,
        processing,
    )


async def _sketch_aside(text: str) -> Sketch:
    return await asyncio.to_thread(_sketch, text)


def _sketch(text: str) -> Sketch:
    from atlas.domain.similarity.near_duplicates import sketch  # numpy: not when idle

    return sketch(text)


def _reporting(parts: WorkerParts) -> Reporting:
    stats = Stats(parts.pool, parts.clock)
    reports = Artifacts(parts.pool, parts.clock, REPORT)
    return Reporting(stats, parts.blobs, reports, _render, MEDIA)


def _render(frozen: FrozenWeeks) -> Rendered:
    from atlas.reports.rendering import render  # Jinja2: once a week

    return render(frozen)


def _deduplicating(parts: WorkerParts) -> Deduplicating:
    outcomes = Artifacts(parts.pool, parts.clock, OUTCOMES)
    return Deduplicating(Deduplication(parts.pool, parts.clock), parts.blobs, outcomes)


def _rebuilding(parts: WorkerParts) -> Rebuilding:
    rebuilds = Rebuilds(parts.pool, parts.clock, parts.index, parts.extractor.index_parts)
    return Rebuilding(rebuilds, parts.is_open)


def _checking(parts: WorkerParts) -> Checking:
    hook = parts.settings.monitoring.alert_webhook
    webhook = AlertWebhook(hook.get_secret_value(), parts.client.namespace) if hook else None
    concerns = Concerns(
        database_url=lambda: locate(parts.settings).require_database(),
        client=parts.client,
        blob_location=parts.settings.blob_location,
        s3=s3_access(parts.settings),
        folders=parts.settings.folders,
        clock=parts.clock,
        settings=parts.settings,
        sampling=True,
    )
    return Checking(concerns, webhook)


def _upkeep(parts: WorkerParts) -> Upkeep:
    keep = retention(parts.settings)
    others = {"temporary": Temporary(parts.blobs, keep.grace)}
    store = UpkeepStore(parts.pool, parts.clock, keep, parts.blobs.delete, others)
    end_dead_runs = partial(parts.crawl.runs.end_dead_runs, is_open=parts.is_open)
    outcomes = Artifacts(parts.pool, parts.clock, OUTCOMES)
    return Upkeep(store, parts.blobs, outcomes, end_dead_runs)


def _auditing(parts: WorkerParts) -> Auditing:
    return Auditing(
        AuditStore(parts.pool, parts.clock, retention(parts.settings), parts.index),
        parts.blobs,
        Artifacts(parts.pool, parts.clock, OUTCOMES),
        partial(_prepare, parts.extractor),
    )


def _purges(parts: WorkerParts) -> PurgeStore:
    return PurgeStore(parts.pool, parts.clock, parts.blobs.delete, parts.index)


def _exporting(parts: WorkerParts) -> Exporting:
    open_there = partial(open_target, s3=s3_access(parts.settings))
    store = ExportStore(parts.pool, parts.clock)
    cutter = ChunkCutter(parts.extractor)
    return Exporting(store, open_there, ExportFormats(), parts.blobs.get, cutter)


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
        freshness=settings.retention.retention_freshness,
        artifacts=settings.retention.retention_manifests,
        changes=settings.retention.retention_changes,
        grace=timedelta(hours=settings.retention.cleanup_grace),
    )
