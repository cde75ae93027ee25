"""Atlas's own metrics: one table of their names, labels and meanings.

Names are those that Prometheus shows; from OTLP a collector derives the same. Each label has few
values (`source`: at most `NAMED_SOURCES`), never a URL or a host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAMED_SOURCES = 200
"""Sources with series of their own: the most overdue ones, if there are more."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric. Every one also has the label `namespace`, as Temporal's own have."""

    name: str
    unit: str
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def kind(self) -> Literal["counter", "histogram", "gauge"]:
        if self.name.endswith("_total"):
            return "counter"
        return "histogram" if self.buckets else "gauge"

    @property
    def bare(self) -> str:
        """The name given to the SDK, which adds the suffixes for kind and unit."""
        return self.name.removesuffix("_total").removesuffix(
            "_seconds" if self.kind == "histogram" else ""
        )


FETCHES = Instrument(
    "atlas_fetches_total",
    "attempts",
    "attempts to fetch a page: `modified`, `same` (another answer, the settled body), "
    "`not_modified` (304), `redirected` or `failed`, then with the class of the error",
    ("outcome", "error_class"),
)
FETCH_BYTES = Instrument(
    "atlas_fetch_bytes_total", "bytes", "bytes of those response bodies, as sent"
)
FETCH_DURATION = Instrument(
    "atlas_fetch_duration_seconds",
    "seconds",
    "network time of such an attempt, all redirects included, without waiting for the host's turn",
    ("outcome",),
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
HOST_DELAY = Instrument(
    "atlas_host_delay_seconds",
    "seconds",
    "how long a request (for a page, listing or robots.txt) waited for its turn at the host",
    buckets=(0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0),
)
BREAKERS = Instrument(
    "atlas_breaker_opened_total", "times", "how often a host's circuit breaker opened"
)
EXTRACTION_DURATION = Instrument(
    "atlas_extraction_duration_seconds",
    "seconds",
    "time a child process spent on one body: `html`, `text`, `pdf` …; `unknown` if it failed",
    ("media",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
EXTRACTION_FAILURES = Instrument(
    "atlas_extraction_failures_total",
    "documents",
    "bodies from which no text could be extracted, by the code in the page's record",
    ("error_code",),
)
EXTRACTIONS_SPARED = Instrument(
    "atlas_extractions_spared_total",
    "pages",
    "pages whose body changed only in what Atlas does not read: no text was extracted from them",
)
RENDERING_DURATION = Instrument(
    "atlas_rendering_duration_seconds",
    "seconds",
    "time that a page took to be rendered, its turn at the host included: `done`, or `failed`",
    ("outcome",),
    buckets=(0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0),
)
RENDERING_FAILURES = Instrument(
    "atlas_rendering_failures_total",
    "pages",
    "pages that a browser could not render, by the code in the page's record",
    ("error_code",),
)
TRUNCATED = Instrument(
    "atlas_truncated_documents_total",
    "documents",
    "bodies of which a part is missing in the text (`truncated` says which)",
    ("media",),
)
DOCUMENTS = Instrument(
    "atlas_documents_total",
    "pages",
    "pages that runs completed: `added`, `updated`, `unchanged`, `failed`, `skipped` (pages "
    "cut off by a run's limit are not counted)",
    ("outcome",),
)
DUPLICATES = Instrument(
    "atlas_duplicates_total",
    "texts",
    "new texts of pages that duplicate a known text: `exact`, or `near`",
    ("kind",),
)

INDEX_LAG = Instrument(
    "atlas_index_lag_seconds",
    "seconds",
    "age of the oldest page that was fetched but is not yet searchable; 0 if there is none",
)
UNINDEXED = Instrument("atlas_unindexed_pages", "pages", "pages fetched but not yet searchable")
INDEX_BEHIND = Instrument(
    "atlas_search_index_behind_documents",
    "documents",
    "documents that changed and that the search index of an engine has not read yet",
)
INDEX_BEHIND_AGE = Instrument(
    "atlas_search_index_behind_seconds",
    "seconds",
    "age of the first change that this index has not read; 0 if it has read all",
)
INDEX_CURSOR = Instrument(
    "atlas_search_index_cursor", "changes", "number of the change that this index has read last"
)
INDEX_WRITTEN = Instrument(
    "atlas_search_index_written",
    "processes",
    "1 while a process keeps this index in step, 0 while none does or something holds it up",
)
SOURCES = Instrument(
    "atlas_sources",
    "sources",
    "declared sources: `fresh`, `due`, `stale` (past their tolerance) or `paused`",
    ("state",),
)
SOURCE_FRESHNESS = Instrument(
    "atlas_source_freshness_seconds",
    "seconds",
    "time since the source was last collected (or declared, if it never was)",
    ("source",),
)
SOURCE_LATENESS = Instrument(
    "atlas_source_lateness_seconds",
    "seconds",
    "how long the source has been due; 0 while it is not",
    ("source",),
)
SOURCE_TOLERANCE = Instrument(
    "atlas_source_tolerance_seconds",
    "seconds",
    "how long the source may be due before it counts as stale",
    ("source",),
)
SOURCE_OBJECTIVE = Instrument(
    "atlas_source_objective_ratio",
    "ratio",
    "share of its pages that the source's freshness objective wants seen in time, 0 to 1",
    ("source",),
)
SOURCE_ACHIEVED = Instrument(
    "atlas_source_achieved_ratio",
    "ratio",
    "share of its pages that was seen in the time of its objective, as of the last health check",
    ("source",),
)
SOURCE_BURN_RATE = Instrument(
    "atlas_source_burn_rate",
    "times",
    "how many times too fast the source uses up what its objective allows to miss, over an hour "
    "(as many hours as its runs are apart)",
    ("source",),
)
BACKLOG_AGE = Instrument(
    "atlas_backlog_age_seconds",
    "seconds",
    "how long the oldest task of the queue has waited",
    ("task_queue",),
)
BACKLOG_TASKS = Instrument(
    "atlas_backlog_tasks", "tasks", "tasks waiting in the queue", ("task_queue",)
)
POLLERS = Instrument(
    "atlas_queue_pollers",
    "pollers",
    "workers that poll the queue, according to Temporal; for `atlas` the smaller of workflow "
    "and activity pollers",
    ("task_queue",),
)
SLOTS = Instrument(
    "atlas_worker_slots",
    "tasks",
    "how many tasks this worker executes at once at most; `temporal_worker_task_slots_used` is "
    "the current number",
    ("task_queue", "worker_type"),
)
RUNS = Instrument("atlas_open_runs", "runs", "runs: `working` or `paused`", ("state",))
HOSTS_DOWN = Instrument("atlas_hosts_down", "hosts", "hosts whose breaker is open or half open")
PAGES = Instrument("atlas_pages", "pages", "known pages, by lifecycle", ("lifecycle",))
QUARANTINED = Instrument("atlas_quarantined", "pages", "pages whose body cannot be processed")
AUDIT_FINDINGS = Instrument(
    "atlas_audit_findings", "findings", "findings of the last audit that are not repaired"
)
DISK_FREE = Instrument(
    "atlas_disk_free_bytes",
    "bytes",
    "free space on the disk of the `blobs` folder, of the search `index`, or of the embedded "
    "stack's `home`",
    ("place",),
)
DISK_SIZE = Instrument("atlas_disk_size_bytes", "bytes", "size of the same disk", ("place",))
SAMPLED = Instrument(
    "atlas_sampled_timestamp_seconds",
    "seconds",
    "when the worker last sampled `corpus`, `queues` or `pages` without an error, in Unix time",
    ("part",),
)

INSTRUMENTS: tuple[Instrument, ...] = tuple(
    one for one in list(globals().values()) if isinstance(one, Instrument)
)
"""All of them, in the order of this file."""

BUCKETS = {one.bare: one.buckets for one in INSTRUMENTS if one.buckets}
