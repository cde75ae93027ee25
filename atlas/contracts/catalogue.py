"""The workflow types: each with its contracts, its id and an example. Everything that lists them
(the answer to an unknown type, `atlas schema`, `atlas start`, the client, the docs) reads this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from atlas.contracts.audit_corpus import AuditRequest, AuditResult
from atlas.contracts.collect import (
    CollectAllRequest,
    CollectAllResult,
    CollectRequest,
    CollectResult,
    HourlyRequest,
    HourlyResult,
)
from atlas.contracts.daily_cleanup import CleanupRequest, CleanupResult
from atlas.contracts.decide_deletions import DecideDeletionsRequest, DecideDeletionsResult
from atlas.contracts.deduplicate_documents import DeduplicateRequest, DeduplicateResult
from atlas.contracts.export_corpus import ExportRequest, ExportResult
from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult
from atlas.contracts.health import HealthRequest, HealthResult
from atlas.contracts.models import Message, Request
from atlas.contracts.names import (
    collect_workflow_id,
    dedup_workflow_id,
    digest_of,
    fetch_workflow_id,
    sync_request_id,
)
from atlas.contracts.priorities import EARLY, FIRST, LATE, NORMAL
from atlas.contracts.processing import (
    BatchRequest,
    BatchResult,
    ProcessRequest,
    ProcessResult,
)
from atlas.contracts.purge_documents import PurgeRequest, PurgeResult
from atlas.contracts.push_documents import PushRequest, PushResult
from atlas.contracts.rebuild_index import RebuildRequest, RebuildResult
from atlas.contracts.restore_documents import RestoreRequest, RestoreResult
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from atlas.contracts.weekly_report import WeeklyRequest, WeeklyResult


@dataclass(frozen=True, slots=True)
class WorkflowType:
    """One public workflow type."""

    name: str
    request: type[Request]
    result: type[Message]
    purpose: str
    """One line."""
    example: dict[str, Any]
    """The smallest sensible input."""
    workflow_id: Callable[[Any], str]
    """The id under which equal requests meet; never with a URL in it, since ids are not encrypted.
    Given the request."""
    priority: int = NORMAL
    """When a person starts it; but for `health_check`, schedules start with NORMAL or later."""
    brief: bool = False
    """It takes moments, and cannot be paused."""

    @property
    def bulk(self) -> bool:
        """Whether its work is done on the queue `atlas-bulk`."""
        return self.priority >= LATE


def _batch_id(request: BatchRequest) -> str:
    """Two batches of the same selection do not run at once."""
    selection = request.model_dump_json(
        include={"pages", "urls", "query", "manifest", "failed_of"}, exclude_none=True
    )
    return f"batch_process:{digest_of(selection)}"


def _process_id(request: ProcessRequest) -> str:
    named = request.url or request.snapshot or str(request.page)
    return f"process_document:{digest_of(named)}"


def _purge_id(request: PurgeRequest) -> str:
    """By what is chosen: never with an address in it."""
    chosen = sorted(request.urls or [request.source or request.host or ""])
    dry = ":dry" if request.dry_run else ""
    return f"purge_documents:{digest_of(*chosen)}{dry}"


def _export_id(request: ExportRequest) -> str:
    """By the place: two exports do not write there at once. Never with its name in it, which may
    say what is in the corpus."""
    return f"export_corpus:{digest_of(request.to)}"


def _deletions_id(request: DecideDeletionsRequest) -> str:
    """A name may begin a run's id, and URLs stay out: a digest of all."""
    return f"decide_deletions:{digest_of(request.of, *sorted(set(request.urls)))}"


def _restore_id(request: RestoreRequest) -> str:
    """Two restores of the same pages do not run at once; a dry run is another run."""
    selection = request.model_dump_json(
        include={"urls", "run", "source", "since", "version"}, exclude_none=True
    )
    return f"restore_documents:{digest_of(selection)}{':dry' if request.dry_run else ''}"


def _push_id(request: PushRequest) -> str:
    """Two pushes of the same documents do not run at once; other bodies are another push. URLs stay
    out: a digest of all."""
    given = request.model_dump_json(exclude={"trigger"}, exclude_none=True)
    return f"push_documents:{digest_of(given)}"


def _collect_all_id(request: CollectAllRequest) -> str:
    """The id of a `collect_all_sources`: one for all sources, one for those that are due, and one
    for each selection."""
    which = [*sorted(set(request.sources)), "tags", *sorted(set(request.tags))]
    chosen = f":{digest_of(*which)[:8]}" if len(which) > 1 else ""
    return f"collect_all_sources{chosen}{':due' if request.due else ''}"


