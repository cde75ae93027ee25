"""Starting Atlas's work: `AtlasClient` for Python programs, `atlas` for people.

What a program needs is here: the client, its handles, every type that it returns, and every error.
Each is imported when it is first named: the client takes 0.5 s.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atlas.contracts.audit_corpus import AuditResult as AuditResult
    from atlas.contracts.audit_corpus import ListedFinding as ListedFinding
    from atlas.contracts.collect import CollectAllResult as CollectAllResult
    from atlas.contracts.collect import CollectResult as CollectResult
    from atlas.contracts.collect import HourlyResult as HourlyResult
    from atlas.contracts.daily_cleanup import CleanupResult as CleanupResult
    from atlas.contracts.deduplicate_documents import DeduplicateResult as DeduplicateResult
    from atlas.contracts.export_corpus import DocumentFilter as DocumentFilter
    from atlas.contracts.export_corpus import ExportResult as ExportResult
    from atlas.contracts.fetch_url import FetchUrlResult as FetchUrlResult
    from atlas.contracts.fetch_url import Hop as Hop
    from atlas.contracts.health import HealthResult as HealthResult
    from atlas.contracts.jobs import Progress as Progress
    from atlas.contracts.models import Counts as Counts
    from atlas.contracts.models import Message as Message
    from atlas.contracts.processing import BatchResult as BatchResult
    from atlas.contracts.processing import ProcessResult as ProcessResult
    from atlas.contracts.purge_documents import PurgeResult as PurgeResult
    from atlas.contracts.push_documents import PushedPage as PushedPage
    from atlas.contracts.push_documents import PushResult as PushResult
    from atlas.contracts.rebuild_index import RebuildResult as RebuildResult
    from atlas.contracts.restore_documents import RestoredPage as RestoredPage
    from atlas.contracts.restore_documents import RestoreResult as RestoreResult
    from atlas.contracts.sync_pipeline import Failure as Failure
    from atlas.contracts.sync_pipeline import SourceOutcome as SourceOutcome
    from atlas.contracts.sync_pipeline import SyncProgress as SyncProgress
    from atlas.contracts.sync_pipeline import SyncResult as SyncResult
    from atlas.contracts.weekly_report import WeeklyResult as WeeklyResult
    from atlas.contracts.work import Limits as Limits
    from atlas.domain.archive_records import ArchiveProblem as ArchiveProblem
    from atlas.domain.chunking.chunk import DocumentChunk as DocumentChunk
    from atlas.domain.exported_chunk import ExportedChunk as ExportedChunk
    from atlas.domain.exported_document import ExportedDocument as ExportedDocument
    from atlas.domain.extraction.extraction_rules import DeclaredRule as DeclaredRule
    from atlas.domain.extraction.extraction_rules import ExtractionRules as ExtractionRules
    from atlas.domain.extraction.extraction_rules import RuleMatch as RuleMatch
    from atlas.domain.extraction.outline import OutlineSection as OutlineSection
    from atlas.domain.extraction.rule_trial import RuleTrial as RuleTrial
    from atlas.domain.extraction.rule_trial import TriedText as TriedText
    from atlas.domain.extraction.stated_metadata import StatedMetadata as StatedMetadata
    from atlas.domain.removal.page_facts import AttemptMade as AttemptMade
    from atlas.domain.removal.page_facts import EvidenceSeen as EvidenceSeen
    from atlas.domain.removal.page_facts import HostNow as HostNow
    from atlas.domain.removal.page_facts import PageFacts as PageFacts
    from atlas.domain.removal.page_facts import RefusedBefore as RefusedBefore
    from atlas.domain.removal.page_facts import RemovalOnHold as RemovalOnHold
    from atlas.domain.removal.page_facts import RuleCount as RuleCount
    from atlas.domain.removal.page_facts import SourceClaim as SourceClaim
    from atlas.domain.removal.page_facts import TextKept as TextKept
    from atlas.domain.removal.page_facts import VisitOfRun as VisitOfRun
    from atlas.domain.removal.page_verdict import PageVerdict as PageVerdict
    from atlas.domain.search.score_explanation import ScoredTerm as ScoredTerm
    from atlas.domain.sources import SourceSpec as SourceSpec
    from atlas.domain.text_diff import DiffPart as DiffPart
    from atlas.domain.texts import TruncatedPage as TruncatedPage
    from atlas.schedules.apply import ScheduleChange as ScheduleChange
    from atlas.schedules.status import ScheduleStatus as ScheduleStatus
    from atlas.settings import Settings as Settings
    from atlas.stores.postgres.changes.change_reader import CorpusChange as CorpusChange
    from atlas.stores.postgres.crawl.pages.documents import CurrentDocument as CurrentDocument
    from atlas.stores.postgres.crawl.pages.documents import Redirects as Redirects
    from atlas.stores.postgres.crawl.pages.page_versions import PageHistory as PageHistory
    from atlas.stores.postgres.crawl.pages.page_versions import PageVersion as PageVersion
    from atlas.stores.postgres.crawl.pages.purged_urls import PurgedAddress as PurgedAddress
    from atlas.stores.postgres.crawl.pages.quarantine import Quarantined as Quarantined
    from atlas.stores.postgres.crawl.runs.refusals import RefusedByRule as RefusedByRule
    from atlas.stores.postgres.crawl.runs.runs import Run as Run
    from atlas.stores.postgres.hosts.manual_limits import Limit as Limit
    from atlas.stores.postgres.hosts.status import HostStatus as HostStatus
    from atlas.stores.postgres.index.generations import GenerationStatus as GenerationStatus
    from atlas.stores.postgres.index.search import FacetValue as FacetValue
    from atlas.stores.postgres.index.search import Hit as Hit
    from atlas.stores.postgres.index.search import LeftOut as LeftOut
    from atlas.stores.postgres.index.search import SearchFacet as SearchFacet
    from atlas.stores.postgres.index.search import SearchPage as SearchPage
    from atlas.stores.postgres.index.search import WordInstead as WordInstead
    from atlas.stores.postgres.reporting.monitoring import PageCounts as PageCounts
    from atlas.stores.postgres.services.catalogue import DocumentVersion as DocumentVersion
    from atlas.stores.postgres.services.catalogue import ListedDocument as ListedDocument
    from atlas.stores.postgres.settlement.held_bodies import HeldBody as HeldBody
    from atlas.stores.postgres.sources.listing_quarantine import (
        QuarantinedListing as QuarantinedListing,
    )
    from atlas.stores.postgres.sources.sources import Lease as Lease
    from atlas.stores.postgres.sources.sources import Source as Source
    from atlas.stores.postgres.sources.sources import SourceSummary as SourceSummary
    from starter.archives import ImportedArchive as ImportedArchive
    from starter.blocking import Blocking as Blocking
    from starter.changes import ChangeStream as ChangeStream
    from starter.client import AtlasClient as AtlasClient
    from starter.corpus import Document as Document
    from starter.document_diff import ComparedVersion as ComparedVersion
    from starter.document_diff import DocumentDiff as DocumentDiff
    from starter.errors import AtlasError as AtlasError
    from starter.errors import Cancelled as Cancelled
    from starter.errors import CannotConnect as CannotConnect
    from starter.errors import DatabaseDown as DatabaseDown
    from starter.errors import DifferentRequest as DifferentRequest
    from starter.errors import ExpiredCursor as ExpiredCursor
    from starter.errors import Failed as Failed
    from starter.errors import InvalidRequest as InvalidRequest
    from starter.errors import InvalidSourcesFile as InvalidSourcesFile
    from starter.errors import NoResult as NoResult
    from starter.errors import NotFound as NotFound
    from starter.errors import NoWorker as NoWorker
    from starter.errors import PlanOutdated as PlanOutdated
    from starter.errors import Refused as Refused
    from starter.errors import SourceBusy as SourceBusy
    from starter.errors import SourceExists as SourceExists
    from starter.errors import SourcePaused as SourcePaused
    from starter.errors import TemporalDown as TemporalDown
    from starter.errors import Terminated as Terminated
    from starter.errors import TimedOut as TimedOut
    from starter.errors import Undetected as Undetected
    from starter.explanation import Explanation as Explanation
    from starter.extraction_preview import PreviewedPage as PreviewedPage
    from starter.extraction_preview import PreviewedRules as PreviewedRules
    from starter.extraction_preview import TriedRules as TriedRules
    from starter.hosts import HostReset as HostReset
    from starter.kept_reports import KeptReport as KeptReport
    from starter.limits import WokenRuns as WokenRuns
    from starter.monitoring.overview import ActivitySeen as ActivitySeen
    from starter.monitoring.overview import AuditSeen as AuditSeen
    from starter.monitoring.overview import HostSeen as HostSeen
    from starter.monitoring.overview import IndexSeen as IndexSeen
    from starter.monitoring.overview import Overview as Overview
    from starter.monitoring.overview import PendingActivity as PendingActivity
    from starter.monitoring.overview import QueueSeen as QueueSeen
    from starter.monitoring.overview import RunSeen as RunSeen
    from starter.monitoring.overview import ScheduleSeen as ScheduleSeen
    from starter.monitoring.overview import SlotsSeen as SlotsSeen
    from starter.monitoring.overview import SourceSeen as SourceSeen
    from starter.monitoring.overview import Untold as Untold
    from starter.monitoring.overview import WorkerSeen as WorkerSeen
    from starter.monitoring.run_progress import Going as Going
    from starter.runs.details import RunDetails as RunDetails
    from starter.runs.handles import FetchHandle as FetchHandle
    from starter.runs.handles import JobHandle as JobHandle
    from starter.runs.handles import SyncHandle as SyncHandle
    from starter.runs.listing import RecordedRun as RecordedRun
    from starter.runs.retry import RetriedRun as RetriedRun
    from starter.runs.terminate import TerminatedRun as TerminatedRun
    from starter.source_files import AppliedSources as AppliedSources
    from starter.source_files import ImportedFeeds as ImportedFeeds
    from starter.source_files import SourceFiles as SourceFiles
    from starter.source_files.costs import PlanCost as PlanCost
    from starter.source_files.costs import SourceCost as SourceCost
    from starter.source_files.opml import FeedsOfFile as FeedsOfFile
    from starter.source_files.opml import RefusedFeed as RefusedFeed
    from starter.source_files.plan import PlannedSource as PlannedSource
    from starter.source_files.plan import RuleChange as RuleChange
    from starter.source_files.plan import SourceFilePlan as SourceFilePlan
    from starter.sources import AddedSource as AddedSource
    from starter.sources import ReleasedListings as ReleasedListings
    from starter.sources import RemovedSource as RemovedSource

# Once more, because type checkers read the imports above and do not run `__getattr__`; a program
# does the opposite. tests/starter/test_exports.py keeps the two alike.
_WHERE = {
    "atlas.contracts.audit_corpus": "AuditResult ListedFinding",
    "atlas.contracts.collect": "CollectAllResult CollectResult HourlyResult",
    "atlas.contracts.daily_cleanup": "CleanupResult",
    "atlas.contracts.deduplicate_documents": "DeduplicateResult",
    "atlas.contracts.export_corpus": "DocumentFilter ExportResult",
    "atlas.contracts.fetch_url": "FetchUrlResult Hop",
    "atlas.contracts.health": "HealthResult",
    "atlas.contracts.jobs": "Progress",
    "atlas.contracts.models": "Counts Message",
    "atlas.contracts.processing": "BatchResult ProcessResult",
    "atlas.contracts.purge_documents": "PurgeResult",
    "atlas.contracts.push_documents": "PushResult PushedPage",
    "atlas.contracts.rebuild_index": "RebuildResult",
    "atlas.contracts.restore_documents": "RestoreResult RestoredPage",
    "atlas.contracts.sync_pipeline": "Failure SourceOutcome SyncProgress SyncResult",
    "atlas.contracts.weekly_report": "WeeklyResult",
    "atlas.contracts.work": "Limits",
    "atlas.domain.extraction.extraction_rules": "DeclaredRule ExtractionRules RuleMatch",
    "atlas.domain.archive_records": "ArchiveProblem",
    "starter.archives": "ImportedArchive",
    "atlas.domain.exported_chunk": "ExportedChunk",
    "atlas.domain.exported_document": "ExportedDocument",
    "atlas.domain.chunking.chunk": "DocumentChunk",
    "atlas.domain.extraction.outline": "OutlineSection",
    "atlas.domain.extraction.stated_metadata": "StatedMetadata",
    "atlas.domain.removal.page_facts": (
        "AttemptMade EvidenceSeen HostNow PageFacts RefusedBefore RemovalOnHold RuleCount "
        "SourceClaim TextKept VisitOfRun"
    ),
    "atlas.domain.removal.page_verdict": "PageVerdict",
    "atlas.domain.extraction.rule_trial": "RuleTrial TriedText",
    "atlas.domain.sources": "SourceSpec",
    "atlas.domain.search.score_explanation": "ScoredTerm",
    "atlas.domain.text_diff": "DiffPart",
    "atlas.domain.texts": "TruncatedPage",
    "atlas.schedules.apply": "ScheduleChange",
    "atlas.schedules.status": "ScheduleStatus",
    "atlas.settings": "Settings",
    "atlas.stores.postgres.changes.change_reader": "CorpusChange",
    "atlas.stores.postgres.crawl.pages.documents": "CurrentDocument Redirects",
    "atlas.stores.postgres.crawl.pages.purged_urls": "PurgedAddress",
    "atlas.stores.postgres.crawl.pages.page_versions": "PageHistory PageVersion",
    "atlas.stores.postgres.crawl.pages.quarantine": "Quarantined",
    "atlas.stores.postgres.crawl.runs.refusals": "RefusedByRule",
    "atlas.stores.postgres.crawl.runs.runs": "Run",
    "atlas.stores.postgres.hosts.manual_limits": "Limit",
    "atlas.stores.postgres.hosts.status": "HostStatus",
    "atlas.stores.postgres.index.generations": "GenerationStatus",
    "atlas.stores.postgres.index.search": (
        "FacetValue Hit LeftOut SearchFacet SearchPage WordInstead"
    ),
    "atlas.stores.postgres.reporting.monitoring": "PageCounts",
    "atlas.stores.postgres.services.catalogue": "DocumentVersion ListedDocument",
    "atlas.stores.postgres.settlement.held_bodies": "HeldBody",
    "atlas.stores.postgres.sources.listing_quarantine": "QuarantinedListing",
    "atlas.stores.postgres.sources.sources": "Lease Source SourceSummary",
    "starter.blocking": "Blocking",
    "starter.changes": "ChangeStream",
    "starter.client": "AtlasClient",
    "starter.corpus": "Document",
    "starter.document_diff": "ComparedVersion DocumentDiff",
    "starter.errors": (
        "AtlasError Cancelled CannotConnect DatabaseDown DifferentRequest ExpiredCursor Failed "
        "InvalidRequest InvalidSourcesFile NoResult NoWorker NotFound PlanOutdated Refused "
        "SourceBusy SourceExists SourcePaused TemporalDown Terminated TimedOut Undetected"
    ),
    "starter.explanation": "Explanation",
    "starter.extraction_preview": "PreviewedPage PreviewedRules TriedRules",
    "starter.hosts": "HostReset",
    "starter.kept_reports": "KeptReport",
    "starter.limits": "WokenRuns",
    "starter.monitoring.overview": (
        "ActivitySeen AuditSeen HostSeen IndexSeen Overview PendingActivity QueueSeen RunSeen "
        "ScheduleSeen "
        "SlotsSeen SourceSeen Untold WorkerSeen"
    ),
    "starter.monitoring.run_progress": "Going",
    "starter.runs.details": "RunDetails",
    "starter.runs.handles": "FetchHandle JobHandle SyncHandle",
    "starter.runs.listing": "RecordedRun",
    "starter.runs.retry": "RetriedRun",
    "starter.runs.terminate": "TerminatedRun",
    "starter.source_files": "AppliedSources ImportedFeeds SourceFiles",
    "starter.source_files.costs": "PlanCost SourceCost",
    "starter.source_files.opml": "FeedsOfFile RefusedFeed",
    "starter.source_files.plan": "PlannedSource RuleChange SourceFilePlan",
    "starter.sources": "AddedSource ReleasedListings RemovedSource",
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names.split()}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
