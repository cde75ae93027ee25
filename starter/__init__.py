"""Starting Atlas's work: `AtlasClient` for Python programs, `atlas` for people.

What a program needs is here: the client, its handles, the models of requests, results and
progress, and every error. Each is imported when it is first named: the client takes 0.5 s.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atlas.contracts.collect import CollectAllResult as CollectAllResult
    from atlas.contracts.collect import CollectResult as CollectResult
    from atlas.contracts.collect import HourlyResult as HourlyResult
    from atlas.contracts.daily_cleanup import CleanupResult as CleanupResult
    from atlas.contracts.deduplicate_documents import DeduplicateResult as DeduplicateResult
    from atlas.contracts.fetch_url import FetchUrlResult as FetchUrlResult
    from atlas.contracts.health import HealthResult as HealthResult
    from atlas.contracts.jobs import Progress as Progress
    from atlas.contracts.models import Counts as Counts
    from atlas.contracts.processing import BatchResult as BatchResult
    from atlas.contracts.processing import ProcessResult as ProcessResult
    from atlas.contracts.rebuild_index import RebuildResult as RebuildResult
    from atlas.contracts.sync_pipeline import Failure as Failure
    from atlas.contracts.sync_pipeline import SyncProgress as SyncProgress
    from atlas.contracts.sync_pipeline import SyncResult as SyncResult
    from atlas.contracts.weekly_report import WeeklyResult as WeeklyResult
    from atlas.contracts.work import Limits as Limits
    from atlas.domain.sources import SourceSpec as SourceSpec
    from atlas.settings import Settings as Settings
    from starter.blocking import Blocking as Blocking
    from starter.client import AtlasClient as AtlasClient
    from starter.client import RecordedRun as RecordedRun
    from starter.corpus import Document as Document
    from starter.errors import AtlasError as AtlasError
    from starter.errors import Cancelled as Cancelled
    from starter.errors import CannotConnect as CannotConnect
    from starter.errors import DatabaseDown as DatabaseDown
    from starter.errors import DifferentRequest as DifferentRequest
    from starter.errors import Failed as Failed
    from starter.errors import InvalidRequest as InvalidRequest
    from starter.errors import NoResult as NoResult
    from starter.errors import NotFound as NotFound
    from starter.errors import NoWorker as NoWorker
    from starter.errors import Refused as Refused
    from starter.errors import SourceBusy as SourceBusy
    from starter.errors import SourceExists as SourceExists
    from starter.errors import SourcePaused as SourcePaused
    from starter.errors import TemporalDown as TemporalDown
    from starter.errors import Terminated as Terminated
    from starter.errors import TimedOut as TimedOut
    from starter.errors import Undetected as Undetected
    from starter.runs.kinds import FetchHandle as FetchHandle
    from starter.runs.kinds import JobHandle as JobHandle
    from starter.runs.kinds import SyncHandle as SyncHandle

_WHERE = {
    "atlas.contracts.collect": ("CollectAllResult", "CollectResult", "HourlyResult"),
    "atlas.contracts.daily_cleanup": ("CleanupResult",),
    "atlas.contracts.deduplicate_documents": ("DeduplicateResult",),
    "atlas.contracts.fetch_url": ("FetchUrlResult",),
    "atlas.contracts.health": ("HealthResult",),
    "atlas.contracts.jobs": ("Progress",),
    "atlas.contracts.models": ("Counts",),
    "atlas.contracts.processing": ("BatchResult", "ProcessResult"),
    "atlas.contracts.rebuild_index": ("RebuildResult",),
    "atlas.contracts.sync_pipeline": ("Failure", "SyncProgress", "SyncResult"),
    "atlas.contracts.weekly_report": ("WeeklyResult",),
    "atlas.contracts.work": ("Limits",),
    "atlas.domain.sources": ("SourceSpec",),
    "atlas.settings": ("Settings",),
    "starter.blocking": ("Blocking",),
    "starter.client": ("AtlasClient", "RecordedRun"),
    "starter.errors": (
        "AtlasError",
        "Cancelled",
        "CannotConnect",
        "DatabaseDown",
        "DifferentRequest",
        "Failed",
        "InvalidRequest",
        "NoResult",
        "NoWorker",
        "NotFound",
        "Refused",
        "SourceBusy",
        "SourcePaused",
        "SourceExists",
        "TemporalDown",
        "Terminated",
        "TimedOut",
        "Undetected",
    ),
    "starter.runs.kinds": ("FetchHandle", "JobHandle", "SyncHandle"),
    "starter.corpus": ("Document",),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