_TYPES = (
    WorkflowType(
        "audit_corpus",
        AuditRequest,
        AuditResult,
        "Check that rows, bodies and index agree, and repair what does not",
        {},
        lambda request: "audit_corpus:full" if request.full else "audit_corpus",
        LATE,
    ),
    WorkflowType(
        "batch_process",
        BatchRequest,
        BatchResult,
        "Process any number of stored documents again, without fetching",
        {"query": {}},
        _batch_id,
        LATE,
    ),
    WorkflowType(
        "daily_cleanup",
        CleanupRequest,
        CleanupResult,
        "Delete data past its retention, and compare blobs with rows",
        {},
        lambda request: "daily_cleanup:dry" if request.dry_run else "daily_cleanup",
        LATE,
    ),
    WorkflowType(
        "decide_deletions",
        DecideDeletionsRequest,
        DecideDeletionsResult,
        "Approve or reject removals that runs held",
        {"of": "docs", "decision": "approve"},
        _deletions_id,
        FIRST,
        brief=True,
    ),
    WorkflowType(
        "deduplicate_documents",
        DeduplicateRequest,
        DeduplicateResult,
        "Find duplicate documents, and mark all but one of each group",
        {},
        lambda request: dedup_workflow_id(request.sources),
        LATE,
    ),
    WorkflowType(
        "fetch_url",
        FetchUrlRequest,
        FetchUrlResult,
        "Get one URL now",
        {"url": "https://example.org/"},
        lambda request: fetch_workflow_id(digest_of(request.url)),
        FIRST,
        brief=True,
    ),
    WorkflowType(
        "health_check",
        HealthRequest,
        HealthResult,
        "Check every part with a timed round trip, and report what changed",
        {},
        lambda request: "health_check",
        FIRST,
        brief=True,
    ),
    WorkflowType(
        "process_document",
        ProcessRequest,
        ProcessResult,
        "Process one stored document now, without fetching",
        {"url": "https://example.org/"},
        _process_id,
        FIRST,
    ),
    WorkflowType(
        "rebuild_index",
        RebuildRequest,
        RebuildResult,
        "Rebuild the search index while the old one serves, then switch",
        {},
        lambda request: "rebuild_index:rollback" if request.rollback else "rebuild_index",
        LATE,
    ),
    WorkflowType(
        "restore_documents",
        RestoreRequest,
        RestoreResult,
        "Bring back what left or was replaced, from its versions, without fetching",
        {"urls": ["https://example.org/"]},
        _restore_id,
        EARLY,
    ),
    WorkflowType(
        "sync_pipeline",
        SyncRequest,
        SyncResult,
        "Bring the corpus in step with one source, several, or all",
        {"sources": ["docs"]},
        lambda request: sync_request_id(request.sources, all=request.all, tags=request.tags),
        EARLY,
    ),
    WorkflowType(
        "collect_from_source",
        CollectRequest,
        CollectResult,
        "Find a source's pages and fetch them",
        {"source": "docs"},
        lambda request: collect_workflow_id(request.source),
        EARLY,
    ),
    WorkflowType(
        "collect_all_sources",
        CollectAllRequest,
        CollectAllResult,
        "Collect all sources, or those that are named, tagged or due",
        {},
        _collect_all_id,
    ),
    WorkflowType(
        "hourly_collection",
        HourlyRequest,
        HourlyResult,
        "Sync the sources that are due and have no schedule of their own",
        {},
        lambda _: "hourly_collection",
    ),
    WorkflowType(
        "weekly_report",
        WeeklyRequest,
        WeeklyResult,
        "Report on one ISO week, against the week before",
        {},
        lambda request: f"weekly_report:{request.week}" if request.week else "weekly_report",
    ),
    WorkflowType(
        "push_documents",
        PushRequest,
        PushResult,
        "Take over documents that Atlas does not fetch, or withdraw them",
        {"withdraw": ["https://example.org/"]},
        _push_id,
        FIRST,
    ),
    WorkflowType(
        "purge_documents",
        PurgeRequest,
        PurgeResult,
        "Erase pages with every trace of them, and keep them away",
        {"urls": ["https://example.org/"]},
        _purge_id,
        LATE,
    ),
    WorkflowType(
        "export_corpus",
        ExportRequest,
        ExportResult,
        "Write the documents to a file, a folder or a bucket",
        {"to": "/var/lib/atlas/exports/corpus"},
        _export_id,
        LATE,
    ),
)

WORKFLOWS: dict[str, WorkflowType] = {each.name: each for each in _TYPES}
